/* SPDX-License-Identifier: MIT */
/* What the report what-if promises of blocks that files share, on a store small enough for arithmetic by hand: images
 * of 300 KiB (307200) each. */
#include "test_report_store.h"
#include "what_if/what_if.h"

#define ALL "307200,307200"
#define UNKNOWN ",307200"

static void fill(struct test_store *store)
{
    store_open(store);
    add_scan(store, 1, 0);
    add_image(store, 1, "/r/one");
    add_image(store, 2, "/r/two");
    add_image(store, 3, "/r/stays");
    add_image(store, 4, "/r/base");
}

static void expect_what_if(struct test_store *store, enum ia_what_if_action action, const char *const *paths,
                           size_t count, const char *columns, const char *expected)
{
    struct ia_error err = {0};
    struct ia_report report;
    struct ia_reader *reader = NULL;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    const struct ia_argument argument = {.name = ":action", .text = ia_what_if_word(action)};
    const struct ia_report_request request = {.report = &report,
                                              .arguments = &argument,
                                              .argument_count = 1,
                                              .columns = columns,
                                              .renderer = ia_renderer_find("csv")};
    if (ia_report_embedded("what-if", &report, &err) != IA_OK || ia_reader_open(store->path, &reader, &err) != IA_OK ||
        ia_what_if_define(reader, &err) != IA_OK || ia_what_if_fill(reader, action, paths, count, &err) != IA_OK ||
        ia_report_run(reader, &request, out, &err) != IA_OK)
        fail_msg("%s", err.message);
    fclose(out);
    assert_string_equal(text, expected);
    free(text);
    ia_reader_close(reader);
    ia_report_release(&report);
}

/* Blocks [0, 100000) of a volume that both have. */
#define BOTH "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 100000, 0, 0, 0, 1), (2, 100000, 0, 0, 100000, 1);"
#define RUNS                                                                                                           \
    "INSERT INTO " SHARED_RUN_ROW                                                                                      \
    " VALUES (1, 0, 60000, 9, 0, 0), (1, 80000, 40000, 9, 60000, 0), (2, 4096, 100000, 9, 0, "                         \
    "0);"

/* freed_bytes, freed_at_most of one, two and the sum. */
static const struct deletion {
    const char *name, *change, *one, *two, *total;
} deletions[] = {
    {"files of their own", "", ALL, ALL, "614400,614400"},
    {"blocks that both have count once, and are not certain", BOTH RUNS, "207200,307200", "207200,207200",
     "414400,514400"},
    {"blocks that a third one has stay with it",
     BOTH RUNS "INSERT INTO " FILE_SHARING_ROW " VALUES (3, 40000, 0, 0, 0, 1);"
               "INSERT INTO " SHARED_RUN_ROW " VALUES (3, 0, 40000, 9, 0, 0)",
     "207200,267200", "207200,207200", "414400,474400"},
    {"the same addresses on another volume", BOTH RUNS "UPDATE shared_run SET volume = 8 WHERE file_id = 2",
     "207200,307200", "207200,307200", "414400,614400"},
    {"a partner that keeps a name has its blocks", BOTH RUNS "UPDATE file SET links = 2 WHERE file_id = 2",
     "207200,207200", "0,0", "207200,207200"},
    {"blocks that nobody could place", BOTH "UPDATE file_sharing SET unmatched_bytes = NULL, group_id = NULL",
     "207200,307200", "207200,307200", "414400,614400"},
    {"encoded ones that begin at one place",
     BOTH "INSERT INTO " SHARED_RUN_ROW " VALUES (1, 0, 100000, 9, 4096, 1), (2, 0, 100000, 9, 4096, 1)",
     "207200,307200", "207200,207200", "414400,514400"},
    {"encoded ones that begin at two places",
     BOTH "INSERT INTO " SHARED_RUN_ROW " VALUES (1, 0, 100000, 9, 4096, 1), (2, 0, 100000, 9, 8192, 1)",
     "207200,307200", "207200,307200", "414400,614400"},
    {"what the host compresses", "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 0, 7200, 0, 0, NULL)", "300000,307200",
     ALL, "607200,614400"},
    {"a host that does not report", "INSERT INTO " FILE_SHARING_ROW " VALUES (2, NULL, 0, NULL, 0, NULL)", ALL, UNKNOWN,
     ",614400"},
    {"a store from before links were kept", "UPDATE file SET links = NULL", UNKNOWN, UNKNOWN, ",614400"},
    {"nothing to share",
     "INSERT INTO " FILE_SHARING_ROW
     " VALUES (2, NULL, 0, NULL, 0, NULL); UPDATE file SET disk_size = 0 WHERE file_id = 2",
     ALL, "0,0", "307200,307200"},
    {"all names of several were met, and one is deleted",
     "UPDATE file SET links = 2, links_found = 2 WHERE file_id = 2; INSERT INTO " FILE_NAME_ROW
     " VALUES ('/r/too', 2, 'file')",
     ALL, "0,0", "307200,307200"},
};

#define DELETIONS (sizeof(deletions) / sizeof(deletions[0]))

static void a_deletion_frees_what_nothing_else_holds(void **state)
{
    static const char *const set[] = {"/r/one", "/r/two"};
    const struct deletion *deletion = *state;
    struct test_store store;
    char expected[512];
    fill(&store);
    store_exec(&store, deletion->change);
    snprintf(expected, sizeof(expected),
             "effect,path,freed_bytes,freed_at_most\ndeleted,/r/one,%s\ndeleted,/r/two,%s\ntotal,,%s\n", deletion->one,
             deletion->two, deletion->total);
    expect_what_if(&store, IA_WHAT_IF_DELETE, set, 2, "effect,path,freed_bytes,freed_at_most", expected);
    store_close(&store);
}

static void detail_and_why_have_the_reasons_of_each_row(void **state)
{
    (void)state;
    static const char *const set[] = {"/r/one", "/r/two", "/r/stays"};
    struct test_store store;
    fill(&store);
    store_exec(&store, "UPDATE file SET links = 2 WHERE file_id = 3;"
                       "INSERT INTO " FILE_SHARING_ROW " VALUES (1, NULL, 0, NULL, 0, NULL), (2, 1, 1, 1, 0, NULL)");
    expect_what_if(
        &store, IA_WHAT_IF_DELETE, set, 3, "path,verdict,detail,why",
        "path,verdict,detail,why\n"
        "/r/one,unproven,a disk without a backing file: its data is lost,"
        "the host does not report what its files share\n"
        "/r/stays,proven,a disk without a backing file: its data is lost; its file has hard links that the scan"
        " did not find,\n"
        "/r/two,proven,a disk without a backing file: its data is lost; something else uses some of its blocks;"
        " the host compresses it and does not report what that takes,\n"
        ",unproven,what the action alone frees and needs,rows above have doubts of their own\n");
    store_close(&store);
}

static void what_is_deleted_has_the_doubts_of_a_candidate(void **state)
{
    (void)state;
    static const char *const set[] = {"/r/one"};
    struct test_store store;
    fill(&store);
    expect_what_if(&store, IA_WHAT_IF_DELETE, set, 1, "effect,path,verdict,why_codes",
                   "effect,path,verdict,why_codes\ndeleted,/r/one,proven,\ntotal,,proven,\n");
    store_exec(&store, "UPDATE scan_option SET value = '/elsewhere' WHERE kind = 'walked'");
    expect_what_if(&store, IA_WHAT_IF_DELETE, set, 1, "effect,path,verdict,why_codes",
                   "effect,path,verdict,why_codes\ndeleted,/r/one,unproven,not-walked\ntotal,,unproven,other-rows\n");
    store_close(&store);
}

/* Blocks that the deleted one has in common with the base, of which nothing is left in step 1. */
static void later_steps_take_along_what_is_left(void **state)
{
    (void)state;
    static const char *const set[] = {"/r/one"};
    struct test_store store;
    fill(&store);
    add_backing(&store, 1, 4, 0, 0);
    store_exec(&store, "UPDATE image_memory SET referenced_scan = 1 WHERE image_id = 4;"
                       "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 100000, 0, 0, 0, 1), (4, 100000, 0, 0, 100000, 1);"
                       "INSERT INTO " SHARED_RUN_ROW " VALUES (1, 0, 100000, 9, 0, 0), (4, 0, 100000, 9, 0, 0)");
    expect_what_if(&store, IA_WHAT_IF_DELETE, set, 1, "effect,path,freed_bytes,freed_at_most",
                   "effect,path,freed_bytes,freed_at_most\n"
                   "deleted,/r/one,207200,207200\n"
                   "unreferenced,/r/base,207200,307200\n"
                   "total,,207200,207200\n"
                   "total-with-next,,414400,514400\n");
    store_close(&store);
}

/* 64 KiB of plain data at 131072 of the file, and compressed ones of 50000 somewhere: 115536 to be given back. */
static const struct commit {
    const char *name, *change, *freed;
} commits[] = {
    {"an image of its own is emptied", "", "115536,115536"},
    {"its plain data is shared",
     "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 65536, 0, 65536, 0, NULL);"
     "INSERT INTO " SHARED_RUN_ROW " VALUES (1, 131072, 65536, 9, 0, 0)",
     "50000,115536"},
    {"the compressed data may be what is shared",
     "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 20000, 0, 20000, 0, NULL); INSERT INTO " SHARED_RUN_ROW
     " VALUES (1, 0, 20000, 9, 0, 0)",
     "95536,115536"},
    {"nobody could place what is shared", "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 100000, 0, NULL, 0, NULL)",
     "15536,115536"},
    {"most of it is shared", "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 300000, 0, NULL, 0, NULL)", "0,115536"},
    {"what the host compresses is not certain", "INSERT INTO " FILE_SHARING_ROW " VALUES (1, 0, 10000, 0, 0, NULL)",
     "105536,115536"},
    {"the host does not report", "INSERT INTO " FILE_SHARING_ROW " VALUES (1, NULL, 0, NULL, 0, NULL)", ",115536"},
};

#define COMMITS (sizeof(commits) / sizeof(commits[0]))

static void a_commit_frees_what_the_image_alone_holds(void **state)
{
    static const char *const set[] = {"/r/one"};
    const struct commit *commit = *state;
    struct test_store store;
    char expected[256];
    fill(&store);
    add_backing(&store, 1, 4, 0, 0);
    store_exec(&store, "INSERT INTO " EXTENT_ROW " VALUES (1, 0, 65536, 0, 0, 131072), (4, 0, 65536, 0, 0, 131072);"
                       "UPDATE image_account SET compressed_bytes = 65536, compressed_host = 50000 WHERE image_id = 1");
    store_exec(&store, commit->change);
    snprintf(expected, sizeof(expected),
             "effect,path,freed_bytes,freed_at_most,needed_bytes\n"
             "committed,/r/one,%s,0\nreceives,/r/base,0,0,0\ntotal,,%s,0\n",
             commit->freed, commit->freed);
    expect_what_if(&store, IA_WHAT_IF_COMMIT, set, 1, "effect,path,freed_bytes,freed_at_most,needed_bytes", expected);
    store_close(&store);
}

/* The base has the cluster that is written, in blocks that something else has too, for sure or perhaps. */
static void writing_to_shared_blocks_takes_others(void **state)
{
    (void)state;
    static const char *const set[] = {"/r/one"};
    static const struct {
        const char *change, *needed;
    } cases[] = {
        {"", "0"},
        {"INSERT INTO " FILE_SHARING_ROW " VALUES (4, 32768, 0, 0, 0, NULL); INSERT INTO " SHARED_RUN_ROW
         " VALUES (4, 131072, 32768, 9, 0, "
         "0)",
         "32768"},
        {"INSERT INTO " FILE_SHARING_ROW " VALUES (4, 32768, 0, 0, 0, NULL); INSERT INTO " SHARED_RUN_ROW
         " VALUES (4, 0, 32768, 9, 0, 0)",
         "0"},
        {"INSERT INTO " FILE_SHARING_ROW " VALUES (4, 32768, 0, NULL, 0, NULL)", "65536"},
        {"INSERT INTO " FILE_SHARING_ROW " VALUES (4, NULL, 0, NULL, 0, NULL)", "65536"},
        {"INSERT INTO " IMAGE_FILE_ROW " VALUES (4, 1, 'data', '/gone', NULL)", "65536"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_store store;
        char expected[128];
        fill(&store);
        add_backing(&store, 1, 4, 0, 0);
        store_exec(&store,
                   "INSERT INTO " EXTENT_ROW " VALUES (1, 0, 65536, 0, 0, 131072), (4, 0, 65536, 0, 0, 131072)");
        store_exec(&store, cases[i].change);
        snprintf(expected, sizeof(expected), "effect,needed_bytes\ncommitted,0\nreceives,%s\ntotal,%s\n",
                 cases[i].needed, cases[i].needed);
        expect_what_if(&store, IA_WHAT_IF_COMMIT, set, 1, "effect,needed_bytes", expected);
        store_close(&store);
    }
}

/* A commit of /r/one into /r/base, where the store says that QEMU cannot do some of it. */
static void what_qemu_cannot_do_is_a_reason(void **state)
{
    (void)state;
    static const char *const set[] = {"/r/one"};
#define LONGER "UPDATE image_header SET virtual_size = 2097152 WHERE image_id = 1;"
#define SNAPSHOT "INSERT INTO " MAPPING_ROW " VALUES (99, 4, 0, '1', 's', 1048576, 0, NULL, 0, 0);"
#define BEHIND                                                                                                         \
    "UPDATE image SET backing_id = 3 WHERE image_id = 4; UPDATE image_header SET virtual_size = 4194304 "              \
    "WHERE image_id = 3;"
    static const struct {
        const char *change, *committed, *receives;
    } cases[] = {
        {LONGER SNAPSHOT BEHIND, "", ""},
        {"UPDATE image_ability SET can_commit = 0 WHERE image_id = 4", "", ""},
        {"UPDATE image_ability SET can_commit = 0", "qemu-img does not commit images of this kind", ""},
        {"UPDATE image_ability SET can_receive = 0", "", "qemu-img does not commit into images of this kind"},
        {"UPDATE image_ability SET zeroes_are_known = 0", "",
         "how QEMU writes zeroes to images of this kind is not followed"},
        {"UPDATE image_ability SET can_grow = 0, can_grow_over_backing = 0, can_grow_with_snapshots = 0", "", ""},
        {LONGER SNAPSHOT "UPDATE image_ability SET can_grow = 0, can_grow_with_snapshots = 0", "",
         "QEMU does not let it grow: an image of this kind"},
        {LONGER "UPDATE image_ability SET can_grow_with_snapshots = 0", "", ""},
        {LONGER SNAPSHOT "UPDATE image_ability SET can_grow_with_snapshots = 0", "",
         "QEMU does not let it grow: with internal snapshots"},
        {LONGER "UPDATE image_ability SET can_grow_over_backing = 0", "", ""},
        {LONGER BEHIND "UPDATE image_ability SET can_grow_over_backing = 0", "",
         "QEMU does not let it grow: over a larger backing file"},
        {"UPDATE image_header SET has_data_file = 1 WHERE image_id = 4", "",
         "\"it keeps its data in an external file, which QEMU treats in its own way\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_store store;
        char expected[256];
        fill(&store);
        add_backing(&store, 1, 4, 0, 0);
        store_exec(&store, cases[i].change);
        bool any = cases[i].committed[0] != '\0' || cases[i].receives[0] != '\0';
        snprintf(expected, sizeof(expected), "effect,why\ncommitted,%s\nreceives,%s\ntotal,%s\n", cases[i].committed,
                 cases[i].receives, any ? "rows above have doubts of their own" : "");
        expect_what_if(&store, IA_WHAT_IF_COMMIT, set, 1, "effect,why", expected);
        store_close(&store);
    }
}

int main(void)
{
    struct CMUnitTest tests[DELETIONS + COMMITS + 5];
    for (size_t i = 0; i < DELETIONS; i++)
        tests[i] = (struct CMUnitTest){deletions[i].name, a_deletion_frees_what_nothing_else_holds, NULL, NULL,
                                       (void *)&deletions[i]};
    for (size_t i = 0; i < COMMITS; i++)
        tests[DELETIONS + i] = (struct CMUnitTest){commits[i].name, a_commit_frees_what_the_image_alone_holds, NULL,
                                                   NULL, (void *)&commits[i]};
    tests[DELETIONS + COMMITS] = (struct CMUnitTest)cmocka_unit_test(detail_and_why_have_the_reasons_of_each_row);
    tests[DELETIONS + COMMITS + 1] = (struct CMUnitTest)cmocka_unit_test(later_steps_take_along_what_is_left);
    tests[DELETIONS + COMMITS + 2] = (struct CMUnitTest)cmocka_unit_test(writing_to_shared_blocks_takes_others);
    tests[DELETIONS + COMMITS + 3] = (struct CMUnitTest)cmocka_unit_test(what_qemu_cannot_do_is_a_reason);
    tests[DELETIONS + COMMITS + 4] = (struct CMUnitTest)cmocka_unit_test(what_is_deleted_has_the_doubts_of_a_candidate);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
