/* SPDX-License-Identifier: MIT */
/* The tests' own image builder against someone else's reading of the specification: `qemu-img check` finds nothing
 * wrong with what it builds, and `qemu-img map` sees what was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/qcow2_image.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static void skip_without_qemu(void)
{
    if (system("qemu-img --version >/dev/null 2>&1") != 0) {
        print_message("# qemu-img is not installed\n");
        skip();
    }
}

static void assert_command(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

static void build_rich(struct qcow2_image *built, const struct qcow2_options *options)
{
    qcow2_image_start(built, options);
    uint64_t size = options->size;
    size_t snapshot = qcow2_image_snapshot(built, "1", "first", size, options->version == 2 ? 0 : QCOW2_EXTRA);
    qcow2_image_add_data(built, 0);
    qcow2_image_add_data(built, 3);
    uint64_t host = qcow2_image_allocate(built, 2);
    if (options->extended_l2) {
        qcow2_image_map_extended(built, 0, 1, host | ENTRY_COPIED, UINT64_C(0x00ff00000000ff00));
        qcow2_image_map_extended(built, snapshot, 0, (host + built->cluster) | ENTRY_COPIED, UINT32_MAX);
    } else {
        qcow2_image_map(built, 0, 1, host | ENTRY_COPIED);
        qcow2_image_map(built, snapshot, 0, (host + built->cluster) | ENTRY_COPIED);
    }
    qcow2_image_finish(built);
}

static void qemu_img_finds_nothing_wrong(void **state)
{
    (void)state;
    skip_without_qemu();
    static const struct qcow2_options options[] = {
        {.size = 1 << 20},
        {.size = 1 << 20, .version = 2},
        {.size = 1 << 20, .cluster_bits = 9},
        {.size = 64 << 20, .cluster_bits = 21},
        {.size = 1 << 20, .extended_l2 = true},
        {.size = 1 << 20, .extended_l2 = true, .cluster_bits = 14},
        {.size = 1 << 20, .compression_type = 1},
        {.size = 1 << 20, .refcount_order = 6},
        {.size = 1 << 20, .refcount_order = 3},
        {.size = 1 << 20, .refcount_order_0 = true},
    };
    for (size_t i = 0; i < COUNT(options); i++) {
        struct qcow2_image built;
        build_rich(&built, &options[i]);
        qcow2_image_save(&built, "built.qcow2");
        assert_command("qemu-img check -q built.qcow2");
        assert_command("qemu-img snapshot -l built.qcow2 | grep -q first");
        qcow2_image_release(&built);
    }
}

static void qemu_img_maps_what_was_asked_for(void **state)
{
    (void)state;
    skip_without_qemu();
    struct qcow2_image built;
    build_rich(&built, &(struct qcow2_options){.size = 1 << 20});
    qcow2_image_save(&built, "built.qcow2");
    /* header, L1, L1 of the snapshot, L2, data, data, host: guest cluster 1 lies at 6 * 64 KiB */
    assert_command("qemu-img map --output=json built.qcow2 >map && grep -q "
                   "'\"start\": 65536, \"length\": 65536, .* \"offset\": 393216}' map");
    qcow2_image_release(&built);
}

static void qemu_img_reads_the_names(void **state)
{
    (void)state;
    skip_without_qemu();
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 1 << 20, .backing = "a b.raw", .backing_format = "raw"});
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "built.qcow2");
    make_sparse_file("a b.raw", 1 << 20);
    assert_command("qemu-img info built.qcow2 | grep -qx 'backing file: a b.raw'");
    assert_command("qemu-img info built.qcow2 | grep -qx 'backing file format: raw'");
    qcow2_image_release(&built);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(qemu_img_finds_nothing_wrong),
        in_temp_dir(qemu_img_maps_what_was_asked_for),
        in_temp_dir(qemu_img_reads_the_names),
    };
    return cmocka_run_group_tests_name("qcow2/builder", tests, NULL, NULL);
}
