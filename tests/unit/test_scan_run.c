/* SPDX-License-Identifier: MIT */
/* Whole scans of small directories with several workers; run under TSan too. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/scan.h"
#include "support/qcow2_image.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static void make_image(const char *name, const char *backing, size_t clusters)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){
                                  .size = 64 * 65536, .backing = backing, .backing_format = backing ? "qcow2" : NULL});
    for (size_t i = 0; i < clusters; i++)
        qcow2_image_add_data(&built, 2 * i);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, name);
    qcow2_image_release(&built);
}

static struct ia_scan_row scan_images(void)
{
    static const char *const roots[] = {"images"};
    static const char *const raw[] = {".img"};
    const struct ia_scan_options options = {
        .db = "store.db",
        .roots = roots,
        .root_count = 1,
        .raw_suffixes = raw,
        .raw_suffix_count = 1,
        .workers = 4,
        .limits = &ia_default_limits,
    };
    struct ia_scan_row row;
    assert_ok(ia_scan_run(&options, &row, &err));
    return row;
}

static int64_t ask(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_open("store.db", &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        fail_msg("%s in: %s", sqlite3_errmsg(db), sql);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return value;
}

static void many_images_are_each_read_once(void **state)
{
    (void)state;
    enum { OVERLAYS = 60 };
    char name[64];
    assert_int_equal(mkdir("images", 0700), 0);
    make_image("images/base", NULL, 30);
    for (int i = 0; i < OVERLAYS; i++) {
        snprintf(name, sizeof(name), "images/overlay%d", i);
        make_image(name, "base", (size_t)(i % 5));
    }
    struct ia_scan_row row = scan_images();
    assert_int_equal(row.images, OVERLAYS + 1);
    assert_int_equal(row.parsed, OVERLAYS + 1);
    /* 30 scattered clusters of the base; 0, 1, 2, 3, 4 of each five overlays */
    assert_int_equal(row.extents, 30 + OVERLAYS / 5 * 10);
    assert_int_equal(ask("SELECT count(*) FROM extent"), 30 + OVERLAYS / 5 * 10);
    assert_int_equal(ask("SELECT heads FROM usage JOIN image USING (image_id) WHERE path LIKE '%/base'"), OVERLAYS);
    row = scan_images();
    assert_int_equal(row.parsed, 0);
    assert_int_equal(row.unchanged, OVERLAYS + 1);
    assert_int_equal(row.extents, 0);
}

static void a_changed_overlay_alone_is_read_again(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_image("images/base", NULL, 3);
    make_image("images/one", "base", 1);
    make_image("images/two", "base", 1);
    scan_images();
    make_image("images/two", "base", 2);
    struct ia_scan_row row = scan_images();
    assert_int_equal(row.parsed, 1);
    assert_int_equal(row.changed, 1);
    assert_int_equal(ask("SELECT count(*) FROM extent AS e JOIN image USING (map_id) WHERE path LIKE '%/two'"), 2);
    assert_int_equal(ask("SELECT count(*) FROM extent WHERE map_id NOT IN (SELECT map_id FROM mapping)"), 0);
}

static void names_of_one_file_are_one_image(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_image("images/b", NULL, 3);
    assert_int_equal(link("images/b", "images/a"), 0);
    assert_int_equal(symlink("b", "images/0"), 0);
    struct ia_scan_row row = scan_images();
    assert_int_equal(row.images, 1);
    assert_int_equal(ask("SELECT count(*) FROM file_name"), 3);
    assert_int_equal(ask("SELECT path LIKE '%/a' FROM image"), 1);
}

static void a_reused_inode_is_not_the_file_it_was(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_image("images/base", NULL, 3);
    make_image("images/overlay", "base", 1);
    scan_images();
    /* The base makes way for another file; where the inode number comes again, so must not the past. */
    assert_int_equal(unlink("images/base"), 0);
    assert_int_equal(unlink("images/overlay"), 0);
    make_image("images/other1", NULL, 4);
    make_image("images/other2", NULL, 5);
    struct ia_scan_row row = scan_images();
    assert_int_equal(row.vanished, 2);
    assert_int_equal(row.added, 2);
    assert_int_equal(ask("SELECT count(*) FROM candidate"), 0);
}

static void an_image_that_lost_its_last_overlay_is_unreferenced(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_image("images/base", NULL, 3);
    make_image("images/overlay", "base", 1);
    scan_images();
    assert_int_equal(unlink("images/overlay"), 0);
    scan_images();
    assert_int_equal(
        ask("SELECT count(*) FROM candidate WHERE status = 'unreferenced' AND evidence LIKE 'scan 1 saw it%'"), 1);
    assert_int_equal(ask("SELECT referenced_scan FROM image_memory"), 1);
}

static void make_with_data_file(const char *name, const char *data)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536, .data_file = true, .data_file_name = data});
    qcow2_image_finish(&built);
    qcow2_image_save(&built, name);
    qcow2_image_release(&built);
}

/* A part of a file, and what is read from another machine: never from the local file of that name. */
static void a_data_file_that_is_not_followed_is_a_finding_of_each_scan(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_sparse_file("images/data.img", 65536);
    make_with_data_file("images/slice", "json:{\"driver\":\"raw\",\"file.filename\":\"data.img\",\"offset\":512}");
    make_with_data_file("images/remote", "json:{\"file.driver\":\"nbd\",\"file.filename\":\"data.img\"}");
    for (int i = 0; i < 2; i++) {
        scan_images();
        assert_int_equal(ask("SELECT count(*) FROM v_finding WHERE NOT cleared AND code = 'data-file-unreadable'"), 2);
        assert_int_equal(ask("SELECT count(*) FROM v_finding WHERE NOT cleared AND code = 'served-locally'"), 1);
        assert_int_equal(ask("SELECT count(*) FROM v_finding WHERE NOT cleared"), 3);
        assert_int_equal(ask("SELECT count(*) FROM reference WHERE state = 'denied' AND target_id IS NULL"), 2);
    }
}

static void a_data_file_that_looks_like_an_image_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_sparse_file("images/data.img", 65536);
    make_with_data_file("images/z", "data.img");
    for (int i = 0; i < 3; i++) {
        struct ia_scan_row row = scan_images();
        assert_int_equal(row.images, 1);
        assert_int_equal(ask("SELECT count(*) FROM extent WHERE map_id NOT IN (SELECT map_id FROM mapping)"), 0);
        assert_int_equal(ask("SELECT count(*) FROM file WHERE class = 'part'"), 1);
        make_image("images/z2", NULL, 1); /* so that the next scan stores something */
        assert_int_equal(scan_images().images, 2);
        assert_int_equal(unlink("images/z2"), 0);
    }
}

static void a_ring_is_cut_and_is_a_finding(void **state)
{
    (void)state;
    assert_int_equal(mkdir("images", 0700), 0);
    make_image("images/a", "b", 1);
    make_image("images/b", "a", 1);
    make_image("images/on-the-ring", "a", 1);
    struct ia_scan_row row = scan_images();
    assert_int_equal(row.images, 3);
    assert_int_equal(ask("SELECT count(*) FROM v_finding WHERE NOT cleared AND code = 'backing-loop'"), 2);
    assert_int_equal(ask("SELECT count(*) FROM v_image WHERE state = 'broken-chain'"), 3);
    assert_true(row.errors >= 2);
}

static void formats_and_abilities_are_stored_once_and_kept(void **state)
{
    (void)state;
    static const char kept[] = "SELECT count(*) FROM image AS i JOIN image_ability AS t ON t.image_id = i.image_id"
                               " JOIN image_header AS h ON h.image_id = i.image_id"
                               " WHERE i.format = 'qcow2' AND h.version = 3 AND h.compression = 'zlib'"
                               " AND t.unit = 65536 AND t.cluster = 65536 AND t.zeroes = 1 AND t.can_rebase"
                               " AND t.can_grow_over_backing AND NOT t.is_plain";
    assert_int_equal(mkdir("images", 0700), 0);
    make_sparse_file("images/raw.img", 65536);
    make_image("images/base", NULL, 3);
    make_image("images/overlay", "base", 1);
    for (int i = 0; i < 2; i++) {
        scan_images();
        assert_int_equal(ask(kept), 2);
        assert_int_equal(ask("SELECT count(*) FROM image AS i JOIN image_ability AS t ON t.image_id = i.image_id"
                             " WHERE i.format = 'raw' AND t.is_plain AND t.unit = 1 AND NOT t.can_rebase"),
                         1);
        assert_int_equal(ask("SELECT count(*) FROM format"), 14);
        assert_int_equal(ask("SELECT count(*) FROM format WHERE is_plain = (name = 'raw')"), 14);
        assert_int_equal(ask("SELECT count(*) FROM format WHERE ' ' || suffixes || ' ' LIKE '% .vhdx %'"), 1);
    }
}

static void a_missing_root_records_nothing(void **state)
{
    (void)state;
    static const char *const roots[] = {"nowhere"};
    const struct ia_scan_options options = {
        .db = "store.db", .roots = roots, .root_count = 1, .workers = 1, .limits = &ia_default_limits};
    struct ia_scan_row row;
    assert_status(IA_MISSING, ia_scan_run(&options, &row, &err));
    assert_int_not_equal(access("store.db", F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(many_images_are_each_read_once),
        in_temp_dir(a_changed_overlay_alone_is_read_again),
        in_temp_dir(names_of_one_file_are_one_image),
        in_temp_dir(a_reused_inode_is_not_the_file_it_was),
        in_temp_dir(an_image_that_lost_its_last_overlay_is_unreferenced),
        in_temp_dir(a_data_file_that_is_not_followed_is_a_finding_of_each_scan),
        in_temp_dir(a_data_file_that_looks_like_an_image_leaves_nothing_behind),
        in_temp_dir(a_ring_is_cut_and_is_a_finding),
        in_temp_dir(formats_and_abilities_are_stored_once_and_kept),
        in_temp_dir(a_missing_root_records_nothing),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
