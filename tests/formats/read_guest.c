/* SPDX-License-Identifier: MIT */
/* read_guest [-f FMT] IMAGE OUT: writes what a guest reads from IMAGE, and knows it from the map alone: plain bytes are
 * copied from where the map says, compressed clusters are asked for and expanded, zeroes stay holes of OUT.
 * Exit status: 0 done, 1 failed, 2 usage, 4 encrypted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "chain/map.h"
#include "content/inflate.h"

enum { EXIT_USAGE = 2, EXIT_ENCRYPTED = 4, COPY_BYTES = 1 << 20 };

/* More than any format's compressed cluster, packed or not. */
#define MAX_CLUSTER_BYTES (INT64_C(256) << 20)

struct reader {
    const struct ia_chain *chain;
    int out;
    uint8_t *buffer; /* COPY_BYTES */
};

static enum ia_status write_at(int fd, const uint8_t *bytes, int64_t len, int64_t at, struct ia_error *err)
{
    while (len > 0) {
        ssize_t done = pwrite(fd, bytes, (size_t)len, at);
        if (done <= 0)
            return ia_fail_errno(err, errno, "cannot write %jd bytes at %jd", (intmax_t)len, (intmax_t)at);
        bytes += done;
        len -= done;
        at += done;
    }
    return IA_OK;
}

/* The file of a layer that the map calls `filename`. */
static struct ia_source *source_of(const struct ia_layer *layer, const char *filename)
{
    if (filename == layer->name)
        return ia_image_source(layer->image, 0);
    for (uint32_t i = 0; i < layer->part_names.len; i++)
        if (filename == layer->part_names.items[i])
            return ia_image_source(layer->image, i + 1);
    return NULL;
}

static enum ia_status copy_plain(const struct reader *reader, const struct ia_map_entry *entry, struct ia_error *err)
{
    struct ia_source *source = source_of(&reader->chain->layers.items[entry->depth], entry->filename);
    if (source == NULL)
        return ia_fail(err, IA_BUG, "depth %u has no file '%s'", entry->depth, entry->filename);
    enum ia_status status = IA_OK;
    for (int64_t done = 0; status == IA_OK && done < entry->length;) {
        int64_t piece = ia_min(entry->length - done, COPY_BYTES);
        status = ia_source_read(source, entry->offset + done, reader->buffer, (size_t)piece, "data", err);
        if (status == IA_OK)
            status = write_at(reader->out, reader->buffer, piece, entry->start + done, err);
        done += piece;
    }
    return status;
}

static enum ia_status check_cluster(const struct ia_compressed_cluster *cluster, int64_t at, struct ia_error *err)
{
    if (cluster->length <= 0 || cluster->start > at || cluster->length <= at - cluster->start)
        return ia_fail(err, IA_BUG, "compressed cluster [%jd, +%jd) for guest byte %jd", (intmax_t)cluster->start,
                       (intmax_t)cluster->length, (intmax_t)at);
    if (cluster->length > MAX_CLUSTER_BYTES || cluster->host_length > MAX_CLUSTER_BYTES)
        return ia_fail(err, IA_LIMIT, "compressed cluster of %jd bytes, %jd expanded", (intmax_t)cluster->host_length,
                       (intmax_t)cluster->length);
    return IA_OK;
}

/* Copies the part of an expanded cluster that lies inside the entry. */
static enum ia_status copy_cluster(const struct reader *reader, const struct ia_map_entry *entry, int64_t at,
                                   const struct ia_compressed_cluster *cluster, struct ia_error *err)
{
    struct ia_image *image = reader->chain->layers.items[entry->depth].image;
    IA_AUTO_FREE uint8_t *packed = malloc((size_t)cluster->host_length + 1);
    IA_AUTO_FREE uint8_t *plain = malloc((size_t)cluster->length);
    if (packed == NULL || plain == NULL)
        return ia_no_memory(err);
    enum ia_status status = ia_source_read(ia_image_source(image, cluster->file), cluster->offset, packed,
                                           (size_t)cluster->host_length, "compressed bytes", err);
    size_t produced = 0;
    if (status == IA_OK)
        status = ia_inflate(cluster->codec, packed, (size_t)cluster->host_length, plain, (size_t)cluster->length,
                            &produced, err);
    if (status != IA_OK)
        return status;
    int64_t end = ia_min(cluster->start + cluster->length, entry->start + entry->length);
    if ((int64_t)produced < end - cluster->start)
        return ia_fail(err, IA_CORRUPT, "compressed cluster at guest byte %jd has %zu bytes and should have %jd",
                       (intmax_t)cluster->start, produced, (intmax_t)(end - cluster->start));
    return write_at(reader->out, plain + (at - cluster->start), end - at, at, err);
}

static enum ia_status copy_compressed(const struct reader *reader, const struct ia_map_entry *entry,
                                      struct ia_error *err)
{
    struct ia_image *image = reader->chain->layers.items[entry->depth].image;
    int64_t at = entry->start;
    while (at < entry->start + entry->length) {
        struct ia_compressed_cluster cluster;
        enum ia_status status = ia_image_find_compressed(image, 0, at, &cluster, err);
        if (status == IA_OK)
            status = check_cluster(&cluster, at, err);
        if (status == IA_OK)
            status = copy_cluster(reader, entry, at, &cluster, err);
        if (status != IA_OK)
            return status;
        at = cluster.start + cluster.length;
    }
    return IA_OK;
}

/* *encrypted: there are bytes that nobody can read without a key. */
static enum ia_status copy_entry(const struct reader *reader, const struct ia_map_entry *entry, bool *encrypted,
                                 struct ia_error *err)
{
    if (entry->zero)
        return IA_OK;
    if (entry->compressed)
        return copy_compressed(reader, entry, err);
    if (entry->offset != IA_NO_OFFSET)
        return copy_plain(reader, entry, err);
    *encrypted = true;
    return ia_fail(err, IA_UNSUPPORTED, "guest bytes [%jd, +%jd) are encrypted", (intmax_t)entry->start,
                   (intmax_t)entry->length);
}

static enum ia_status copy_map(const struct reader *reader, struct ia_map *map, bool *encrypted, struct ia_error *err)
{
    for (;;) {
        struct ia_map_entry entry;
        bool have = false;
        enum ia_status status = ia_map_next(map, &entry, &have, err);
        if (status == IA_OK && have)
            status = copy_entry(reader, &entry, encrypted, err);
        if (status != IA_OK || !have)
            return status;
    }
}

static enum ia_status read_chain(const struct ia_chain *chain, const char *out, bool *encrypted, struct ia_error *err)
{
    IA_AUTO_CLOSE int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    IA_AUTO_FREE uint8_t *buffer = malloc(COPY_BYTES);
    if (buffer == NULL)
        return ia_no_memory(err);
    if (fd < 0 || ftruncate(fd, chain->layers.items[0].image->facts.virtual_size) != 0)
        return ia_fail_errno(err, errno, "cannot make '%s'", out);
    struct ia_map *map = NULL;
    const struct reader reader = {.chain = chain, .out = fd, .buffer = buffer};
    enum ia_status status = ia_map_open(chain, 0, INT64_MAX, &map, err);
    if (status == IA_OK)
        status = copy_map(&reader, map, encrypted, err);
    ia_map_close(map);
    return status;
}

static int run(const char *image, const char *format, const char *out)
{
    const struct ia_chain_options how = {.format = format, .limits = &ia_default_limits};
    struct ia_chain chain;
    struct ia_error err;
    bool encrypted = false;
    enum ia_status status = ia_chain_open(image, &how, &chain, &err);
    if (status == IA_OK) {
        status = read_chain(&chain, out, &encrypted, &err);
        ia_chain_release(&chain);
    }
    if (status == IA_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "read_guest: %s: %s\n", image, err.message);
    return encrypted ? EXIT_ENCRYPTED : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *format = NULL;
    int c;
    while ((c = getopt(argc, argv, "f:")) == 'f')
        format = optarg;
    if (c != -1 || optind != argc - 2) {
        fprintf(stderr, "Usage: read_guest [-f FMT] IMAGE OUT\n");
        return EXIT_USAGE;
    }
    return run(argv[optind], format, argv[optind + 1]);
}
