/* SPDX-License-Identifier: MIT */
/* UTF-8 well-formedness at its edges (The Unicode Standard, table 3-7) and JSON strings of arbitrary bytes. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json_text.h"
#include "support/unit.h"

static void sequences_are_accepted_up_to_the_edges_of_unicode(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t sequence;
    } cases[] = {
        {"A", 1},
        {"\x7f", 1},
        {"\x80", 0}, /* a continuation alone */
        {"\xbf", 0},
        {"\xc0\x80", 0}, /* overlong NUL */
        {"\xc1\xbf", 0}, /* overlong U+7F */
        {"\xc2\x80", 2}, /* U+80 */
        {"\xdf\xbf", 2}, /* U+7FF */
        {"\xc2", 0},     /* cut off */
        {"\xc2\x41", 0},
        {"\xc2\xc2", 0},
        {"\xe0\x80\x80", 0},
        {"\xe0\x9f\xbf", 0}, /* overlong U+7FF */
        {"\xe0\xa0\x80", 3}, /* U+800 */
        {"\xed\x9f\xbf", 3}, /* U+D7FF */
        {"\xed\xa0\x80", 0}, /* the first surrogate */
        {"\xed\xbf\xbf", 0}, /* the last one */
        {"\xee\x80\x80", 3}, /* U+E000 */
        {"\xef\xbf\xbf", 3}, /* U+FFFF */
        {"\xe2\x82", 0},
        {"\xe2\x28\xa1", 0},
        {"\xe2\x82\x28", 0},
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong U+FFFF */
        {"\xf0\x90\x80\x80", 4}, /* U+10000 */
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0}, /* U+110000 */
        {"\xf5\x80\x80\x80", 0},
        {"\xf0\x9f\x92", 0},
        {"\xf8\x88\x80\x80\x80", 0}, /* five bytes */
        {"\xfe", 0},
        {"\xff", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (ia_utf8_sequence(cases[i].bytes, strlen(cases[i].bytes)) != cases[i].sequence)
            fail_msg("case %zu", i);
    assert_int_equal(ia_utf8_sequence("", 0), 0);
    assert_int_equal(ia_utf8_sequence("\0", 1), 1);
    assert_int_equal(ia_utf8_sequence("\xc3\xa9", 1), 0); /* only what lies inside counts */
}

/* Of the strings of n bytes that no shorter sequence begins, exactly the code points of n bytes are accepted. */
static void exactly_the_code_points_of_unicode_are_accepted(void **state)
{
    (void)state;
    size_t two = 0;
    size_t three = 0;
    size_t four = 0;
    for (unsigned lead = 0x80; lead <= 0xff; lead++) {
        for (unsigned tail = 0; tail <= 0xffff; tail++) {
            char bytes[4] = {(char)lead, (char)(tail >> 8), (char)tail, (char)0x80};
            two += tail <= 0xff && ia_utf8_sequence((char[]){(char)lead, (char)tail}, 2) == 2;
            three += ia_utf8_sequence(bytes, 3) == 3;
            four += ia_utf8_sequence(bytes, 4) == 4; /* of 64 last bytes, one */
        }
    }
    assert_int_equal(two, 0x800 - 0x80);
    assert_int_equal(three, 0x10000 - 0x800 - 0x800); /* without the surrogates */
    assert_int_equal(four, 0x100000 / 64);
}

static void assert_json(const char *bytes, size_t len, const char *expected, bool exact)
{
    IA_AUTO_BUF struct ia_buf out = {0};
    assert_int_equal(ia_json_add_string(&out, bytes, len), exact);
    assert_string_equal(out.data, expected);
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    assert_json("", 0, "\"\"", true);
    assert_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"", true);
    assert_json("\n\t", 2, "\"\\n\\t\"", true);
    assert_json("\0\x01\x1f\x7f\r\b", 6, "\"\\u0000\\u0001\\u001f\\u007f\\u000d\\u0008\"", true);
    assert_json("a/b%s", 5, "\"a/b%s\"", true);
}

static void utf8_stays_and_other_bytes_are_replaced(void **state)
{
    (void)state;
    assert_json("\xc3\xa9\xf0\x9f\x92\xbe", 6, "\"\xc3\xa9\xf0\x9f\x92\xbe\"", true);
    assert_json("a\xff", 2, "\"a\xef\xbf\xbd\"", false);
    assert_json("\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"", false); /* cut off: one for each byte */
    assert_json("\xed\xa0\x80x", 4, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"", false);
    assert_json("\xef\xbf\xbd", 3, "\"\xef\xbf\xbd\"", true); /* the name itself has U+FFFD */
}

static void hexadecimal_has_every_byte(void **state)
{
    (void)state;
    IA_AUTO_BUF struct ia_buf out = {0};
    ia_json_add_hex(&out, "\x00\xffZ\n", 4);
    assert_string_equal(out.data, "\"00ff5a0a\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_accepted_up_to_the_edges_of_unicode),
        cmocka_unit_test(exactly_the_code_points_of_unicode_are_accepted),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(utf8_stays_and_other_bytes_are_replaced),
        cmocka_unit_test(hexadecimal_has_every_byte),
    };
    return cmocka_run_group_tests_name("base/json_text", tests, NULL, NULL);
}
