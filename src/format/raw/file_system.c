/* SPDX-License-Identifier: MIT */
/* File systems, and what else fills a whole disk without a partition table. A mark of a few bytes is little: one is
 * believed where the file holds as much as it describes. Places and fields: Linux (fs/ext4/ext4.h,
 * fs/xfs/libxfs/xfs_format.h, include/uapi/linux/btrfs_tree.h, fs/squashfs/squashfs_fs.h, include/linux/swap.h), LVM2
 * (lib/format_text/layout.h, lib/label/label.h), Microsoft's specifications of FAT and exFAT, and ntfs-3g (layout.h).
 */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/raw/raw.h"

enum {
    SECTOR = 512,
    PAGE = 4096,
    EXT_SUPER = 1024,
    LVM_LABEL = 512,
    BTRFS_SUPER = 65536,
    BTRFS_BYTES = 256,
};

/* That many units of that size are in the file. */
static bool fits(uint64_t count, uint64_t unit, int64_t size)
{
    return count > 0 && unit > 0 && count <= (uint64_t)size / unit;
}

static bool is_ext(const uint8_t *page, int64_t size)
{
    const uint8_t *super = page + EXT_SUPER;
    uint32_t shift = ia_le32(super + 24);
    bool is_64bit = (ia_le32(super + 96) & 0x80) != 0;
    uint64_t blocks = ia_le32(super + 4) | (is_64bit ? (uint64_t)ia_le32(super + 0x150) << 32 : 0);
    return ia_le16(super + 56) == 0xef53 && ia_le32(super) > 0 && ia_le32(super + 32) > 0 && shift <= 6 &&
           fits(blocks, UINT64_C(1024) << shift, size);
}

static bool is_xfs(const uint8_t *page, int64_t size)
{
    return memcmp(page, "XFSB", 4) == 0 && fits(ia_be64(page + 8), ia_be32(page + 4), size);
}

static bool is_squashfs(const uint8_t *page, int64_t size)
{
    return memcmp(page, "hsqs", 4) == 0 && ia_le16(page + 28) >= 1 && ia_le16(page + 28) <= 4 &&
           fits(ia_le64(page + 40), 1, size);
}

/* The header of swap space describes pages from 0 to the last one. */
static bool is_swap(const uint8_t *page, int64_t size)
{
    return memcmp(page + PAGE - 10, "SWAPSPACE2", 10) == 0 && ia_le32(page + 1024) == 1 &&
           fits((uint64_t)ia_le32(page + 1028) + 1, PAGE, size);
}

/* A physical volume: a label, and behind it an identity of 32 bytes and the size of the device. */
static bool is_lvm(const uint8_t *page, int64_t size)
{
    const uint8_t *label = page + LVM_LABEL;
    uint32_t header = ia_le32(label + 20);
    return memcmp(label, "LABELONE", 8) == 0 && memcmp(label + 24, "LVM2 001", 8) == 0 && header >= 32 &&
           header <= SECTOR - 40 && fits(ia_le64(label + header + 32), 1, size);
}

static bool is_sector_size(uint32_t bytes)
{
    return bytes == 512 || bytes == 1024 || bytes == 2048 || bytes == 4096;
}

static bool is_ntfs(const uint8_t *page, int64_t size)
{
    uint32_t sector = ia_le16(page + 11);
    return memcmp(page + 3, "NTFS    ", 8) == 0 && is_sector_size(sector) && fits(ia_le64(page + 40), sector, size);
}

static bool is_exfat(const uint8_t *page, int64_t size)
{
    return memcmp(page + 3, "EXFAT   ", 8) == 0 && page[108] >= 9 && page[108] <= 12 &&
           fits(ia_le64(page + 72), UINT64_C(1) << page[108], size);
}

static bool is_fat(const uint8_t *page, int64_t size)
{
    uint32_t sector = ia_le16(page + 11);
    uint32_t sectors = ia_le16(page + 19) != 0 ? ia_le16(page + 19) : ia_le32(page + 32);
    bool is_named = memcmp(page + 54, "FAT12   ", 8) == 0 || memcmp(page + 54, "FAT16   ", 8) == 0 ||
                    memcmp(page + 82, "FAT32   ", 8) == 0;
    return is_named && (page[0] == 0xeb || page[0] == 0xe9) && is_sector_size(sector) && page[13] != 0 &&
           (page[13] & (page[13] - 1)) == 0 && ia_le16(page + 14) > 0 && fits(sectors, sector, size);
}

static const char *name_of(const uint8_t *page, int64_t size)
{
    bool has_signature = page[510] == 0x55 && page[511] == 0xaa;
    if (has_signature && is_ntfs(page, size))
        return "ntfs";
    if (has_signature && is_exfat(page, size))
        return "exfat";
    if (has_signature && is_fat(page, size))
        return "fat";
    if (is_xfs(page, size))
        return "xfs";
    if (is_squashfs(page, size))
        return "squashfs";
    if (is_lvm(page, size))
        return "lvm";
    if (is_ext(page, size))
        return "ext";
    return is_swap(page, size) ? "swap" : "";
}

/* Its first copy of the super block; the size is that of this device of perhaps several. */
static enum ia_status find_btrfs(struct ia_source *source, const char **name, struct ia_error *err)
{
    uint8_t super[BTRFS_BYTES];
    if (!ia_range_inside(BTRFS_SUPER, (int64_t)sizeof(super), source->size))
        return IA_OK;
    IA_TRY(ia_source_read(source, BTRFS_SUPER, super, sizeof(super), "the beginning of the raw image", err));
    if (memcmp(super + 64, "_BHRfS_M", 8) == 0 && ia_le64(super + 48) == BTRFS_SUPER &&
        fits(ia_le64(super + 0xd1), 1, source->size))
        *name = "btrfs";
    return IA_OK;
}

enum ia_status ia_raw_file_system(struct ia_source *source, const char **name, struct ia_error *err)
{
    uint8_t page[PAGE];
    *name = "";
    /* What fills a disk is as long as one; most other files are not. */
    if (source->size < PAGE || source->size % SECTOR != 0)
        return IA_OK;
    IA_TRY(ia_source_read(source, 0, page, sizeof(page), "the beginning of the raw image", err));
    *name = name_of(page, source->size);
    return (*name)[0] != '\0' ? IA_OK : find_btrfs(source, name, err);
}
