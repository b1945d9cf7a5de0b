/* SPDX-License-Identifier: MIT */
/* Small images with one feature each, for the fuzzer to start from. */
#include <string.h>

#include "fuzz/target.h"
#include "support/qcow2_image.h"

enum { SMALL = 9, SIZE = 300 * 512 }; /* 512-byte clusters, five L2 tables */

static void give(struct qcow2_image *built, const char *name, fuzz_use_seed use, void *ctx)
{
    use(ctx, name, built->bytes, built->len);
    qcow2_image_release(built);
}

/* Every state that a standard L2 entry has, and a snapshot. */
static void fill(struct qcow2_image *built)
{
    size_t extra = built->options.version == 2 ? QCOW2_NO_EXTRA : QCOW2_EXTRA;
    qcow2_image_add_data(built, 0);
    qcow2_image_add_data(built, 1);
    uint64_t host = qcow2_image_add_data(built, 70);
    qcow2_image_map(built, 0, 2, qcow2_compressed_entry(built, host + 5, 1));
    if (built->options.version > 2) {
        qcow2_image_map(built, 0, 3, ENTRY_ZERO);
        qcow2_image_map(built, 0, 4, host | ENTRY_ZERO);
    }
    size_t snapshot = qcow2_image_snapshot(built, "1", "before", SIZE / 2, (uint32_t)extra);
    qcow2_image_map(built, snapshot, 9, host);
    qcow2_image_finish(built);
}

static void standard(const char *name, struct qcow2_options options, fuzz_use_seed use, void *ctx)
{
    struct qcow2_image built;
    options.size = SIZE;
    options.cluster_bits = SMALL;
    qcow2_image_start(&built, &options);
    fill(&built);
    give(&built, name, use, ctx);
}

static void with_bitmap(fuzz_use_seed use, void *ctx)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = SIZE, .cluster_bits = SMALL});
    uint64_t directory = qcow2_image_allocate(&built, 2);
    qcow2_image_patch(&built, directory, 8, directory + 512);
    qcow2_image_patch(&built, directory + 8, 4, 2);
    qcow2_image_patch(&built, directory + 16, 8, UINT64_C(0x0110000100000000)); /* type, granularity, name of 1 byte */
    qcow2_image_patch(&built, directory + 512, 8, directory);
    uint8_t extension[24] = {[3] = 1, [15] = 32, [22] = (uint8_t)(directory >> 8), [23] = (uint8_t)directory};
    qcow2_image_extension(&built, 0x23852875, extension, sizeof(extension));
    qcow2_image_finish(&built);
    qcow2_image_patch(&built, FIELD_AUTOCLEAR, 8, 1);
    give(&built, "bitmap", use, ctx);
}

static void with_data_file(fuzz_use_seed use, void *ctx)
{
    struct qcow2_image built;
    const struct qcow2_options options = {
        .size = SIZE, .cluster_bits = SMALL, .data_file = true, .data_file_raw = true, .data_file_name = "data"};
    qcow2_image_start(&built, &options);
    for (uint64_t i = 0; i < 5; i++)
        qcow2_image_map(&built, 0, i, i * 512 | ENTRY_COPIED);
    qcow2_image_finish(&built);
    give(&built, "data-file", use, ctx);
}

static void with_luks(fuzz_use_seed use, void *ctx)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = SIZE, .cluster_bits = SMALL, .crypt_method = 2});
    qcow2_image_extension(&built, 0x0537be77, "\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2\0", 16);
    qcow2_image_add_data(&built, 0);
    qcow2_image_finish(&built);
    give(&built, "luks", use, ctx);
}

static void with_subclusters(fuzz_use_seed use, void *ctx)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 4 << 14, .cluster_bits = 14, .extended_l2 = true});
    uint64_t host = qcow2_image_add_data(&built, 0);
    qcow2_image_map_extended(&built, 0, 1, host, UINT64_C(0x000000ff0000ff00));
    qcow2_image_map_extended(&built, 0, 2, 0, UINT64_C(0xf000000000000000));
    qcow2_image_finish(&built);
    give(&built, "subclusters", use, ctx);
}

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    standard("version-2", (struct qcow2_options){.version = 2}, use, ctx);
    standard("version-3", (struct qcow2_options){.version = 3}, use, ctx);
    standard("backing", (struct qcow2_options){.backing = "base.raw", .backing_format = "raw"}, use, ctx);
    standard("aes", (struct qcow2_options){.crypt_method = 1}, use, ctx);
    standard("zstd", (struct qcow2_options){.compression_type = 1}, use, ctx);
    standard("refcounts-of-1-bit", (struct qcow2_options){.refcount_order_0 = true}, use, ctx);
    standard("refcounts-of-64-bits", (struct qcow2_options){.refcount_order = 6}, use, ctx);
    with_bitmap(use, ctx);
    with_data_file(use, ctx);
    with_luks(use, ctx);
    with_subclusters(use, ctx);
}
