/* SPDX-License-Identifier: MIT */
/* All places where holders are looked for, one after the other. */
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "scan/holders/internal.h"

static int64_t mount_of(const char *path)
{
#ifdef STATX_MNT_ID
    struct statx stx;
    if (statx(AT_FDCWD, path, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) == 0 &&
        (stx.stx_mask & STATX_MNT_ID) != 0)
        return (int64_t)stx.stx_mnt_id;
#else
    (void)path;
#endif
    return -1;
}

static int64_t device_of_mount(const char *mountinfo, int64_t id)
{
    struct ia_mount mount;
    IA_AUTO_BUF struct ia_buf text = {0};
    if (id < 0 || !ia_host_text(mountinfo, &text))
        return IA_HOLDER_ANY_DEVICE;
    for (char *at = text.data; *at != '\0' && ia_mount_parse(&at, &mount);)
        if (mount.id == id)
            return mount.dev;
    return IA_HOLDER_ANY_DEVICE;
}

/* Who opened a file of a layer, below, has it under another device. */
static bool is_overlay(const char *path)
{
    struct statfs fs;
    return statfs(path, &fs) == 0 && (uint32_t)fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Lists of locks and of mapped files have the number of the file system itself. On btrfs stat has another. */
static void add_own_numbers(struct ia_holders *holders, const char *mountinfo)
{
    size_t count = holders->keys.len;
    for (size_t i = 0; i < holders->volumes.len; i++) {
        struct ia_holder_volume *volume = &holders->volumes.items[i];
        volume->own =
            is_overlay(volume->path) ? IA_HOLDER_ANY_DEVICE : device_of_mount(mountinfo, mount_of(volume->path));
        for (size_t k = 0; k < count && volume->own != volume->dev; k++)
            if (holders->keys.items[k].dev == volume->dev)
                ia_holders_add_key(holders, volume->own, holders->keys.items[k].inode, holders->keys.items[k].file);
    }
}

void ia_holders_prepare(struct ia_holders *holders, const char *mountinfo, const char *sys)
{
    add_own_numbers(holders, mountinfo);
    ia_holders_add_partitions(holders, sys);
    ia_holders_sort_keys(holders);
}

enum ia_status ia_holders_find(struct ia_holders *holders, struct ia_error *err)
{
    static const char proc[] = "/proc";
    static const char sys[] = "/sys";
    static const char mountinfo[] = "/proc/self/mountinfo";
    ia_holders_prepare(holders, mountinfo, sys);
    ia_holders_check_view(holders, proc, sys);
    ia_holders_of_processes(holders, proc);
    ia_holders_of_locks(holders, proc);
    ia_holders_of_nfs_server(holders, proc);
    ia_holders_of_swap(holders, "/proc/swaps");
    ia_holders_of_mounts(holders, mountinfo);
    ia_holders_of_loops(holders, sys, "/dev");
    ia_holders_of_block_devices(holders, sys);
    ia_holders_of_targets(holders, sys);
    ia_holders_settle(holders);
    return holders->failed ? ia_no_memory(err) : IA_OK;
}
