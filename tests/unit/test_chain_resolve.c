/* SPDX-License-Identifier: MIT */
/* Names in images: each state that they may have, and what differs between a chain that is opened here and a scan. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "chain/resolve.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

/* As QEMU opens images from this working directory; as nobody knows who opens them. */
static const struct ia_resolve_rules here = {.from_working_dir = true, .take_slices = true};
static const struct ia_resolve_rules anywhere = {.parts_stay = true};

static struct ia_resolved resolve(const struct ia_resolve_rules *rules, const char *image, const char *name,
                                  const char *format)
{
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    struct ia_resolved resolved;
    assert_ok(ia_reference_parse(name, &reference, &err));
    assert_ok(ia_resolve(rules, image, &reference, format, &resolved, &err));
    return resolved;
}

static struct ia_resolved resolve_part(const struct ia_resolve_rules *rules, const char *name, enum ia_part_place place)
{
    IA_AUTO_FREE char *copy = name == NULL ? NULL : strdup(name);
    struct ia_resolved resolved;
    assert_ok(ia_resolve_part(rules, "dir/image", &(struct ia_image_part){.name = copy, .role = "data", .place = place},
                              &resolved, &err));
    return resolved;
}

/* Opens what the rules let open, releases it, and gives its size; -1: it was refused, and err says why. */
static int64_t open_size(const struct ia_resolve_rules *rules, struct ia_resolved resolved)
{
    struct ia_source *source = NULL;
    int64_t size = -1;
    if (ia_resolved_open(rules->confine, &resolved, &source, &err) == IA_OK) {
        size = source->size;
        assert_int_equal(resolved.st.st_size, size);
    }
    ia_source_close(source);
    ia_resolved_release(&resolved);
    return size;
}

static void assert_state(enum ia_resolve_state state, enum ia_resolve_state found, struct ia_resolved resolved)
{
    assert_int_equal(resolved.state, state);
    assert_int_equal(resolved.found, found);
    assert_int_equal(found == IA_RESOLVE_NONE, resolved.path == NULL);
    assert_int_equal(found == IA_RESOLVE_NONE, resolved.named == NULL);
    ia_resolved_release(&resolved);
}

/* Both rules, for a name that counts as what is found. */
static void assert_found(enum ia_resolve_state state, const char *name)
{
    assert_state(state, state, resolve(&here, "dir/image", name, NULL));
    assert_state(state, state, resolve(&anywhere, "dir/image", name, NULL));
}

/* dir/file of 512 bytes, and a file of the same name, with 1024, in the working directory. */
static void make_files(void)
{
    assert_int_equal(mkdir("dir", 0700), 0);
    make_sparse_file("dir/file", 512);
    make_sparse_file("file", 1024);
}

static void each_state_has_a_word(void **state)
{
    (void)state;
    assert_null(ia_resolve_word(IA_RESOLVE_NONE));
    assert_int_equal(ia_resolve_state_by_word(NULL), IA_RESOLVE_NONE);
    assert_int_equal(ia_resolve_state_by_word("nowhere"), IA_RESOLVE_NONE);
    for (enum ia_resolve_state i = IA_RESOLVE_FOLLOWED; i < IA_RESOLVE_STATES; i++) {
        assert_non_null(ia_resolve_word(i));
        assert_int_equal(ia_resolve_state_by_word(ia_resolve_word(i)), i);
    }
    assert_string_equal(ia_resolve_word(IA_RESOLVE_FOLLOWED), "followed");
    assert_string_equal(ia_resolve_word(IA_RESOLVE_NOT_A_FILE), "not-a-file");
    assert_string_equal(ia_resolve_word(IA_RESOLVE_SEVERAL), "several");
}

static void path_beside_the_image_is_followed(void **state)
{
    IA_AUTO_FREE char *canonical = NULL;
    make_files();
    assert_true(asprintf(&canonical, "%s/dir/file", (char *)*state) >= 0);
    struct ia_resolved resolved = resolve(&here, "dir/image", "../dir/file", "raw");
    assert_string_equal(resolved.named, "dir/../dir/file");
    assert_string_equal(resolved.path, canonical);
    assert_int_equal(resolved.st.st_size, 512);
    ia_resolved_release(&resolved);
    assert_found(IA_RESOLVE_FOLLOWED, "file");
    assert_found(IA_RESOLVE_FOLLOWED, canonical);
    assert_int_equal(open_size(&here, resolve(&here, "dir/image", "file", NULL)), 512);
    assert_int_equal(open_size(&anywhere, resolve(&anywhere, "dir/image", "file", NULL)), 512);
    assert_int_equal(open_size(&here, resolve(&here, NULL, "file", NULL)), 1024); /* a person's words */
}

static void name_of_no_file_is_missing_and_has_its_place(void **state)
{
    (void)state;
    make_files();
    assert_found(IA_RESOLVE_MISSING, "nothing");
    assert_found(IA_RESOLVE_MISSING, "file/below");
    struct ia_resolved resolved = resolve(&here, "dir/image", "nothing", NULL);
    assert_string_equal(resolved.path, "dir/nothing"); /* where it was looked for */
    assert_int_equal(open_size(&here, resolved), -1);
    assert_int_equal(err.status, IA_MISSING);
    assert_non_null(strstr(err.message, "'dir/nothing'"));
}

static bool is_every_file(const void *known, const struct stat *st)
{
    return known == NULL && S_ISREG(st->st_mode);
}

static bool is_no_file(const void *known, const struct stat *st)
{
    return known != NULL && S_ISREG(st->st_mode);
}

static void what_lies_outside_is_not_followed(void **state)
{
    (void)state;
    struct ia_confine confine = {0};
    make_files();
    assert_ok(ia_confine_add(&confine, "dir", &err));
    struct ia_resolve_rules rules = {.confine = &confine};
    assert_state(IA_RESOLVE_FOLLOWED, IA_RESOLVE_FOLLOWED, resolve(&rules, "dir/image", "file", NULL));
    struct ia_resolved outside = resolve(&rules, "dir/image", "../file", NULL);
    assert_int_equal(outside.state, IA_RESOLVE_OUTSIDE);
    assert_int_equal(outside.st.st_size, 1024); /* looked at */
    assert_int_equal(open_size(&rules, outside), -1);
    assert_int_equal(err.status, IA_REFUSED);
    ia_confine_release(&confine);
}

static void known_file_outside_is_followed_and_not_opened(void **state)
{
    (void)state;
    struct ia_confine confine = {0};
    make_files();
    assert_ok(ia_confine_add(&confine, "dir", &err));
    struct ia_resolve_rules rules = {.confine = &confine, .is_known = is_every_file};
    assert_state(IA_RESOLVE_FOLLOWED, IA_RESOLVE_FOLLOWED, resolve(&rules, "dir/image", "../file", NULL));
    assert_state(IA_RESOLVE_OUTSIDE, IA_RESOLVE_OUTSIDE, resolve(&rules, "dir/image", "..", NULL));
    assert_int_equal(open_size(&rules, resolve(&rules, "dir/image", "../file", NULL)), -1);
    assert_int_equal(err.status, IA_REFUSED);
    rules.is_known = is_no_file;
    assert_state(IA_RESOLVE_OUTSIDE, IA_RESOLVE_OUTSIDE, resolve(&rules, "dir/image", "../file", NULL));
    ia_confine_release(&confine);
}

static void directory_without_permission_is_denied(void **state)
{
    make_files();
    assert_found(IA_RESOLVE_FOLLOWED, "file");
    assert_int_equal(chmod(*state, 0711), 0);
    assert_int_equal(chmod("dir", 0000), 0);
    uid_t me = geteuid();
    if (me == 0)
        assert_int_equal(seteuid(65534), 0); /* root may look everywhere */
    struct ia_resolved resolved = resolve(&here, "dir/image", "file", NULL);
    assert_int_equal(seteuid(me), 0);
    assert_int_equal(chmod("dir", 0700), 0);
    assert_int_equal(resolved.state, IA_RESOLVE_DENIED);
    assert_int_equal(open_size(&here, resolved), -1);
    assert_int_equal(err.status, IA_DENIED);
}

static void directories_and_pipes_are_no_files(void **state)
{
    (void)state;
    make_files();
    assert_int_equal(mkfifo("dir/pipe", 0600), 0);
    assert_found(IA_RESOLVE_NOT_A_FILE, "pipe");
    assert_found(IA_RESOLVE_NOT_A_FILE, ".");
    assert_int_equal(open_size(&here, resolve(&here, "dir/image", "pipe", NULL)), -1);
    assert_int_equal(err.status, IA_REFUSED);
}

static void circle_of_symlinks_is_a_loop(void **state)
{
    (void)state;
    make_files();
    assert_int_equal(symlink("b", "dir/a"), 0);
    assert_int_equal(symlink("a", "dir/b"), 0);
    assert_int_equal(symlink("file", "dir/c"), 0);
    assert_found(IA_RESOLVE_LOOP, "a");
    assert_found(IA_RESOLVE_FOLLOWED, "c");
    assert_int_equal(open_size(&here, resolve(&here, "dir/image", "a", NULL)), -1);
    assert_int_equal(err.status, IA_LOOP);
}

static void remote_names_are_not_looked_up(void **state)
{
    (void)state;
    make_files();
    assert_state(IA_RESOLVE_REMOTE, IA_RESOLVE_NONE, resolve(&here, "dir/image", "nbd://host/file", NULL));
    assert_state(IA_RESOLVE_REMOTE, IA_RESOLVE_NONE, resolve(&anywhere, "dir/image", "nbd://host/file", NULL));
    assert_int_equal(open_size(&here, resolve(&here, "dir/image", "nbd:host:1", NULL)), -1);
    assert_string_equal(err.message, "not a local file");
}

static void descriptions_of_more_than_a_file_are_unsupported(void **state)
{
    (void)state;
    static const char more[] = "json:{\"driver\":\"raw\",\"file.filename\":\"file\",\"file.strange\":\"1\"}";
    make_files();
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_NONE, resolve(&here, "dir/image", "blkdebug:x:file", NULL));
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_NONE, resolve(&anywhere, "dir/image", "json:{", NULL));
    /* The file that it may end at is looked up all the same. */
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_FOLLOWED, resolve(&anywhere, "dir/image", more, NULL));
    assert_int_equal(open_size(&anywhere, resolve(&anywhere, "dir/image", more, NULL)), -1);
    assert_int_equal(err.status, IA_UNSUPPORTED);
}

/* A node of a protocol takes no format of the image's. */
static void bare_file_with_a_stated_format_is_unsupported(void **state)
{
    (void)state;
    static const char bare[] = "json:{\"driver\":\"file\",\"filename\":\"/nothing\"}";
    assert_found(IA_RESOLVE_MISSING, bare);
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_MISSING, resolve(&here, "image", bare, "raw"));
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_MISSING, resolve(&anywhere, "image", bare, "raw"));
}

static void slices_are_followed_where_they_are_taken(void **state)
{
    (void)state;
    static const char slice[] = "json:{\"driver\":\"raw\",\"file.filename\":\"file\",\"offset\":\"512\"}";
    make_files();
    assert_int_equal(open_size(&here, resolve(&here, "dir/image", slice, NULL)), 1024);
    assert_state(IA_RESOLVE_FOLLOWED, IA_RESOLVE_FOLLOWED, resolve(&here, "dir/image", slice, "raw"));
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_FOLLOWED, resolve(&here, "dir/image", slice, "qcow2"));
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_FOLLOWED, resolve(&anywhere, "dir/image", slice, NULL));
}

static void name_from_a_working_directory_is_ambiguous_where_that_is_unknown(void **state)
{
    (void)state;
    make_files();
    assert_state(IA_RESOLVE_FOLLOWED, IA_RESOLVE_FOLLOWED, resolve(&here, "dir/image", "file:file", NULL));
    assert_int_equal(open_size(&here, resolve(&here, "dir/image", "file:file", NULL)), 1024);
    assert_state(IA_RESOLVE_AMBIGUOUS, IA_RESOLVE_FOLLOWED, resolve(&anywhere, "dir/image", "file:file", NULL));
    assert_int_equal(open_size(&anywhere, resolve(&anywhere, "dir/image", "file:file", NULL)), 512);
    assert_state(IA_RESOLVE_AMBIGUOUS, IA_RESOLVE_MISSING, resolve(&anywhere, "dir/image", "file:nothing", NULL));
    assert_state(IA_RESOLVE_MISSING, IA_RESOLVE_MISSING, resolve(&here, "dir/image", "file:nothing", NULL));
}

static void relative_data_file_is_ambiguous_where_the_working_directory_is_unknown(void **state)
{
    IA_AUTO_FREE char *canonical = NULL;
    make_files();
    assert_true(asprintf(&canonical, "%s/file", (char *)*state) >= 0);
    assert_int_equal(open_size(&here, resolve_part(&here, "file", IA_PART_REFERENCE)), 1024);
    assert_int_equal(open_size(&anywhere, resolve_part(&anywhere, "file", IA_PART_REFERENCE)), 512);
    assert_state(IA_RESOLVE_AMBIGUOUS, IA_RESOLVE_FOLLOWED, resolve_part(&anywhere, "file", IA_PART_REFERENCE));
    assert_state(IA_RESOLVE_AMBIGUOUS, IA_RESOLVE_MISSING, resolve_part(&anywhere, "nothing", IA_PART_REFERENCE));
    assert_state(IA_RESOLVE_FOLLOWED, IA_RESOLVE_FOLLOWED, resolve_part(&anywhere, canonical, IA_PART_REFERENCE));
}

static void data_file_that_is_no_local_file_is_not_looked_up(void **state)
{
    (void)state;
    static const char slice[] = "json:{\"driver\":\"raw\",\"file.filename\":\"file\",\"offset\":\"512\"}";
    static const char remote[] = "json:{\"file.driver\":\"nbd\",\"file.filename\":\"file\"}";
    make_files();
    assert_state(IA_RESOLVE_REMOTE, IA_RESOLVE_NONE, resolve_part(&here, "nbd://host/x", IA_PART_REFERENCE));
    assert_state(IA_RESOLVE_REMOTE, IA_RESOLVE_NONE, resolve_part(&anywhere, remote, IA_PART_REFERENCE));
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_NONE, resolve_part(&here, slice, IA_PART_REFERENCE));
    assert_int_equal(open_size(&here, resolve_part(&here, "nbd://host/x", IA_PART_REFERENCE)), -1);
    assert_string_equal(err.message, "data file 'nbd://host/x' is not a local file");
    assert_state(IA_RESOLVE_UNSUPPORTED, IA_RESOLVE_NONE, resolve_part(&anywhere, NULL, IA_PART_REFERENCE));
    assert_int_equal(open_size(&here, resolve_part(&here, NULL, IA_PART_BESIDE)), -1);
    assert_int_equal(err.status, IA_CORRUPT);
}

static void part_beside_the_image_stays_where_it_must(void **state)
{
    IA_AUTO_FREE char *image = NULL;
    struct ia_resolved resolved;
    char inside[] = "file";
    char outside[] = "../file";
    make_files();
    assert_true(asprintf(&image, "%s/dir/image", (char *)*state) >= 0);
    struct ia_image_part part = {.name = inside, .role = "extent", .place = IA_PART_BESIDE};
    assert_ok(ia_resolve_part(&anywhere, image, &part, &resolved, &err));
    assert_int_equal(open_size(&anywhere, resolved), 512);
    part.name = outside;
    assert_ok(ia_resolve_part(&anywhere, image, &part, &resolved, &err));
    assert_int_equal(resolved.found, IA_RESOLVE_OUTSIDE);
    assert_int_equal(open_size(&anywhere, resolved), -1);
    assert_int_equal(err.status, IA_REFUSED);
    assert_ok(ia_resolve_part(&here, image, &part, &resolved, &err));
    assert_int_equal(open_size(&here, resolved), 1024);
}

static void description_is_called_as_the_image_is_and_stays_beside_it(void **state)
{
    IA_AUTO_FREE char *image = NULL;
    struct ia_resolved resolved;
    char ending[] = ".meta";
    char all[] = "all.meta";
    char below[] = "/../../file";
    make_files();
    make_sparse_file("dir/image.meta", 1536);
    make_sparse_file("dir/all.meta", 2048);
    assert_true(asprintf(&image, "%s/dir/image", (char *)*state) >= 0);
    struct ia_image_part part = {.name = ending, .role = "description", .place = IA_PART_OWN_DESCRIPTION};
    assert_ok(ia_resolve_part(&anywhere, image, &part, &resolved, &err));
    assert_int_equal(open_size(&anywhere, resolved), 1536);
    part = (struct ia_image_part){.name = all, .role = "description", .place = IA_PART_DESCRIPTION};
    assert_ok(ia_resolve_part(&anywhere, image, &part, &resolved, &err));
    assert_int_equal(open_size(&anywhere, resolved), 2048);
    part = (struct ia_image_part){.name = below, .role = "description", .place = IA_PART_OWN_DESCRIPTION};
    assert_ok(ia_resolve_part(&anywhere, image, &part, &resolved, &err));
    assert_int_equal(open_size(&anywhere, resolved), -1);
}

static void path_has_no_protocol(void **state)
{
    (void)state;
    struct ia_resolved resolved;
    assert_int_equal(mkdir("dir", 0700), 0);
    make_sparse_file("dir/nbd:x", 512);
    assert_ok(ia_resolve_path(&anywhere, "dir/image", "nbd:x", &resolved, &err));
    assert_int_equal(open_size(&anywhere, resolved), 512);
    assert_ok(ia_resolve_path(&here, NULL, "nbd:x", &resolved, &err));
    assert_state(IA_RESOLVE_MISSING, IA_RESOLVE_MISSING, resolved);
}

/* Between the lookup and the opening somebody puts a link to another file there. */
static void exchanged_file_is_not_opened(void **state)
{
    (void)state;
    make_files();
    struct ia_resolved resolved = resolve(&here, "dir/image", "file", NULL);
    assert_int_equal(unlink("dir/file"), 0);
    assert_int_equal(symlink("../file", "dir/file"), 0);
    assert_int_equal(open_size(&here, resolved), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_state_has_a_word),
        in_temp_dir(path_beside_the_image_is_followed),
        in_temp_dir(name_of_no_file_is_missing_and_has_its_place),
        in_temp_dir(what_lies_outside_is_not_followed),
        in_temp_dir(known_file_outside_is_followed_and_not_opened),
        in_temp_dir(directory_without_permission_is_denied),
        in_temp_dir(directories_and_pipes_are_no_files),
        in_temp_dir(circle_of_symlinks_is_a_loop),
        in_temp_dir(remote_names_are_not_looked_up),
        in_temp_dir(descriptions_of_more_than_a_file_are_unsupported),
        in_temp_dir(bare_file_with_a_stated_format_is_unsupported),
        in_temp_dir(slices_are_followed_where_they_are_taken),
        in_temp_dir(name_from_a_working_directory_is_ambiguous_where_that_is_unknown),
        in_temp_dir(relative_data_file_is_ambiguous_where_the_working_directory_is_unknown),
        in_temp_dir(data_file_that_is_no_local_file_is_not_looked_up),
        in_temp_dir(part_beside_the_image_stays_where_it_must),
        in_temp_dir(description_is_called_as_the_image_is_and_stays_beside_it),
        in_temp_dir(path_has_no_protocol),
        in_temp_dir(exchanged_file_is_not_opened),
    };
    return cmocka_run_group_tests_name("chain/resolve", tests, NULL, NULL);
}
