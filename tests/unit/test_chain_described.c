/* SPDX-License-Identifier: MIT */
/* Which images are described by files beside them: by both names, and by neither alone. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/described.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static void make(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static bool is_described(const char *path)
{
    const struct ia_format *format = ia_described_format(path);
    if (format != NULL)
        assert_string_equal(format->name, "longhorn");
    return format != NULL;
}

static void image_is_described_by_a_file_of_its_name(void **state)
{
    (void)state;
    assert_false(is_described("volume-head-000.img"));
    make("volume-head-000.img.meta");
    assert_true(is_described("volume-head-000.img"));
    assert_true(is_described("./volume-head-000.img"));
    assert_false(is_described("volume-head-001.img"));
}

static void images_are_described_by_a_file_of_all(void **state)
{
    (void)state;
    assert_int_equal(mkdir("dir", 0700), 0);
    make("dir/volume.meta");
    assert_true(is_described("dir/volume-head-001.img"));
    assert_true(is_described("dir/volume-snap-a.img"));
    assert_false(is_described("volume-snap-a.img"));
}

static void other_names_are_described_by_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"volume.img",
                                        "volume-head-.img",
                                        "volume-head-a.img",
                                        "volume-head-1a.img",
                                        "volume-head-001.IMG",
                                        "volume-head-001.raw",
                                        "x-volume-head-001.img",
                                        "volume-snap-a",
                                        "volume-snap-a.img.bak",
                                        "volume-delta-a.img",
                                        "",
                                        "volume-snap-a.img/x"};
    char description[64];
    make("volume.meta");
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(description, sizeof(description), "%s.meta", names[i]);
        if (strchr(names[i], '/') == NULL)
            make(description);
        assert_false(is_described(names[i]));
    }
}

/* What is there and cannot be read leaves the image without a map, and does not make it a raw one. */
static void what_is_in_the_place_of_a_description_counts(void **state)
{
    (void)state;
    assert_int_equal(symlink("nowhere", "volume-snap-a.img.meta"), 0);
    assert_int_equal(mkdir("volume-snap-b.img.meta", 0700), 0);
    assert_true(is_described("volume-snap-a.img"));
    assert_true(is_described("volume-snap-b.img"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(image_is_described_by_a_file_of_its_name),
        in_temp_dir(images_are_described_by_a_file_of_all),
        in_temp_dir(other_names_are_described_by_nothing),
        in_temp_dir(what_is_in_the_place_of_a_description_counts),
    };
    return cmocka_run_group_tests_name("chain/described", tests, NULL, NULL);
}
