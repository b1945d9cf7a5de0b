/* SPDX-License-Identifier: MIT */
/* Chains of small images, for the fuzzer to start from: whole ones, and those that have no end. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/chain_files.h"
#include "fuzz/target.h"
#include "support/qcow2_image.h"

enum { SMALL = 9, SIZE = 40 * 512 };

static void add_qcow2(struct fuzz_files *files, uint8_t name, struct qcow2_options options, uint64_t first)
{
    struct qcow2_image built;
    options.cluster_bits = SMALL;
    options.size = options.size != 0 ? options.size : SIZE;
    qcow2_image_start(&built, &options);
    if (options.data_file) {
        qcow2_image_map(&built, 0, first, first * 512 | ENTRY_COPIED);
    } else {
        qcow2_image_add_data(&built, first);
        qcow2_image_add_data(&built, first + 7);
        qcow2_image_map(&built, 0, first + 1, ENTRY_ZERO);
    }
    qcow2_image_finish(&built);
    fuzz_add_file(files, name, built.bytes, built.len);
    qcow2_image_release(&built);
}

static void add_text(struct fuzz_files *files, uint8_t name, const char *text)
{
    fuzz_add_file(files, name, text, strlen(text));
}

static void give(struct fuzz_files *files, const char *name, fuzz_use_seed use, void *ctx)
{
    use(ctx, name, files->bytes, files->len);
    files->len = 0;
}

/* `named` is what the overlay names; b is a qcow2 image that names c. */
static void overlay(struct fuzz_files *files, const char *name, const char *named, const char *format,
                    fuzz_use_seed use, void *ctx)
{
    static const uint8_t raw[3 * 512] = {1};
    add_qcow2(files, FUZZ_CHAIN_A, (struct qcow2_options){.backing = named, .backing_format = format}, 3);
    add_qcow2(files, FUZZ_CHAIN_B, (struct qcow2_options){.backing = "c", .backing_format = "raw", .size = SIZE / 2},
              5);
    fuzz_add_file(files, FUZZ_CHAIN_C, raw, sizeof(raw));
    fuzz_add_file(files, FUZZ_CHAIN_BELOW, raw, 512);
    give(files, name, use, ctx);
}

static void replica(struct fuzz_files *files, fuzz_use_seed use, void *ctx)
{
    static const uint8_t disk[4 * 4096] = {1};
    fuzz_add_file(files, FUZZ_CHAIN_HEAD, disk, sizeof(disk));
    fuzz_add_file(files, FUZZ_CHAIN_SNAPSHOT, disk, sizeof(disk));
    add_text(files, FUZZ_CHAIN_HEAD_META,
             "{\"Name\":\"volume-head-000.img\",\"Parent\":\"volume-snap-s.img\",\"Removed\":false,\"UserCreated\":"
             "false,\"Created\":\"2026-03-01T10:00:00Z\",\"Labels\":null}\n");
    add_text(files, FUZZ_CHAIN_SNAPSHOT_META,
             "{\"Name\":\"volume-snap-s.img\",\"Parent\":\"\",\"Removed\":false,\"UserCreated\":true,\"Created\":"
             "\"2026-03-01T10:00:00Z\",\"Labels\":null}\n");
    add_text(files, FUZZ_CHAIN_VOLUME,
             "{\"Size\":16384,\"Head\":\"volume-head-000.img\",\"Dirty\":true,\"Rebuilding\":false,\"Error\":\"\","
             "\"Parent\":\"volume-snap-s.img\",\"SectorSize\":512,\"BackingFilePath\":\"\",\"Encrypted\":false}\n");
    give(files, "replica", use, ctx);
}

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    struct fuzz_files *files = calloc(1, sizeof(*files));
    FUZZ_CHECK(files != NULL);
    overlay(files, "three-layers", "b", "qcow2", use, ctx);
    overlay(files, "by-content", "b", NULL, use, ctx);
    overlay(files, "below", "below/e", "raw", use, ctx);
    overlay(files, "itself", "a", "qcow2", use, ctx);
    overlay(files, "nothing", "d", NULL, use, ctx);
    overlay(files, "outside", "/etc/hostname", "raw", use, ctx);
    overlay(files, "file", "file:b", NULL, use, ctx);
    overlay(files, "remote", "nbd://host/b", NULL, use, ctx);
    overlay(files, "json", "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"b\"}}", NULL, use,
            ctx);
    overlay(files, "slice",
            "json:{\"driver\":\"raw\",\"offset\":512,\"size\":512,\"file\":{\"driver\":\"file\","
            "\"filename\":\"c\"}}",
            NULL, use, ctx);
    add_qcow2(files, FUZZ_CHAIN_A, (struct qcow2_options){.data_file = true, .data_file_name = "d"}, 1);
    add_text(files, FUZZ_CHAIN_D, "data");
    give(files, "data-file", use, ctx);
    add_text(files, FUZZ_CHAIN_A,
             "# Disk DescriptorFile\nversion=1\nCID=00000001\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\n"
             "RW 2 FLAT \"c\" 0\nRW 1 ZERO\nRW 1 FLAT \"d\" 1\n");
    add_text(files, FUZZ_CHAIN_C, "two sectors");
    add_text(files, FUZZ_CHAIN_D, "two more");
    give(files, "extents", use, ctx);
    replica(files, use, ctx);
    free(files);
}
