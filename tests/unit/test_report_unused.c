/* SPDX-License-Identifier: MIT */
/* The rules of --unused-backing, one by one: each case changes one thing in a store whose answer is known.
 *
 * The store: orphan (1) was referenced in scan 1 by an image that is gone; alone (2) never was; base (10) is named by
 * the overlays left (11) and right (12), which hide all of it; top (13) stands on right. */
#include "test_report_store.h"

#define HEAD "status,verdict,path,why_codes\n"
#define ORPHAN_PROVEN "unreferenced,proven,/r/orphan.qcow2,\n"
#define BASE_PROVEN "fully-masked,proven,/r/base.qcow2,\n"
#define BASE_PARTLY "partly-masked,proven,/r/base.qcow2,\n"
#define ORPHAN_UNPROVEN(why) "unreferenced,unproven,/r/orphan.qcow2," why "\n"
#define BASE_UNPROVEN(why) "fully-masked,unproven,/r/base.qcow2," why "\n"

static const struct rule {
    const char *name;
    const char *change;
    const char *expected;
} rules[] = {
    {"both are proven", "", HEAD ORPHAN_PROVEN BASE_PROVEN},

    /* What is not unreferenced. */
    {"it is kept as a template", "UPDATE image SET is_template = 1 WHERE image_id = 1", HEAD BASE_PROVEN},
    {"one of its files belongs to another image",
     "INSERT INTO " FILE_ROW " VALUES (77, '/r/flat', 1, 77, 1, 1, 1, 1, 1, 'part', '', 1, 1);"
     "INSERT INTO " IMAGE_FILE_ROW " VALUES (1, 1, 'extent', '/r/flat', 77), (2, 1, 'extent', '/r/flat', 77);"
     "UPDATE image_memory SET referenced_mtime_ns = 1 WHERE image_id = 1",
     HEAD ORPHAN_UNPROVEN("shared-file") BASE_PROVEN},
    {"no evidence that it was a base", "UPDATE image_memory SET referenced_scan = NULL WHERE image_id = 1",
     HEAD BASE_PROVEN},
    {"an image names it as backing",
     "UPDATE image SET backing_id = 1, backing_path = '/r/orphan.qcow2' WHERE image_id = 2; UPDATE image_header SET "
     "backing_name = 'o' WHERE image_id = 2",
     HEAD BASE_PROVEN},
    {"a reference seen from another name of the image",
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'alias', 'orphan.qcow2', '/r/orphan.qcow2', 'followed', 1)",
     HEAD BASE_PROVEN},
    {"a reference as data file",
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'data-file', 'orphan.qcow2', '/x', 'followed', 1)", HEAD BASE_PROVEN},
    {"a reference in the content of a raw image",
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'content', 'orphan.qcow2', '/x', 'unsupported', 1)", HEAD BASE_PROVEN},
    {"a reference that was not followed, by its second name",
     "INSERT INTO " FILE_NAME_ROW " VALUES ('/other/name', 1, 'file');"
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'backing', 'name', '/other/name', 'denied', NULL)",
     HEAD BASE_PROVEN},
    {"a backing path that led nowhere", "UPDATE image SET backing_path = '/r/orphan.qcow2' WHERE image_id = 2",
     HEAD BASE_PROVEN},
    {"the same by its second name",
     "INSERT INTO " FILE_NAME_ROW " VALUES ('/other/name', 1, 'file');"
     "UPDATE image SET backing_path = '/other/name' WHERE image_id = 2",
     HEAD BASE_PROVEN},
    {"a reference that was not followed, where only the image has its path",
     "DELETE FROM file_name; INSERT INTO " REFERENCE_ROW
     " VALUES (2, 'backing', 'o', '/r/orphan.qcow2', 'denied', NULL)",
     HEAD BASE_PROVEN},
    {"a backing path that led nowhere, where only the image has its path",
     "DELETE FROM file_name; UPDATE image SET backing_path = '/r/orphan.qcow2' WHERE image_id = 2", HEAD BASE_PROVEN},
    {"an image that backs itself",
     "INSERT INTO " REFERENCE_ROW " VALUES (1, 'backing', 'o', '/r/orphan.qcow2', 'loop', 1)", HEAD BASE_PROVEN},
    {"the data file of another image", "INSERT INTO " IMAGE_FILE_ROW " VALUES (2, 1, 'data', '/r/orphan.qcow2', 1)",
     HEAD BASE_PROVEN},
    {"the data file of another image, by an unknown name",
     "INSERT INTO " IMAGE_FILE_ROW " VALUES (2, 1, 'data', '/elsewhere', 1)", HEAD BASE_PROVEN},
    {"the data file of another image, not identified",
     "INSERT INTO " IMAGE_FILE_ROW " VALUES (2, 1, 'data', '/r/orphan.qcow2', NULL)", HEAD BASE_PROVEN},
    {"a part by the scanner's class", "UPDATE file SET class = 'part' WHERE file_id = 1", HEAD BASE_PROVEN},

    /* What is not proven of an orphan alone. */
    {"written to since it was last named", "UPDATE file SET mtime_ns = 1 WHERE file_id = 1",
     HEAD ORPHAN_UNPROVEN("written-since") BASE_PROVEN},
    {"a name that depends on a working directory",
     "UPDATE file SET birth_ns = 9; INSERT INTO " REFERENCE_ROW
     " VALUES (2, 'data-file', 'file:orphan.qcow2', '/elsewhere/orphan.qcow2', 'ambiguous', NULL)",
     HEAD ORPHAN_UNPROVEN("broken-reference") BASE_PROVEN},
    {"a name that depends on a working directory and means something else",
     "UPDATE file SET birth_ns = 9; INSERT INTO " REFERENCE_ROW
     " VALUES (2, 'data-file', 'file:other', '/elsewhere/other', 'ambiguous', NULL)",
     HEAD ORPHAN_PROVEN BASE_PROVEN},

    /* What is not proven, of both. */
    {"a finding that hides",
     "INSERT INTO " FINDING_ROW " VALUES (1, 'unreadable', 'error', '/r/secret', 'x', 'unread', 1, 2)",
     HEAD ORPHAN_UNPROVEN("unread") BASE_UNPROVEN("unread")},
    {"five findings that hide, two of them of one path",
     "INSERT INTO finding (code, severity, path, detail, doubt, first_scan, last_scan) VALUES"
     " ('unreadable', 'error', '/r/e', 'x', 'unread', 1, 2), ('unreadable', 'error', '/r/b', 'x', 'unread', 1, 2),"
     " ('unreadable', 'error', '/r/c', 'x', 'unread', 1, 2), ('unreadable', 'error', '/r/d', 'x', 'unread', 1, 2),"
     " ('limit', 'error', '/r/d', 'x', 'unread', 1, 2), ('unreadable', 'error', '/r/a', 'x', 'unread', 1, 2)",
     HEAD ORPHAN_UNPROVEN("unread") BASE_UNPROVEN("unread")},
    {"a finding that hides nothing",
     "INSERT INTO " FINDING_ROW " VALUES (1, 'dirty', 'warning', '/r/x', 'x', NULL, 1, 2)",
     HEAD ORPHAN_PROVEN BASE_PROVEN},
    {"a finding of the past",
     "INSERT INTO " FINDING_ROW " VALUES (1, 'unreadable', 'error', '/r/x', 'x', 'unread', 1, 1)",
     HEAD ORPHAN_PROVEN BASE_PROVEN},
    /* What is not proven, of one. */
    {"open for writing", "UPDATE image SET lock_state = 'write' WHERE image_id IN (1, 2)",
     HEAD ORPHAN_UNPROVEN("in-use") BASE_PROVEN},
    {"open for reading", "UPDATE image SET lock_state = 'read' WHERE image_id IN (10, 2)",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("in-use")},
    {"locks unknown", "UPDATE image SET lock_state = 'unknown' WHERE image_id = 1",
     HEAD ORPHAN_UNPROVEN("in-use") BASE_PROVEN},
    {"somebody holds it", "INSERT INTO holder VALUES (1, 'swap')", HEAD ORPHAN_UNPROVEN("in-use") BASE_PROVEN},
    {"somebody holds a part of it",
     "INSERT INTO " FILE_ROW " VALUES (99, '/r/data', 1, 99, 1, 1, 1, 1, 1, 'part', '', 1, 1);"
     "INSERT INTO " IMAGE_FILE_ROW " VALUES (1, 1, 'data', '/r/data', 99); INSERT INTO holder VALUES (99, 'swap');"
     "UPDATE image_memory SET referenced_mtime_ns = 1 WHERE image_id = 1",
     HEAD ORPHAN_UNPROVEN("in-use") BASE_PROVEN},
    {"somebody holds another file", "INSERT INTO holder VALUES (2, 'swap'), (11, 'swap')",
     HEAD ORPHAN_PROVEN BASE_PROVEN},
    {"who holds files could not be found out", "INSERT INTO holder VALUES (NULL, 'not seen')",
     HEAD ORPHAN_UNPROVEN("in-use") BASE_UNPROVEN("in-use")},
    {"not understood itself", "UPDATE image SET state = 'corrupt' WHERE image_id = 1",
     HEAD ORPHAN_UNPROVEN("not-understood") BASE_PROVEN},
    {"several reasons at once",
     "UPDATE image SET state = 'corrupt', lock_state = 'write' WHERE image_id = 1;"
     "INSERT INTO " FINDING_ROW
     " VALUES (1, 'unreadable', 'error', '/r/secret', 'x', 'unread', 1, 2); DELETE FROM usage",
     HEAD ORPHAN_UNPROVEN("\"unread,not-understood,in-use\"")},

    /* What does contribute, or may. */
    {"one byte of it is read", "UPDATE usage SET visible_present = 1 WHERE image_id = 10",
     HEAD ORPHAN_PROVEN BASE_PARTLY},
    {"one byte of it is read, and none is masked",
     "UPDATE usage SET visible_present = 1, masked_bytes = 0 WHERE image_id = 10", HEAD ORPHAN_PROVEN},
    {"one byte of it is read, and an overlay has an error",
     "UPDATE usage SET visible_present = 1 WHERE image_id = 10; UPDATE image SET state = 'truncated' WHERE image_id = "
     "11",
     HEAD ORPHAN_PROVEN "partly-masked,unproven,/r/base.qcow2,not-understood\n"},
    {"its accounts are unknown", "DELETE FROM usage WHERE image_id = 10", HEAD ORPHAN_PROVEN},
    {"an internal snapshot of its own",
     "INSERT INTO " MAPPING_ROW " VALUES (99, 10, 0, '1', 's', 1048576, 0, NULL, 0, 0)",
     HEAD ORPHAN_PROVEN BASE_PARTLY},
    {"it is kept as a template that has nothing of its own", "UPDATE image SET is_template = 1 WHERE image_id = 10",
     HEAD ORPHAN_PROVEN},
    {"it is read under another name of an image too",
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'alias', 'base.qcow2', '/r/base.qcow2', 'followed', 10)",
     HEAD ORPHAN_PROVEN},
    {"an overlay names it by both of its own names",
     "INSERT INTO " REFERENCE_ROW " VALUES (11, 'alias', 'b', '/r/base.qcow2', 'followed', 10)",
     HEAD ORPHAN_PROVEN BASE_PROVEN},
    {"an overlay reads it in another way too",
     "INSERT INTO " REFERENCE_ROW " VALUES (11, 'content', 'b', '/x', 'followed', 10)", HEAD ORPHAN_PROVEN},
    {"a reference to it was not followed",
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'backing', 'b', '/r/base.qcow2', 'denied', NULL)", HEAD ORPHAN_PROVEN},
    {"it is the data file of another image too",
     "INSERT INTO " IMAGE_FILE_ROW " VALUES (2, 1, 'data', '/r/base.qcow2', 10)", HEAD ORPHAN_PROVEN},
    {"an overlay that was not understood", "UPDATE image SET state = 'corrupt' WHERE image_id = 11",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("not-understood")},
    {"an overlay of an overlay that was not understood", "UPDATE image SET state = 'denied' WHERE image_id = 13",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("not-understood")},
    {"the same where its chain is unknown",
     "UPDATE image SET state = 'denied' WHERE image_id = 13; DELETE FROM chain WHERE image_id = 13",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("not-understood")},
    {"an overlay with an error that its state does not show",
     "INSERT INTO " FINDING_ROW " VALUES (1, 'snapshot-unreadable', 'error', '/r/top.qcow2', 'x', NULL, 1, 2)",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("not-understood")},
    {"an overlay is read under another name of an image",
     "INSERT INTO " REFERENCE_ROW " VALUES (2, 'alias', 'l', '/r/left.qcow2', 'followed', 11)",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("non-backing-reader")},
    {"a ring of images", "UPDATE image SET backing_id = 13, backing_path = '/r/top.qcow2' WHERE image_id = 10",
     HEAD ORPHAN_PROVEN BASE_UNPROVEN("loop")},

    /* Names. */
    {"several names, one row",
     "INSERT INTO " FILE_NAME_ROW " VALUES ('/r/hard', 1, 'file'), ('/s/soft', 1, 'symlink'), ('/s/hard', 10, 'file')",
     HEAD ORPHAN_PROVEN BASE_PROVEN},
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

static void fill(struct test_store *store)
{
    store_open(store);
    add_scan(store, 1, 0);
    add_scan(store, 2, 60);
    add_image(store, 1, "/r/orphan.qcow2");
    add_image(store, 2, "/r/alone.qcow2");
    add_image(store, 10, "/r/base.qcow2");
    add_image(store, 11, "/r/left.qcow2");
    add_image(store, 12, "/r/right.qcow2");
    add_image(store, 13, "/r/top.qcow2");
    add_backing(store, 11, 10, 0, 0);
    add_backing(store, 12, 10, 0, 0);
    add_backing(store, 13, 12, 65536, 65536);
    store_exec(store,
               "INSERT INTO " CHAIN_ROW " VALUES (13, 2, 10, 10, 1048576, 0, 0);"
               "UPDATE image_memory SET referenced_scan = 1, referenced_by = "
               "'/r/gone.qcow2' WHERE image_id = 1;"
               "UPDATE image_memory SET referenced_scan = 2, referenced_by = '/r/left.qcow2' WHERE image_id = 10;"
               "INSERT INTO " USAGE_ROW " VALUES (10, 0, 0, 262144, 0, 0, 2, 3, 2), (12, 1, 1, 0, 1, 0, 1, 1, 1)");
}

static void report_has_the_verdict_and_the_codes_of_the_rule(void **state)
{
    const struct rule *rule = *state;
    struct test_store store;
    fill(&store);
    store_exec(&store, rule->change);
    store_judge(&store);
    expect_report(&store, "unused-backing", "status,verdict,path,why_codes", NULL, rule->expected);
    store_close(&store);
}

static void evidence_and_all_names_and_sizes_are_listed(void **state)
{
    (void)state;
    struct test_store store;
    fill(&store);
    store_exec(&store, "INSERT INTO " FILE_NAME_ROW " VALUES ('/r/hard', 1, 'file'), ('/s/soft', 1, 'symlink');"
                       "INSERT INTO " FILE_ROW " VALUES (50, '/r/d', 1, 50, 10, 4096, 0, 0, 1, 'part', '', 1, 1);"
                       "INSERT INTO " IMAGE_FILE_ROW " VALUES (10, 1, 'data', '/r/d', 50)");
    store_judge(&store);
    expect_report(&store, "unused-backing",
                  "path,format,disk_size,virtual_size,names,last_referenced,referenced_by,evidence", NULL,
                  "path,format,disk_size,virtual_size,names,last_referenced,referenced_by,evidence\n"
                  "/r/orphan.qcow2,qcow2,307200,1048576,2,2025-01-01T00:00:00Z,/r/gone.qcow2,scan 1 saw it named as "
                  "backing file by '/r/gone.qcow2'\n"
                  "/r/base.qcow2,qcow2,311296,1048576,1,2025-01-01T00:01:00Z,/r/left.qcow2,"
                  "named by /r/left.qcow2\n");
    store_close(&store);
}

/* What the report promises of the orphan's 307200 bytes and of the base's, of which 65536 are masked. */
static void no_blocks_that_others_hold_are_promised(void **state)
{
    (void)state;
    static const struct {
        const char *change, *orphan, *base;
    } cases[] = {
        {"", "307200", "65536"},
        {"UPDATE file SET links = 2, links_found = 2", "0", "65536"}, /* what is punched out is free by whatever name */
        {"UPDATE file SET links = 2, links_found = 1", "0", "65536"},
        {"UPDATE file SET links = NULL", "", ""}, /* of a store that no scan has seen since it was migrated */
        {"INSERT INTO " FILE_SHARING_ROW " SELECT file_id, 200000, 0, 0, 0, NULL FROM file", "107200", "65536"},
        {"INSERT INTO " FILE_SHARING_ROW " SELECT file_id, 300000, 0, 0, 300000, NULL FROM file", "7200", "7200"},
        {"INSERT INTO " FILE_SHARING_ROW " SELECT file_id, 0, 300000, 0, 0, NULL FROM file", "7200", "7200"},
        {"INSERT INTO " FILE_SHARING_ROW " SELECT file_id, NULL, 0, NULL, 0, NULL FROM file", "", ""},
        {"INSERT INTO " FILE_NAME_ROW " VALUES ('/mounted/twice', 1, 'file')", "307200", "65536"},
        {"INSERT INTO " FILE_ROW " VALUES (50, '/r/d', 1, 50, 10, 4096, 0, 0, 1, 'part', '', 1, 1);"
         "INSERT INTO " IMAGE_FILE_ROW " VALUES (1, 1, 'data', '/r/d', 50), (1, 2, 'data', '/gone', NULL)",
         "311296", "65536"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_store store;
        char expected[256];
        fill(&store);
        store_exec(&store, "UPDATE usage SET masked_bytes = 65536 WHERE image_id = 10;"
                           "UPDATE usage SET visible_present = 1 WHERE image_id = 10;"
                           "INSERT INTO " MASKED_ROW " VALUES (10, 0, 65536, 0, 0, 65536)");
        store_exec(&store, cases[i].change);
        store_judge(&store);
        snprintf(expected, sizeof(expected), "path,reclaimable_bytes\n/r/orphan.qcow2,%s\n/r/base.qcow2,%s\n",
                 cases[i].orphan, cases[i].base);
        expect_report(&store, "unused-backing", "path,reclaimable_bytes", NULL, expected);
        store_close(&store);
    }
}

static void odd_names_stay_whole(void **state)
{
    (void)state;
    struct test_store store;
    fill(&store);
    store_exec(&store, "INSERT INTO " FINDING_ROW
                       " VALUES (1, 'unreadable', 'error', CAST(x'2f72ff0a22' AS TEXT), 'x', 'unread', 1, 2);"
                       "UPDATE image SET path = CAST(x'2f72e92c80' AS TEXT) WHERE image_id = 1; DELETE FROM usage");
    store_judge(&store);
    expect_report(&store, "unused-backing", "path,why", NULL,
                  "path,why\n\"/r\xe9,\x80\",\"a reference may be hidden in what was not read or not understood:"
                  " /r\xff\n\"\"\"\n");
    store_close(&store);
}

static void each_doubt_is_a_sentence_of_why(void **state)
{
    (void)state;
    struct test_store store;
    fill(&store);
    store_exec(&store,
               "INSERT INTO " FINDING_ROW " VALUES (1, 'unreadable', 'error', '/r/secret', 'x', 'unread', 1, 2);"
               "UPDATE image SET lock_state = 'write' WHERE image_id = 1");
    store_judge(&store);
    expect_report(
        &store, "unused-backing", "path,why", NULL,
        "path,why\n/r/orphan.qcow2,a reference may be hidden in what was not read or not understood: /r/secret;"
        " it may be in use: open for writing\n"
        "/r/base.qcow2,a reference may be hidden in what was not read or not understood: /r/secret\n");
    store_close(&store);
}

int main(void)
{
    struct CMUnitTest tests[RULE_COUNT + 4];
    for (size_t i = 0; i < RULE_COUNT; i++)
        tests[i] = (struct CMUnitTest){rules[i].name, report_has_the_verdict_and_the_codes_of_the_rule, NULL, NULL,
                                       (void *)&rules[i]};
    tests[RULE_COUNT] = (struct CMUnitTest)cmocka_unit_test(evidence_and_all_names_and_sizes_are_listed);
    tests[RULE_COUNT + 1] = (struct CMUnitTest)cmocka_unit_test(odd_names_stay_whole);
    tests[RULE_COUNT + 2] = (struct CMUnitTest)cmocka_unit_test(no_blocks_that_others_hold_are_promised);
    tests[RULE_COUNT + 3] = (struct CMUnitTest)cmocka_unit_test(each_doubt_is_a_sentence_of_why);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
