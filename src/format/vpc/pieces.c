/* SPDX-License-Identifier: MIT */
/* Footer and header of a VHD whose pieces are files of their own. */
#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "format/names.h"
#include "format/vpc/internal.h"
#include "format/vpc/vpc.h"

/* Offsets in the dynamic header */
enum { CHECKSUM_AT = 36, NAME_AT = 64, NAME_BYTES = 512 };

static bool header_is_valid(const uint8_t *header)
{
    return memcmp(header, "cxsparse", 8) == 0 &&
           vpc_checksum(header, VPC_HEADER_BYTES, CHECKSUM_AT) == ia_be32(header + CHECKSUM_AT);
}

enum ia_status ia_vpc_read_pieces(const uint8_t footer[IA_VPC_FOOTER_BYTES], const uint8_t header[IA_VPC_HEADER_BYTES],
                                  char **parent, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf name = {0};
    *parent = NULL;
    if (!vpc_footer_is_valid(footer) || !header_is_valid(header))
        return ia_fail(err, IA_CORRUPT, "no plain VHD footer and header: compressed, encrypted or damaged");
    if (vpc_footer_type(footer) == VPC_DYNAMIC)
        return IA_OK;
    if (vpc_footer_type(footer) != VPC_DIFFERENCING)
        return ia_fail(err, IA_UNSUPPORTED, "VHD of disk type %u", (unsigned)vpc_footer_type(footer));
    ia_buf_add_str(&name, "");
    ia_names_add_utf16(&name, header + NAME_AT, NAME_BYTES, true);
    *parent = ia_buf_steal(&name);
    return *parent != NULL ? IA_OK : ia_no_memory(err);
}
