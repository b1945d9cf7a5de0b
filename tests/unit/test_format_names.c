/* SPDX-License-Identifier: MIT */
/* Names of Windows software: UTF-16, GUIDs, paths. */
#include <stdlib.h>
#include <string.h>

#include "format/names.h"
#include "support/unit.h"

static void utf16_becomes_utf8(void **state)
{
    (void)state;
    /* U+0041, U+00E4, U+20AC, U+1F600, a lone surrogate, the end, and what is behind it. */
    static const uint8_t big[] = {0, 0x41, 0, 0xe4, 0x20, 0xac, 0xd8, 0x3d, 0xde, 0x00, 0xd8, 0x00, 0, 0, 0, 0x42};
    uint8_t little[sizeof(big)];
    for (size_t i = 0; i < sizeof(big); i++)
        little[i] = big[i ^ 1];
    static const char expected[] = "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd";
    struct ia_buf out = {0};
    ia_names_add_utf16(&out, big, sizeof(big), true);
    assert_string_equal(out.data, expected);
    out.len = 0;
    ia_names_add_utf16(&out, little, sizeof(little), false);
    assert_string_equal(out.data, expected);
    out.len = 0;
    ia_names_add_utf16(&out, big, 3, true); /* an odd byte */
    assert_string_equal(out.data, "A");
    ia_buf_release(&out);
}

static void guids_are_spelled_in_both_orders(void **state)
{
    (void)state;
    uint8_t bytes[16];
    char text[37];
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(i * 0x11);
    ia_names_uuid(bytes, false, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    ia_names_uuid(bytes, true, text);
    assert_string_equal(text, "33221100-5544-7766-8899-aabbccddeeff");
}

static void paths_of_windows_lead_to_places_here(void **state)
{
    (void)state;
    static const struct {
        const char *path, *first, *second;
    } cases[] = {
        {".\\base.vhd", "./base.vhd", NULL},
        {"..\\a b\\base.vhd", "../a b/base.vhd", NULL},
        {"base.vhd", "base.vhd", NULL},
        {"C:\\vm\\base.vhd", "base.vhd", NULL},
        {"c:base.vhd", "base.vhd", NULL},
        {"\\\\server\\share\\base.vhd", "base.vhd", NULL},
        {"\\vm\\base.vhd", "base.vhd", NULL},
        {"/srv/base.vhd", "/srv/base.vhd", "base.vhd"},
        {"C:\\vm\\", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_image_facts facts = {0};
        assert_true(ia_names_add_backing_path(&facts, cases[i].path));
        assert_true(ia_names_add_backing_path(&facts, cases[i].path)); /* once is enough */
        assert_int_equal(facts.backing_paths.len, (cases[i].first != NULL) + (cases[i].second != NULL));
        if (cases[i].first != NULL)
            assert_string_equal(facts.backing_paths.items[0], cases[i].first);
        if (cases[i].second != NULL)
            assert_string_equal(facts.backing_paths.items[1], cases[i].second);
        ia_image_facts_release(&facts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf16_becomes_utf8),
        cmocka_unit_test(guids_are_spelled_in_both_orders),
        cmocka_unit_test(paths_of_windows_lead_to_places_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
