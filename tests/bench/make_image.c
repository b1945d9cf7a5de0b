/* SPDX-License-Identifier: MIT */
/* Makes a qcow2 image of which only the tables are written; the data clusters are a hole of the file. The file is
 * written from front to back: header, refcount table, refcount blocks, L1 table, L2 tables, data. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image_layout.h"

static const char help[] =
    "Usage: make_image [OPTION]... FILE\n"
    "Make a qcow2 image of tables only; its data clusters are a hole of FILE.\n\n"
    "  --clusters N            guest clusters (1024)\n"
    "  --cluster-bits N        9 to 21 (16)\n"
    "  --order sequential      host clusters in the order of the guest's (the default)\n"
    "          shuffled        in no order\n"
    "          runs:K          runs of K clusters in order, the runs in no order\n"
    "  --every N               only every Nth guest cluster is allocated\n"
    "  --share N               only N of 1000 guest clusters are, chosen by the seed\n"
    "  --table-share N         only in N of 1000 L2 tables are any, chosen by the seed\n"
    "  --seed N                of what is chosen, and of the order (1)\n"
    "  --backing NAME          the backing file, as it stands in the image\n"
    "  --backing-format NAME   its format (qcow2)\n"
    "  --refcounts all         of all clusters, so that the image is consistent (the default): QEMU takes it for one\n"
    "                          whose metadata was preallocated, and looks for holes of the file\n"
    "              tables      of the tables alone: QEMU maps it as an image whose data is there\n";

enum { HEADER_BYTES = 104, MAGIC = 0x514649fb, EXTENSION_BACKING_FORMAT = 0xe2792aca };

struct image {
    struct image_layout layout;
    const char *backing;
    const char *backing_format;
    FILE *file;
    uint8_t *cluster; /* one, to be written */
};

static void put_be(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t)value;
}

static void write_cluster(struct image *image)
{
    fwrite(image->cluster, image_cluster_size(&image->layout), 1, image->file);
}

/* "Header" of docs/interop/qcow2.txt, version 3 without any feature. */
static bool write_header(struct image *image)
{
    const struct image_layout *layout = &image->layout;
    size_t size = image_cluster_size(layout);
    uint8_t *h = memset(image->cluster, 0, size);
    put_be(h, MAGIC, 4);
    put_be(h + 4, 3, 4);
    put_be(h + 20, (uint64_t)layout->cluster_bits, 4);
    put_be(h + 24, layout->clusters << layout->cluster_bits, 8);
    put_be(h + 36, layout->l1_entries, 4);
    put_be(h + 40, layout->l1_at << layout->cluster_bits, 8);
    put_be(h + 48, layout->reftable_at << layout->cluster_bits, 8);
    put_be(h + 56, layout->refblocks_at - layout->reftable_at, 4);
    put_be(h + 96, 4, 4); /* refcounts of 16 bits */
    put_be(h + 100, HEADER_BYTES, 4);
    if (image->backing != NULL) {
        size_t name = strlen(image->backing);
        size_t format = strlen(image->backing_format);
        size_t at = HEADER_BYTES + 8 + (format + 7) / 8 * 8 + 8; /* behind the end of the extensions */
        if (at + name > size)
            return false;
        put_be(h + HEADER_BYTES, EXTENSION_BACKING_FORMAT, 4);
        put_be(h + HEADER_BYTES + 4, format, 4);
        memcpy(h + HEADER_BYTES + 8, image->backing_format, format);
        put_be(h + 8, at, 8);
        put_be(h + 16, name, 4);
        memcpy(h + at, image->backing, name);
    }
    write_cluster(image);
    return true;
}

/* `count` entries that name the clusters from `first` on, in as many clusters as it takes. */
static void write_references(struct image *image, uint64_t first, uint64_t count)
{
    size_t size = image_cluster_size(&image->layout);
    for (uint64_t done = 0; done < count;) {
        memset(image->cluster, 0, size);
        for (size_t i = 0; i < size / 8 && done < count; i++, done++)
            put_be(image->cluster + i * 8, (first + done) << image->layout.cluster_bits, 8);
        write_cluster(image);
    }
}

/* Blocks of zeroes are written too: a hole would be read faster than an image in use has it. */
static void write_refcounts(struct image *image, bool all)
{
    const struct image_layout *layout = &image->layout;
    size_t per_block = image_cluster_size(layout) / 2;
    uint64_t used = all ? layout->end : layout->data_at;
    uint64_t at = 0;
    for (uint64_t block = layout->refblocks_at; block < layout->l1_at; block++) {
        for (size_t i = 0; i < per_block; i++, at++)
            put_be(image->cluster + i * 2, at < used, 2);
        write_cluster(image);
    }
}

/* The L1 table, then the L2 tables; a table without entries is left out. */
static void write_mapping(struct image *image)
{
    enum { COPIED_BIT = 63 };
    const struct image_layout *layout = &image->layout;
    size_t per_table = image_cluster_size(layout) / 8;
    uint64_t copied = UINT64_C(1) << COPIED_BIT;
    uint64_t table = layout->l2_at;
    uint64_t l1_clusters = layout->l2_at - layout->l1_at;
    for (uint64_t entry = 0; entry < l1_clusters * per_table; entry++) {
        uint8_t *at = image->cluster + entry % per_table * 8;
        bool any = entry < layout->l1_entries && image_table_is_used(layout, entry);
        put_be(at, any ? copied | table++ << layout->cluster_bits : 0, 8);
        if (entry % per_table == per_table - 1)
            write_cluster(image);
    }
    uint64_t allocated = 0;
    for (uint64_t entry = 0; entry < layout->l1_entries; entry++) {
        uint64_t before = allocated;
        for (size_t i = 0; i < per_table; i++) {
            uint64_t guest = entry * per_table + i;
            bool is = image_is_allocated(layout, guest);
            uint64_t host = is ? layout->data_at + image_place(layout, allocated++) : 0;
            put_be(image->cluster + i * 8, is ? copied | host << layout->cluster_bits : 0, 8);
        }
        if (allocated != before)
            write_cluster(image);
    }
}

static bool write_image(struct image *image, const char *path, bool all_refcounts)
{
    const struct image_layout *layout = &image->layout;
    image->file = fopen(path, "wb");
    image->cluster = malloc(image_cluster_size(layout));
    if (image->file == NULL || image->cluster == NULL)
        return false;
    setvbuf(image->file, NULL, _IOFBF, 1 << 20);
    if (!write_header(image)) {
        errno = ENAMETOOLONG;
        return false;
    }
    write_references(image, layout->refblocks_at, layout->l1_at - layout->refblocks_at);
    write_refcounts(image, all_refcounts);
    write_mapping(image);
    return fflush(image->file) == 0 && !ferror(image->file) &&
           ftruncate(fileno(image->file), (off_t)(layout->end << layout->cluster_bits)) == 0;
}

static bool parse_order(const char *word, struct image_layout *layout)
{
    layout->run = strcmp(word, "shuffled") == 0 ? 1 : strncmp(word, "runs:", 5) == 0 ? strtoull(word + 5, NULL, 10) : 0;
    return layout->run > 0 || strcmp(word, "sequential") == 0;
}

static const struct option long_options[] = {
    {"clusters", required_argument, NULL, 'c'},
    {"cluster-bits", required_argument, NULL, 'C'},
    {"order", required_argument, NULL, 'o'},
    {"every", required_argument, NULL, 'e'},
    {"share", required_argument, NULL, 's'},
    {"table-share", required_argument, NULL, 't'},
    {"seed", required_argument, NULL, 'S'},
    {"backing", required_argument, NULL, 'b'},
    {"backing-format", required_argument, NULL, 'F'},
    {"refcounts", required_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static bool parse_option(int c, struct image *image, bool *all_refcounts)
{
    struct image_layout *layout = &image->layout;
    switch (c) {
    case 'c':
        layout->clusters = strtoull(optarg, NULL, 10);
        break;
    case 'C':
        layout->cluster_bits = (int)strtol(optarg, NULL, 10);
        break;
    case 'o':
        return parse_order(optarg, layout);
    case 'e':
        layout->every = strtoull(optarg, NULL, 10);
        break;
    case 's':
        layout->share = strtoull(optarg, NULL, 10);
        break;
    case 't':
        layout->table_share = strtoull(optarg, NULL, 10);
        break;
    case 'S':
        layout->seed = strtoull(optarg, NULL, 10);
        break;
    case 'b':
        image->backing = optarg;
        break;
    case 'F':
        image->backing_format = optarg;
        break;
    case 'r':
        *all_refcounts = strcmp(optarg, "all") == 0;
        return *all_refcounts || strcmp(optarg, "tables") == 0;
    default:
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct image image = {.layout = IMAGE_LAYOUT_DEFAULTS, .backing_format = "qcow2"};
    bool all_refcounts = true;
    int c;
    while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (c == 'h')
            return fputs(help, stdout) < 0;
        if (!parse_option(c, &image, &all_refcounts)) {
            fputs(help, stderr);
            return 2;
        }
    }
    if (optind != argc - 1 || !image_layout_settle(&image.layout)) {
        fputs(help, stderr);
        return 2;
    }
    bool ok = write_image(&image, argv[optind], all_refcounts);
    if (!ok)
        fprintf(stderr, "make_image: cannot write '%s': %s\n", argv[optind], strerror(errno));
    if (image.file != NULL && fclose(image.file) != 0)
        ok = false;
    free(image.cluster);
    return !ok;
}
