/* SPDX-License-Identifier: MIT */
/* Types of file systems, and what identifies one. Numbers are those of statfs(2). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "io/volume.h"
#include "io/volume_kind.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static struct ia_volume_facts facts_of(unsigned major, uint32_t magic, const char *type)
{
    return (struct ia_volume_facts){
        .dev = makedev(major, 1), .magic = magic, .type = type, .source = "", .uuid = "", .nfs_fsid = ""};
}

static void types_that_several_hosts_mount_are_shared(void **state)
{
    (void)state;
    static const struct {
        unsigned major;
        uint32_t magic;
        const char *type;
        bool shared;
    } cases[] = {
        {0, 0x6969, "nfs", true},
        {0, 0x6969, "nfs4", true},
        {0, 0xff534d42, "cifs", true},
        {0, 0xfe534d42, "smb3", true},
        {0, 0x00c36400, "ceph", true},
        {0, 0x65735546, "fuse.glusterfs", true},
        {0, 0x65735546, "fuse.sshfs", true},
        {0, 0x65735546, "fuse", true},
        {0, 0x65735546, "virtiofs", true},
        {0, 0x0bd00bd0, "lustre", true},
        {0, 0x01021997, "9p", true},
        {8, 0x01161970, "gfs2", true},
        {8, 0x7461636f, "ocfs2", true},
        {0, 0x12345678, "newfs", true}, /* without a block device, and unknown */
        {0, 0, "", true},
        {0, 0x6969, "", true}, /* without /proc */
        {8, 0xef53, "ext4", false},
        {8, 0xef53, "ext2", false},
        {254, 0x58465342, "xfs", false},
        {0, 0x9123683e, "btrfs", false},
        {0, 0x9123683e, "", false},
        {0, 0x2fc12fc1, "zfs", false},
        {0, 0x01021994, "tmpfs", false},
        {0, 0x01021994, "devtmpfs", false},
        {0, 0x794c7630, "overlay", false},
        {8, 0x65735546, "fuseblk", false},
        {0, 0x65735546, "fuse.squashfuse", false},
        {8, 0x12345678, "newfs", false}, /* of a block device */
        {0, 0x24051905, "ubifs", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_volume_facts facts = facts_of(cases[i].major, cases[i].magic, cases[i].type);
        if (ia_volume_is_shared(&facts) != cases[i].shared)
            fail_msg("%s %#x: shared must be %d", cases[i].type, cases[i].magic, cases[i].shared);
    }
}

static void check_identity(const struct ia_volume_facts *facts, const char *expected)
{
    struct ia_buf text = {0};
    ia_volume_identify(facts, &text);
    assert_false(text.failed);
    assert_string_equal(text.data, expected);
    ia_buf_release(&text);
}

static void identity_is_what_outlives_a_remount(void **state)
{
    (void)state;
    static const char uuid[] = "0a1b2c3d-0000-4000-8000-00112233445f";
    const uint64_t fsid = UINT64_C(0x0123456789abcdef);
    struct ia_volume_facts ext4 = facts_of(8, 0xef53, "ext4");
    ext4.fsid = fsid;
    check_identity(&ext4, "fsid:0123456789abcdef");
    ext4.uuid = uuid;
    check_identity(&ext4, "uuid:0a1b2c3d-0000-4000-8000-00112233445f");
    struct ia_volume_facts btrfs = facts_of(0, 0x9123683e, "btrfs");
    btrfs.fsid = fsid;
    check_identity(&btrfs, "fsid:0123456789abcdef");
    btrfs.fsid = 0;
    check_identity(&btrfs, "dev:0:1");
}

static void f_fsid_of_xfs_and_tmpfs_is_no_identity(void **state)
{
    (void)state;
    struct ia_volume_facts xfs = facts_of(254, 0x58465342, "xfs");
    xfs.fsid = makedev(254, 1);
    check_identity(&xfs, "dev:254:1");
    struct ia_volume_facts tmpfs = facts_of(0, 0x01021994, "tmpfs");
    tmpfs.fsid = 77;
    tmpfs.source = "tmpfs";
    check_identity(&tmpfs, "dev:0:1");
}

static void nfs_is_identified_by_server_and_the_servers_number(void **state)
{
    (void)state;
    struct ia_volume_facts nfs = facts_of(0, 0x6969, "nfs4");
    nfs.source = "[fe80::1]:/export/a";
    check_identity(&nfs, "source:[fe80::1]:/export/a");
    nfs.nfs_fsid = "5f3a1:0";
    check_identity(&nfs, "nfs:[fe80::1]/5f3a1:0");
    nfs.source = "[fe80::1]:/export/b";
    check_identity(&nfs, "nfs:[fe80::1]/5f3a1:0");
    nfs.source = "nas:/";
    check_identity(&nfs, "nfs:nas/5f3a1:0");
}

static void a_source_identifies_only_where_inodes_outlive_a_remount(void **state)
{
    (void)state;
    struct ia_volume_facts facts = facts_of(0, 0xff534d42, "cifs");
    facts.source = "//nas/share";
    check_identity(&facts, "source://nas/share");
    facts.type = "fuse.glusterfs";
    facts.source = "node1:/volume";
    check_identity(&facts, "source:node1:/volume");
    facts.type = "fuse.bindfs";
    check_identity(&facts, "dev:0:1");
    facts.type = "virtiofs";
    facts.source = "none";
    check_identity(&facts, "dev:0:1");
    facts.source = "";
    check_identity(&facts, "dev:0:1");
}

static void uuids_that_are_made_for_a_mount_do_not_count(void **state)
{
    (void)state;
    assert_true(ia_volume_keeps_uuid(0xef53));
    assert_true(ia_volume_keeps_uuid(0x58465342));
    assert_false(ia_volume_keeps_uuid(0x01021994)); /* tmpfs */
    assert_false(ia_volume_keeps_uuid(0x794c7630)); /* overlayfs */
    assert_false(ia_volume_keeps_uuid(0x65735546)); /* FUSE */
}

static void a_directory_and_a_file_in_it_lie_on_one_volume(void **state)
{
    struct ia_mounts mounts = {0};
    struct ia_volume of_directory;
    struct ia_volume of_file;
    struct stat st;
    struct statvfs fs;
    write_file("file", "x", 1);
    assert_true(stat(*state, &st) == 0 && statvfs(*state, &fs) == 0);
    assert_ok(ia_mounts_read(&mounts, &err));
    assert_ok(ia_volume_of_path(*state, &mounts, &of_directory, &err));
    int fd = open("file", O_RDONLY | O_CLOEXEC);
    assert_ok(ia_volume_of(fd, "file", &mounts, &of_file, &err));
    close(fd);
    assert_int_equal(of_directory.dev, st.st_dev);
    assert_string_equal(of_directory.identity, of_file.identity);
    assert_string_equal(of_directory.mount, of_file.mount);
    assert_int_equal(of_directory.size, (int64_t)(fs.f_blocks * fs.f_frsize));
    assert_true(of_directory.free <= of_directory.size);
    if (mounts.all.len > 0) /* the directory is below its mount point */
        assert_int_equal(strncmp(*state, of_directory.mount, strlen(of_directory.mount)), 0);
    ia_volume_release(&of_directory);
    ia_volume_release(&of_file);
    ia_mounts_release(&mounts);
}

static void what_is_not_there_has_no_volume(void **state)
{
    (void)state;
    struct ia_mounts mounts = {0};
    struct ia_volume volume;
    assert_status(IA_MISSING, ia_volume_of_path("missing", &mounts, &volume, &err));
}

static void a_new_file_is_born_now_and_a_rename_does_not_change_that(void **state)
{
    (void)state;
    struct stat st;
    int64_t dev;
    int64_t inode;
    int64_t before;
    int64_t after;
    write_file("file", "x", 1);
    assert_true(stat("file", &st) == 0);
    assert_true(ia_volume_birth(AT_FDCWD, "file", &dev, &inode, &before));
    assert_true(dev == (int64_t)st.st_dev && inode == (int64_t)st.st_ino);
    if (before == -1)
        skip(); /* not kept here */
    assert_in_range(before / 1000000000, time(NULL) - 60, time(NULL) + 60);
    assert_true(rename("file", "other") == 0);
    int fd = open("other", O_RDONLY | O_CLOEXEC);
    assert_true(ia_volume_birth(fd, "", &dev, &inode, &after));
    assert_true(after == before && inode == (int64_t)st.st_ino);
    close(fd);
    assert_false(ia_volume_birth(AT_FDCWD, "file", &dev, &inode, &after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_that_several_hosts_mount_are_shared),
        cmocka_unit_test(identity_is_what_outlives_a_remount),
        cmocka_unit_test(f_fsid_of_xfs_and_tmpfs_is_no_identity),
        cmocka_unit_test(nfs_is_identified_by_server_and_the_servers_number),
        cmocka_unit_test(a_source_identifies_only_where_inodes_outlive_a_remount),
        cmocka_unit_test(uuids_that_are_made_for_a_mount_do_not_count),
        in_temp_dir(a_directory_and_a_file_in_it_lie_on_one_volume),
        cmocka_unit_test(what_is_not_there_has_no_volume),
        in_temp_dir(a_new_file_is_born_now_and_a_rename_does_not_change_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
