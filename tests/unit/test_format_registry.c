/* SPDX-License-Identifier: MIT */
/* Which driver claims which first bytes and which file names; names. */
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

static void formats_are_found_by_their_first_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(magics); i++) {
        const struct ia_format *format = probe(magics[i].magic, magics[i].len, magics[i].at);
        assert_non_null(format);
        assert_string_equal(format->name, magics[i].name);
    }
}

static void other_first_bytes_are_no_format(void **state)
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

static void drivers_are_found_by_their_exact_names(void **state)
{
    (void)state;
    assert_non_null(ia_format_by_name("raw"));
    assert_non_null(ia_format_by_name("qcow2"));
    assert_null(ia_format_by_name("QCOW2"));
    assert_null(ia_format_by_name(""));
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        assert_ptr_equal(ia_format_by_name(ia_formats[i]->name), ia_formats[i]);
}

static const struct {
    const char *path, *name;
} claims[] = {
    {"/a/x.qcow2", "qcow2"}, {"x.QCow2", "qcow2"},   {"x.qcow", "qcow"}, {"x.qed", "qed"},   {"x.vmdk", "vmdk"},
    {"x.vdi", "vdi"},        {"x.vhd", "vpc"},       {"x.vpc", "vpc"},   {"x.vhdx", "vhdx"}, {"x.hdd", "parallels"},
    {"x.hds", "parallels"},  {"x.luks", "luks"},     {"x.DMG", "dmg"},   {"x.img", "raw"},   {"x.raw", "raw"},
    {"x.vmdk.raw", "raw"},   {"/a/.qcow2", "qcow2"}, /* a name, with its directory, that is more than the ending */
};

static void names_claim_formats_by_their_endings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(claims); i++) {
        const struct ia_format *format = ia_format_by_suffix(claims[i].path);
        assert_non_null(format);
        assert_string_equal(format->name, claims[i].name);
    }
}

static void other_names_claim_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {"",       ".qcow2",  "x.qcow2.bak", "xqcow2", "qcow2",     "x.vmdk~", "x.iso",
                                        "x.vhds", "x.bochs", "x.",          "x",      "x.qcow2/y", "x.cloop"};
    for (size_t i = 0; i < COUNT(paths); i++)
        assert_null(ia_format_by_suffix(paths[i]));
}

/* The number of formats that list this suffix. */
static int owners(const char *suffix)
{
    int count = 0;
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        for (const char *const *at = ia_formats[i]->suffixes; at != NULL && *at != NULL; at++)
            count += strcmp(*at, suffix) == 0;
    return count;
}

static void each_suffix_belongs_to_one_format(void **state)
{
    (void)state;
    for (size_t i = 0; ia_formats[i] != NULL; i++) {
        for (const char *const *at = ia_formats[i]->suffixes; at != NULL && *at != NULL; at++) {
            assert_int_equal((*at)[0], '.');
            assert_int_equal(owners(*at), 1);
        }
    }
}

static void only_raw_is_plain(void **state)
{
    (void)state;
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        assert_int_equal(ia_formats[i]->is_plain, strcmp(ia_formats[i]->name, "raw") == 0);
}

static void what_a_content_does_not_show_is_described_by_two_names(void **state)
{
    (void)state;
    for (size_t i = 0; ia_formats[i] != NULL; i++) {
        const struct ia_format *format = ia_formats[i];
        assert_int_equal(format->may_be_described != NULL, strcmp(format->name, "longhorn") == 0);
        assert_int_equal(format->may_be_described != NULL, format->description != NULL);
        assert_int_equal(format->may_be_described != NULL, format->description_of_all != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_found_by_their_first_bytes),
        cmocka_unit_test(other_first_bytes_are_no_format),
        cmocka_unit_test(short_heads_are_not_read_past_their_end),
        cmocka_unit_test(drivers_are_found_by_their_exact_names),
        cmocka_unit_test(names_claim_formats_by_their_endings),
        cmocka_unit_test(other_names_claim_nothing),
        cmocka_unit_test(each_suffix_belongs_to_one_format),
        cmocka_unit_test(only_raw_is_plain),
        cmocka_unit_test(what_a_content_does_not_show_is_described_by_two_names),
    };
    return cmocka_run_group_tests_name("format/registry", tests, NULL, NULL);
}
