/* SPDX-License-Identifier: MIT */
/* The writing side of the store: one transaction, one writer, and what it gives back. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/admin.h"
#include "store/reader.h"
#include "store/writer.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

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

static struct ia_file_row a_file(const char *path, int64_t inode)
{
    return (struct ia_file_row){
        .path = path, .volume_id = 1, .inode = inode, .birth_ns = -1, .size = 10, .class = "image", .reason = ""};
}

static struct ia_image_row an_image(int64_t image_id, int64_t file_id, const char *path, int64_t map_id)
{
    return (struct ia_image_row){
        .image_id = image_id,
        .file_id = file_id,
        .path = path,
        .format = "raw",
        .format_basis = "content",
        .variant = "",
        .version = -1,
        .state = "ok",
        .abilities = {.unit = 1, .cluster = 1},
        .virtual_size = 4096,
        .cluster_size = -1,
        .map_id = map_id,
        .metadata_bytes = -1,
        .lock_state = "none",
        .first_scan = 1,
    };
}

/* Stores one image with one mapping; the ids. */
static void store_image(struct ia_writer *writer, int64_t *image_id, int64_t *map_id)
{
    struct ia_file_row file = a_file("/x", 7);
    const struct ia_format_row format = {.name = "raw", .suffixes = ""};
    struct ia_volume_row volume = {.volume_id = 1, .identity = "dev:8:1", .type = "", .mount = ""};
    assert_ok(ia_writer_put_volume(writer, &volume, &err));
    assert_ok(ia_writer_put_format(writer, &format, &err));
    assert_ok(ia_writer_put_file(writer, &file, &err));
    *image_id = ia_writer_new_image_id(writer);
    *map_id = ia_writer_new_map_id(writer);
    struct ia_image_row image = an_image(*image_id, file.file_id, "/x", *map_id);
    assert_ok(ia_writer_put_image(writer, &image, &err));
    struct ia_mapping_row mapping = {.map_id = *map_id, .image_id = *image_id, .snapshot = -1, .size = 4096};
    assert_ok(ia_writer_put_mapping(writer, &mapping, &err));
}

static void what_is_not_committed_is_gone(void **state)
{
    (void)state;
    struct ia_writer *writer;
    struct ia_file_row file = a_file("/x", 7);
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_put_file(writer, &file, &err));
    ia_writer_close(writer);
    assert_int_equal(ask("SELECT count(*) FROM file"), 0);
}

static enum ia_status keep_volume(void *ctx, const struct ia_volume_row *row, struct ia_error *error)
{
    int64_t *sum = ctx;
    (void)error;
    assert_string_equal(row->identity, "uuid:a");
    assert_string_equal(row->mount, "/mnt");
    *sum += row->volume_id * 1000 + row->device;
    return IA_OK;
}

static void volumes_keep_their_numbers_and_go_with_their_last_file(void **state)
{
    (void)state;
    struct ia_writer *writer;
    struct ia_file_row file = a_file("/x", 7);
    struct ia_volume_row used = {
        .identity = "uuid:a", .device = 5, .type = "ext4", .mount = "/mnt", .size = 100, .free = -1};
    struct ia_volume_row empty = used;
    int64_t sum = 0;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_put_volume(writer, &used, &err));
    assert_ok(ia_writer_put_volume(writer, &empty, &err));
    assert_int_equal(used.volume_id, 1);
    assert_int_equal(empty.volume_id, 2);
    file.volume_id = used.volume_id;
    assert_ok(ia_writer_put_file(writer, &file, &err));
    used.device = 6;
    assert_ok(ia_writer_put_volume(writer, &used, &err));
    assert_ok(ia_writer_drop_empty_volumes(writer, &err));
    assert_ok(ia_writer_load_volumes(writer, keep_volume, &sum, &err));
    assert_int_equal(sum, 1006);
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_int_equal(ask("SELECT size FROM volume WHERE free IS NULL"), 100);
}

static void a_second_writer_is_refused_at_once(void **state)
{
    (void)state;
    struct ia_writer *first;
    struct ia_writer *second = NULL;
    assert_ok(ia_writer_begin("store.db", &first, &err));
    assert_status(IA_BUSY, ia_writer_begin("store.db", &second, &err));
    assert_null(second);
    assert_ok(ia_writer_commit(first, &err));
    ia_writer_close(first);
    assert_ok(ia_writer_begin("store.db", &second, &err));
    ia_writer_close(second);
}

static void readers_see_the_state_before_until_commit(void **state)
{
    (void)state;
    struct ia_writer *writer;
    int64_t image_id;
    int64_t map_id;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    store_image(writer, &image_id, &map_id);
    assert_int_equal(ask("SELECT count(*) FROM image"), 0);
    assert_ok(ia_writer_commit(writer, &err));
    assert_int_equal(ask("SELECT count(*) FROM image"), 1);
    ia_writer_close(writer);
}

static void extents_come_back_as_they_went_in(void **state)
{
    (void)state;
    enum { MANY = 3000 }; /* more than one batch */
    struct ia_writer *writer;
    int64_t image_id;
    int64_t map_id;
    struct ia_extent *in = calloc(MANY, sizeof(*in));
    for (int64_t i = 0; i < MANY; i++)
        in[i] = (struct ia_extent){i * 10, 5, i % 3 == 0 ? IA_NO_OFFSET : i * 100, (uint32_t)(i % IA_EXTENT_STATES), 1};
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    store_image(writer, &image_id, &map_id);
    assert_ok(ia_writer_put_extents(writer, map_id, in, MANY, &err));
    struct ia_extent batch[1000];
    size_t count;
    size_t seen = 0;
    int64_t from = 0;
    do {
        assert_ok(ia_writer_read_extents(writer, map_id, from, batch, COUNT(batch), &count, &err));
        assert_memory_equal(batch, in + seen, count * sizeof(*in));
        seen += count;
        from = count > 0 ? batch[count - 1].start + 1 : from;
    } while (count > 0);
    assert_int_equal(seen, MANY);
    assert_ok(ia_writer_read_extents(writer, map_id, 10 * (MANY - 1), batch, COUNT(batch), &count, &err));
    assert_int_equal(count, 1);
    assert_ok(ia_writer_read_extents(writer, map_id, 10 * MANY, batch, COUNT(batch), &count, &err));
    assert_int_equal(count, 0);
    ia_writer_close(writer);
    free(in);
}

static void an_image_put_again_keeps_its_mappings(void **state)
{
    (void)state;
    struct ia_writer *writer;
    int64_t image_id;
    int64_t map_id;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    store_image(writer, &image_id, &map_id);
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    struct ia_image_row again = an_image(image_id, 1, "/y", map_id);
    assert_ok(ia_writer_put_image(writer, &again, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_int_equal(ask("SELECT count(*) FROM mapping"), 1);
    assert_int_equal(ask("SELECT count(*) FROM image WHERE path = '/y'"), 1);
}

static enum ia_status count_files(void *ctx, const struct ia_file_row *file, struct ia_error *error)
{
    (void)error;
    assert_string_equal(file->path, "/x");
    assert_int_equal(file->inode, 7);
    ++*(int *)ctx;
    return IA_OK;
}

static enum ia_status count_images(void *ctx, const struct ia_image_row *image, struct ia_error *error)
{
    (void)error;
    assert_int_equal(image->file_id, 1);
    assert_int_equal(image->virtual_size, 4096);
    assert_int_equal(image->overlapping, 0);
    assert_null(image->backing_name);
    assert_int_equal(image->referenced_scan, 0);
    ++*(int *)ctx;
    return IA_OK;
}

static void the_next_scan_loads_what_the_last_one_left(void **state)
{
    (void)state;
    struct ia_writer *writer;
    int64_t image_id;
    int64_t map_id;
    int files = 0;
    int images = 0;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    store_image(writer, &image_id, &map_id);
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_load_files(writer, count_files, &files, &err));
    assert_ok(ia_writer_load_images(writer, count_images, &images, &err));
    assert_int_equal(files, 1);
    assert_int_equal(images, 1);
    assert_true(ia_writer_new_image_id(writer) > image_id);
    assert_true(ia_writer_new_map_id(writer) > map_id);
    ia_writer_close(writer);
}

static void a_finding_seen_again_keeps_its_first_scan(void **state)
{
    (void)state;
    const struct ia_finding_row finding = {
        .code = "corrupt", .severity = "error", .path = "/x", .detail = "bad", .doubt = "unread"};
    for (int i = 0; i < 3; i++) {
        struct ia_writer *writer;
        const struct ia_scan_row scan = {.started_ns = 1};
        assert_ok(ia_writer_begin("store.db", &writer, &err));
        assert_ok(ia_writer_put_scan(writer, &scan, &err));
        assert_ok(ia_writer_put_finding(writer, &finding, &err));
        assert_ok(ia_writer_commit(writer, &err));
        ia_writer_close(writer);
    }
    assert_int_equal(ask("SELECT count(*) FROM finding"), 1);
    assert_int_equal(ask("SELECT first_scan FROM finding"), 1);
    assert_int_equal(ask("SELECT last_scan FROM finding"), 3);
}

/* A scan of its own, with or without the finding. */
static void scan_with(const struct ia_finding_row *finding)
{
    struct ia_writer *writer;
    const struct ia_scan_row scan = {.started_ns = 1};
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    if (finding != NULL)
        assert_ok(ia_writer_put_finding(writer, finding, &err));
    assert_ok(ia_writer_put_scan(writer, &scan, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
}

static void a_finding_that_came_back_dates_from_its_return(void **state)
{
    (void)state;
    const struct ia_finding_row finding = {
        .code = "corrupt", .severity = "error", .path = "/x", .detail = "bad", .doubt = "unread"};
    scan_with(&finding);
    scan_with(&finding);
    scan_with(NULL);
    assert_int_equal(ask("SELECT first_scan * 10 + last_scan FROM finding"), 12);
    scan_with(&finding);
    assert_int_equal(ask("SELECT first_scan * 10 + last_scan FROM finding"), 44);
    scan_with(&finding);
    assert_int_equal(ask("SELECT first_scan * 10 + last_scan FROM finding"), 45);
}

static void history_keeps_the_newest_scans(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct ia_writer *writer;
        const struct ia_scan_row scan = {.started_ns = 1};
        assert_ok(ia_writer_begin("store.db", &writer, &err));
        assert_ok(ia_writer_put_scan(writer, &scan, &err));
        assert_ok(ia_writer_keep_history(writer, 2, &err));
        assert_ok(ia_writer_commit(writer, &err));
        ia_writer_close(writer);
    }
    assert_int_equal(ask("SELECT count(*) FROM scan"), 2);
    assert_int_equal(ask("SELECT min(scan_id) FROM scan"), 4);
}

static void a_text_file_is_no_store(void **state)
{
    (void)state;
    struct ia_writer *writer = NULL;
    static const char text[] = "these are notes, and long enough not to be taken for an empty database file ..........";
    write_file("store.db", text, sizeof(text));
    assert_status(IA_FOREIGN, ia_writer_begin("store.db", &writer, &err));
    char back[sizeof(text)];
    int fd = open("store.db", O_RDONLY);
    assert_int_equal(read(fd, back, sizeof(back)), sizeof(back));
    close(fd);
    assert_memory_equal(text, back, sizeof(text));
}

static void check_reports_what_is_wrong(void **state)
{
    (void)state;
    struct ia_writer *writer;
    struct ia_buf report = {0};
    int64_t image_id;
    int64_t map_id;
    const struct ia_extent outside = {.start = 4096, .length = 1, .offset = 0};
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    store_image(writer, &image_id, &map_id);
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_store_check("store.db", &report, &err));
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_put_extents(writer, map_id, &outside, 1, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_status(IA_CORRUPT, ia_store_check("store.db", &report, &err));
    assert_non_null(strstr(report.data, "lies outside its mapping"));
    ia_buf_release(&report);
}

static void a_backup_is_a_store_and_never_overwrites(void **state)
{
    (void)state;
    struct ia_writer *writer;
    struct ia_reader *reader;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_store_backup("store.db", "copy.db", &err));
    assert_ok(ia_reader_open("copy.db", &reader, &err));
    ia_reader_close(reader);
    assert_status(IA_USAGE, ia_store_backup("store.db", "copy.db", &err));
}

static void queries_only_read(void **state)
{
    (void)state;
    struct ia_writer *writer;
    struct ia_reader *reader;
    struct ia_query *query = NULL;
    assert_ok(ia_writer_begin("store.db", &writer, &err));
    assert_ok(ia_writer_commit(writer, &err));
    ia_writer_close(writer);
    assert_ok(ia_reader_open("store.db", &reader, &err));
    assert_status(IA_USAGE, ia_query_open(reader, "DELETE FROM scan", &query, &err));
    assert_status(IA_USAGE, ia_query_open(reader, "SELECT 1; SELECT 2", &query, &err));
    assert_status(IA_USAGE, ia_query_open(reader, "PRAGMA user_version = 7", &query, &err));
    assert_status(IA_USAGE, ia_query_open(reader, "", &query, &err));
    assert_null(query);
    ia_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(what_is_not_committed_is_gone),
        in_temp_dir(volumes_keep_their_numbers_and_go_with_their_last_file),
        in_temp_dir(a_second_writer_is_refused_at_once),
        in_temp_dir(readers_see_the_state_before_until_commit),
        in_temp_dir(extents_come_back_as_they_went_in),
        in_temp_dir(an_image_put_again_keeps_its_mappings),
        in_temp_dir(the_next_scan_loads_what_the_last_one_left),
        in_temp_dir(a_finding_seen_again_keeps_its_first_scan),
        in_temp_dir(a_finding_that_came_back_dates_from_its_return),
        in_temp_dir(history_keeps_the_newest_scans),
        in_temp_dir(a_text_file_is_no_store),
        in_temp_dir(check_reports_what_is_wrong),
        in_temp_dir(a_backup_is_a_store_and_never_overwrites),
        in_temp_dir(queries_only_read),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
