/* SPDX-License-Identifier: MIT */
/* "Hard Disk Footer Format": who made the disk, its size and its type. A fixed disk has it at the end of the file, the
 * others have a copy at the beginning, and that copy is what QEMU reads. */
#include <string.h>

#include "base/bytes.h"
#include "format/vpc/internal.h"

/* Offsets in the footer */
enum {
    VERSION_AT = 12,
    DATA_OFFSET_AT = 16,
    CREATOR_AT = 28,
    CURRENT_SIZE_AT = 48,
    CYLINDERS_AT = 56,
    HEADS_AT = 58,
    SECTORS_AT = 59,
    TYPE_AT = 60,
    CHECKSUM_AT = 64,
    UUID_AT = 68,
    HIDDEN_AT = 85, /* reserved by the specification; XenServer's tools set it on what other disks are based on */
};

#define MAX_GEOMETRY (INT64_C(65535) * 16 * 255)
#define MAX_SECTORS INT64_C(0xff000000) /* 2040 GiB, the largest VHD */

uint32_t vpc_checksum(const uint8_t *bytes, int64_t len, int64_t checksum_at)
{
    uint32_t sum = 0;
    for (int64_t i = 0; i < len; i++)
        if (i < checksum_at || i >= checksum_at + 4)
            sum += bytes[i];
    return ~sum;
}

bool vpc_has_cookie(const uint8_t *footer)
{
    return memcmp(footer, VPC_COOKIE, sizeof(VPC_COOKIE) - 1) == 0;
}

bool vpc_footer_is_valid(const uint8_t *footer)
{
    return vpc_has_cookie(footer) &&
           vpc_checksum(footer, VPC_FOOTER_BYTES, CHECKSUM_AT) == ia_be32(footer + CHECKSUM_AT);
}

enum vpc_type vpc_footer_type(const uint8_t *footer)
{
    return (enum vpc_type)ia_be32(footer + TYPE_AT);
}

/* Virtual PC and old QEMU size a disk by its geometry, everybody else by the footer's size; a geometry that is at its
 * maximum means nothing. As in QEMU 10.0 and later. Before, QEMU took unknown makers for Virtual PC, and
 * showed too little of the disks of Azure, VirtualBox and others. */
static int64_t count_sectors(const uint8_t *footer)
{
    int64_t geometry = (int64_t)ia_be16(footer + CYLINDERS_AT) * footer[HEADS_AT] * footer[SECTORS_AT];
    const uint8_t *creator = footer + CREATOR_AT;
    bool by_geometry = memcmp(creator, "vpc ", 4) == 0 || memcmp(creator, "qemu", 4) == 0;
    return by_geometry && geometry != MAX_GEOMETRY ? geometry
                                                   : (int64_t)(ia_be64(footer + CURRENT_SIZE_AT) / VPC_SECTOR);
}

/* Looks at the beginning (*at is 0 then), then at the end. Old versions of Virtual PC wrote a footer of 511 bytes: its
 * last byte, reserved, reads as zero past the end of the file. */
static enum ia_status find_footer(struct ia_image *image, uint8_t *footer, int64_t *at, struct ia_error *err)
{
    struct ia_source *main = image->main;
    *at = 0;
    IA_TRY(ia_source_read(main, 0, footer, VPC_FOOTER_BYTES, "VHD footer", err));
    if (vpc_has_cookie(footer))
        return IA_OK;
    if (main->size == 0 || main->size > INT64_MAX - VPC_SECTOR)
        return ia_fail(err, IA_NOT_MINE, "a file of %jd bytes has no VHD footer", (intmax_t)main->size);
    *at = ia_round_up(main->size, VPC_SECTOR) - VPC_FOOTER_BYTES;
    memset(footer, 0, VPC_FOOTER_BYTES);
    IA_TRY(ia_source_read(main, *at, footer, (size_t)(main->size - *at), "VHD footer", err));
    if (!vpc_has_cookie(footer))
        return ia_fail(err, IA_NOT_MINE, "no VHD footer at the beginning or at %#jx", (uintmax_t)*at);
    return IA_OK;
}

static enum ia_status check_footer(const uint8_t *footer, bool at_start, struct ia_error *err)
{
    uint32_t version = ia_be32(footer + VERSION_AT);
    uint32_t type = ia_be32(footer + TYPE_AT);
    if (!vpc_footer_is_valid(footer))
        return ia_fail(err, IA_CORRUPT, "VHD footer: checksum %#x, and its bytes have %#x",
                       ia_be32(footer + CHECKSUM_AT), vpc_checksum(footer, VPC_FOOTER_BYTES, CHECKSUM_AT));
    if (version >> 16 != 1)
        return ia_fail(err, IA_UNSUPPORTED, "VHD version %u.%u", version >> 16, version & 0xffff);
    if (type != VPC_FIXED && type != VPC_DYNAMIC && type != VPC_DIFFERENCING)
        return ia_fail(err, IA_UNSUPPORTED, "VHD disk type %u", type);
    if (at_start == (type == VPC_FIXED))
        return ia_fail(err, IA_CORRUPT, "VHD footer of disk type %u at the %s of the file", type,
                       at_start ? "beginning" : "end alone");
    return IA_OK;
}

enum ia_status vpc_read_footer(struct ia_image *image, struct vpc *v, struct ia_error *err)
{
    uint8_t footer[VPC_FOOTER_BYTES];
    int64_t at;
    IA_TRY(find_footer(image, footer, &at, err));
    IA_TRY(check_footer(footer, at == 0, err));
    int64_t sectors = count_sectors(footer);
    if (sectors > MAX_SECTORS)
        return ia_fail(err, IA_CORRUPT, "VHD of %jd sectors, more than 2040 GiB", (intmax_t)sectors);
    v->type = vpc_footer_type(footer);
    v->footer_offset = at;
    v->header_offset = ia_be64(footer + DATA_OFFSET_AT);
    image->facts.virtual_size = sectors * VPC_SECTOR;
    image->facts.hidden = footer[HIDDEN_AT] != 0;
    vpc_identity(footer + UUID_AT, image->identity.own);
    /* The guest's bytes are before the footer. QEMU reads on into it, and zeroes after it. */
    if (v->type == VPC_FIXED && image->facts.virtual_size > at)
        image->facts.truncated = true;
    return IA_OK;
}
