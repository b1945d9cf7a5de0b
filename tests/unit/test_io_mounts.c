/* SPDX-License-Identifier: MIT */
/* The list of mounts. Lines are as proc_pid_mountinfo(5) has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/mounts.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static void check(const struct ia_mount *mount, uint64_t id, const char *point, const char *type, const char *source)
{
    assert_non_null(mount);
    assert_int_equal(mount->id, id);
    assert_string_equal(mount->point, point);
    assert_string_equal(mount->type, type);
    assert_string_equal(mount->source, source);
}

static void every_form_of_a_line_is_understood(void **state)
{
    (void)state;
    struct ia_mounts mounts = {0};
    assert_ok(ia_mounts_parse(&mounts,
                              "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
                              "37 35 0:47 / /home rw - tmpfs none rw\n"
                              "4294967299 35 0:48 / /a rw shared:1 master:2 unbindable - nfs4 nas:/export rw,a=-\n"
                              "38 35 0:49 / /b rw - fuse.sshfs  rw,user_id=0\n"
                              "39 35 0:50 / /c rw - 9p share",
                              &err));
    assert_int_equal(mounts.all.len, 5);
    check(&mounts.all.items[0], 36, "/mnt2", "ext3", "/dev/root");
    check(&mounts.all.items[1], 37, "/home", "tmpfs", "none");
    check(&mounts.all.items[2], UINT64_C(4294967299), "/a", "nfs4", "nas:/export");
    check(&mounts.all.items[3], 38, "/b", "fuse.sshfs", "");
    check(&mounts.all.items[4], 39, "/c", "9p", "share");
    ia_mounts_release(&mounts);
}

static void check_inside(const char *line, const char *path, const char *inside)
{
    struct ia_mounts mounts = {0};
    assert_ok(ia_mounts_parse(&mounts, line, &err));
    assert_int_equal(mounts.all.len, 1);
    char *found = ia_mount_inside(&mounts.all.items[0], path);
    assert_string_equal(found, inside);
    free(found);
    ia_mounts_release(&mounts);
}

static void a_path_is_found_inside_its_file_system(void **state)
{
    (void)state;
    check_inside("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", "/", "/");
    check_inside("1 0 8:1 / / rw - ext4 /dev/sda1 rw\n", "/srv/a", "/srv/a");
    check_inside("1 0 8:1 / /srv rw - ext4 /dev/sda1 rw\n", "/srv", "/");
    check_inside("1 0 8:1 /a\\040b /srv rw - ext4 /dev/sda1 rw\n", "/srv/c", "/a b/c");
    check_inside("1 0 0:50 / /srv rw - nfs4 nas:/export/vm rw\n", "/srv/c", "/export/vm/c");
}

static void escapes_are_undone(void **state)
{
    (void)state;
    struct ia_mounts mounts = {0};
    assert_ok(ia_mounts_parse(&mounts,
                              "1 0 8:1 / /a\\040b\\011c\\012d\\134e\\043f rw - cifs //nas/my\\040share rw\n"
                              "2 0 8:1 / /\\134040 rw - ext4 /dev/sd\\04 rw\n"
                              "3 0 8:1 / /\303\244\\ rw - ext4 \\089 rw\n",
                              &err));
    assert_int_equal(mounts.all.len, 3);
    check(&mounts.all.items[0], 1, "/a b\tc\nd\\e#f", "cifs", "//nas/my share");
    check(&mounts.all.items[1], 2, "/\\040", "ext4", "/dev/sd\\04");
    check(&mounts.all.items[2], 3, "/\303\244\\", "ext4", "\\089");
    ia_mounts_release(&mounts);
}

static void a_line_of_another_form_is_left_out(void **state)
{
    (void)state;
    struct ia_mounts mounts = {0};
    assert_ok(ia_mounts_parse(&mounts,
                              "\nnothing\n1 0 8:1 / /a rw\n1 0 8:1 / /a rw shared:1\n1 0 8:1 / /a rw - ext4\n"
                              "1 0 8:1 / /a rw -\n2 0 8:1 / /b rw - ext4 /dev/sda rw\n",
                              &err));
    assert_int_equal(mounts.all.len, 1);
    check(&mounts.all.items[0], 2, "/b", "ext4", "/dev/sda");
    ia_mounts_release(&mounts);
}

static void a_path_lies_on_the_longest_mount_point_and_the_last_mount_there(void **state)
{
    (void)state;
    struct ia_mounts mounts = {0};
    assert_ok(ia_mounts_parse(&mounts,
                              "1 0 8:1 / / rw - ext4 a rw\n2 1 8:2 / /srv rw - ext4 b rw\n"
                              "3 2 8:3 / /srv/vm rw - ext4 c rw\n4 3 8:4 / /srv/vm rw - ext4 d rw\n",
                              &err));
    static const struct {
        const char *path;
        uint64_t id;
    } cases[] = {
        {"/", 1},          {"/srv", 2},        {"/srv/", 2},   {"/srvx", 1},
        {"/srv/vmx/a", 2}, {"/srv/vm/a/b", 4}, {"/srv/vm", 4}, {"/other", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(ia_mounts_by_path(&mounts, cases[i].path)->id, cases[i].id);
    assert_string_equal(ia_mounts_by_id(&mounts, 3)->source, "c");
    assert_null(ia_mounts_by_id(&mounts, 5));
    ia_mounts_release(&mounts);
    assert_null(ia_mounts_by_path(&mounts, "/"));
}

static void mounts_of_this_process_have_one_for_proc(void **state)
{
    (void)state;
    struct ia_mounts mounts = {0};
    struct stat st;
    if (stat("/proc/self/mountinfo", &st) != 0)
        skip();
    assert_ok(ia_mounts_read(&mounts, &err));
    const struct ia_mount *proc = ia_mounts_by_path(&mounts, "/proc/self");
    assert_non_null(proc);
    assert_string_equal(proc->type, "proc");
    ia_mounts_release(&mounts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_a_line_is_understood),
        cmocka_unit_test(a_path_is_found_inside_its_file_system),
        cmocka_unit_test(escapes_are_undone),
        cmocka_unit_test(a_line_of_another_form_is_left_out),
        cmocka_unit_test(a_path_lies_on_the_longest_mount_point_and_the_last_mount_there),
        cmocka_unit_test(mounts_of_this_process_have_one_for_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
