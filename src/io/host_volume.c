/* SPDX-License-Identifier: MIT */
/* Which file system a file lies on, as far as its blocks are concerned. */
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "io/host_blocks.h"

/* Not in linux/magic.h of every distribution. */
#define JFS_MAGIC 0x3153464a
#define EXFAT_MAGIC 0x2011bab0

/* Marks that no st_dev has: its upper half is the major number, of which the kernel uses 12 bits. */
#define MADE_FROM_ID (UINT64_C(1) << 63)
#define REALTIME_SECTION (UINT64_C(1) << 62)

/* 0: not known. */
static uint32_t type_of(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 ? (uint32_t)fs.f_type : 0;
}

bool ia_host_can_share(int fd)
{
    switch (type_of(fd)) {
    case EXT4_SUPER_MAGIC: /* ext2 and ext3 too */
    case F2FS_SUPER_MAGIC:
    case JFS_MAGIC:
    case MSDOS_SUPER_MAGIC:
    case EXFAT_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
        return false;
    default:
        return true;
    }
}

bool ia_host_can_compress(int fd)
{
    switch (type_of(fd)) {
    case EXT4_SUPER_MAGIC: /* ext2 and ext3 too */
    case XFS_SUPER_MAGIC:
    case JFS_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
        return false;
    default:
        return true;
    }
}

bool ia_host_lists_locks(int fd)
{
    switch (type_of(fd)) {
    case EXT4_SUPER_MAGIC: /* ext2 and ext3 too */
    case F2FS_SUPER_MAGIC:
    case JFS_MAGIC:
    case TMPFS_MAGIC:
        return true;
    default:
        return false;
    }
}

/* Physical addresses of btrfs are of its own address space, one for all its devices and subvolumes. */
static uint64_t btrfs_volume(int fd)
{
    struct btrfs_ioctl_fs_info_args info = {0};
    if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) != 0)
        return 0;
    uint64_t halves[2];
    memcpy(halves, info.fsid, sizeof(halves));
    return (halves[0] ^ halves[1]) | MADE_FROM_ID;
}

/* XFS may keep a file in its realtime section, another device whose addresses begin at 0 again. */
static bool in_realtime_section(int fd)
{
    struct fsxattr attributes = {0};
    return ioctl(fd, FS_IOC_FSGETXATTR, &attributes) == 0 && (attributes.fsx_xflags & FS_XFLAG_REALTIME) != 0;
}

uint64_t ia_host_volume(int fd)
{
    struct stat st;
    uint32_t type = type_of(fd);
    if (type == 0 || fstat(fd, &st) != 0)
        return 0;
    if (type == BTRFS_SUPER_MAGIC)
        return btrfs_volume(fd);
    uint64_t section = type == XFS_SUPER_MAGIC && in_realtime_section(fd) ? REALTIME_SECTION : 0;
    return (uint64_t)st.st_dev | section;
}
