/* SPDX-License-Identifier: MIT */
/* A store filled by hand: the schema's own tables, then rows as the tests write them. */
#ifndef TEST_REPORT_STORE_H
#define TEST_REPORT_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "judge/judge.h"
#include "report/run.h"
#include "store/graph_reader.h"
#include "store/migrate.h"
#include "store/reader.h"
#include "store/what_if_tables.h"
#include "support/store_rows.h"

struct test_store {
    char path[64];
    sqlite3 *db;
};

static inline void store_exec(struct test_store *store, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(store->db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s in: %s", message, sql);
}

static inline void store_open(struct test_store *store)
{
    struct ia_schema schema = ia_schema_current();
    struct ia_error err = {0};
    strcpy(store->path, "/tmp/imgaudit-report-XXXXXX");
    int fd = mkstemp(store->path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(sqlite3_open(store->path, &store->db), SQLITE_OK);
    store_exec(store, "PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON; BEGIN");
    if (ia_migrate(store->db, &schema, 0, &err) != IA_OK)
        fail_msg("%s", err.message);
    store_exec(store, "INSERT INTO format (name) VALUES ('qcow2'), ('raw');"
                      "INSERT INTO " VOLUME_ROW " VALUES (1, 'uuid:a', 2049, 'ext4', '/r', 0, 1048576, 4096); COMMIT");
}

static inline void store_close(struct test_store *store)
{
    sqlite3_close(store->db);
    unlink(store->path);
}

/* A complete scan that began at this second of 2025-01-01 and took one. */
static inline void add_scan(struct test_store *store, int scan_id, int second)
{
    char *sql = sqlite3_mprintf("INSERT INTO " SCAN_ROW
                                " VALUES (%d, (1735689600 + %d) * 1000000000, (1735689601 + %d) * 1000000000, 9, 2,"
                                " 5, 4, 1, 2, 3, 6, 8, 7, 65536, 0, 0);"
                                "INSERT INTO " SCAN_OPTION_ROW " VALUES (%d, 'walked', '/'), (%d, 'inventory', 'none')",
                                scan_id, second, second, scan_id, scan_id);
    store_exec(store, sql);
    sqlite3_free(sql);
}

/* A qcow2 image that stands alone: 1 MiB virtual, a file of 400 KiB that takes 300 KiB, not locked. Its mapping has its
 * number. */
static inline void add_image(struct test_store *store, int id, const char *path)
{
    char *sql = sqlite3_mprintf(
        "INSERT INTO " FILE_ROW " VALUES (%d, %Q, 1, %d, 409600, 307200, 0, 0, 1, 'image', '', 1, 1);"
        "INSERT INTO " FILE_NAME_ROW " VALUES (%Q, %d, 'file');"
        "INSERT INTO " IMAGE_ROW " VALUES (%d, %d, %Q, 'qcow2', 'content', 'ok', 1, %d, 'none');"
        "INSERT INTO " IMAGE_HEADER_ROW " VALUES (%d, 'v3', 1048576, 65536);"
        "INSERT INTO " IMAGE_ABILITY_ROW " VALUES (%d, 65536, 65536, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);"
        "INSERT INTO " IMAGE_ACCOUNT_ROW " VALUES (%d, 262144, 65536, 131072, 0);"
        "INSERT INTO " IMAGE_MEMORY_ROW " VALUES (%d, 1, 0);"
        "INSERT INTO " MAPPING_ROW " VALUES (%d, %d, NULL, NULL, NULL, 1048576, 0, NULL, 2, 0);"
        "INSERT INTO " IMAGE_FILE_ROW " VALUES (%d, 0, 'main', %Q, %d);"
        "INSERT INTO " CHAIN_ROW " VALUES (%d, 0, %d, %d, 1048576, 0, 0);"
        "INSERT INTO " CHAIN_PLACE_ROW " VALUES (%d, %d, 0)",
        id, path, id, path, id, id, id, path, id, id, id, id, id, id, id, id, path, id, id, id, id, id, id);
    store_exec(store, sql);
    sqlite3_free(sql);
}

/* `overlay` names `base`, which stands at depth 1 of its chain and gives it this much. */
static inline void add_backing(struct test_store *store, int overlay, int base, int64_t visible, int64_t data)
{
    char *sql = sqlite3_mprintf(
        "UPDATE image SET backing_id = %d, backing_path = (SELECT path FROM image WHERE image_id = %d)"
        " WHERE image_id = %d;"
        "UPDATE image_header SET backing_name = 'b', backing_format = 'qcow2' WHERE image_id = %d;"
        "INSERT INTO " REFERENCE_ROW
        " SELECT %d, 'backing', 'b', path, 'followed', file_id FROM image WHERE image_id = %d;"
        "INSERT INTO " CHAIN_ROW " VALUES (%d, 1, %d, %d, 1048576, %lld, %lld)",
        base, base, overlay, overlay, overlay, base, overlay, base, base, (long long)visible, (long long)data);
    store_exec(store, sql);
    sqlite3_free(sql);
}

static inline bool store_evidence(void *ctx, enum ia_evidence evidence, const char *subject, int64_t scan)
{
    struct ia_buf *first = ctx;
    if (first->len == 0)
        ia_evidence_render(first, evidence, subject, scan);
    return true;
}

static inline void store_candidate(struct test_store *store, struct ia_judge *judge, size_t image, int64_t image_id,
                                   const struct ia_doubts *of_all)
{
    struct ia_error err = {0};
    struct ia_doubts own = {0};
    struct ia_buf evidence = {0}, why = {0}, codes = {0};
    enum ia_candidate candidate = ia_judge_candidate(judge, image);
    if (candidate == IA_CANDIDATE_NONE)
        return;
    assert_true(ia_judge_evidence(judge, image, store_evidence, &evidence));
    assert_int_equal(ia_judge_doubts(judge, image, candidate, &own, &err), IA_OK);
    ia_doubts_render(&why, of_all, &own);
    ia_doubts_render_codes(&codes, of_all, &own);
    char *sql = sqlite3_mprintf(
        "INSERT INTO candidate (image_id, status, since_scan, since_ns, evidence, why, why_codes) VALUES "
        "(%lld, %Q, 1, 0, %Q, %Q, %Q)",
        (long long)image_id, ia_candidate_word(candidate), evidence.data, why.data, codes.data);
    store_exec(store, sql);
    sqlite3_free(sql);
    for (size_t i = 0; i < own.all.len; i++) {
        sql = sqlite3_mprintf(
            "INSERT INTO doubt (image_id, code, subject, sentence, advice) VALUES (%lld, %Q, %Q, '', %Q)",
            (long long)image_id, ia_doubt_kinds[own.all.items[i].doubt].code, own.all.items[i].subject,
            ia_doubt_kinds[own.all.items[i].doubt].advice);
        store_exec(store, sql);
        sqlite3_free(sql);
    }
    ia_doubts_release(&own);
    ia_buf_release(&evidence);
    ia_buf_release(&why);
    ia_buf_release(&codes);
}

/* The judge's rows, as a scan that left this store would have put them. */
static inline void store_judge(struct test_store *store)
{
    struct ia_error err = {0};
    struct ia_stored_graph *stored = NULL;
    struct ia_judge *judge = NULL;
    struct ia_doubts of_all = {0};
    struct ia_reader *reader = NULL;
    assert_int_equal(ia_reader_open(store->path, &reader, &err), IA_OK);
    assert_int_equal(ia_stored_graph_load(reader, &stored, &err), IA_OK);
    ia_reader_close(reader);
    assert_int_equal(ia_judge_new(ia_stored_graph(stored), &judge, &err), IA_OK);
    assert_int_equal(ia_judge_doubts_of_all(judge, &of_all, &err), IA_OK);
    store_exec(store, "DELETE FROM candidate; DELETE FROM evidence; DELETE FROM doubt");
    for (size_t i = 0; i < of_all.all.len; i++) {
        char *sql = sqlite3_mprintf("INSERT INTO doubt (code, subject, sentence, advice) VALUES (%Q, %Q, '', %Q)",
                                    ia_doubt_kinds[of_all.all.items[i].doubt].code, of_all.all.items[i].subject,
                                    ia_doubt_kinds[of_all.all.items[i].doubt].advice);
        store_exec(store, sql);
        sqlite3_free(sql);
    }
    for (size_t i = 0; i < ia_stored_graph(stored)->images.len; i++)
        store_candidate(store, judge, i, ia_stored_graph_image_id(stored, i), &of_all);
    ia_doubts_release(&of_all);
    ia_judge_free(judge);
    ia_stored_graph_free(stored);
}

/* What the embedded report answers as csv, these columns of it; to be freed. */
static inline char *run_report(struct test_store *store, const char *name, const char *columns, const char *image,
                               const char *since)
{
    struct ia_error err = {0};
    struct ia_report report;
    struct ia_reader *reader = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const struct ia_argument arguments[] = {
        {.name = ":image", .text = image},
        {.name = ":machine", .text = image},
        {.name = ":since", .text = since, .number = since != NULL && strchr(since, '-') == NULL},
        {.name = ":action", .text = "delete"},
    };
    const struct ia_report_request request = {.report = &report,
                                              .arguments = arguments,
                                              .argument_count = sizeof(arguments) / sizeof(arguments[0]),
                                              .columns = columns,
                                              .renderer = ia_renderer_find("csv")};
    if (ia_report_embedded(name, &report, &err) != IA_OK || ia_reader_open(store->path, &reader, &err) != IA_OK ||
        ia_what_if_define(reader, &err) != IA_OK || ia_report_run(reader, &request, out, &err) != IA_OK)
        fail_msg("%s", err.message);
    fclose(out);
    ia_reader_close(reader);
    ia_report_release(&report);
    return text;
}

static inline void expect_report(struct test_store *store, const char *name, const char *columns, const char *image,
                                 const char *expected)
{
    char *text = run_report(store, name, columns, image, NULL);
    assert_string_equal(text, expected);
    free(text);
}

#endif
