/* SPDX-License-Identifier: MIT */
/* The two headers (section 2.2.2): the valid one with the higher sequence number is the current one. */
#include <string.h>

#include "format/vhdx/crc32c.h"
#include "format/vhdx/internal.h"
#include "io/window.h"

enum { HEADER_BYTES = 4096, HEADER_1 = 64 << 10, HEADER_2 = 128 << 10, CHECKSUM_AT = 4, FIELDS_END = 80 };

struct candidate {
    uint8_t bytes[HEADER_BYTES];
    bool valid;
    uint16_t version; /* of one that is well signed; QEMU ignores a header whose version is not 1 */
    uint64_t sequence;
};

static enum ia_status read_candidate(struct ia_image *image, int64_t at, struct candidate *c, struct ia_error *err)
{
    IA_TRY(ia_source_read(image->main, at, c->bytes, HEADER_BYTES, "VHDX header", err));
    struct ia_window w = {.bytes = c->bytes, .len = HEADER_BYTES};
    uint32_t checksum = ia_window_le32(&w, CHECKSUM_AT);
    memset(c->bytes + CHECKSUM_AT, 0, 4);
    if (memcmp(c->bytes, "head", 4) != 0 || vhdx_crc32c(0, c->bytes, HEADER_BYTES) != checksum)
        return IA_OK;
    c->sequence = ia_window_le64(&w, 8);
    c->version = ia_window_le16(&w, 66);
    c->valid = c->version == 1;
    return IA_OK;
}

static enum ia_status choose(const struct candidate *a, const struct candidate *b, const struct candidate **out,
                             struct ia_error *err)
{
    uint16_t version = a->version > b->version ? a->version : b->version;
    if (!a->valid && !b->valid)
        return version != 0 ? ia_fail(err, IA_UNSUPPORTED, "VHDX version %u", version)
                            : ia_fail(err, IA_CORRUPT, "neither of the two headers is valid");
    /* Disk2vhd writes two that are the same. */
    if (a->valid && b->valid && a->sequence == b->sequence && memcmp(a->bytes, b->bytes, FIELDS_END) != 0)
        return ia_fail(err, IA_CORRUPT, "two different headers with sequence number %ju", (uintmax_t)a->sequence);
    *out = a->valid && (!b->valid || a->sequence >= b->sequence) ? a : b;
    return IA_OK;
}

static enum ia_status decode(const struct candidate *c, struct vhdx_header *header, struct ia_error *err)
{
    struct ia_window w = {.bytes = c->bytes, .len = HEADER_BYTES};
    uint16_t log_version = ia_window_le16(&w, 64);
    memcpy(header->data_write_guid, c->bytes + 32, VHDX_GUID_BYTES);
    memcpy(header->log_guid, c->bytes + 48, VHDX_GUID_BYTES);
    header->log_length = ia_window_le32(&w, 68);
    header->log_offset = ia_window_le_size(&w, 72);
    if (log_version != 0)
        return ia_fail(err, IA_UNSUPPORTED, "log version %u", log_version);
    if (w.failed || header->log_offset < VHDX_MIB || header->log_offset % VHDX_MIB != 0 ||
        header->log_offset > INT64_MAX - header->log_length)
        return ia_fail(err, IA_CORRUPT, "log at bad offset %#jx", (uintmax_t)ia_window_le64(&w, 72));
    return IA_OK;
}

enum ia_status vhdx_read_header(struct ia_image *image, struct vhdx_header *header, struct ia_error *err)
{
    struct candidate first = {0};
    struct candidate second = {0};
    const struct candidate *current = NULL;
    IA_TRY(read_candidate(image, HEADER_1, &first, err));
    IA_TRY(read_candidate(image, HEADER_2, &second, err));
    IA_TRY(choose(&first, &second, &current, err));
    return decode(current, header, err);
}
