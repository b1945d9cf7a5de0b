/* SPDX-License-Identifier: MIT */
/* What lies in a raw image: a partition table (UEFI 2.10, section 5: MBR and GPT) or an ISO 9660 file system (ECMA-119,
 * section 8). A table is believed where what it describes is in the file: the first sectors of a disk, kept somewhere,
 * are no disk image. */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/raw/raw.h"

enum {
    SECTOR = 512,
    BIG_SECTOR = 4096,
    HEAD_BYTES = 2 * SECTOR,
    MBR_TABLE = 446,
    MBR_ENTRIES = 4,
    MBR_ENTRY_BYTES = 16,
    GPT_HEADER_BYTES = 92,
    ISO_DESCRIPTOR = 32768,
    ISO_DESCRIPTOR_BYTES = 7,
};

/* The only ways of reading here: nothing past the end. *inside is false where not all of it is in the file. */
static enum ia_status read_inside(struct ia_source *source, int64_t off, void *bytes, size_t len, bool *inside,
                                  struct ia_error *err)
{
    *inside = ia_range_inside(off, (int64_t)len, source->size);
    return *inside ? ia_source_read(source, off, bytes, len, "the beginning of the raw image", err) : IA_OK;
}

/* CRC-32 of IEEE 802.3, with its own field, at 16, taken as zero. */
static uint32_t gpt_checksum(const uint8_t *header, uint32_t len)
{
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < len; i++) {
        crc ^= i >= 16 && i < 20 ? 0 : header[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (UINT32_C(0xedb88320) & -(crc & 1));
    }
    return ~crc;
}

/* One sector of 512 bytes holds the header, whatever the disk's sectors are. */
static bool is_gpt_header(const uint8_t *header, int64_t sectors)
{
    uint32_t len = ia_le32(header + 12);
    return memcmp(header, "EFI PART", 8) == 0 && len >= GPT_HEADER_BYTES && len <= SECTOR &&
           gpt_checksum(header, len) == ia_le32(header + 16) && ia_le64(header + 24) == 1 &&
           ia_le64(header + 48) < (uint64_t)sectors;
}

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* A sector that begins a FAT, exFAT or NTFS file system, or a Linux kernel, has the signature too: what is in the place
 * of a partition table is code or text. */
static bool is_other_boot_sector(const uint8_t *head)
{
    if (memcmp(head + 514, "HdrS", 4) == 0 || memcmp(head + 3, "EXFAT   ", 8) == 0 ||
        memcmp(head + 3, "NTFS    ", 8) == 0)
        return true;
    uint16_t sector = ia_le16(head + 11);
    return (head[0] == 0xeb || head[0] == 0xe9) && sector >= SECTOR && sector <= BIG_SECTOR &&
           is_power_of_two(sector) && is_power_of_two(head[13]) && head[21] >= 0xf0;
}

struct partition {
    uint8_t type;
    uint32_t start, count; /* sectors */
};

static bool overlap(const struct partition *a, const struct partition *b)
{
    return a->start < (uint64_t)b->start + b->count && b->start < (uint64_t)a->start + a->count;
}

/* A hybrid ISO image has a table that no other disk has: of type 0, from sector 0 on, one in another. */
static bool is_mbr(const uint8_t *head, int64_t sectors, bool hybrid)
{
    struct partition used[MBR_ENTRIES];
    int count = 0;
    if (head[510] != 0x55 || head[511] != 0xaa || (!hybrid && is_other_boot_sector(head)))
        return false;
    for (int i = 0; i < MBR_ENTRIES; i++) {
        const uint8_t *entry = head + MBR_TABLE + i * MBR_ENTRY_BYTES;
        struct partition p = {.type = entry[4], .start = ia_le32(entry + 8), .count = ia_le32(entry + 12)};
        if ((entry[0] & 0x7f) != 0)
            return false;
        if (hybrid ? p.count == 0 : p.type == 0)
            continue;
        if (p.count == 0 || p.start >= sectors || (!hybrid && p.start == 0))
            return false;
        for (int j = 0; j < count && !hybrid; j++)
            if (overlap(&used[j], &p))
                return false;
        used[count++] = p;
    }
    return count > 0;
}

static bool is_iso_descriptor(const uint8_t *bytes)
{
    return (bytes[0] <= 3 || bytes[0] == 0xff) && memcmp(bytes + 1, "CD001", 5) == 0 && bytes[6] == 1;
}

enum ia_status ia_raw_kind(struct ia_source *source, const char **kind, struct ia_error *err)
{
    uint8_t head[HEAD_BYTES] = {0};
    uint8_t big[SECTOR];
    uint8_t descriptor[ISO_DESCRIPTOR_BYTES];
    bool inside;
    *kind = "";
    IA_TRY(read_inside(source, 0, head, sizeof(head), &inside, err));
    if (!inside) /* nothing fits behind a table */
        return IA_OK;
    bool is_gpt = is_gpt_header(head + SECTOR, source->size / SECTOR);
    if (!is_gpt) {
        IA_TRY(read_inside(source, BIG_SECTOR, big, sizeof(big), &inside, err));
        is_gpt = inside && is_gpt_header(big, source->size / BIG_SECTOR);
    }
    IA_TRY(read_inside(source, ISO_DESCRIPTOR, descriptor, sizeof(descriptor), &inside, err));
    bool is_iso = inside && is_iso_descriptor(descriptor);
    if (is_gpt)
        *kind = is_iso ? "iso9660 gpt" : "gpt";
    else if (is_mbr(head, source->size / SECTOR, is_iso))
        *kind = is_iso ? "iso9660 mbr" : "mbr";
    else if (is_iso)
        *kind = "iso9660";
    return IA_OK;
}
