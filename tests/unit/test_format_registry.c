/* SPDX-License-Identifier: MIT */
/* Which driver claims which first bytes; names. */
#include <string.h>

#include "format/format.h"
#include "support/unit.h"

static const struct ia_format *probe(const char *magic, size_t len, size_t at)
{
    uint8_t head[IA_PROBE_BYTES] = {0};
    memcpy(head + at, magic, len);
    return ia_format_probe(head, sizeof(head), NULL);
}

/* Magics from the formats' specifications. */
static const struct {
    const char *magic;
    size_t len, at;
    const char *name;
} magics[] = {
    {"QFI\xfb\0\0\0\1", 8, 0, "qcow"},
    {"QFI\xfb\0\0\0\2", 8, 0, "qcow2"},
    {"QFI\xfb\0\0\0\3", 8, 0, "qcow2"},
    {"QFI\xfb\0\0\0\4", 8, 0, "qcow2"}, /* refused when opened */
    {"QED\0", 4, 0, "qed"},
    {"KDMV", 4, 0, "vmdk"},
    {"COWD", 4, 0, "vmdk"},
    {"# Disk DescriptorFile\nversion=1\n", 32, 0, "vmdk"},
    {"\x7f\x10\xda\xbe", 4, 64, "vdi"},
    {"conectix", 8, 0, "vpc"},
    {"vhdxfile", 8, 0, "vhdx"},
    {"WithoutFreeSpace\2", 17, 0, "parallels"},
    {"WithouFreSpacExt\2", 17, 0, "parallels"},
    {"LUKS\xba\xbe\0\1", 8, 0, "luks"},
    {"#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n", 83, 0, "cloop"},
    {"#!/bin/sh\n#V2.0 Format\n", 23, 0, "cloop"},
    {"Bochs Virtual HD Image\0\0\0\0\0\0\0\0\0\0Redolog\0\0\0\0\0\0\0\0\0Growing\0\0\0\0\0\0\0\0\0\0\0\1", 67, 0,
     "bochs"},
    {"Bochs Virtual HD Image\0\0\0\0\0\0\0\0\0\0Redolog\0\0\0\0\0\0\0\0\0Growing\0\0\0\0\0\0\0\0\0\0\0\2", 67, 0,
     "bochs"},
};

static void formats_by_their_first_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(magics); i++) {
        const struct ia_format *format = probe(magics[i].magic, magics[i].len, magics[i].at);
        assert_non_null(format);
        assert_string_equal(format->name, magics[i].name);
    }
}

static void nothing_else_is_claimed(void **state)
{
    (void)state;
    assert_null(probe("", 0, 0));
    assert_null(probe("QFI\xfa\0\0\0\2", 8, 0));
    assert_null(probe("conectix", 8, 1));
    assert_null(probe("#!/bin/sh\n#V2.1 Format\n", 23, 0));
    assert_null(probe("Bochs Virtual HD Image\0", 23, 0)); /* neither growing nor of a version */
}

static void short_heads_are_not_read_past_their_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(magics); i++) {
        for (size_t len = 0; len < 4; len++) {
            uint8_t head[4];
            memcpy(head + 4 - len, magics[i].magic, len); /* the sanitizer sees a read past head */
            assert_null(ia_format_probe(head + 4 - len, len, NULL));
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
        cmocka_unit_test(formats_by_their_first_bytes),
        cmocka_unit_test(nothing_else_is_claimed),
        cmocka_unit_test(short_heads_are_not_read_past_their_end),
        cmocka_unit_test(drivers_by_name),
    };
    return cmocka_run_group_tests_name("format/registry", tests, NULL, NULL);
}
