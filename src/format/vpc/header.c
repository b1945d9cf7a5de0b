/* SPDX-License-Identifier: MIT */
/* "Dynamic Disk Header Format": where the block allocation table is and how large blocks are. What QEMU refuses to open
 * is refused here. */
#include <limits.h>
#include <string.h>

#include "base/bytes.h"
#include "format/vpc/internal.h"

/* Offsets in the dynamic header */
enum { TABLE_OFFSET_AT = 16, VERSION_AT = 24, ENTRIES_AT = 28, BLOCK_SIZE_AT = 32, CHECKSUM_AT = 36 };

int64_t vpc_blocks(const struct ia_image *image)
{
    const struct vpc *v = image->state;
    int64_t size = image->facts.virtual_size;
    return size / v->block_size + (size % v->block_size != 0);
}

enum ia_status vpc_read_bat(struct ia_image *image, int64_t first, int64_t count, uint8_t *bytes, struct ia_error *err)
{
    const struct vpc *v = image->state;
    return ia_source_read(image->main, v->bat_offset + first * 4, bytes, (size_t)count * 4, "block allocation table",
                          err);
}

/* QEMU's rounding: a bitmap of less than a byte counts as none. */
static enum ia_status check_block_size(struct vpc *v, struct ia_error *err)
{
    if (v->block_size < VPC_SECTOR || (v->block_size & (v->block_size - 1)) != 0)
        return ia_fail(err, IA_CORRUPT, "VHD block size of %jd bytes", (intmax_t)v->block_size);
    v->bitmap_size = ia_round_up(v->block_size / VPC_SECTOR / 8, VPC_SECTOR);
    if (v->bitmap_size == 0 && v->type == VPC_DIFFERENCING)
        return ia_fail(err, IA_UNSUPPORTED, "differencing VHD with blocks of %jd bytes", (intmax_t)v->block_size);
    return IA_OK;
}

/* The table covers the disk and is inside the file: what is not there would read as blocks at offset 0. */
static enum ia_status check_bat(struct ia_image *image, const struct vpc *v, uint64_t bat_offset, struct ia_error *err)
{
    int64_t file_size = ia_round_up(image->main->size, VPC_SECTOR);
    int64_t bat_bytes = ia_round_up(v->bat_entries * 4, VPC_SECTOR);
    if (v->bat_entries > INT_MAX / 4)
        return ia_fail(err, IA_CORRUPT, "VHD block allocation table of %jd entries", (intmax_t)v->bat_entries);
    if (v->bat_entries * v->block_size < image->facts.virtual_size) /* at most 2^29 entries of 2^31 bytes */
        return ia_fail(err, IA_CORRUPT, "VHD block allocation table of %jd entries is too small for %jd bytes",
                       (intmax_t)v->bat_entries, (intmax_t)image->facts.virtual_size);
    if (bat_offset > INT64_MAX || !ia_range_inside((int64_t)bat_offset, bat_bytes, file_size))
        return ia_fail(err, IA_CORRUPT, "VHD block allocation table at %#jx, %jd bytes: past the end of the file",
                       (uintmax_t)bat_offset, (intmax_t)bat_bytes);
    if (bat_bytes > image->limits->max_table_bytes)
        return ia_fail(err, IA_LIMIT, "VHD block allocation table of %jd bytes", (intmax_t)bat_bytes);
    return IA_OK;
}

/* QEMU does not look at this checksum, and the numbers of a dynamic disk are checked one by one. A wrong name of a
 * parent looks like a right one. */
static enum ia_status check_checksum(const struct vpc *v, const uint8_t *header, struct ia_error *err)
{
    uint32_t is = vpc_checksum(header, VPC_HEADER_BYTES, CHECKSUM_AT);
    uint32_t stated = ia_be32(header + CHECKSUM_AT);
    if (v->type == VPC_DIFFERENCING && is != stated)
        return ia_fail(err, IA_CORRUPT, "VHD dynamic header: checksum %#x, and its bytes have %#x", stated, is);
    return IA_OK;
}

enum ia_status vpc_read_header(struct ia_image *image, struct vpc *v, struct ia_error *err)
{
    uint8_t header[VPC_HEADER_BYTES];
    if (v->header_offset > INT64_MAX)
        return ia_fail(err, IA_CORRUPT, "VHD dynamic header at %#jx", (uintmax_t)v->header_offset);
    IA_TRY(ia_source_read(image->main, (int64_t)v->header_offset, header, sizeof(header), "VHD dynamic header", err));
    if (memcmp(header, "cxsparse", 8) != 0)
        return ia_fail(err, IA_CORRUPT, "no VHD dynamic header at %#jx", (uintmax_t)v->header_offset);
    uint32_t version = ia_be32(header + VERSION_AT);
    if (version >> 16 != 1)
        return ia_fail(err, IA_UNSUPPORTED, "VHD dynamic header version %u.%u", version >> 16, version & 0xffff);
    v->block_size = ia_be32(header + BLOCK_SIZE_AT);
    v->bat_entries = ia_be32(header + ENTRIES_AT);
    uint64_t bat_offset = ia_be64(header + TABLE_OFFSET_AT);
    IA_TRY(check_checksum(v, header, err));
    IA_TRY(check_block_size(v, err));
    IA_TRY(check_bat(image, v, bat_offset, err));
    v->bat_offset = (int64_t)bat_offset;
    image->facts.cluster_size = v->block_size;
    return v->type == VPC_DIFFERENCING ? vpc_read_parent(image, v, header, err) : IA_OK;
}
