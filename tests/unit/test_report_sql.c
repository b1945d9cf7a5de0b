/* SPDX-License-Identifier: MIT */
/* What the reports answer on a store small enough for arithmetic by hand.
 *
 * The store: base (10) <- left (11) <- top (13), base <- right (12); alone (2), raw and half broken. Every image has
 * 256 KiB of data, 64 KiB of zero, 128 KiB of metadata, a file of 400 KiB (409600) that takes 300 KiB (307200), 1 MiB
 * virtual. */
#include "test_report_store.h"

static void fill(struct test_store *store)
{
    store_open(store);
    add_scan(store, 3, 0);
    add_scan(store, 7, 60);
    add_image(store, 2, "/r/alone.raw");
    add_image(store, 10, "/r/base.qcow2");
    add_image(store, 11, "/r/left.qcow2");
    add_image(store, 12, "/r/right.qcow2");
    add_image(store, 13, "/r/top.qcow2");
    add_backing(store, 11, 10, 200000, 150000);
    add_backing(store, 12, 10, 100000, 0);
    add_backing(store, 13, 11, 65536, 65536);
    store_exec(store, "INSERT INTO " CHAIN_ROW " VALUES (13, 2, 10, 10, 1048576, 180000, 120000);"
                      "UPDATE chain SET data_bytes = 262144 WHERE depth = 0;"
                      "INSERT INTO " USAGE_ROW " VALUES (10, 150000, 160000, 112144, 150000, 0, 2, 3, 2),"
                      " (11, 65536, 65536, 196608, 65536, 0, 1, 1, 1);"
                      "UPDATE image SET format = 'raw', state = 'corrupt' WHERE image_id = 2; UPDATE image_account SET "
                      "metadata_bytes = NULL WHERE image_id = 2");
}

static int setup(void **state)
{
    static struct test_store store;
    fill(&store);
    *state = &store;
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static void backing_counts_what_depends_on_each_base_and_all_its_files(void **state)
{
    store_exec(*state, "DELETE FROM usage WHERE image_id = 11;"
                       "INSERT INTO " FILE_ROW " VALUES (50, '/r/d', 1, 50, 10, 4096, 0, 0, 1, 'part', '', 1, 1);"
                       "INSERT INTO " IMAGE_FILE_ROW " VALUES (10, 1, 'data', '/r/d', 50)");
    expect_report(*state, "backing", NULL, NULL,
                  "path,format,dependents,descendants,heads,machines,visible_bytes,data_bytes,disk_size,chain_depth\n"
                  "/r/base.qcow2,qcow2,2,3,2,0,150000,262144,311296,0\n"
                  "/r/left.qcow2,qcow2,1,,,0,,262144,307200,1\n");
}

static void sparse_compares_disk_file_and_virtual_sizes(void **state)
{
    store_exec(*state,
               "UPDATE file SET disk_size = 409600 WHERE file_id = 13;"
               "UPDATE image_account SET data_bytes = 1, compressed_bytes = 20, encrypted_bytes = 300, sparse_bytes = "
               "4000, zero_bytes = 50000, zero_allocated_bytes = 600000, compressed_host = 7 WHERE image_id = 13;"
               "INSERT INTO " FILE_ROW " VALUES (50, '/r/d', 1, 50, 204800, 204800, 0, 0, 1, 'part', '', 1, 1);"
               "INSERT INTO " IMAGE_FILE_ROW " VALUES (13, 1, 'data', '/r/d', 50), (13, 2, 'data', '/gone', NULL);"
               "UPDATE image SET backing_id = NULL WHERE image_id = 13; DELETE FROM image WHERE image_id IN (11, 12)");
    expect_report(*state, "sparse",
                  "path,format,virtual_size,allocated_bytes,zero_bytes,unallocated_bytes,file_size,disk_size,"
                  "metadata_bytes,compressed_host_bytes,disk_to_virtual,allocated_to_virtual,disk_to_file",
                  NULL,
                  "path,format,virtual_size,allocated_bytes,zero_bytes,unallocated_bytes,file_size,disk_size,"
                  "metadata_bytes,compressed_host_bytes,disk_to_virtual,allocated_to_virtual,disk_to_file\n"
                  "/r/top.qcow2,qcow2,1048576,4321,650000,394255,614400,614400,131072,7,0.5859,0.0041,1\n"
                  "/r/alone.raw,raw,1048576,,,,409600,307200,,,0.293,,0.75\n"
                  "/r/base.qcow2,qcow2,1048576,262144,65536,720896,409600,307200,131072,0,0.293,0.25,0.75\n");
}

/* Each part is another power of two in two files, and of each use but three 1 byte was never written: the sum is
 * 307200 + 204800. */
static void parts_of_the_blocks_add_up(void **state)
{
    store_exec(*state,
               "INSERT INTO " FILE_ROW " VALUES (50, '/r/d', 1, 50, 204800, 204800, 0, 0, 1, 'part', '', 1, 1);"
               "INSERT INTO " IMAGE_FILE_ROW " VALUES (10, 1, 'data', '/r/d', 50);"
               "INSERT INTO " FILE_SPACE_ROW " VALUES (10, 0, 'data', 9, 2, 1), (10, 0, 'zero', 9, 4, 1),"
               " (10, 0, 'leaked', 9, 8, 1), (10, 0, 'unused', 9, 16, 1), (10, 0, 'unallocated', 9, 32, 1),"
               " (10, 0, 'tail', 9, 64, 1), (10, 0, 'metadata', 9, 128, 0), (10, 0, 'snapshot', 9, 256, 0),"
               " (10, 0, 'bitmap', 9, 512, 0), (10, 1, 'data', 9, 1024, NULL), (10, 1, 'unused', 9, 2048, NULL);"
               "DELETE FROM image WHERE image_id <> 10");
    expect_report(*state, "sparse",
                  "disk_data,disk_zero_allocated,disk_leaked,disk_unused,disk_unallocated,disk_preallocated,disk_tail,"
                  "disk_metadata,disk_snapshots,disk_bitmaps,disk_filesystem,disk_size,reclaimable_bytes",
                  NULL,
                  "disk_data,disk_zero_allocated,disk_leaked,disk_unused,disk_unallocated,disk_preallocated,disk_tail,"
                  "disk_metadata,disk_snapshots,disk_bitmaps,disk_filesystem,disk_size,reclaimable_bytes\n"
                  "1025,3,7,2063,31,6,63,128,256,512,507906,512000,2173\n");
}

/* 65536 of 307200 bytes are kept for nothing. */
static void shared_blocks_are_not_reclaimed(void **state)
{
    static const struct {
        const char *change, *columns;
    } cases[] = {
        {"", "0,65536,65536"},
        {"INSERT INTO " FILE_SHARING_ROW " VALUES (10, 20000, 0, 0, 0, NULL)", "20000,45536,65536"},
        {"UPDATE file_sharing SET shared_bytes = 10000, encoded_bytes = 10000", "10000,45536,65536"},
        {"UPDATE file_sharing SET shared_bytes = 207200, encoded_bytes = 0", "207200,0,65536"},
        {"UPDATE file_sharing SET shared_bytes = 300000", "300000,0,7200"},
        {"UPDATE file_sharing SET shared_bytes = NULL", ",,65536"},
        {"UPDATE file SET links = NULL", ",,65536"},
    };
    store_exec(*state, "DELETE FROM image WHERE image_id <> 10;"
                       "INSERT INTO " FILE_SPACE_ROW
                       " VALUES (10, 0, 'data', 241664, 241664, 0), (10, 0, 'zero', 65536, 65536, 0)");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[128];
        store_exec(*state, cases[i].change);
        snprintf(expected, sizeof(expected), "disk_shared,reclaimable_bytes,reclaimable_at_most\n%s\n",
                 cases[i].columns);
        expect_report(*state, "sparse", "disk_shared,reclaimable_bytes,reclaimable_at_most", NULL, expected);
    }
}

/* What is suggested for the one image after a change, which is undone again. */
static void expect_suggestion(struct test_store *store, const char *change, const char *expected)
{
    char *text = sqlite3_mprintf("suggestion\n%s\n", expected);
    store_exec(store, "PRAGMA foreign_keys = OFF; CREATE TEMP TABLE s AS SELECT * FROM file_space;"
                      "CREATE TEMP TABLE i AS SELECT * FROM image;"
                      "CREATE TEMP TABLE h AS SELECT * FROM image_header;"
                      "CREATE TEMP TABLE b AS SELECT * FROM image_ability;"
                      "CREATE TEMP TABLE a AS SELECT * FROM image_account");
    store_exec(store, change);
    expect_report(store, "sparse", "suggestion", NULL, text);
    store_exec(store, "DELETE FROM file_space; INSERT INTO file_space SELECT * FROM s; DROP TABLE s;"
                      "DELETE FROM image; INSERT INTO image SELECT * FROM i; DROP TABLE i;"
                      "DELETE FROM image_header; INSERT INTO image_header SELECT * FROM h; DROP TABLE h;"
                      "DELETE FROM image_ability; INSERT INTO image_ability SELECT * FROM b; DROP TABLE b;"
                      "DELETE FROM image_account; INSERT INTO image_account SELECT * FROM a; DROP TABLE a;"
                      "DELETE FROM mapping WHERE map_id > 99; DELETE FROM reference WHERE kind = 'data-file';"
                      "DELETE FROM file_sharing; DELETE FROM holder;"
                      "UPDATE file SET links = 1; PRAGMA foreign_keys = ON");
    sqlite3_free(text);
}

#define CONVERT "qemu-img convert -f qcow2 -O qcow2 -o cluster_size=65536"

static void a_suggestion_is_made_only_where_it_frees_and_loses_nothing(void **state)
{
    store_exec(*state, "DELETE FROM image WHERE image_id <> 10; UPDATE image SET path = '/r/it''s' WHERE image_id = 10;"
                       "INSERT INTO " FILE_SPACE_ROW
                       " VALUES (10, 0, 'data', 300000, 300000, 0), (10, 0, 'zero', 65536, 65536, 0),"
                       " (10, 0, 'unused', 0, 0, 0)");
    expect_suggestion(*state, "", CONVERT " '/r/it'\\''s' '/r/it'\\''s.new'");
    expect_suggestion(*state, "UPDATE image_header SET version = 2",
                      "\"" CONVERT ",compat=0.10 '/r/it'\\''s' '/r/it'\\''s.new'\"");
    expect_suggestion(*state,
                      "UPDATE image SET path = '/b'; UPDATE image_header SET compression = 'zstd', extended_l2 = 1",
                      "\"" CONVERT ",compression_type=zstd,extended_l2=on '/b' '/b.new'\"");
    expect_suggestion(
        *state, "UPDATE image SET path = '/b'; UPDATE image_header SET backing_name = 'a''b', backing_format = 'raw'",
        CONVERT " -B 'a'\\''b' -F 'raw' '/b' '/b.new'");
    /* nothing to give back, or not known */
    expect_suggestion(*state, "UPDATE file_space SET disk_bytes = 0 WHERE use = 'zero'", "");
    expect_suggestion(*state, "DELETE FROM file_space", "");
    /* what could be given back may be what something else uses too, or the host does not report it */
    expect_suggestion(*state, "INSERT INTO " FILE_SHARING_ROW " VALUES (10, 65536, 0, 0, 0, NULL)", "");
    expect_suggestion(*state, "INSERT INTO " FILE_SHARING_ROW " VALUES (10, 0, 65536, 0, 0, NULL)", "");
    expect_suggestion(*state, "INSERT INTO " FILE_SHARING_ROW " VALUES (10, 65535, 0, 0, 0, NULL)",
                      CONVERT " '/r/it'\\''s' '/r/it'\\''s.new'");
    expect_suggestion(*state, "INSERT INTO " FILE_SHARING_ROW " VALUES (10, NULL, 0, NULL, 0, NULL)", "");
    /* a copy in its place leaves the blocks to its other names; what is done in place does not */
    expect_suggestion(*state, "UPDATE file SET links = 2", "");
    expect_suggestion(*state, "UPDATE file SET links = NULL", "");
    expect_suggestion(*state, "UPDATE file SET links = 2; UPDATE file_space SET use = 'leaked' WHERE use = 'zero'",
                      "qemu-img check -r leaks -f qcow2 '/r/it'\\''s'");
    /* in use, or perhaps; broken; dirty */
    static const char *const not_at_rest[] = {"image SET lock_state = 'write'",   "image SET lock_state = 'read'",
                                              "image SET lock_state = 'unknown'", "image SET state = 'truncated'",
                                              "image SET chain_ok = 0",           "image_header SET dirty = 1",
                                              "image_header SET corrupt = 1"};
    for (size_t i = 0; i < sizeof(not_at_rest) / sizeof(not_at_rest[0]); i++) {
        char *sql =
            sqlite3_mprintf("UPDATE %s; UPDATE file_space SET use = 'leaked' WHERE use = 'zero'", not_at_rest[i]);
        expect_suggestion(*state, sql, "");
        sqlite3_free(sql);
    }
    expect_suggestion(*state,
                      "INSERT INTO holder VALUES (10, 'swap');"
                      "UPDATE file_space SET use = 'leaked' WHERE use = 'zero'",
                      "");
    expect_suggestion(*state,
                      "INSERT INTO holder VALUES (NULL, 'x');" /* whether it is in use could not be found out */
                      "UPDATE file_space SET use = 'leaked' WHERE use = 'zero'",
                      "");
    /* would lose something */
    static const char *const losses[] = {
        "UPDATE image_account SET compressed_bytes = 1",
        "UPDATE image_header SET encrypted = 1",
        "UPDATE image_header SET backing_name = 'x'", /* of an unknown format */
        "UPDATE image_ability SET can_be_trimmed = 0",
        "INSERT INTO " MAPPING_ROW " VALUES (100, 10, 0, '1', 's', 1048576, 0, NULL, 2, 0)",
        "INSERT INTO " FILE_SPACE_ROW " VALUES (10, 0, 'bitmap', 65536, 0, 0)",
        "INSERT INTO " REFERENCE_ROW " VALUES (10, 'data-file', 'd', '', 'missing', NULL)",
    };
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
        expect_suggestion(*state, losses[i], "");
    /* by the largest part; what a check gives back needs no new file */
    expect_suggestion(*state,
                      "INSERT INTO " FILE_SPACE_ROW
                      " VALUES (10, 0, 'leaked', 131072, 131072, 0), (10, 0, 'bitmap', 1, 0, 0);"
                      "INSERT INTO " MAPPING_ROW " VALUES (100, 10, 0, '1', 's', 1048576, 0, NULL, 2, 0)",
                      "qemu-img check -r leaks -f qcow2 '/r/it'\\''s'");
    expect_suggestion(*state, "INSERT INTO " FILE_SPACE_ROW " VALUES (10, 0, 'tail', 109600, 109600, 0)",
                      "\"[ \"\"$(LC_ALL=C stat -c %.9Y '/r/it'\\''s')\"\" = 0.000000000 ] && "
                      "truncate -s 300000 '/r/it'\\''s'\"");
    /* leaked clusters may lie behind the tail's beginning */
    expect_suggestion(*state,
                      "INSERT INTO " FILE_SPACE_ROW
                      " VALUES (10, 0, 'tail', 109600, 109600, 0), (10, 0, 'leaked', 512, 0, 0)",
                      CONVERT " '/r/it'\\''s' '/r/it'\\''s.new'");
    /* raw has nothing but preallocation to give */
    expect_suggestion(
        *state,
        "UPDATE image_ability SET is_plain = 1; UPDATE file_space SET unwritten_bytes = 4096 WHERE use = 'data'",
        "cp --preserve=all --sparse=always '/r/it'\\''s' '/r/it'\\''s.new'");
}

static void sharing_has_a_row_for_each_base_that_a_head_reads(void **state)
{
    expect_report(*state, "sharing", NULL, NULL,
                  "base_path,head_path,depth,seen_bytes,seen_data_bytes,heads,readers,base_data_bytes,"
                  "base_exclusive_bytes,base_shared_bytes\n"
                  "/r/base.qcow2,/r/right.qcow2,1,100000,0,2,1,262144,150000,0\n"
                  "/r/base.qcow2,/r/top.qcow2,2,180000,120000,2,1,262144,150000,0\n"
                  "/r/left.qcow2,/r/top.qcow2,1,65536,65536,1,1,262144,65536,0\n");
}

/* 100 bytes of the base have one reader, 50 have two, 7 have three. */
static void see(void *store)
{
    store_exec(store, "INSERT INTO " READER_BYTES_ROW
                      " VALUES (10, 3, 7), (10, 1, 100), (10, 2, 50), (11, 1, 65536), (13, 1, 9);"
                      "UPDATE usage SET exclusive_bytes = 100, shared_bytes = 57 WHERE image_id = 10");
}

static void histogram_counts_the_bytes_of_a_base_by_readers(void **state)
{
    see(*state);
    expect_report(*state, "histogram", NULL, NULL,
                  "path,readers,bytes,saved_bytes\n"
                  "/r/base.qcow2,1,100,0\n"
                  "/r/base.qcow2,2,50,50\n"
                  "/r/base.qcow2,3,7,14\n"
                  "/r/left.qcow2,1,65536,0\n");
}

static void groups_adds_up_what_several_readers_of_a_base_save(void **state)
{
    see(*state);
    expect_report(*state, "groups", NULL, NULL,
                  "path,heads,widest,widest_bytes,shared_bytes,exclusive_bytes,masked_bytes,saved_bytes\n"
                  "/r/base.qcow2,2,3,7,57,100,112144,64\n");
}

static void findings_lists_those_of_the_latest_scan_the_gravest_first(void **state)
{
    store_exec(*state,
               "INSERT INTO finding (code, severity, path, detail, doubt, first_scan, last_scan) VALUES"
               " ('dirty', 'info', '/r/a', 'i', NULL, 7, 7),"
               " ('backing-missing', 'error', '/r/b', 'e', 'broken-reference', 3, 7),"
               " ('dirty', 'warning', '/r/a', 'w', NULL, 1, 7), ('dirty', 'warning', '/r/a', 'old', NULL, 3, 3),"
               " ('unreadable', 'error', '/r/z', 'e', 'unread', 7, 7);"
               "INSERT INTO finding (code, severity, path, detail, doubt, accepted_by, first_scan, last_scan) VALUES"
               " ('corrupt', 'error', '/r/known', 'e', 'unread', 4, 7, 7)");
    expect_report(*state, "findings", NULL, NULL,
                  "code,severity,path,detail,first_seen,last_seen,hides,accepted_by,suggestion\n"
                  "backing-missing,error,/r/b,e,2025-01-01T00:00:00Z,2025-01-01T00:01:00Z,1,,\n"
                  "unreadable,error,/r/z,e,2025-01-01T00:01:00Z,2025-01-01T00:01:00Z,1,,\n"
                  "dirty,warning,/r/a,w,2025-01-01T00:00:00Z,2025-01-01T00:01:00Z,0,,\n"
                  "dirty,info,/r/a,i,2025-01-01T00:01:00Z,2025-01-01T00:01:00Z,0,,\n"
                  "corrupt,error,/r/known,e,2025-01-01T00:01:00Z,2025-01-01T00:01:00Z,0,4,\n");
}

#define GROWTH_COLUMNS "path,status,disk_delta,data_delta,virtual_delta,from_scan,to_scan"
#define GROWTH_HEAD GROWTH_COLUMNS "\n"

static void expect_growth(struct test_store *store, const char *columns, const char *since, const char *expected)
{
    char *text = run_report(store, "growth", columns, NULL, since);
    assert_string_equal(text, expected);
    free(text);
}

static void growth_compares_with_the_scan_that_since_means(void **state)
{
    add_scan(*state, 1, -86400);
    store_exec(*state,
               "INSERT INTO " HISTORY_SPAN_ROW " SELECT column2, column1, column1, column3, column4, column5, column6, "
               "column7, column8,"
               " column9, NULL, column10 FROM (VALUES"
               " (1, '/r/a', 1, 100, 10, 10, 1, 0, 0, 'ok'),"
               " (3, '/r/a', 1, 100, 10, 10, 1, 0, 0, 'ok'), (7, '/r/a', 1, 100, 10, 4000, 3, 0, 0, 'ok'),"
               " (3, '/r/b', 2, 100, 10, 10, 1, 0, 0, 'ok'), (7, '/r/c', 2, NULL, 20, 30, 2, 0, 0, 'corrupt'),"
               " (3, '/r/d', 3, 100, 10, 10, 1, 0, 0, 'ok'), (7, '/r/d', 3, 100, 10, 10, 1, 0, 0, 'ok'),"
               " (3, '/r/e', 4, 100, 10, 10, 1, 0, 0, 'ok'), (7, '/r/e', 4, 100, 11, 10, 1, 0, 0, 'ok'))");
    static const char since_3[] = GROWTH_HEAD "/r/a,changed,3990,2,0,3,7\n/r/c,new,30,2,0,3,7\n"
                                              "/r/e,changed,0,0,0,3,7\n/r/b,vanished,-10,-1,-100,3,7\n";
    static const char since_1[] = GROWTH_HEAD "/r/a,changed,3990,2,0,1,7\n/r/c,new,30,2,0,1,7\n"
                                              "/r/d,new,10,1,100,1,7\n/r/e,new,10,1,100,1,7\n";
    expect_growth(*state, GROWTH_COLUMNS, NULL, since_3);
    expect_growth(*state, GROWTH_COLUMNS, "6", since_3);
    expect_growth(*state, GROWTH_COLUMNS, "1", since_1);
    expect_growth(*state, GROWTH_COLUMNS, "2", since_1);
    expect_growth(*state, GROWTH_COLUMNS, "2024-12-31T23:59:59Z", since_1);
    expect_growth(*state, GROWTH_COLUMNS, "2025-01-01T00:00:59Z", since_3);
    /* Before all that is kept: the first. The latest is never compared with itself. */
    expect_growth(*state, "from_scan", "2000-01-01", "from_scan\n1\n1\n1\n1\n");
    expect_growth(*state, "from_scan", "7", "from_scan\n3\n3\n3\n3\n");
}

static void growth_of_a_first_scan_is_empty(void **state)
{
    store_exec(*state,
               "DELETE FROM scan WHERE scan_id = 3;"
               "INSERT INTO " HISTORY_SPAN_ROW " VALUES ('/r/a', 7, NULL, 1, 100, 10, 10, 1, 0, 0, NULL, 'ok')");
    expect_growth(*state, GROWTH_COLUMNS, NULL, GROWTH_HEAD);
    expect_growth(*state, GROWTH_COLUMNS, "2000-01-01", GROWTH_HEAD);
}

/* Depths and dependents of an image in the scans 3, 5 and 7, nothing else of it ever changes; -1: the scan did not see
 * it. */
static void add_links(struct test_store *store, const char *path, const int depths[3], const int dependents[3],
                      const char *last_state)
{
    for (int i = 0; i < 3; i++) {
        char *sql = sqlite3_mprintf(
            "INSERT INTO " HISTORY_SPAN_ROW " SELECT %Q, %d, %d, 1, 100, 10, 10, 1, %d, %d, NULL, %Q WHERE %d >= 0",
            path, 3 + 2 * i, 3 + 2 * i, depths[i], dependents[i], i == 2 ? last_state : "ok", depths[i]);
        store_exec(store, sql);
        sqlite3_free(sql);
    }
}

#define LINKS "path,depth_from,depth_to,dependents_from,dependents_to,unreferenced_since"

/* Scan 3 began at 00:00:00, scan 5 at 00:00:30, scan 7 at 00:01:00. */
static void growth_has_depths_dependents_and_since_when_nothing_names_it(void **state)
{
    static const int none[3] = {0, 0, 0};
    add_scan(*state, 5, 30);
    add_links(*state, "/r/deeper", (int[3]){1, 1, 3}, none, "ok");
    add_links(*state, "/r/shallower", (int[3]){2, 2, 0}, none, "ok");
    add_links(*state, "/r/same", (int[3]){1, 1, 1}, (int[3]){1, 1, 1}, "ok");
    add_links(*state, "/r/broken", (int[3]){2, 2, 1}, (int[3]){1, 2, 3}, "broken-chain");
    add_links(*state, "/r/left", none, (int[3]){2, 0, 0}, "ok");
    add_links(*state, "/r/left-late", none, (int[3]){1, 1, 0}, "ok");
    add_links(*state, "/r/left-long-ago", none, none, "ok");
    add_links(*state, "/r/lost-one", none, (int[3]){2, 1, 1}, "ok");
    add_links(*state, "/r/taken", none, (int[3]){0, 0, 2}, "ok");
    add_links(*state, "/r/came-and-left", (int[3]){-1, 0, 0}, (int[3]){-1, 1, 0}, "ok");
    static const char since_3[] = LINKS "\n/r/came-and-left,,0,,0,2025-01-01T00:01:00Z\n"
                                        "/r/broken,2,,1,3,\n"
                                        "/r/deeper,1,3,0,0,\n"
                                        "/r/left,0,0,2,0,2025-01-01T00:00:30Z\n"
                                        "/r/left-late,0,0,1,0,2025-01-01T00:01:00Z\n"
                                        "/r/lost-one,0,0,2,1,\n"
                                        "/r/shallower,2,0,0,0,\n"
                                        "/r/taken,0,0,0,2,\n";
    expect_growth(*state, LINKS, "3", since_3);
    /* A scan that was not complete does not prove that nothing named it. */
    store_exec(*state, "UPDATE scan SET doubts = 1 WHERE scan_id = 5");
    expect_growth(*state, "unreferenced_since", "3",
                  "unreferenced_since\n2025-01-01T00:01:00Z\n\n\n2025-01-01T00:01:00Z\n2025-01-01T00:01:00Z\n\n\n\n");
    store_exec(*state, "UPDATE scan SET doubts = 1");
    expect_growth(*state, "unreferenced_since", "3", "unreferenced_since\n\n\n\n\n\n\n\n\n");
    /* Scan 3 is pruned: what is told rests on what is kept. */
    store_exec(*state, "DELETE FROM scan WHERE scan_id = 3; UPDATE scan SET doubts = 0");
    expect_growth(*state, LINKS, "3",
                  LINKS "\n/r/broken,2,,2,3,\n/r/came-and-left,0,0,1,0,2025-01-01T00:01:00Z\n/r/deeper,1,3,0,0,\n"
                        "/r/left-late,0,0,1,0,2025-01-01T00:01:00Z\n/r/shallower,2,0,0,0,\n/r/taken,0,0,0,2,\n");
}

/* The view says of any two scans what the report says of the latest. */
static void the_view_compares_any_two_scans_as_growth_does(void **state)
{
    add_scan(*state, 5, 30);
    add_links(*state, "/r/x", (int[3]){1, 2, 3}, (int[3]){4, 5, 6}, "broken-chain");
    static const char sql[] = "SELECT group_concat(from_scan || '-' || to_scan || ':' || depth_from || '>'"
                              " || coalesce(depth_to, '?') || ',' || dependents_from || '>' || dependents_to, ' ')"
                              " FROM (SELECT * FROM v_growth WHERE path = '/r/x' ORDER BY from_scan, to_scan)";
    struct test_store *store = *state;
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "3-5:1>2,4>5 3-7:1>?,4>6 5-7:2>?,5>6");
    sqlite3_finalize(stmt);
}

#define DEPENDENTS_HEAD "path,depth,direct,is_head,seen_bytes,seen_data_bytes,machines,through\n"

static void dependents_lists_direct_and_further_overlays(void **state)
{
    expect_report(*state, "dependents", NULL, "/r/base.qcow2",
                  DEPENDENTS_HEAD "/r/left.qcow2,1,1,0,200000,150000,,backing\n"
                                  "/r/right.qcow2,1,1,1,100000,0,,backing\n"
                                  "/r/top.qcow2,2,0,1,180000,120000,,backing\n");
    expect_report(*state, "dependents", NULL, "/r/top.qcow2", DEPENDENTS_HEAD);
    expect_report(*state, "dependents", NULL, "/r/unknown", DEPENDENTS_HEAD);
}

static void dependents_has_what_refers_to_it_in_another_way(void **state)
{
    store_exec(*state, "INSERT INTO " FILE_NAME_ROW " VALUES ('/links/t', 13, 'symlink');"
                       "INSERT INTO " REFERENCE_ROW " VALUES (2, 'alias', 't', '/links/t', 'outside', NULL);"
                       "INSERT INTO " FILE_ROW " VALUES (50, '/r/d', 1, 50, 10, 4096, 0, 0, 1, 'part', '', 1, 1);"
                       "INSERT INTO " FILE_NAME_ROW " VALUES ('/r/d', 50, 'file');"
                       "INSERT INTO " IMAGE_FILE_ROW " VALUES (13, 1, 'data', '/r/d', 50)");
    expect_report(*state, "dependents", NULL, "/links/t", DEPENDENTS_HEAD "/r/alone.raw,,1,1,,,,other\n");
    expect_report(*state, "dependents", NULL, "/r/d",
                  DEPENDENTS_HEAD "/r/alone.raw,,0,1,,,,other\n/r/top.qcow2,,1,1,,,,other\n");
}

static void dependents_in_a_ring_are_listed_once(void **state)
{
    store_exec(*state, "UPDATE image SET backing_id = 13 WHERE image_id = 10");
    expect_report(*state, "dependents", "path,direct", "/r/left.qcow2",
                  "path,direct\n/r/top.qcow2,1\n/r/base.qcow2,0\n/r/right.qcow2,0\n");
}

#define TREE_HEAD "level,path,relation,format,disk_size,seen_data_bytes,others,machines,state\n"

static void tree_has_the_bases_of_an_image_and_all_above_it(void **state)
{
    expect_report(*state, "tree", NULL, "/r/left.qcow2",
                  TREE_HEAD "0,/r/base.qcow2,base,qcow2,307200,150000,1,,ok\n"
                            "1,/r/left.qcow2,image,qcow2,307200,262144,,,ok\n"
                            "2,/r/top.qcow2,dependent,qcow2,307200,65536,,,ok\n");
    expect_report(*state, "tree", "level,path,relation", "/r/base.qcow2",
                  "level,path,relation\n0,/r/base.qcow2,image\n1,/r/left.qcow2,dependent\n2,/r/top.qcow2,dependent\n"
                  "1,/r/right.qcow2,dependent\n");
}

static void tree_of_a_broken_chain_begins_with_what_is_missing(void **state)
{
    store_exec(*state, "UPDATE image_header SET backing_name = '../x' WHERE image_id = 10;"
                       "INSERT INTO " REFERENCE_ROW " VALUES (10, 'backing', '../x', '/x', 'missing', NULL)");
    expect_report(*state, "tree", "level,path,relation,state", "/r/right.qcow2",
                  "level,path,relation,state\n0,/x,unresolved,missing\n1,/r/base.qcow2,base,ok\n"
                  "2,/r/right.qcow2,image,ok\n");
}

static void tree_of_a_ring_is_cut_where_it_comes_back(void **state)
{
    store_exec(*state, "UPDATE image SET backing_id = 13, backing_path = '/r/top.qcow2' WHERE image_id = 10; UPDATE "
                       "image_header SET backing_name = 't' WHERE image_id = 10");
    expect_report(*state, "tree", "level,path,relation,state", "/r/top.qcow2",
                  "level,path,relation,state\n0,/r/top.qcow2,unresolved,loop\n1,/r/base.qcow2,base,ok\n"
                  "2,/r/left.qcow2,base,ok\n3,/r/top.qcow2,image,ok\n");
}

static void summary_counts_scan_images_space_unused_and_findings(void **state)
{
    store_exec(
        *state,
        "INSERT INTO " SCAN_OPTION_ROW " VALUES (7, 'root', '/r'), (7, 'root', '/a,b');"
        "INSERT INTO " SCAN_PASSED_ROW " VALUES (7, 'empty', 1), (7, 'no-image-magic', 40), (3, 'special-file', 9);"
        "INSERT INTO " FINDING_ROW
        " VALUES (1, 'dirty', 'warning', '/r/a', 'w', 'unread', 7, 7), (2, 'encrypted', 'info', 'p', '', NULL, 3, 3);"
        "UPDATE image_memory SET referenced_scan = 1 WHERE image_id = 2; UPDATE scan SET doubts = 1;"
        "UPDATE image SET chain_ok = 0 WHERE image_id IN (2, 12);"
        "INSERT INTO " FILE_SHARING_ROW " VALUES (12, 12288, 0, 0, 0, 12), (13, 8192, 0, 0, 8192, 12);"
        "UPDATE chain SET visible_bytes = NULL, data_bytes = NULL WHERE image_id = 12");
    store_judge(*state);
    /* Flat: alone has 262144, top reads 262144 of its own, 65536 of left and 120000 of base. Stored: these four have
     * 262144 each. Right is left out, its chain is broken. */
    expect_report(*state, "summary", NULL, NULL,
                  "section,item,value,unit\n"
                  "scan,number,7,count\n"
                  "scan,started,2025-01-01T00:01:00Z,time\n"
                  "scan,finished,2025-01-01T00:01:01Z,time\n"
                  "scan,complete,0,flag\n"
                  "scan,errors,0,count\n"
                  "scan,entries walked,9,count\n"
                  "scan,images parsed,4,count\n"
                  "scan,images unchanged,1,count\n"
                  "scan,images new,2,count\n"
                  "scan,images changed,3,count\n"
                  "scan,images renamed,6,count\n"
                  "scan,images vanished,8,count\n"
                  "scan,root,\"/a,b\",path\n"
                  "scan,root,/r,path\n"
                  "images,all,5,count\n"
                  "images,not understood,1,count\n"
                  "images,qcow2,4,count\n"
                  "images,raw,1,count\n"
                  "chains,heads,3,count\n"
                  "chains,bases,2,count\n"
                  "chains,stand-alone,1,count\n"
                  "chains,greatest depth,2,count\n"
                  "chains,broken,1,count\n"
                  "space,virtual,5242880,bytes\n"
                  "space,disk,1527808,bytes\n" /* five files of 307200, less the shared blocks of one */
                  "space,\"disk, counted per file\",1536000,bytes\n"
                  "space,saved by shared blocks,8192,bytes\n"
                  "space,data,1310720,bytes\n"
                  "space,zero,327680,bytes\n"
                  "space,metadata,524288,bytes\n"
                  "space,shared,0,bytes\n"
                  "space,masked,308752,bytes\n"
                  "sharing,data of flat copies,709824,bytes\n"
                  "sharing,data stored,1048576,bytes\n"
                  "sharing,saved by backing files,-338752,bytes\n"
                  "unused backing,all,3,count\n"
                  "unused backing,\"all, reclaimable\",307200,bytes\n"
                  "unused backing,\"unreferenced, unproven\",1,count\n"
                  "unused backing,\"unreferenced, unproven, reclaimable\",307200,bytes\n"
                  "unused backing,\"partly-masked, unproven\",2,count\n"
                  "unused backing,\"partly-masked, unproven, reclaimable\",0,bytes\n"
                  "findings,error,0,count\n"
                  "findings,warning,1,count\n"
                  "findings,info,0,count\n"
                  "findings,hiding references,1,count\n"
                  "passed over,no-image-magic,40,count\n"
                  "passed over,empty,1,count\n");
}

/* 300 KiB each; 2: other names, 10 to 13: one group, 10 not told, 1 compressed */
static void host_has_what_files_share_free_and_save(void **state)
{
    store_exec(*state, "UPDATE file SET links = 3, links_found = 2 WHERE file_id = 2;"
                       "UPDATE file SET links = 2, links_found = 2 WHERE file_id = 13;"
                       "INSERT INTO " FILE_SHARING_ROW
                       " VALUES (10, NULL, 0, NULL, 0, NULL), (11, 300000, 0, 4096, 290000, 12),"
                       " (12, 200000, 7200, 0, 0, 12)");
    expect_report(*state, "host", NULL, NULL,
                  "path,disk_size,exclusive_bytes,shared_bytes,unmatched_bytes,saved_bytes,freed_bytes,names,links,"
                  "partners,partner_paths,why\n"
                  "/r/left.qcow2,307200,7200,300000,4096,290000,7200,1,1,1,/r/right.qcow2,"
                  "something else uses some of its blocks\n"
                  "/r/right.qcow2,307200,107200,200000,0,0,100000,1,1,1,/r/left.qcow2,"
                  "something else uses some of its blocks; the host compresses it and does not report by how much\n"
                  "/r/alone.raw,307200,307200,0,0,0,0,2,3,0,,1 of its names were not found by the scan\n"
                  "/r/base.qcow2,307200,,,,0,,1,1,0,,the host does not report what it shares\n"
                  "/r/top.qcow2,307200,307200,0,0,0,307200,2,2,0,,\n");
}

static void host_names_three_partners_at_most(void **state)
{
    store_exec(*state, "INSERT INTO " FILE_SHARING_ROW " SELECT file_id, 4096, 0, 0, 0, 2 FROM file");
    expect_report(*state, "host", "path,partners,partner_paths", NULL,
                  "path,partners,partner_paths\n"
                  "/r/alone.raw,4,\"/r/base.qcow2, /r/left.qcow2, /r/right.qcow2\"\n"
                  "/r/base.qcow2,4,\"/r/alone.raw, /r/left.qcow2, /r/right.qcow2\"\n"
                  "/r/left.qcow2,4,\"/r/alone.raw, /r/base.qcow2, /r/right.qcow2\"\n"
                  "/r/right.qcow2,4,\"/r/alone.raw, /r/base.qcow2, /r/left.qcow2\"\n"
                  "/r/top.qcow2,4,\"/r/alone.raw, /r/base.qcow2, /r/left.qcow2\"\n");
}

static bool has_parameter(const struct ia_query *query, const char *name)
{
    for (int i = 0; i < ia_query_parameters(query); i++)
        if (strcmp(ia_query_parameter_name(query, i), name) == 0)
            return true;
    return false;
}

/* Headers are what users and renderers go by: they must name the columns that the statement has, in its order. */
static void headers_name_the_columns_of_their_statements(void **state)
{
    struct test_store *store = *state;
    struct ia_error err = {0};
    struct ia_reader *reader = NULL;
    assert_int_equal(ia_reader_open(store->path, &reader, &err), IA_OK);
    assert_int_equal(ia_what_if_define(reader, &err), IA_OK);
    for (size_t i = 0; ia_report_embedded_name(i) != NULL; i++) {
        struct ia_report report;
        struct ia_query *query = NULL;
        assert_int_equal(ia_report_embedded(ia_report_embedded_name(i), &report, &err), IA_OK);
        if (ia_query_open(reader, report.sql, &query, &err) != IA_OK)
            fail_msg("%s: %s", report.name, err.message);
        assert_string_not_equal(report.title, "");
        assert_true(report.about.len > 0);
        assert_int_equal(ia_query_columns(query), report.columns.len);
        for (size_t c = 0; c < report.columns.len; c++) {
            assert_string_equal(ia_query_column_name(query, (int)c), report.columns.items[c].name);
            assert_string_not_equal(report.columns.items[c].meaning, "");
        }
        for (size_t p = 0; p < report.parameters.len; p++)
            assert_true(has_parameter(query, report.parameters.items[p].name));
        assert_true(strstr(report.sql, "ORDER BY") != NULL);
        ia_query_close(query);
        ia_report_release(&report);
    }
    ia_reader_close(reader);
}

/* A store that was made but never scanned. */
static void all_answer_without_a_scan(void **state)
{
    (void)state;
    struct test_store store;
    store_open(&store);
    for (size_t i = 0; ia_report_embedded_name(i) != NULL; i++)
        free(run_report(&store, ia_report_embedded_name(i), NULL, "/x", NULL));
    store_close(&store);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(backing_counts_what_depends_on_each_base_and_all_its_files),
        TEST(sparse_compares_disk_file_and_virtual_sizes),
        TEST(parts_of_the_blocks_add_up),
        TEST(shared_blocks_are_not_reclaimed),
        TEST(a_suggestion_is_made_only_where_it_frees_and_loses_nothing),
        TEST(sharing_has_a_row_for_each_base_that_a_head_reads),
        TEST(histogram_counts_the_bytes_of_a_base_by_readers),
        TEST(groups_adds_up_what_several_readers_of_a_base_save),
        TEST(findings_lists_those_of_the_latest_scan_the_gravest_first),
        TEST(growth_compares_with_the_scan_that_since_means),
        TEST(growth_of_a_first_scan_is_empty),
        TEST(growth_has_depths_dependents_and_since_when_nothing_names_it),
        TEST(the_view_compares_any_two_scans_as_growth_does),
        TEST(dependents_lists_direct_and_further_overlays),
        TEST(dependents_has_what_refers_to_it_in_another_way),
        TEST(dependents_in_a_ring_are_listed_once),
        TEST(tree_has_the_bases_of_an_image_and_all_above_it),
        TEST(tree_of_a_broken_chain_begins_with_what_is_missing),
        TEST(tree_of_a_ring_is_cut_where_it_comes_back),
        TEST(summary_counts_scan_images_space_unused_and_findings),
        TEST(host_has_what_files_share_free_and_save),
        TEST(host_names_three_partners_at_most),
        TEST(headers_name_the_columns_of_their_statements),
        cmocka_unit_test(all_answer_without_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
