/* SPDX-License-Identifier: MIT */
/* The two copies of the region table (section 2.2.3): the first valid one counts. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/vhdx/crc32c.h"
#include "format/vhdx/internal.h"
#include "io/window.h"

enum { TABLE_1 = 192 << 10, TABLE_2 = 256 << 10, HEADER_LENGTH = 16, CHECKSUM_AT = 4, IS_REQUIRED = 1 };

static const uint8_t bat_guid[VHDX_GUID_BYTES] = {0x66, 0x77, 0xc2, 0x2d, 0x23, 0xf6, 0x00, 0x42,
                                                  0x9d, 0x64, 0x11, 0x5e, 0x9b, 0xfd, 0x4a, 0x08};
static const uint8_t metadata_guid[VHDX_GUID_BYTES] = {0x06, 0xa2, 0x7c, 0x8b, 0x90, 0x47, 0x9a, 0x4b,
                                                       0xb8, 0xfe, 0x57, 0x5f, 0x05, 0x0f, 0x88, 0x6e};

static enum ia_status read_table(struct ia_image *image, int64_t at, uint8_t *table, bool *valid, struct ia_error *err)
{
    IA_TRY(vhdx_read(image, at, table, VHDX_TABLE_BYTES, "region table", err));
    struct ia_window w = {.bytes = table, .len = VHDX_TABLE_BYTES};
    uint32_t checksum = ia_window_le32(&w, CHECKSUM_AT);
    memset(table + CHECKSUM_AT, 0, 4);
    *valid = memcmp(table, "regi", 4) == 0 && vhdx_crc32c(0, table, VHDX_TABLE_BYTES) == checksum;
    return IA_OK;
}

/* A region that this driver looks into; there is one of each sort. */
static enum ia_status note(struct vhdx_range *known, const struct vhdx_range *range, const char *what,
                           struct ia_error *err)
{
    if (known->start != 0)
        return ia_fail(err, IA_CORRUPT, "two %s regions", what);
    if (range->start == 0)
        return ia_fail(err, IA_CORRUPT, "%s region at offset 0", what);
    *known = *range;
    return IA_OK;
}

static enum ia_status decode_entry(struct vhdx *v, struct ia_window *w, size_t at, struct ia_error *err)
{
    struct vhdx_range range = {.start = ia_window_le_size(w, at + 16), .length = ia_window_le32(w, at + 24)};
    uint32_t flags = ia_window_le32(w, at + 28);
    const uint8_t *guid = ia_window_bytes(w, at, VHDX_GUID_BYTES);
    if (guid == NULL || w->failed || range.start > INT64_MAX - range.length)
        return ia_fail(err, IA_CORRUPT, "region %zu at offset %#jx", at / VHDX_TABLE_ENTRY,
                       (uintmax_t)ia_window_le64(w, at + 16));
    if (!ia_vec_push(&v->taken, range))
        return ia_no_memory(err);
    if (memcmp(guid, bat_guid, VHDX_GUID_BYTES) == 0)
        return note(&v->bat, &range, "BAT", err);
    if (memcmp(guid, metadata_guid, VHDX_GUID_BYTES) == 0)
        return note(&v->metadata, &range, "metadata", err);
    if ((flags & IS_REQUIRED) != 0)
        return ia_fail(err, IA_UNSUPPORTED, "required region of an unknown sort at offset %#jx",
                       (uintmax_t)range.start);
    return IA_OK;
}

/* Empty ranges come first, so that they overlap only with what they lie inside of. */
static int compare(const void *a, const void *b)
{
    const struct vhdx_range *x = a;
    const struct vhdx_range *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return (x->length > y->length) - (x->length < y->length);
}

static enum ia_status check_overlap(struct vhdx *v, struct ia_error *err)
{
    qsort(v->taken.items, v->taken.len, sizeof(*v->taken.items), compare);
    for (size_t i = 1; i < v->taken.len; i++) {
        const struct vhdx_range *left = &v->taken.items[i - 1];
        const struct vhdx_range *right = &v->taken.items[i];
        if (left->start + left->length > right->start)
            return ia_fail(err, IA_CORRUPT, "regions or log overlap at offset %#jx", (uintmax_t)right->start);
    }
    return IA_OK;
}

static enum ia_status decode_table(struct vhdx *v, const uint8_t *table, struct ia_error *err)
{
    struct ia_window w = {.bytes = table, .len = VHDX_TABLE_BYTES};
    struct vhdx_range log = {.start = v->header.log_offset, .length = v->header.log_length};
    uint32_t count = ia_window_le32(&w, 8);
    if (count > VHDX_TABLE_ENTRIES)
        return ia_fail(err, IA_CORRUPT, "region table of %u entries", count);
    if (!ia_vec_push(&v->taken, log))
        return ia_no_memory(err);
    for (size_t i = 0; i < count; i++)
        IA_TRY(decode_entry(v, &w, HEADER_LENGTH + i * VHDX_TABLE_ENTRY, err));
    if ((v->bat.start == 0 || v->metadata.start == 0))
        IA_TRY(ia_fail(err, IA_CORRUPT, "no %s region", v->bat.start == 0 ? "BAT" : "metadata"));
    return check_overlap(v, err);
}

enum ia_status vhdx_read_regions(struct ia_image *image, struct vhdx *v, struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *table = malloc(VHDX_TABLE_BYTES);
    bool valid = false;
    if (table == NULL)
        return ia_no_memory(err);
    IA_TRY(read_table(image, TABLE_1, table, &valid, err));
    if (!valid)
        IA_TRY(read_table(image, TABLE_2, table, &valid, err));
    if (!valid)
        IA_TRY(ia_fail(err, IA_CORRUPT, "neither of the two region tables is valid"));
    return decode_table(v, table, err);
}

bool vhdx_is_free(const struct vhdx *v, int64_t start, int64_t length)
{
    if (start < VHDX_MIB || start > INT64_MAX - length)
        return false;
    size_t low = 0; /* the first range that ends behind start */
    size_t high = v->taken.len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct vhdx_range *range = &v->taken.items[middle];
        if (range->start + range->length > start)
            high = middle;
        else
            low = middle + 1;
    }
    return low == v->taken.len || v->taken.items[low].start >= start + length;
}
