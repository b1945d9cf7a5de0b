/* SPDX-License-Identifier: MIT */
/* Who holds files, by directories that look like /proc and /sys: the texts are those that Linux prints
 * (Documentation/filesystems/proc.rst, ABI/testing/sysfs-block, target/target_core_configfs.c). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "scan/holders/internal.h"
#include "scan/reading/locks.h"
#include "support/temp_dir.h"
#include "support/unit.h"

/* Makes the directories on the way to a path. */
static void make_way(const char *path)
{
    IA_AUTO_FREE char *copy = strdup(path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        assert_true(mkdir(copy, 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
}

static void put(const char *path, const char *text)
{
    make_way(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void link_to(const char *target, const char *path)
{
    make_way(path);
    assert_int_equal(symlink(target, path), 0);
}

/* The absolute path of a file here. */
static char *whole(const char *name)
{
    char *path = NULL;
    IA_AUTO_FREE char *here = getcwd(NULL, 0);
    assert_true(asprintf(&path, "%s/%s", here, name) > 0);
    return path;
}

static struct stat stat_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st;
}

/* File `number` is the one at this path, which is made. */
static void ask(struct ia_holders *holders, size_t number, const char *path)
{
    put(path, "image");
    struct stat st = stat_of(path);
    ia_holders_add(holders, number, (int64_t)st.st_dev, (int64_t)st.st_ino, path);
}

/* "0: subject\n1: subject\n" and what was not seen, in brackets. */
static char *found(struct ia_holders *holders)
{
    struct ia_buf out = {0};
    ia_holders_settle(holders);
    assert_false(holders->failed);
    ia_buf_add_str(&out, "");
    for (size_t i = 0; i < holders->all.len; i++)
        ia_buf_addf(&out, "%zu: %s\n", holders->all.items[i].file, holders->all.items[i].subject);
    if (holders->unseen != NULL)
        ia_buf_addf(&out, "[%s]\n", holders->unseen);
    ia_holders_release(holders);
    return ia_buf_steal(&out);
}

static void assert_found(struct ia_holders *holders, const char *wanted)
{
    IA_AUTO_FREE char *got = found(holders);
    assert_string_equal(got, wanted);
}

/* -- Processes ----------------------------------------------------------------------------------------------------- */

static void put_process(int pid, const char *name, const char *maps)
{
    char path[64];
    snprintf(path, sizeof(path), "proc/%d/comm", pid);
    put(path, name);
    snprintf(path, sizeof(path), "proc/%d/maps", pid);
    put(path, maps);
    snprintf(path, sizeof(path), "proc/%d/fd/", pid);
    make_way(path);
    snprintf(path, sizeof(path), "proc/%d/fdinfo/", pid);
    make_way(path);
}

static void open_files_are_found_by_their_inode(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    ask(&holders, 0, "a name (deleted)");
    ask(&holders, 1, "b");
    ask(&holders, 2, "nobody's");
    put("other", "no image");
    put_process(17, "qemu-system-x86\n", "");
    link_to("../../../a name (deleted)", "proc/17/fd/4");
    put("proc/17/fdinfo/4", "pos:\t0\nflags:\t02100000\nmnt_id:\t27\n");
    link_to("../../../b", "proc/17/fd/5");
    put("proc/17/fdinfo/5", "pos:\t0\nflags:\t0100002\nmnt_id:\t27\n");
    link_to("../../../b", "proc/17/fd/6");
    put("proc/17/fdinfo/6", "pos:\t0\nflags:\t0100000\nmnt_id:\t27\n");
    link_to("../../../other", "proc/17/fd/7");
    link_to("../../../gone", "proc/17/fd/8");
    put_process(230, "odd\tname\n", "");
    link_to("../../../b", "proc/230/fd/0");
    put("proc/230/fdinfo/0", "pos:\t0\nflags:\t0100001\n");
    put("proc/locks", "");
    ia_holders_prepare(&holders, "proc/self/mountinfo", "sys");
    ia_holders_of_processes(&holders, "proc");
    assert_found(&holders, "0: open for reading by qemu-system-x86 (pid 17)\n"
                           "1: open for writing by odd?name (pid 230)\n"
                           "1: open for writing by qemu-system-x86 (pid 17)\n");
}

static void this_process_does_not_count(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    ask(&holders, 0, "a");
    put_process(17, "imgaudit\n", "");
    link_to("../../../a", "proc/17/fd/4");
    link_to("17", "proc/self");
    ia_holders_prepare(&holders, "proc/self/mountinfo", "sys");
    ia_holders_of_processes(&holders, "proc");
    assert_found(&holders, "");
}

static void a_thread_with_open_files_of_its_own_is_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    ask(&holders, 0, "a");
    put_process(999999901, "threaded\n", ""); /* beyond any pid of this host */
    link_to("../../../../../a", "proc/999999901/task/999999902/fd/3");
    put("proc/999999901/task/999999902/fdinfo/3", "flags:\t0100000\n");
    make_way("proc/999999901/task/999999901/fd/");
    ia_holders_prepare(&holders, "proc/self/mountinfo", "sys");
    ia_holders_of_processes(&holders, "proc");
    assert_found(&holders, "0: open for reading by threaded (pid 999999901)\n");
}

static void mapped_files_are_found_by_their_numbers(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    char maps[512];
    ask(&holders, 0, "a");
    ask(&holders, 1, "b");
    struct stat st = stat_of("a");
    snprintf(maps, sizeof(maps),
             "55d000000000-55d000001000 r-xp 00000000 %02x:%02x %ju                      /usr/bin/x y\n"
             "7f3c8a000000-7f3c8a021000 rw-s 00000000 %02x:%02x %ju                      /srv/a (deleted)\n"
             "7f3c8a021000-7f3c8a022000 rw-p 00000000 00:00 0 \n"
             "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                            [stack]\n",
             major(st.st_dev), minor(st.st_dev), (uintmax_t)st.st_ino + 1000000, major(st.st_dev), minor(st.st_dev),
             (uintmax_t)st.st_ino);
    put_process(5, "mapper\n", maps);
    ia_holders_prepare(&holders, "proc/self/mountinfo", "sys");
    ia_holders_of_processes(&holders, "proc");
    assert_found(&holders, "0: mapped by mapper (pid 5)\n");
}

/* btrfs: stat has a number of the subvolume, lists have one of the file system. */
static void a_file_system_with_two_numbers_is_matched_by_both(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    put("a", "");
    ia_holders_add(&holders, 0, (int64_t)makedev(0, 50), 257, "a");
    ia_holders_add(&holders, 1, (int64_t)makedev(0, 50), 258, "a");
    ia_holders_add_key(&holders, (int64_t)makedev(0, 49), 257, 0);
    ia_holders_sort_keys(&holders);
    put_process(5, "mapper\n",
                "7f3c8a000000-7f3c8a021000 r--s 00000000 00:31 257    /a\n"
                "7f3c8a000000-7f3c8a021000 r--s 00000000 00:33 258    /elsewhere\n");
    ia_holders_of_processes(&holders, "proc");
    assert_found(&holders, "0: mapped by mapper (pid 5)\n");
}

/* -- Locks --------------------------------------------------------------------------------------------------------- */

static void lines_of_locks_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        struct ia_lock lock;
    } cases[] = {
        {"1: POSIX  ADVISORY  WRITE 1185 fe:01:123 0 EOF\n", {123, 0xfe01, 1185, false, false}},
        {"1: POSIX  ADVISORY  WRITE 1185 fe:01:123 100 101\n", {123, 0xfe01, 1185, false, false}},
        {"2: FLOCK  ADVISORY  WRITE 12 00:1a:7 0 EOF\n", {7, 0x1a, 12, false, false}},
        {"3: OFDLCK ADVISORY  READ  -1 08:11:9 100 101\n", {9, 0x811, -1, false, true}},
        {"3: OFDLCK ADVISORY  READ  -1 08:11:9 203 203", {9, 0x811, -1, false, true}},
        {"3: OFDLCK ADVISORY  READ  -1 08:11:9 0 EOF\n", {9, 0x811, -1, false, false}},
        {"3: OFDLCK ADVISORY  READ  -1 08:11:9 0 100\n", {9, 0x811, -1, false, false}},
        {"3: OFDLCK ADVISORY  READ  -1 08:11:9 100 EOF\n", {9, 0x811, -1, false, false}},
        {"4: LEASE  ACTIVE    READ  1185 103:04:5 0 EOF\n", {5, 0x10304, 1185, false, false}},
        {"6: POSIX  *NOINODE* WRITE 77 <none>:0 0 EOF\n", {0, 0, 77, true, false}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_lock lock;
        assert_true(ia_lock_parse(cases[i].line, &lock));
        assert_int_equal(lock.inode, cases[i].lock.inode);
        assert_int_equal(lock.dev, cases[i].lock.dev);
        assert_int_equal(lock.pid, cases[i].lock.pid);
        assert_int_equal(lock.has_no_file, cases[i].lock.has_no_file);
        assert_int_equal(lock.is_of_qemu, cases[i].lock.is_of_qemu);
    }
}

static void locks_of_any_kind_are_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    for (size_t i = 0; i < 6; i++)
        ia_holders_add(&holders, i, (int64_t)makedev(8, 1), (int64_t)(100 + i), "/");
    ia_holders_sort_keys(&holders);
    put("proc/70/comm", "virtlockd\n");
    put("proc/locks", "1: FLOCK  ADVISORY  WRITE 70 08:01:100 0 EOF\n"
                      "2: POSIX  ADVISORY  READ  71 08:01:101 5 5\n"
                      "2: -> POSIX  ADVISORY  WRITE 70 08:01:101 5 5\n"
                      "3: OFDLCK ADVISORY  READ  -1 08:01:102 0 EOF\n"
                      "4: OFDLCK ADVISORY  READ  -1 08:01:103 100 100\n"
                      "5: FLOCK  ADVISORY  WRITE 70 08:02:104 0 EOF\n");
    ia_holders_of_locks(&holders, "proc");
    assert_found(&holders, "0: locked by virtlockd (pid 70)\n"
                           "1: locked by a process (pid 71)\n"
                           "1: locked by virtlockd (pid 70)\n"
                           "2: locked\n");
}

static void a_lock_adds_nothing_to_an_open_file(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    ia_holders_add(&holders, 0, (int64_t)makedev(8, 1), 100, "/");
    ia_holders_sort_keys(&holders);
    ia_holders_hold_file(&holders, 0, 70, "open for writing by x (pid 70)");
    put("proc/locks", "1: FLOCK  ADVISORY  WRITE 70 08:01:100 0 EOF\n");
    ia_holders_of_locks(&holders, "proc");
    assert_found(&holders, "0: open for writing by x (pid 70)\n");
}

static void clients_of_the_nfs_server_are_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    for (size_t i = 0; i < 3; i++)
        ia_holders_add(&holders, i, (int64_t)makedev(0xfd, 0x10), (int64_t)(13649 + i), "/");
    ia_holders_sort_keys(&holders);
    put("proc/fs/nfsd/clients/7/states",
        "- 0x01000000907c5c5e: { type: open, access: rw, deny: --, superblock: \"fd:10:13649\", filename: \"a\","
        " owner: \"open id:\\x00\" }\n"
        "- 0x02000000907c5c5e: { type: lock, superblock: \"fd:11:13650\", filename: \"b\", owner: \"x\" }\n");
    put("proc/fs/nfsd/clients/8/states", "- 0x03: { type: deleg, access: r, superblock: \"fd:10:13651\" }\n- 0x04: {"
                                         " superblock: \"\n");
    ia_holders_of_nfs_server(&holders, "proc");
    assert_found(&holders, "0: open by a client of nfsd\n2: open by a client of nfsd\n");
}

static void a_missing_list_of_locks_is_reported(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    ia_holders_of_locks(&holders, "proc");
    assert_found(&holders, "[who has locks could not be found out: proc/locks cannot be read]\n");
}

/* -- Mounts and swap -------------------------------------------------------------------------------------------------
 */

static void lines_of_mountinfo_are_understood(void **state)
{
    (void)state;
    char text[] = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
                  "37 35 0:300 / /a\\040b\\134c rw - tmpfs none rw\n"
                  "broken\n"
                  "38 35 8:1 / /x rw shared:1 master:2 propagate_from:3 - ext4 /dev/a\\011b rw";
    struct ia_mount mount;
    char *at = text;
    assert_true(ia_mount_parse(&at, &mount));
    assert_int_equal(mount.id, 36);
    assert_int_equal(mount.dev, makedev(98, 0));
    assert_string_equal(mount.root, "/mnt1");
    assert_string_equal(mount.point, "/mnt2");
    assert_string_equal(mount.source, "/dev/root");
    assert_true(ia_mount_parse(&at, &mount));
    assert_int_equal(mount.dev, makedev(0, 300));
    assert_string_equal(mount.point, "/a b\\c");
    assert_false(ia_mount_parse(&at, &mount));
    assert_true(ia_mount_parse(&at, &mount));
    assert_string_equal(mount.source, "/dev/a\tb");
    assert_string_equal(at, "");
}

static void mounted_files_and_devices_are_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    struct ia_buf text = {0};
    ask(&holders, 0, "a b");
    ask(&holders, 1, "c");
    ia_holders_add(&holders, 2, 6, 400, "/");
    ia_holders_add_block_device(&holders, 2, (int64_t)makedev(8, 17));
    IA_AUTO_FREE char *bound = whole("c");
    struct stat st = stat_of("c");
    IA_AUTO_FREE char *here = whole("");
    ia_buf_addf(&text,
                "36 35 0:50 / /mnt/fuse rw - fuse.x %sa\\040b rw\n"
                "37 35 %u:%u /images/c %s rw - ext4 /dev/sda1 rw\n"
                "38 35 8:17 / /mnt/disk rw - ext4 /dev/gone rw\n",
                here, major(st.st_dev), minor(st.st_dev), bound);
    put("proc/self/mountinfo", text.data);
    ia_buf_release(&text);
    ia_holders_sort_keys(&holders);
    ia_holders_of_mounts(&holders, "proc/self/mountinfo");
    IA_AUTO_FREE char *wanted = NULL;
    assert_true(asprintf(&wanted, "0: mounted at /mnt/fuse\n1: mounted at %s\n2: mounted at /mnt/disk\n", bound) > 0);
    assert_found(&holders, wanted);
}

static void swap_files_are_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    struct ia_buf text = {0};
    ask(&holders, 0, "swap\tfile");
    ask(&holders, 1, "other");
    IA_AUTO_FREE char *here = whole("");
    ia_buf_addf(&text,
                "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
                "%sswap\\011file                                file\t\t1020\t\t0\t\t-2\n"
                "/dev/gone                               partition\t1020\t\t0\t\t-3\n",
                here);
    put("proc/swaps", text.data);
    ia_buf_release(&text);
    ia_holders_sort_keys(&holders);
    ia_holders_of_swap(&holders, "proc/swaps");
    assert_found(&holders, "0: swap\n");
}

static void a_swap_file_that_is_not_here_is_reported(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    put("proc/swaps", "Filename Type Size Used Priority\n/no/such\\040file file 1020 0 -2\n");
    ia_holders_of_swap(&holders, "proc/swaps");
    assert_found(&holders, "[which file the kernel swaps to could not be found out: no /no/such file here]\n");
}

/* -- Devices ---------------------------------------------------------------------------------------------------------
 */

static void put_path(const char *path, const char *before, const char *name, const char *behind)
{
    IA_AUTO_FREE char *target = whole(name);
    IA_AUTO_FREE char *text = NULL;
    assert_true(asprintf(&text, "%s%s%s", before, target, behind) > 0);
    put(path, text);
}

static void loop_devices_are_found_by_their_paths(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    ask(&holders, 0, "a b");
    ask(&holders, 1, "second name"); /* of a file that lost the one by which it was attached */
    ask(&holders, 2, "named so (deleted)");
    ask(&holders, 3, "nobody's");
    put_path("sys/block/loop0/loop/backing_file", "", "a b", "\n");
    put_path("sys/block/loop1/loop/backing_file", "", "second name", " (deleted)\n");
    put_path("sys/block/loop2/loop/backing_file", "", "named so (deleted)", "\n");
    put("sys/block/loop3/dev", "7:3\n"); /* not attached */
    ia_holders_sort_keys(&holders);
    ia_holders_of_loops(&holders, "sys", "dev");
    assert_found(&holders, "0: loop device /dev/loop0\n1: loop device /dev/loop1\n2: loop device /dev/loop2\n");
}

static void a_loop_device_whose_file_is_not_here_is_reported(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    put("sys/block/loop12/loop/backing_file", "/no/such/file (deleted)\n");
    ia_holders_of_loops(&holders, "sys", "dev");
    assert_found(&holders, "[what loop device /dev/loop12 holds could not be found out]\n");
}

static void targets_of_all_kinds_are_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    const char *const names[] = {"lio", "file io  Size: 7", "nvme", "gadget", "nbd", "zram", "free"};
    for (size_t i = 0; i < COUNT(names); i++)
        ask(&holders, i, names[i]);
    put_path("sys/kernel/config/target/core/iblock_0/disk1/udev_path", "", "lio", "\n");
    put("sys/kernel/config/target/core/fileio_3/disk2/udev_path", "");
    put_path("sys/kernel/config/target/core/fileio_3/disk2/info",
             "Status: DEACTIVATED  Max Queue Depth: 0  SectorSize: 512  HwMaxSectors: 16384\n"
             "        TCM FILEIO ID: 0        File: ",
             "file io  Size: 7", "  Size: 1048576  Mode: O_DSYNC Async: 0\n");
    put_path("sys/kernel/config/nvmet/subsystems/sub1/namespaces/10/device_path", "", "nvme", "\n");
    put_path("sys/kernel/config/usb_gadget/g1/functions/mass_storage.0/lun.0/file", "", "gadget", "\n");
    put_path("sys/block/nbd4/backend", "", "nbd", "\n");
    put("sys/block/nbd5/pid", "17\n");
    put_path("sys/block/zram0/backing_dev", "", "zram", "\n");
    put("sys/block/zram1/backing_dev", "none\n");
    ia_holders_sort_keys(&holders);
    ia_holders_of_targets(&holders, "sys");
    assert_found(&holders, "0: LIO target disk1\n1: LIO target disk2\n2: NVMe target sub1\n"
                           "3: USB gadget mass_storage.0\n4: NBD device nbd4\n5: zram device zram0\n");
}

static void what_lies_on_block_devices_is_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    for (size_t i = 0; i < 4; i++) {
        ia_holders_add(&holders, i, 6, (int64_t)(400 + i), "/");
        ia_holders_add_block_device(&holders, i, (int64_t)makedev(8, (unsigned)(16 * i)));
    }
    put("sys/dev/block/8:0/holders/dm-3", "");
    put("sys/dev/block/8:16/sdb1/partition", "1\n");
    put("sys/dev/block/8:16/sdb1/dev", "8:17\n");
    put("sys/dev/block/8:17/holders/md0", "");
    put("sys/fs/btrfs/5d1c/devices/sdc/dev", "8:32\n");
    make_way("sys/dev/block/8:48/holders/");
    ia_holders_prepare(&holders, "none", "sys");
    ia_holders_of_block_devices(&holders, "sys");
    assert_found(&holders, "0: block device dm-3 lies on it\n1: block device md0 lies on it\n2: mounted (btrfs)\n");
}

/* -- Lock files ------------------------------------------------------------------------------------------------------
 */

static void lock_files_of_vmware_are_found(void **state)
{
    (void)state;
    struct ia_holders holders = {0};
    put("a.vmdk.lck/M1.lck", "");
    put("b.lck", "");
    link_to("nowhere", "c.raw.lck");
    put("raw.lck", "");
    static const char *const paths[] = {"a.vmdk", "b.vmdk", "b.VMDK", "c.raw", "raw.raw", "b", "b.vmdk.bak", ".vmdk"};
    for (size_t i = 0; i < COUNT(paths); i++)
        ia_holders_look_beside(&holders, i, paths[i]);
    assert_found(&holders, "0: lock file a.vmdk.lck\n1: lock file b.lck\n2: lock file b.lck\n3: lock file c.raw.lck\n"
                           "5: lock file b.lck\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(open_files_are_found_by_their_inode),
        in_temp_dir(this_process_does_not_count),
        in_temp_dir(a_thread_with_open_files_of_its_own_is_found),
        in_temp_dir(mapped_files_are_found_by_their_numbers),
        in_temp_dir(a_file_system_with_two_numbers_is_matched_by_both),
        cmocka_unit_test(lines_of_locks_are_understood),
        in_temp_dir(locks_of_any_kind_are_found),
        in_temp_dir(a_lock_adds_nothing_to_an_open_file),
        in_temp_dir(clients_of_the_nfs_server_are_found),
        in_temp_dir(a_missing_list_of_locks_is_reported),
        cmocka_unit_test(lines_of_mountinfo_are_understood),
        in_temp_dir(mounted_files_and_devices_are_found),
        in_temp_dir(swap_files_are_found),
        in_temp_dir(a_swap_file_that_is_not_here_is_reported),
        in_temp_dir(loop_devices_are_found_by_their_paths),
        in_temp_dir(a_loop_device_whose_file_is_not_here_is_reported),
        in_temp_dir(targets_of_all_kinds_are_found),
        in_temp_dir(what_lies_on_block_devices_is_found),
        in_temp_dir(lock_files_of_vmware_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
