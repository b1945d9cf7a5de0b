/* SPDX-License-Identifier: MIT */
/* Devices that files are behind, by /sys: loop devices; what lies on a block device; targets that give files to others.
 * A file is known by its inode where the kernel has it, else by the path that it shows. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/holders/internal.h"

/* The paths that match "sys/PATTERN"; none where nothing does. */
static void find_paths(struct ia_holders *holders, const char *sys, const char *pattern, glob_t *found)
{
    IA_AUTO_BUF struct ia_buf whole = {0};
    ia_buf_addf(&whole, "%s/%s", sys, pattern);
    int code = whole.failed ? GLOB_NOSPACE : glob(whole.data, 0, NULL, found);
    if (code != 0)
        *found = (glob_t){0};
    holders->failed = holders->failed || code == GLOB_NOSPACE;
}
#define AUTO_GLOB __attribute__((cleanup(globfree)))

/* The component of a path that has `behind` others behind it. */
static void component(const char *path, int behind, char *out, size_t size)
{
    const char *end = path + strlen(path);
    const char *begin = path + ia_path_directory_length(path);
    for (; behind > 0 && begin > path; behind--) {
        end = begin - 1;
        for (begin = end; begin > path && begin[-1] != '/'; begin--)
            ;
    }
    snprintf(out, size, "%.*s", (int)(end - begin), begin);
}

/* "8:16" */
static int64_t device_in(const char *path)
{
    unsigned major;
    unsigned minor;
    IA_AUTO_BUF struct ia_buf text = {0};
    if (!ia_host_line(path, &text) || sscanf(text.data, "%u:%u", &major, &minor) != 2) // NOLINT(cert-err34-c)
        return -1;
    return (int64_t)makedev(major, minor);
}

/* The kernel adds this to the path of a file that has lost the name by which it was opened; it may have others. */
static bool cut_deleted(char *path)
{
    static const char mark[] = " (deleted)";
    if (!ia_path_ends_in(path, mark))
        return false;
    path[strlen(path) - strlen(mark)] = '\0';
    return true;
}

/* -- Loop devices -------------------------------------------------------------------------------------------------- */

/* By the device itself; false: it cannot be asked. */
static bool ask_loop(struct ia_holders *holders, const char *name, int64_t number, const char *dev)
{
    char path[96];
    struct stat st;
    struct loop_info64 info = {0};
    snprintf(path, sizeof(path), "%s/%s", dev, name);
    IA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISBLK(st.st_mode) || (int64_t)st.st_rdev != number)
        return false;
    if (ioctl(fd, LOOP_GET_STATUS64, &info) != 0)
        return errno == ENXIO; /* it was detached meanwhile */
    ia_holders_hold(holders, (int64_t)info.lo_device, (int64_t)info.lo_inode, "loop device /dev/%s", name);
    if (info.lo_rdevice != 0)
        ia_holders_hold(holders, IA_HOLDER_BLOCK_DEVICE, (int64_t)info.lo_rdevice, "loop device /dev/%s", name);
    return true;
}

/* A name that ends in the mark may be the file's own. */
static bool hold_shown_path(struct ia_holders *holders, struct ia_buf *path, const char *name)
{
    return ia_holders_hold_path(holders, path->data, "loop device /dev/%s", name) ||
           (cut_deleted(path->data) && ia_holders_hold_path(holders, path->data, "loop device /dev/%s", name));
}

void ia_holders_of_loops(struct ia_holders *holders, const char *sys, const char *dev)
{
    AUTO_GLOB glob_t found = {0};
    find_paths(holders, sys, "block/loop*/loop/backing_file", &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char name[32];
        IA_AUTO_BUF struct ia_buf path = {0};
        IA_AUTO_BUF struct ia_buf number = {0};
        component(found.gl_pathv[i], 2, name, sizeof(name));
        ia_buf_addf(&number, "%s/block/%s/dev", sys, name);
        if (number.failed || ask_loop(holders, name, device_in(number.data), dev) ||
            !ia_host_line(found.gl_pathv[i], &path) || path.len == 0 || hold_shown_path(holders, &path, name))
            continue;
        ia_holders_add_unseen(holders, "what loop device /dev/%s holds could not be found out", name);
    }
}

/* -- What lies on block devices ------------------------------------------------------------------------------------ */

/* The block device of a directory of /sys is held as this one is. */
static void add_alias(struct ia_holders *holders, int64_t rdev, const char *directory)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    ia_buf_addf(&path, "%s/dev", directory);
    int64_t number = path.failed ? -1 : device_in(path.data);
    size_t count = holders->keys.len;
    for (size_t i = 0; i < count && number >= 0; i++)
        if (holders->keys.items[i].dev == IA_HOLDER_BLOCK_DEVICE && holders->keys.items[i].inode == rdev)
            ia_holders_add_block_device(holders, holders->keys.items[i].file, number);
}

/* Who uses a partition uses its disk, and the other way round. */
void ia_holders_add_partitions(struct ia_holders *holders, const char *sys)
{
    size_t count = holders->block_devices.len;
    for (size_t i = 0; i < count; i++) {
        int64_t rdev = holders->block_devices.items[i];
        char pattern[96];
        AUTO_GLOB glob_t found = {0};
        snprintf(pattern, sizeof(pattern), "dev/block/%u:%u/*/partition", major((dev_t)rdev), minor((dev_t)rdev));
        find_paths(holders, sys, pattern, &found);
        for (size_t p = 0; p < found.gl_pathc; p++) {
            ia_path_go_up(found.gl_pathv[p]);
            add_alias(holders, rdev, found.gl_pathv[p]);
        }
        IA_AUTO_BUF struct ia_buf disk = {0};
        ia_buf_addf(&disk, "%s/dev/block/%u:%u/partition", sys, major((dev_t)rdev), minor((dev_t)rdev));
        if (disk.failed || faccessat(AT_FDCWD, disk.data, F_OK, 0) != 0)
            continue;
        ia_path_go_up(disk.data);
        disk.len = strlen(disk.data);
        ia_buf_add_str(&disk, "/..");
        if (!disk.failed)
            add_alias(holders, rdev, disk.data);
    }
}

static void hold_btrfs(struct ia_holders *holders, const char *sys)
{
    AUTO_GLOB glob_t found = {0};
    find_paths(holders, sys, "fs/btrfs/*/devices/*/dev", &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        ia_holders_hold(holders, IA_HOLDER_BLOCK_DEVICE, device_in(found.gl_pathv[i]), "mounted (btrfs)");
}

/* md and dm devices, and others that have the same. */
void ia_holders_of_block_devices(struct ia_holders *holders, const char *sys)
{
    for (size_t i = 0; i < holders->block_devices.len; i++) {
        int64_t rdev = holders->block_devices.items[i];
        char pattern[96];
        AUTO_GLOB glob_t found = {0};
        snprintf(pattern, sizeof(pattern), "dev/block/%u:%u/holders/*", major((dev_t)rdev), minor((dev_t)rdev));
        find_paths(holders, sys, pattern, &found);
        for (size_t h = 0; h < found.gl_pathc; h++)
            ia_holders_hold(holders, IA_HOLDER_BLOCK_DEVICE, rdev, "block device %s lies on it",
                            ia_path_name(found.gl_pathv[h]));
    }
    if (holders->block_devices.len > 0)
        hold_btrfs(holders, sys);
}

/* -- Targets ------------------------------------------------------------------------------------------------------- */

/* Files of /sys that hold the path of another file. */
static const struct {
    const char *pattern;
    const char *what;
    int behind; /* the name is that component of the path, counted from its end */
} targets[] = {
    {"kernel/config/target/core/*/*/udev_path", "LIO target", 1},
    {"kernel/config/nvmet/subsystems/*/namespaces/*/device_path", "NVMe target", 3},
    {"kernel/config/usb_gadget/*/functions/*/lun.*/file", "USB gadget", 2},
    {"block/nbd*/backend", "NBD device", 1},
    {"block/zram*/backing_dev", "zram device", 1},
};

/* "Status: ACTIVATED ...\n  TCM FILEIO ID: 0  File: /srv/a.raw  Size: 1048576  Mode: Buffered-WCE": a path with spaces
 * goes on to the last "  Size: ". */
static void hold_fileio(struct ia_holders *holders, const char *info, const char *name)
{
    static const char before[] = " File: ";
    IA_AUTO_BUF struct ia_buf text = {0};
    char *path = ia_host_text(info, &text) ? strstr(text.data, before) : NULL;
    if (path == NULL)
        return;
    path += strlen(before);
    for (char *end = strstr(path, "  Size: "), *next = end; next != NULL; next = strstr(end + 1, "  Size: ")) {
        end = next;
        *end = '\0';
        ia_holders_hold_path(holders, path, "LIO target %s", name);
        *end = ' ';
    }
}

void ia_holders_of_targets(struct ia_holders *holders, const char *sys)
{
    char name[128];
    for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
        AUTO_GLOB glob_t found = {0};
        find_paths(holders, sys, targets[t].pattern, &found);
        for (size_t i = 0; i < found.gl_pathc; i++) {
            IA_AUTO_BUF struct ia_buf path = {0};
            component(found.gl_pathv[i], targets[t].behind, name, sizeof(name));
            if (ia_host_line(found.gl_pathv[i], &path) && path.len > 0)
                ia_holders_hold_path(holders, path.data, "%s %s", targets[t].what, name);
        }
    }
    AUTO_GLOB glob_t found = {0};
    find_paths(holders, sys, "kernel/config/target/core/fileio_*/*/info", &found);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        component(found.gl_pathv[i], 1, name, sizeof(name));
        hold_fileio(holders, found.gl_pathv[i], name);
    }
}
