/* SPDX-License-Identifier: MIT */
/* Which files may be opened: names that lead out of the allowed directories, and things that are no files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "chain/confine.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

/* in/file, in/sub/file, out/file; `in` is allowed. */
static void make_tree(struct ia_confine *confine)
{
    *confine = (struct ia_confine){0};
    assert_int_equal(mkdir("in", 0700), 0);
    assert_int_equal(mkdir("in/sub", 0700), 0);
    assert_int_equal(mkdir("out", 0700), 0);
    write_file("in/file", "inside", 6);
    write_file("in/sub/file", "below", 5);
    write_file("out/file", "secret", 6);
    assert_ok(ia_confine_add(confine, "in", &err));
}

static enum ia_status try_resolve(const struct ia_confine *confine, const char *name)
{
    IA_AUTO_FREE char *canonical = NULL;
    return ia_confine_resolve(confine, name, &canonical, &err);
}

static enum ia_status try_open(const struct ia_confine *confine, const char *dir, const char *rest)
{
    IA_AUTO_FREE char *path = NULL;
    IA_AUTO_CLOSE int fd = -1;
    struct stat st;
    assert_true(asprintf(&path, "%s/%s", dir, rest) >= 0);
    enum ia_status status = ia_confine_open(confine, path, &fd, &st, &err);
    assert_int_equal(status == IA_OK, fd >= 0);
    return status;
}

static void what_lies_below_is_resolved_and_opened(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    IA_AUTO_FREE char *canonical = NULL;
    IA_AUTO_FREE char *expected = NULL;
    assert_ok(ia_confine_resolve(&confine, "in/../in/./sub//file", &canonical, &err));
    assert_true(asprintf(&expected, "%s/in/sub/file", (char *)*state) >= 0);
    assert_string_equal(canonical, expected);
    IA_AUTO_CLOSE int fd = -1;
    struct stat st;
    assert_ok(ia_confine_open(&confine, canonical, &fd, &st, &err));
    assert_int_equal(st.st_size, 5);
    char got[5];
    assert_int_equal(read(fd, got, 5), 5);
    assert_memory_equal(got, "below", 5);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    ia_confine_release(&confine);
}

static void what_lies_outside_is_refused(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    assert_status(IA_REFUSED, try_resolve(&confine, "out/file"));
    assert_status(IA_REFUSED, try_resolve(&confine, "in/../out/file"));
    assert_status(IA_REFUSED, try_resolve(&confine, "/etc/passwd"));
    assert_status(IA_REFUSED, try_resolve(&confine, "."));
    assert_status(IA_REFUSED, try_open(&confine, *state, "out/file"));
    ia_confine_release(&confine);
}

/* The canonical path of a refused name is told: a finding has to say where it points. */
static void refusal_names_the_place(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    IA_AUTO_FREE char *canonical = NULL;
    IA_AUTO_FREE char *expected = NULL;
    assert_status(IA_REFUSED, ia_confine_resolve(&confine, "in/../out/file", &canonical, &err));
    assert_true(asprintf(&expected, "%s/out/file", (char *)*state) >= 0);
    assert_string_equal(canonical, expected);
    ia_confine_release(&confine);
}

static void symlinks_out_are_refused_and_symlinks_within_are_not(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    assert_int_equal(symlink("../out/file", "in/out"), 0);
    assert_int_equal(symlink("../out", "in/outdir"), 0);
    assert_int_equal(symlink("sub/file", "in/within"), 0);
    assert_int_equal(symlink("sub", "in/subdir"), 0);
    assert_int_equal(symlink("../in/file", "out/back"), 0);
    assert_status(IA_REFUSED, try_resolve(&confine, "in/out"));
    assert_status(IA_REFUSED, try_resolve(&confine, "in/outdir/file"));
    assert_ok(try_resolve(&confine, "in/within"));
    assert_ok(try_resolve(&confine, "out/back")); /* it is the place that counts, not the way */
    /* A path with a symlink in it is not canonical: whoever puts one there between the two steps gains nothing. */
    assert_int_not_equal(try_open(&confine, *state, "in/outdir/file"), IA_OK);
    assert_int_not_equal(try_open(&confine, *state, "in/out"), IA_OK);
    assert_int_not_equal(try_open(&confine, *state, "in/within"), IA_OK);
    assert_int_not_equal(try_open(&confine, *state, "in/subdir/file"), IA_OK);
    assert_int_not_equal(try_open(&confine, *state, "in/../out/file"), IA_OK);
    ia_confine_release(&confine);
}

static void names_that_only_begin_alike_are_outside(void **state)
{
    (void)state;
    struct ia_confine confine;
    make_tree(&confine);
    assert_int_equal(mkdir("in2", 0700), 0);
    write_file("in2/file", "x", 1);
    write_file("inner", "x", 1);
    assert_status(IA_REFUSED, try_resolve(&confine, "in2/file"));
    assert_status(IA_REFUSED, try_resolve(&confine, "inner"));
    ia_confine_release(&confine);
}

static void single_file_allows_itself_only(void **state)
{
    struct ia_confine confine = {0};
    write_file("one", "x", 1);
    write_file("one2", "x", 1);
    assert_ok(ia_confine_add(&confine, "one", &err));
    assert_ok(try_resolve(&confine, "one"));
    assert_ok(try_open(&confine, *state, "one"));
    assert_status(IA_REFUSED, try_resolve(&confine, "one2"));
    assert_int_equal(unlink("one"), 0);
    assert_int_equal(mkdir("one", 0700), 0); /* a directory took its name */
    write_file("one/below", "x", 1);
    assert_status(IA_REFUSED, try_resolve(&confine, "one/below"));
    ia_confine_release(&confine);
}

static void root_directory_allows_everything(void **state)
{
    struct ia_confine confine = {0};
    write_file("file", "x", 1);
    assert_ok(ia_confine_add(&confine, "/", &err));
    assert_ok(try_resolve(&confine, "file"));
    assert_ok(try_open(&confine, *state, "file"));
    ia_confine_release(&confine);
}

static void nothing_allowed_and_no_confinement_are_opposites(void **state)
{
    const struct ia_confine nothing = {0};
    write_file("file", "x", 1);
    assert_status(IA_REFUSED, try_resolve(&nothing, "file"));
    assert_status(IA_REFUSED, try_open(&nothing, *state, "file"));
    assert_ok(try_resolve(NULL, "file"));
    assert_ok(try_open(NULL, *state, "file"));
}

static void missing_names_are_missing_and_circles_are_loops(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    assert_status(IA_MISSING, try_resolve(&confine, "in/nothing"));
    assert_status(IA_MISSING, try_resolve(&confine, "in/file/below"));
    assert_status(IA_MISSING, try_resolve(&confine, ""));
    assert_status(IA_MISSING, try_open(&confine, *state, "in/nothing"));
    assert_int_equal(symlink("b", "in/a"), 0);
    assert_int_equal(symlink("a", "in/b"), 0);
    assert_int_equal(symlink("self", "in/self"), 0);
    assert_status(IA_LOOP, try_resolve(&confine, "in/a"));
    assert_status(IA_LOOP, try_resolve(&confine, "in/self"));
    assert_int_equal(symlink("nowhere", "in/dangling"), 0);
    assert_status(IA_MISSING, try_resolve(&confine, "in/dangling"));
    assert_status(IA_MISSING, ia_confine_add(&confine, "nothing", &err));
    ia_confine_release(&confine);
}

/* None of these may block: a FIFO without a writer would. */
static void what_is_no_file_is_refused(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    assert_int_equal(mkfifo("in/fifo", 0600), 0);
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "in/socket"};
    assert_int_equal(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
    static const char *const names[] = {"in/fifo", "in/socket", "in/sub"};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_ok(try_resolve(&confine, names[i]));
        assert_status(IA_REFUSED, try_open(&confine, *state, names[i]));
        assert_status(IA_REFUSED, try_open(NULL, *state, names[i]));
    }
    IA_AUTO_CLOSE int fd = -1;
    struct stat st;
    assert_status(IA_REFUSED, ia_confine_open(NULL, "/dev/zero", &fd, &st, &err));
    assert_status(IA_REFUSED, ia_confine_open(NULL, "/dev/tty", &fd, &st, &err));
    close(sock);
    ia_confine_release(&confine);
}

static void files_without_permission_are_denied(void **state)
{
    struct ia_confine confine;
    make_tree(&confine);
    assert_int_equal(chmod(*state, 0711), 0);
    assert_int_equal(chmod("in", 0711), 0);
    assert_int_equal(chmod("in/sub", 0000), 0);
    assert_int_equal(chmod("in/file", 0000), 0);
    uid_t me = geteuid();
    if (me == 0)
        assert_int_equal(seteuid(65534), 0); /* root may read everything */
    enum ia_status file = try_open(&confine, *state, "in/file");
    enum ia_status below = try_resolve(&confine, "in/sub/file");
    assert_int_equal(seteuid(me), 0);
    assert_int_equal(chmod("in/sub", 0700), 0);
    assert_int_equal(file, IA_DENIED);
    assert_int_equal(below, IA_DENIED);
    ia_confine_release(&confine);
}

static void each_of_several_allowed_places_is_allowed(void **state)
{
    (void)state;
    struct ia_confine confine;
    make_tree(&confine);
    assert_ok(ia_confine_add(&confine, "out/file", &err));
    assert_ok(try_resolve(&confine, "in/file"));
    assert_ok(try_resolve(&confine, "out/file"));
    ia_confine_release(&confine);
    assert_int_equal(confine.allowed.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(what_lies_below_is_resolved_and_opened),
        in_temp_dir(what_lies_outside_is_refused),
        in_temp_dir(refusal_names_the_place),
        in_temp_dir(symlinks_out_are_refused_and_symlinks_within_are_not),
        in_temp_dir(names_that_only_begin_alike_are_outside),
        in_temp_dir(single_file_allows_itself_only),
        in_temp_dir(root_directory_allows_everything),
        in_temp_dir(nothing_allowed_and_no_confinement_are_opposites),
        in_temp_dir(missing_names_are_missing_and_circles_are_loops),
        in_temp_dir(what_is_no_file_is_refused),
        in_temp_dir(files_without_permission_are_denied),
        in_temp_dir(each_of_several_allowed_places_is_allowed),
    };
    return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
