/* SPDX-License-Identifier: MIT */
/* Which driver claims which first bytes; formats that are known but not read; names. */
#include <string.h>

#include "format/format.h"
#include "support/unit.h"

static const struct ia_format *probe(const char *magic, size_t len, size_t at, const char **known)
{
    uint8_t head[IA_PROBE_BYTES] = {0};
    memcpy(head + at, magic, len);
    return ia_format_probe(head, sizeof(head), known);
}

static void qcow2_by_magic_and_version(void **state)
{
    (void)state;
    const char *known;
    assert_ptr_equal(probe("QFI\xfb\0\0\0\2", 8, 0, &known), ia_format_by_name("qcow2"));
    assert_null(known);
    assert_ptr_equal(probe("QFI\xfb\0\0\0\3", 8, 0, &known), ia_format_by_name("qcow2"));
    assert_ptr_equal(probe("QFI\xfb\0\0\0\4", 8, 0, &known), ia_format_by_name("qcow2")); /* refused when opened */
    assert_null(probe("QFI\xfa\0\0\0\2", 8, 0, &known));
    assert_null(known);
}

static void formats_that_are_known_but_not_read(void **state)
{
    (void)state;
    static const struct {
        const char *magic;
        size_t len, at;
        const char *name;
    } cases[] = {
        {"QFI\xfb\0\0\0\1", 8, 0, "qcow"},
        {"QED\0", 4, 0, "qed"},
        {"KDMV", 4, 0, "vmdk"},
        {"COWD", 4, 0, "vmdk"},
        {"# Disk DescriptorFile", 21, 0, "vmdk"},
        {"\x7f\x10\xda\xbe", 4, 64, "vdi"},
        {"conectix", 8, 0, "vpc"},
        {"vhdxfile", 8, 0, "vhdx"},
        {"WithoutFreeSpace", 16, 0, "parallels"},
        {"WithouFreSpacExt", 16, 0, "parallels"},
        {"LUKS\xba\xbe", 6, 0, "luks"},
        {"Bochs Virtual HD Image", 22, 0, "bochs"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *known = NULL;
        assert_null(probe(cases[i].magic, cases[i].len, cases[i].at, &known));
        assert_non_null(known);
        assert_string_equal(known, cases[i].name);
    }
}

static void nothing_else_is_claimed(void **state)
{
    (void)state;
    const char *known;
    assert_null(probe("", 0, 0, &known));
    assert_null(known);
    assert_null(probe("conectix", 8, 1, &known));
    assert_null(known);
}

static void short_heads_are_not_read_past_their_end(void **state)
{
    (void)state;
    static const char *const magics[] = {"QFI\xfb\0\0\0\2", "vhdxfile", "conectix"};
    for (size_t i = 0; i < COUNT(magics); i++) {
        for (size_t len = 0; len < 8; len++) {
            uint8_t head[8];
            memcpy(head + 8 - len, magics[i], len); /* the sanitizer sees a read past head */
            const char *known;
            assert_null(ia_format_probe(head + 8 - len, len, &known));
            assert_null(known);
        }
    }
}

static void drivers_by_name(void **state)
{
    (void)state;
    assert_non_null(ia_format_by_name("raw"));
    assert_non_null(ia_format_by_name("qcow2"));
    assert_null(ia_format_by_name("QCOW2"));
    assert_null(ia_format_by_name(""));
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        assert_ptr_equal(ia_format_by_name(ia_formats[i]->name), ia_formats[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qcow2_by_magic_and_version),
        cmocka_unit_test(formats_that_are_known_but_not_read),
        cmocka_unit_test(nothing_else_is_claimed),
        cmocka_unit_test(short_heads_are_not_read_past_their_end),
        cmocka_unit_test(drivers_by_name),
    };
    return cmocka_run_group_tests_name("format/registry", tests, NULL, NULL);
}
