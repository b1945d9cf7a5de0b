/* SPDX-License-Identifier: MIT */
/* Members of JSON objects, and what is refused. */
#include <stdio.h>
#include <string.h>

#include "io/json.h"
#include "support/unit.h"

static struct ia_error err;

/* The text of the member "key", or NULL. */
static const char *text_of(const char *json)
{
    static char copy[64];
    const char *text = NULL;
    IA_AUTO_JSON struct ia_json *object = NULL;
    if (ia_json_open(json, strlen(json), &object, &err) != IA_OK || ia_json_text(object, "key", &text, &err) != IA_OK)
        return NULL;
    snprintf(copy, sizeof(copy), "%s", text);
    return copy;
}

static bool flag_of(const char *json)
{
    IA_AUTO_JSON struct ia_json *object = NULL;
    assert_ok(ia_json_open(json, strlen(json), &object, &err));
    return ia_json_is_true(object, "key");
}

static void text_of_a_member_is_found(void **state)
{
    (void)state;
    assert_string_equal(text_of("{\"other\": {\"key\": 1}, \"key\": \"a\\u0026b\"}\n \t\r\n"), "a&b");
    assert_string_equal(text_of("{\"key\":\"\"}"), "");
    assert_string_equal(text_of("{\"key\":\"first\",\"key\":\"last\"}"), "last");
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"null", "1", "true", "[]", "{}", "[\"a\"]", "\"a\\u0000\""};
    char json[64];
    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(json, sizeof(json), "{\"key\":%s}", values[i]);
        assert_null(text_of(json));
        assert_int_equal(err.status, IA_CORRUPT);
    }
}

static void another_spelling_is_none_and_beside_the_right_one_too_many(void **state)
{
    (void)state;
    assert_null(text_of("{\"Key\":\"a\"}"));
    assert_null(text_of("{\"key\":\"a\",\"KEY\":\"b\"}"));
    assert_int_equal(err.status, IA_CORRUPT);
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const documents[] = {"",        " ",   "{",         "{\"key\":\"a\"",     "[{\"key\":\"a\"}]",
                                            "\"key\"", "nul", "{key:'a'}", "{\"key\":\"a\"} {}", "{\"key\":\"a\",}",
                                            "\xff"};
    for (size_t i = 0; i < COUNT(documents); i++) {
        assert_null(text_of(documents[i]));
        assert_int_equal(err.status, IA_CORRUPT);
    }
}

static void bytes_behind_a_nul_are_not_left_out(void **state)
{
    (void)state;
    static const char json[] = "{\"key\":\"a\"}\0{}";
    IA_AUTO_JSON struct ia_json *object = NULL;
    assert_int_equal(ia_json_open(json, sizeof(json) - 1, &object, &err), IA_CORRUPT);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    char json[4096] = "{\"key\":\"a\",\"b\":";
    size_t len = strlen(json);
    memset(json + len, '[', 1000);
    memset(json + len + 1000, ']', 1000);
    memcpy(json + len + 2000, "}", 2);
    assert_null(text_of(json));
    assert_int_equal(err.status, IA_CORRUPT);
}

static void only_true_is_true(void **state)
{
    (void)state;
    assert_true(flag_of("{\"key\":true}"));
    assert_false(flag_of("{\"key\":false}"));
    assert_false(flag_of("{\"key\":1}"));
    assert_false(flag_of("{\"key\":\"true\"}"));
    assert_false(flag_of("{}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_a_member_is_found),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(another_spelling_is_none_and_beside_the_right_one_too_many),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(bytes_behind_a_nul_are_not_left_out),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(only_true_is_true),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
