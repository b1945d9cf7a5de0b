/* SPDX-License-Identifier: MIT */
/* Chains: how names are followed, where it ends, and whose format is believed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chain/chain.h"
#include "support/qcow2_image.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static void make_overlay(const char *name, const char *backing, const char *format)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536, .backing = backing, .backing_format = format});
    qcow2_image_finish(&built);
    qcow2_image_save(&built, name);
    qcow2_image_release(&built);
}

static enum ia_status try_open(const char *name, const struct ia_chain_options *options, struct ia_chain *chain)
{
    struct ia_chain_options with = options != NULL ? *options : (struct ia_chain_options){0};
    if (with.limits == NULL)
        with.limits = &ia_default_limits;
    *chain = (struct ia_chain){0};
    enum ia_status status = ia_chain_open(name, &with, chain, &err);
    if (status != IA_OK) {
        assert_int_equal(chain->layers.len, 0);
        assert_null(chain->layers.items);
    }
    return status;
}

static void assert_refused(const char *name, enum ia_status expected)
{
    struct ia_chain chain;
    assert_status(expected, try_open(name, NULL, &chain));
}

static void relative_names_begin_in_the_directory_of_their_image(void **state)
{
    (void)state;
    struct ia_chain chain;
    assert_int_equal(mkdir("dir", 0700), 0);
    make_overlay("dir/base", NULL, NULL);
    make_overlay("dir/middle", "base", "qcow2");
    make_overlay("top", "dir/middle", "qcow2");
    assert_ok(try_open("top", NULL, &chain));
    assert_int_equal(chain.layers.len, 3);
    assert_string_equal(chain.layers.items[0].name, "top");
    assert_string_equal(chain.layers.items[1].name, "dir/middle");
    assert_string_equal(chain.layers.items[2].name, "dir/base");
    struct stat st;
    assert_int_equal(stat("dir/base", &st), 0);
    assert_int_equal(chain.layers.items[2].inode, st.st_ino);
    assert_int_equal(chain.layers.items[2].dev, st.st_dev);
    ia_chain_release(&chain);
}

static void no_backing_stops_at_the_first(void **state)
{
    (void)state;
    struct ia_chain chain;
    make_overlay("top", "missing", "qcow2");
    assert_ok(try_open("top", &(struct ia_chain_options){.no_backing = true}, &chain));
    assert_int_equal(chain.layers.len, 1);
    ia_chain_release(&chain);
}

/* QEMU joins a relative name with the directory of the name as given, not with that of a symlink's target. */
static void relative_name_of_a_symlinked_image_begins_beside_the_link(void **state)
{
    (void)state;
    struct ia_chain chain;
    assert_int_equal(mkdir("real", 0700), 0);
    assert_int_equal(mkdir("links", 0700), 0);
    make_overlay("real/top", "base", "raw");
    make_sparse_file("real/base", 4096);
    assert_int_equal(symlink("../real/top", "links/top"), 0);
    assert_refused("links/top", IA_MISSING);
    make_sparse_file("links/base", 8192);
    assert_ok(try_open("links/top", NULL, &chain));
    assert_string_equal(chain.layers.items[1].name, "links/base");
    assert_int_equal(chain.layers.items[1].image->facts.virtual_size, 8192);
    ia_chain_release(&chain);
}

static void file_and_json_names_start_in_the_working_directory(void **state)
{
    (void)state;
    struct ia_chain chain;
    assert_int_equal(mkdir("dir", 0700), 0);
    make_sparse_file("base", 512);
    make_sparse_file("dir/base", 1024);
    static const char *const names[] = {"file:base", "json:{\"driver\":\"raw\",\"file.filename\":\"base\"}"};
    for (size_t i = 0; i < COUNT(names); i++) {
        make_overlay("dir/top", names[i], NULL);
        assert_ok(try_open("dir/top", NULL, &chain));
        assert_int_equal(chain.layers.len, 2);
        assert_int_equal(chain.layers.items[1].image->facts.virtual_size, 512);
        ia_chain_release(&chain);
    }
}

static void image_on_itself_is_a_loop_by_whatever_name(void **state)
{
    (void)state;
    make_overlay("self", "self", "qcow2");
    assert_refused("self", IA_LOOP);
    assert_int_equal(link("self", "hard"), 0);
    assert_refused("hard", IA_LOOP);
    assert_int_equal(symlink("self2", "link"), 0);
    make_overlay("self2", "link", "qcow2");
    assert_refused("self2", IA_LOOP);
}

static void ring_of_images_is_a_loop_from_wherever_it_is_entered(void **state)
{
    (void)state;
    make_overlay("a", "b", "qcow2");
    make_overlay("b", "./c", "qcow2");
    make_overlay("c", "a", "qcow2");
    assert_refused("a", IA_LOOP);
    assert_refused("b", IA_LOOP);
    make_overlay("outside", "a", "qcow2"); /* leads into the ring */
    assert_refused("outside", IA_LOOP);
    assert_non_null(strstr(err.message, "comes back"));
}

/* A raw file is the end of a chain, whatever its bytes say: so an image as its own raw base is no endless chain, but
 * the same file all the same. */
static void image_as_its_own_raw_base_is_a_loop(void **state)
{
    (void)state;
    make_overlay("self", "self", "raw");
    assert_refused("self", IA_LOOP);
}

static void base_that_is_missing_or_no_sound_file_is_refused(void **state)
{
    (void)state;
    make_overlay("top", "missing", "qcow2");
    assert_refused("top", IA_MISSING);
    assert_non_null(strstr(err.message, "'missing'"));
    assert_refused("nothing", IA_MISSING);
    assert_int_equal(mkdir("dir", 0700), 0);
    make_overlay("top", "dir", "qcow2");
    assert_refused("top", IA_REFUSED);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    make_overlay("top", "fifo", "raw");
    assert_refused("top", IA_REFUSED);
    write_file("broken", "QFI\xfb\0\0\0\3", 8);
    make_overlay("top", "broken", "qcow2");
    assert_int_not_equal(
        ia_chain_open("top", &(struct ia_chain_options){.limits = &ia_default_limits}, &(struct ia_chain){0}, &err),
        IA_OK);
}

static void only_paths_to_images_of_the_stated_format_are_opened(void **state)
{
    (void)state;
    make_overlay("top", "nbd://host/x", "raw");
    assert_refused("top", IA_UNSUPPORTED);
    make_sparse_file("a:b", 512);
    assert_refused("a:b", IA_UNSUPPORTED); /* as qemu-img: an unknown protocol */
    make_overlay("top", "json:{\"driver\":\"qcow2\",\"offset\":512,\"file.filename\":\"a\"}", NULL);
    assert_refused("top", IA_UNSUPPORTED);
    make_overlay("top", "missing", "vmdk");
    assert_refused("top", IA_MISSING);
    make_overlay("top", "./a:b", "vmdk");
    assert_refused("top", IA_NOT_MINE);
    struct ia_chain chain;
    make_overlay("top", "./a:b", "raw");
    assert_ok(try_open("top", NULL, &chain));
    ia_chain_release(&chain);
}

static void slice_of_a_raw_file_is_opened_within_the_file_and_as_raw(void **state)
{
    (void)state;
    static const char slice[] = "json:{\"driver\":\"raw\",\"offset\":512,\"size\":1024,\"file.filename\":\"base\"}";
    struct ia_chain chain;
    make_sparse_file("base", 4096);
    make_overlay("top", slice, NULL);
    assert_ok(try_open("top", NULL, &chain));
    assert_int_equal(chain.layers.len, 2);
    assert_int_equal(chain.layers.items[1].image->facts.virtual_size, 1024);
    ia_chain_release(&chain);
    make_overlay("top", slice, "raw");
    assert_ok(try_open("top", NULL, &chain));
    ia_chain_release(&chain);
    make_overlay("top", slice, "qcow2"); /* what an overlay states goes first, and no other format has slices */
    assert_refused("top", IA_UNSUPPORTED);
    make_sparse_file("base", 512 + 512);
    make_overlay("top", slice, NULL);
    assert_refused("top", IA_REFUSED);
}

static void stated_raw_format_is_believed(void **state)
{
    (void)state;
    struct ia_chain chain;
    make_overlay("inner", "secret", "raw"); /* qcow2 bytes that name another file */
    make_overlay("top", "inner", "raw");
    assert_ok(try_open("top", NULL, &chain));
    assert_int_equal(chain.layers.len, 2);
    assert_string_equal(chain.layers.items[1].image->format->name, "raw");
    ia_chain_release(&chain);
    make_overlay("top", "inner", NULL); /* nothing stated: the content decides, and `secret` is asked for */
    assert_refused("top", IA_MISSING);
}

static void format_of_the_first_image_is_found_by_content_or_is_as_ordered(void **state)
{
    (void)state;
    struct ia_chain chain;
    make_overlay("image", NULL, NULL);
    assert_ok(try_open("image", NULL, &chain));
    assert_string_equal(chain.layers.items[0].image->format->name, "qcow2");
    ia_chain_release(&chain);
    assert_ok(try_open("image", &(struct ia_chain_options){.format = "raw"}, &chain));
    assert_string_equal(chain.layers.items[0].image->format->name, "raw");
    ia_chain_release(&chain);
    assert_status(IA_UNSUPPORTED, try_open("image", &(struct ia_chain_options){.format = "qcow3"}, &chain));
    write_file("vhdx", "vhdxfile", 8);
    assert_refused("vhdx", IA_CORRUPT);
    make_sparse_file("empty", 0);
    assert_ok(try_open("empty", NULL, &chain));
    assert_string_equal(chain.layers.items[0].image->format->name, "raw");
    ia_chain_release(&chain);
}

static void depth_is_limited(void **state)
{
    (void)state;
    struct ia_chain chain;
    make_overlay("0", NULL, NULL);
    for (int i = 1; i < 10; i++) {
        char name[8];
        char base[8];
        snprintf(name, sizeof(name), "%d", i);
        snprintf(base, sizeof(base), "%d", i - 1);
        make_overlay(name, base, "qcow2");
    }
    struct ia_limits limits = ia_default_limits;
    limits.max_chain_depth = 10;
    assert_ok(try_open("9", &(struct ia_chain_options){.limits = &limits}, &chain));
    assert_int_equal(chain.layers.len, 10);
    ia_chain_release(&chain);
    limits.max_chain_depth = 9;
    assert_status(IA_LIMIT, try_open("9", &(struct ia_chain_options){.limits = &limits}, &chain));
}

static void confined_chain_does_not_leave(void **state)
{
    (void)state;
    struct ia_chain chain;
    struct ia_confine confine = {0};
    assert_int_equal(mkdir("in", 0700), 0);
    make_sparse_file("secret", 512);
    make_sparse_file("in/base", 512);
    assert_ok(ia_confine_add(&confine, "in", &err));
    const struct ia_chain_options options = {.confine = &confine};
    make_overlay("in/top", "base", "raw");
    assert_ok(try_open("in/top", &options, &chain));
    ia_chain_release(&chain);
    make_overlay("in/top", "../secret", "raw");
    assert_status(IA_REFUSED, try_open("in/top", &options, &chain));
    assert_int_equal(symlink("../secret", "in/link"), 0);
    make_overlay("in/top", "link", "raw");
    assert_status(IA_REFUSED, try_open("in/top", &options, &chain));
    ia_confine_release(&confine);
}

static void make_with_data_file(const char *name, const char *data)
{
    struct qcow2_image built;
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536, .data_file = true, .data_file_name = data});
    qcow2_image_map(&built, 0, 0, ENTRY_COPIED);
    qcow2_image_finish(&built);
    qcow2_image_save(&built, name);
    qcow2_image_release(&built);
}

static void data_file_is_opened_from_the_working_directory(void **state)
{
    (void)state;
    struct ia_chain chain;
    assert_int_equal(mkdir("dir", 0700), 0);
    make_with_data_file("dir/top", "data");
    make_sparse_file("dir/data", 65536);
    assert_refused("dir/top", IA_MISSING);
    make_sparse_file("data", 65536);
    assert_ok(try_open("dir/top", NULL, &chain));
    assert_string_equal(chain.layers.items[0].part_names.items[0], "data");
    assert_int_equal(chain.layers.items[0].image->parts.items[0]->size, 65536);
    ia_chain_release(&chain);
    make_with_data_file("top", "nbd://host/x");
    assert_refused("top", IA_UNSUPPORTED);
    make_with_data_file("top", NULL);
    assert_refused("top", IA_CORRUPT);
}

static void visible_size_is_the_smallest_size_on_the_way(void **state)
{
    (void)state;
    struct ia_chain chain;
    struct qcow2_image built;
    make_sparse_file("raw", 100 * 65536);
    qcow2_image_start(&built, &(struct qcow2_options){.size = 65536, .backing = "raw", .backing_format = "raw"});
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "middle");
    qcow2_image_release(&built);
    qcow2_image_start(&built,
                      &(struct qcow2_options){.size = 3 * 65536, .backing = "middle", .backing_format = "qcow2"});
    qcow2_image_finish(&built);
    qcow2_image_save(&built, "top");
    qcow2_image_release(&built);
    assert_ok(try_open("top", NULL, &chain));
    assert_int_equal(chain.layers.items[0].visible_size, 3 * 65536);
    assert_int_equal(chain.layers.items[1].visible_size, 65536);
    assert_int_equal(chain.layers.items[2].visible_size, 65536);
    ia_chain_release(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(relative_names_begin_in_the_directory_of_their_image),
        in_temp_dir(no_backing_stops_at_the_first),
        in_temp_dir(relative_name_of_a_symlinked_image_begins_beside_the_link),
        in_temp_dir(file_and_json_names_start_in_the_working_directory),
        in_temp_dir(image_on_itself_is_a_loop_by_whatever_name),
        in_temp_dir(ring_of_images_is_a_loop_from_wherever_it_is_entered),
        in_temp_dir(image_as_its_own_raw_base_is_a_loop),
        in_temp_dir(base_that_is_missing_or_no_sound_file_is_refused),
        in_temp_dir(only_paths_to_images_of_the_stated_format_are_opened),
        in_temp_dir(slice_of_a_raw_file_is_opened_within_the_file_and_as_raw),
        in_temp_dir(stated_raw_format_is_believed),
        in_temp_dir(format_of_the_first_image_is_found_by_content_or_is_as_ordered),
        in_temp_dir(depth_is_limited),
        in_temp_dir(confined_chain_does_not_leave),
        in_temp_dir(data_file_is_opened_from_the_working_directory),
        in_temp_dir(visible_size_is_the_smallest_size_on_the_way),
    };
    return cmocka_run_group_tests_name("chain/open", tests, NULL, NULL);
}
