/* SPDX-License-Identifier: MIT */
/* What the drivers say that QEMU does with images of theirs, and which file names claim which format. That it is true
 * is for tests/formats/test_abilities.py. */
#include <string.h>

#include "format/format.h"
#include "support/unit.h"

static char base[] = "base";

static struct ia_abilities abilities_of(const char *name, const struct ia_image_facts *facts)
{
    const struct ia_format *format = ia_format_by_name(name);
    assert_non_null(format);
    return ia_format_abilities(format, facts);
}

/* Of an image of the format's present version, with clusters of 64 KiB. */
static struct ia_abilities abilities_now(const char *name)
{
    return abilities_of(name, &(struct ia_image_facts){.cluster_size = 64 * KIB});
}

static void assert_nothing_can_be_done(const struct ia_abilities *can)
{
    assert_false(can->can_be_written || can->can_rebase || can->can_commit || can->can_be_empty);
    assert_false(can->can_receive || can->is_good_base || can->can_grow || can->can_grow_with_snapshots ||
                 can->can_grow_over_backing);
    assert_false(can->can_be_trimmed || can->is_plain);
}

static void qcow2_version_3_can_do_everything(void **state)
{
    (void)state;
    static const int versions[] = {3, 0}; /* 0: not understood */
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct ia_image_facts facts = {.version = versions[i], .cluster_size = 64 * KIB, .backing_name = base};
        struct ia_abilities can = abilities_of("qcow2", &facts);
        assert_true(can.can_be_written && can.can_rebase && can.can_commit && can.can_be_empty && can.is_good_base);
        assert_true(can.can_grow && can.can_grow_with_snapshots && can.can_grow_over_backing && can.can_be_trimmed);
        assert_int_equal(can.zeroes, IA_ZEROES_KEPT);
        assert_true(can.zeroes_are_known);
        assert_false(can.is_plain);
    }
}

static void qcow2_version_2_does_not_grow_with_snapshots_or_over_a_longer_base(void **state)
{
    (void)state;
    struct ia_abilities can = abilities_of("qcow2", &(struct ia_image_facts){.version = 2, .cluster_size = 64 * KIB});
    assert_true(can.can_be_written && can.can_rebase && can.can_commit && can.can_be_empty && can.is_good_base);
    assert_true(can.can_grow && can.can_be_trimmed);
    assert_false(can.can_grow_with_snapshots || can.can_grow_over_backing);
}

static void qcow2_version_2_stores_zeroes_over_a_base_and_drops_clusters_without(void **state)
{
    (void)state;
    struct ia_image_facts facts = {.version = 2, .cluster_size = 64 * KIB};
    assert_int_equal(abilities_of("qcow2", &facts).zeroes, IA_ZEROES_DROPPED);
    facts.backing_name = base;
    assert_int_equal(abilities_of("qcow2", &facts).zeroes, IA_ZEROES_DATA);
}

static void subclusters_are_the_unit_of_writes(void **state)
{
    (void)state;
    struct ia_image_facts facts = {.version = 3, .cluster_size = 64 * KIB, .extended_l2 = true};
    assert_int_equal(abilities_of("qcow2", &facts).unit, 2 * KIB);
    assert_int_equal(abilities_of("qcow2", &facts).cluster, 64 * KIB);
    facts.extended_l2 = false;
    assert_int_equal(abilities_of("qcow2", &facts).unit, 64 * KIB);
}

static void what_has_no_clusters_is_written_by_the_byte(void **state)
{
    (void)state;
    static const char *const names[] = {"raw", "luks", "vmdk"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct ia_abilities can = abilities_of(names[i], &(struct ia_image_facts){0});
        assert_int_equal(can.unit, 1);
        assert_int_equal(can.cluster, 1);
    }
    assert_int_equal(abilities_now("vdi").unit, 64 * KIB);
    assert_int_equal(abilities_now("vdi").cluster, 64 * KIB);
    /* such a cluster is refused when it is decoded: still no unit of 0 bytes */
    assert_int_equal(abilities_of("qcow2", &(struct ia_image_facts){.cluster_size = 16, .extended_l2 = true}).unit, 1);
}

static void only_raw_is_plain(void **state)
{
    (void)state;
    for (size_t i = 0; ia_formats[i] != NULL; i++)
        assert_int_equal(abilities_now(ia_formats[i]->name).is_plain, strcmp(ia_formats[i]->name, "raw") == 0);
}

static void qed_is_never_emptied_and_its_zeroes_are_not_followed(void **state)
{
    (void)state;
    struct ia_abilities can = abilities_now("qed");
    assert_true(can.can_be_written && can.can_rebase && can.can_commit && can.is_good_base && can.can_grow);
    assert_false(can.can_be_empty || can.can_grow_over_backing || can.can_be_trimmed || can.zeroes_are_known);
}

static void qcow_commits_and_is_emptied_but_keeps_its_backing_file_and_size(void **state)
{
    (void)state;
    struct ia_abilities can = abilities_now("qcow");
    assert_true(can.can_be_written && can.can_commit && can.can_be_empty && can.can_receive);
    assert_false(can.can_rebase || can.is_good_base || can.can_grow || can.can_be_trimmed);
    assert_int_equal(can.zeroes, IA_ZEROES_DATA);
}

static void raw_is_a_good_base_and_grows(void **state)
{
    (void)state;
    struct ia_abilities can = abilities_of("raw", &(struct ia_image_facts){0});
    assert_true(can.can_be_written && can.is_good_base && can.can_grow);
    assert_false(can.can_rebase || can.can_commit || can.can_be_empty || can.can_be_trimmed);
    assert_int_equal(can.zeroes, IA_ZEROES_KEPT);
}

static void formats_without_backing_files_are_written_at_most(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool grows, receives;
    } cases[] = {{"vdi", false, true},
                 {"vpc", false, true},
                 {"vhdx", false, true},
                 {"parallels", false, false},
                 {"luks", true, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_abilities can = abilities_now(cases[i].name);
        assert_true(can.can_be_written);
        /* as QEMU changed its way with parallels */
        assert_int_equal(can.zeroes_are_known, strcmp(cases[i].name, "parallels") != 0);
        assert_int_equal(can.can_grow, cases[i].grows);
        assert_int_equal(can.can_receive, cases[i].receives);
        assert_int_equal(can.zeroes, IA_ZEROES_DATA);
        assert_false(can.can_rebase || can.can_commit || can.can_be_empty || can.is_good_base || can.can_be_trimmed);
    }
}

static void vmdk_commits_where_qemu_opens_it_for_writing(void **state)
{
    (void)state;
    struct ia_image_facts facts = {.cluster_size = 64 * KIB};
    struct ia_abilities can = abilities_of("vmdk", &facts);
    assert_true(can.can_be_written && can.can_receive && can.can_commit && can.zeroes_are_known);
    assert_false(can.can_rebase || can.can_be_empty || can.is_good_base || can.can_grow);
    facts.write_once = true;
    can = abilities_of("vmdk", &facts);
    assert_true(can.can_commit);
    assert_false(can.can_be_written || can.can_receive);
    facts.read_only = true;
    can = abilities_of("vmdk", &facts);
    assert_false(can.can_be_written || can.can_receive || can.can_commit);
}

static void zeroes_of_vmdk_are_not_followed_where_grains_can_be_zero(void **state)
{
    (void)state;
    assert_false(abilities_of("vmdk", &(struct ia_image_facts){.zeroed_grains = true}).zeroes_are_known);
}

static void formats_that_qemu_only_reads_can_do_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"dmg", "cloop", "bochs"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct ia_abilities can = abilities_now(names[i]);
        assert_nothing_can_be_done(&can);
    }
}

static void without_a_format_nothing_can_be_done(void **state)
{
    (void)state;
    struct ia_abilities can = ia_format_abilities(NULL, &(struct ia_image_facts){.cluster_size = 512});
    assert_nothing_can_be_done(&can);
    assert_int_equal(can.unit, 512);
    assert_int_equal(ia_format_abilities(NULL, &(struct ia_image_facts){0}).unit, 1);
}

static void special_abilities_imply_the_general_ones(void **state)
{
    (void)state;
    for (size_t i = 0; ia_formats[i] != NULL; i++) {
        struct ia_abilities can = abilities_now(ia_formats[i]->name);
        assert_true(can.can_grow || !(can.can_grow_with_snapshots || can.can_grow_over_backing || can.is_good_base));
        assert_true(can.can_commit || !can.can_be_empty);
        assert_true(can.can_receive || !can.is_good_base);
        assert_true(can.can_be_written || !can.can_receive);
        assert_true(can.unit > 0 && can.unit <= can.cluster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qcow2_version_3_can_do_everything),
        cmocka_unit_test(qcow2_version_2_does_not_grow_with_snapshots_or_over_a_longer_base),
        cmocka_unit_test(qcow2_version_2_stores_zeroes_over_a_base_and_drops_clusters_without),
        cmocka_unit_test(subclusters_are_the_unit_of_writes),
        cmocka_unit_test(what_has_no_clusters_is_written_by_the_byte),
        cmocka_unit_test(only_raw_is_plain),
        cmocka_unit_test(qed_is_never_emptied_and_its_zeroes_are_not_followed),
        cmocka_unit_test(qcow_commits_and_is_emptied_but_keeps_its_backing_file_and_size),
        cmocka_unit_test(raw_is_a_good_base_and_grows),
        cmocka_unit_test(formats_without_backing_files_are_written_at_most),
        cmocka_unit_test(vmdk_commits_where_qemu_opens_it_for_writing),
        cmocka_unit_test(zeroes_of_vmdk_are_not_followed_where_grains_can_be_zero),
        cmocka_unit_test(formats_that_qemu_only_reads_can_do_nothing),
        cmocka_unit_test(without_a_format_nothing_can_be_done),
        cmocka_unit_test(special_abilities_imply_the_general_ones),
    };
    return cmocka_run_group_tests_name("format/abilities", tests, NULL, NULL);
}
