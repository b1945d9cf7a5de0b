/* SPDX-License-Identifier: MIT */
/* read_space [-f FMT] IMAGE: what the bytes of IMAGE's files are used for, by the account alone: a line "FILE USE
 * BYTES" for each use that a file has, up to the file's end in whole sectors, one "metadata_bytes N" and one
 * "overlapping N". Exit status: 0 done, 1 failed, 2 usage. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/checked.h"
#include "chain/chain.h"

enum { EXIT_USAGE = 2 };

static enum ia_status claim_mapping(struct ia_image *image, size_t mapping, struct ia_error *err)
{
    struct ia_cursor *cursor = NULL;
    const struct ia_extent *batch;
    size_t count = 1;
    enum ia_status status = ia_cursor_open(image, mapping, 0, INT64_MAX, &cursor, err);
    while (status == IA_OK && count > 0) {
        status = ia_cursor_next(cursor, &batch, &count, err);
        if (status == IA_OK)
            ia_image_account_extents(image, mapping, batch, count);
    }
    ia_cursor_close(cursor);
    return status;
}

static enum ia_status claim_all(struct ia_image *image, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t mapping = 0; mapping <= image->facts.snapshots.len && status == IA_OK; mapping++)
        status = claim_mapping(image, mapping, err);
    if (status == IA_OK)
        status = ia_image_account(image, err);
    return status == IA_OK && ia_space_failed(image->space) ? ia_fail(err, IA_LIMIT, "the account has failed") : status;
}

static void print_file(struct ia_image *image, uint32_t file)
{
    int64_t bytes[IA_SPACE_USES] = {0};
    int64_t end = ia_round_up(ia_image_source(image, file)->size, IA_SPACE_UNIT);
    int64_t until;
    for (int64_t at = 0; at < end; at = until) { /* ends: `until` is behind `at` */
        enum ia_space_use use = ia_space_at(image->space, file, at, &until);
        bytes[use] += ia_min(until, end) - at;
    }
    for (int use = 0; use < IA_SPACE_USES; use++)
        if (bytes[use] > 0)
            printf("%u %s %jd\n", file, ia_space_use_name((enum ia_space_use)use), (intmax_t)bytes[use]);
}

static enum ia_status read_space(struct ia_image *image, struct ia_error *err)
{
    image->space = ia_space_new(1 + image->facts.parts.len);
    enum ia_status status = image->space != NULL ? claim_all(image, err) : ia_no_memory(err);
    for (uint32_t file = 0; status == IA_OK && file <= image->facts.parts.len; file++)
        print_file(image, file);
    if (status == IA_OK)
        printf("metadata_bytes %jd\noverlapping %d\n", (intmax_t)image->facts.metadata_bytes, image->facts.overlapping);
    ia_space_free(image->space);
    image->space = NULL;
    return status;
}

static int run(const char *name, const char *format)
{
    const struct ia_chain_options how = {.format = format, .limits = &ia_default_limits, .no_backing = true};
    struct ia_chain chain;
    struct ia_error err;
    enum ia_status status = ia_chain_open(name, &how, &chain, &err);
    if (status == IA_OK) {
        status = read_space(chain.layers.items[0].image, &err);
        ia_chain_release(&chain);
    }
    if (status == IA_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "read_space: %s: %s\n", name, err.message);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *format = NULL;
    int c;
    while ((c = getopt(argc, argv, "f:")) == 'f')
        format = optarg;
    if (c != -1 || optind != argc - 1) {
        fprintf(stderr, "Usage: read_space [-f FMT] IMAGE\n");
        return EXIT_USAGE;
    }
    return run(argv[optind], format);
}
