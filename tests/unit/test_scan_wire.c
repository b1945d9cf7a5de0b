/* SPDX-License-Identifier: MIT */
/* What goes between the coordinator and the process that reads files. */
#include <stdlib.h>
#include <string.h>

#include "scan/catalog/packed.h"
#include "scan/reading/wire.h"
#include "support/unit.h"

/* One of everything. */
static void fill(struct ia_parse_result *result)
{
    struct ia_image_facts *facts = &result->parsed.facts;
    *result = (struct ia_parse_result){.class = IA_CLASS_IMAGE,
                                       .reason = IA_REASON_EMPTY,
                                       .looks_packed = true,
                                       .opened = true,
                                       .birth_ns = 7,
                                       .checked_ns = -1,
                                       .lock = IA_LOCK_WRITE,
                                       .table_bytes = INT64_MAX};
    result->st.st_ino = 4711;
    result->parsed.status = IA_CORRUPT;
    result->parsed.message = strdup("no good");
    result->parsed.format = strdup("qcow2");
    result->parsed.basis = IA_BASIS_STATED;
    result->parsed.changed_while_read = true;
    result->parsed.state_bytes[IA_EXTENT_RESERVED] = 99;
    assert_true(
        ia_parsed_set_identity(&result->parsed, &(struct ia_image_identity){.own = "cid 1", .parent = "cid 2"}));
    assert_true(ia_vec_push(&result->parsed.mappings, ((struct ia_mapping){.size = 512, .extents = 3})));
    assert_true(ia_vec_push(&result->parsed.mappings, ((struct ia_mapping){.size = 1024, .failed = true})));
    facts->virtual_size = 1024;
    memcpy(facts->variant, "v3", sizeof("v3"));
    facts->version = 3;
    facts->overlapping = -1;
    facts->compression = "zstd";
    facts->backing_name = strdup("");
    facts->companion = strdup("beside");
    facts->encrypted = facts->may_be_lost = true;
    assert_true(ia_image_facts_add_backing_path(facts, "/one"));
    assert_true(ia_image_facts_add_backing_path(facts, "two"));
    assert_true(ia_image_facts_add_part(facts, NULL, "extent", IA_PART_BESIDE));
    assert_true(ia_vec_push(&facts->snapshots, ((struct ia_snapshot){strdup("1"), strdup("\xff"), 5, 6, -7})));
    assert_true(ia_vec_push(&result->account.rows, ((struct ia_account_row){1, IA_ACCOUNT_TAIL, 1, -1, 2})));
    struct ia_parsed_part part = {.status = IA_MISSING, .message = strdup("gone"), .opened = true};
    part.file = (struct ia_resolved){
        .state = IA_RESOLVE_AMBIGUOUS, .found = IA_RESOLVE_FOLLOWED, .path = strdup("/a"), .named = strdup("/b")};
    memcpy(part.file.cause.message, "why", sizeof("why"));
    assert_true(ia_vec_push(&result->parts, part));
    result->sharing.known = true;
    assert_true(ia_vec_push(&result->sharing.pieces, ((struct ia_shared_piece){1, 2, 3, true})));
    result->packed = calloc(1, sizeof(*result->packed));
    assert_non_null(result->packed);
    char member[] = "";
    char format[] = "vpc";
    char name[] = "p";
    const struct ia_packed_name packed = {.kind = IA_PACKED_PATH, .member = member, .format = format, .name = name};
    assert_true(ia_packed_content_add(result->packed, &packed));
}

static void pack(const struct ia_parse_result *result, struct ia_buf *out)
{
    ia_buf_clear(out);
    ia_wire_pack_result(out, result);
    assert_false(out->failed);
}

static void a_result_comes_as_it_was_sent(void **state)
{
    struct ia_parse_result sent;
    struct ia_parse_result got = {0};
    struct ia_buf bytes = {0};
    struct ia_buf again = {0};
    struct ia_error err;
    (void)state;
    fill(&sent);
    pack(&sent, &bytes);
    assert_int_equal(ia_wire_unpack_result(bytes.data, bytes.len, &got, &err), IA_OK);
    pack(&got, &again);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    assert_string_equal(got.parsed.facts.backing_name, "");
    assert_null(got.parsed.facts.backing_format);
    assert_string_equal(got.parsed.facts.parts.items[0].role, "extent");
    assert_null(got.parsed.facts.parts.items[0].name);
    assert_string_equal(got.parsed.facts.snapshots.items[0].name, "\xff");
    assert_string_equal(got.parts.items[0].file.named, "/b");
    assert_string_equal(got.packed->names.items[0].format, "vpc");
    assert_int_equal(got.parsed.mappings.items[1].size, 1024);
    assert_int_equal(got.st.st_ino, 4711);
    ia_parse_result_release(&sent);
    ia_parse_result_release(&got);
    ia_buf_release(&bytes);
    ia_buf_release(&again);
}

static void a_result_that_is_cut_off_is_none(void **state)
{
    struct ia_parse_result sent;
    struct ia_buf bytes = {0};
    struct ia_error err;
    (void)state;
    fill(&sent);
    pack(&sent, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        struct ia_parse_result got = {0};
        char *copy = malloc(len + 1); /* of that length, for what watches memory */
        assert_non_null(copy);
        memcpy(copy, bytes.data, len);
        assert_int_equal(ia_wire_unpack_result(copy, len, &got, &err), IA_BUG);
        ia_parse_result_release(&got);
        free(copy);
    }
    ia_parse_result_release(&sent);
    ia_buf_release(&bytes);
}

/* Whatever it is then, it has meanings for its enumerations and lies within its bytes. */
static void a_result_with_any_byte_changed_is_one_or_none(void **state)
{
    struct ia_parse_result sent;
    struct ia_buf bytes = {0};
    struct ia_buf again = {0};
    struct ia_error err;
    (void)state;
    fill(&sent);
    pack(&sent, &bytes);
    for (size_t i = 0; i < bytes.len; i++)
        for (int change = 1; change <= 0x80; change *= 2) {
            struct ia_parse_result got = {0};
            bytes.data[i] = (char)(bytes.data[i] ^ change);
            if (ia_wire_unpack_result(bytes.data, bytes.len, &got, &err) == IA_OK) {
                assert_in_range(got.class, 0, IA_CLASS_UNKNOWN);
                assert_in_range(got.lock, 0, IA_LOCK_UNKNOWN);
                assert_in_range(got.parsed.basis, 0, IA_BASIS_COUNT - 1);
                assert_int_equal(got.parts.len, got.parsed.facts.parts.len);
                pack(&got, &again);
            }
            ia_parse_result_release(&got);
            bytes.data[i] = (char)(bytes.data[i] ^ change);
        }
    ia_parse_result_release(&sent);
    ia_buf_release(&bytes);
    ia_buf_release(&again);
}

static void a_request_comes_as_it_was_sent(void **state)
{
    struct ia_buf bytes = {0};
    struct ia_parse_request got;
    const struct ia_parse_request sent = {.path = "/p",
                                          .described = ia_format_by_name("longhorn"),
                                          .described_as = "/d",
                                          .raw_by_past = true,
                                          .lock_only = true};
    (void)state;
    ia_wire_pack_request(&bytes, &sent);
    assert_true(ia_wire_unpack_request(bytes.data, bytes.len, &got));
    assert_string_equal(got.path, "/p");
    assert_string_equal(got.described_as, "/d");
    assert_ptr_equal(got.described, sent.described);
    assert_null(got.stated);
    assert_true(got.raw_by_past && got.lock_only && !got.raw_by_name);
    ia_wire_release_request(&got);
    assert_false(ia_wire_unpack_request(bytes.data, bytes.len - 1, &got));
    ia_wire_release_request(&got);
    ia_buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_comes_as_it_was_sent),
        cmocka_unit_test(a_result_that_is_cut_off_is_none),
        cmocka_unit_test(a_result_with_any_byte_changed_is_one_or_none),
        cmocka_unit_test(a_request_comes_as_it_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
