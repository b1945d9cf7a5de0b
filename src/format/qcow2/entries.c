/* SPDX-License-Identifier: MIT */
/* From entries of L2 tables to extents ("Standard Cluster Descriptor", "Extended L2 Entries"). Runs of clusters that
 * lie one after another are one push. */
#include "base/bytes.h"
#include "base/checked.h"
#include "base/zeroes.h"
#include "format/qcow2/internal.h"

/* The number of the file that the guest's bytes are in. */
static uint32_t data_file(const struct ia_image *image)
{
    return image->facts.parts.len > 0 ? 1 : 0;
}

static enum ia_status push(struct ia_cursor *cursor, enum ia_extent_state state, int64_t start, int64_t length,
                           int64_t offset, struct ia_error *err)
{
    struct ia_extent extent = {
        .start = start,
        .length = length,
        .offset = offset,
        .state = (uint32_t)state,
        .file = offset != IA_NO_OFFSET ? data_file(cursor->image) : 0,
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

/* A run of clusters stored plainly: cut where the host file changes between data and hole, if QEMU would look. */
static enum ia_status push_data(struct ia_cursor *cursor, int64_t start, int64_t length, int64_t offset,
                                struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    struct ia_source *source = ia_image_source(cursor->image, data_file(cursor->image));
    /* The last cluster of a file may be cut short: it then ends with zeroes. One that is not there at all is lost. */
    int64_t last_cluster = (offset + length - 1) & -map->q->cluster_size;
    if (last_cluster >= source->size && !map->data_file)
        cursor->image->facts.truncated = true;
    if (map->q->crypt_method != 0)
        return push(cursor, IA_EXTENT_ENCRYPTED, start, length, offset, err);
    if (!map->look_for_holes)
        return push(cursor, IA_EXTENT_DATA, start, length, offset, err);
    while (length > 0) {
        int64_t end;
        bool hole = ia_source_is_hole(source, offset, &end);
        int64_t piece = ia_min(length, end - offset);
        IA_TRY(push(cursor, hole ? IA_EXTENT_SPARSE : IA_EXTENT_DATA, start, piece, offset, err));
        start += piece;
        offset += piece;
        length -= piece;
    }
    return IA_OK;
}

/* The account of host space gets what the extent does not show. */
static void account_hidden(struct ia_cursor *cursor, enum ia_extent_state state, int64_t start, int64_t length,
                           int64_t offset)
{
    struct ia_extent extent = {
        .start = start, .length = length, .offset = offset, .state = state, .file = data_file(cursor->image)};
    ia_image_account_extents(cursor->image, cursor->mapping, &extent, 1);
}

/* With encryption QEMU shows no offsets, so that zero clusters merge whatever they keep. */
static enum ia_status push_kept(struct ia_cursor *cursor, enum ia_extent_state state, int64_t start, int64_t length,
                                int64_t offset, struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    if (map->q->crypt_method == 0)
        return push(cursor, state, start, length, offset, err);
    account_hidden(cursor, state, start, length, offset);
    return push(cursor, state, start, length, IA_NO_OFFSET, err);
}

static enum ia_status check_host(const struct qcow2_map *map, int64_t guest, uint64_t entry, struct ia_error *err)
{
    int64_t host = (int64_t)(entry & QCOW2_OFFSET_MASK);
    if (!qcow2_is_aligned(map->q, host))
        return ia_fail(err, IA_CORRUPT, "L2 entry of guest offset %#jx: unaligned cluster offset %#jx",
                       (uintmax_t)guest, (uintmax_t)host);
    if (map->data_file && host != guest)
        return ia_fail(err, IA_CORRUPT, "L2 entry of guest offset %#jx: offset %#jx in the external data file",
                       (uintmax_t)guest, (uintmax_t)host);
    return IA_OK;
}

/* Compressed clusters of all mappings share host clusters among themselves, and with nothing else. */
static enum ia_status push_compressed(struct ia_cursor *cursor, int64_t guest, uint64_t entry, struct ia_error *err)
{
    static const unsigned not_compressed =
        IA_SPACE_BIT(IA_SPACE_DATA) | IA_SPACE_BIT(IA_SPACE_ZERO) | IA_SPACE_STRUCTURE;
    const struct qcow2_map *map = cursor->state;
    struct qcow2_compressed_bytes bytes = qcow2_decode_compressed(map->q, entry);
    if (map->data_file)
        return ia_fail(err, IA_CORRUPT, "compressed cluster at guest offset %#jx of an image with a data file",
                       (uintmax_t)guest);
    if (bytes.offset >= cursor->image->main->size)
        cursor->image->facts.truncated = true;
    if (cursor->mapping == 0)
        cursor->image->facts.compressed_host += bytes.length;
    qcow2_claim_clusters(cursor->image, cursor->mapping == 0 ? IA_SPACE_COMPRESSED : IA_SPACE_SNAPSHOT, bytes.offset,
                         bytes.length, not_compressed);
    return push(cursor, IA_EXTENT_COMPRESSED, guest, map->q->cluster_size, IA_NO_OFFSET, err);
}

static enum ia_status push_zero(struct ia_cursor *cursor, int64_t guest, uint64_t entry, struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    int64_t host = (int64_t)(entry & QCOW2_OFFSET_MASK);
    if (map->q->version < 3)
        return ia_fail(err, IA_CORRUPT, "zero cluster at guest offset %#jx of a version 2 image", (uintmax_t)guest);
    if (host == 0)
        return push(cursor, IA_EXTENT_ZERO, guest, map->q->cluster_size, IA_NO_OFFSET, err);
    IA_TRY(check_host(map, guest, entry, err));
    return push_kept(cursor, IA_EXTENT_ZERO_ALLOCATED, guest, map->q->cluster_size, host, err);
}

static bool is_plain(const struct qcow2_map *map, uint64_t entry)
{
    if ((entry & (QCOW2_COMPRESSED | QCOW2_ZERO)) != 0)
        return false;
    /* Offset 0 is a valid place in an external data file; there, "copied" distinguishes it from "unallocated". */
    return (entry & QCOW2_OFFSET_MASK) != 0 || (map->data_file && (entry & QCOW2_COPIED) != 0);
}

static enum ia_status decode_standard(struct ia_cursor *cursor, const uint8_t *entries, int64_t count, int64_t guest,
                                      struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    int64_t size = map->q->cluster_size;
    for (int64_t i = 0; i < count;) {
        uint64_t entry = ia_be64(entries + i * 8);
        int64_t at = guest + i * size;
        if (entry == 0) {
            i += ia_zero_words(entries + i * 8, count - i);
            continue;
        }
        if (is_plain(map, entry)) {
            IA_TRY(check_host(map, at, entry, err));
            int64_t first = i;
            uint64_t expected = entry & QCOW2_OFFSET_MASK;
            do {
                expected += (uint64_t)size;
                entry = ++i < count ? ia_be64(entries + i * 8) : 0;
            } while ((entry & (QCOW2_OFFSET_MASK | QCOW2_COMPRESSED | QCOW2_ZERO)) == expected);
            IA_TRY(
                push_data(cursor, at, (i - first) * size, (int64_t)(expected - (uint64_t)((i - first) * size)), err));
            continue;
        }
        if ((entry & QCOW2_COMPRESSED) != 0)
            IA_TRY(push_compressed(cursor, at, entry, err));
        else if ((entry & QCOW2_ZERO) != 0)
            IA_TRY(push_zero(cursor, at, entry, err));
        i++;
    }
    return IA_OK;
}

/* The state of subcluster n of an entry: bit n is "allocated", bit n + 32 "reads as zeroes". */
static enum ia_status push_subclusters(struct ia_cursor *cursor, int64_t guest, uint64_t entry, uint64_t bitmap,
                                       struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    int64_t size = map->q->cluster_size / QCOW2_SUBCLUSTERS;
    uint32_t allocated = (uint32_t)bitmap;
    uint32_t zero = (uint32_t)(bitmap >> 32);
    bool has_host = is_plain(map, entry & ~QCOW2_ZERO);
    int64_t host = (int64_t)(entry & QCOW2_OFFSET_MASK);
    if ((allocated & zero) != 0 || (allocated != 0 && !has_host))
        return ia_fail(err, IA_CORRUPT, "subcluster bitmap %#jx at guest offset %#jx", (uintmax_t)bitmap,
                       (uintmax_t)guest);
    if (has_host)
        IA_TRY(check_host(map, guest, entry, err));
    for (unsigned n = 0; n < QCOW2_SUBCLUSTERS;) {
        bool is_allocated = (allocated >> n & 1) != 0;
        bool is_zero = (zero >> n & 1) != 0;
        unsigned first = n;
        do
            n++;
        while (n < QCOW2_SUBCLUSTERS && (allocated >> n & 1) == is_allocated && (zero >> n & 1) == is_zero);
        int64_t start = guest + first * size;
        int64_t length = (n - first) * size;
        int64_t offset = host + first * size;
        if (is_allocated)
            IA_TRY(push_data(cursor, start, length, offset, err));
        else if (is_zero && has_host)
            IA_TRY(push_kept(cursor, IA_EXTENT_ZERO_ALLOCATED, start, length, offset, err));
        else if (is_zero)
            IA_TRY(push(cursor, IA_EXTENT_ZERO, start, length, IA_NO_OFFSET, err));
        else if (has_host && map->q->crypt_method == 0)
            IA_TRY(push(cursor, IA_EXTENT_RESERVED, start, length, offset, err));
        else if (has_host)
            account_hidden(cursor, IA_EXTENT_RESERVED, start, length, offset);
    }
    return IA_OK;
}

static enum ia_status decode_extended(struct ia_cursor *cursor, const uint8_t *entries, int64_t count, int64_t guest,
                                      struct ia_error *err)
{
    const struct qcow2_map *map = cursor->state;
    for (int64_t i = 0; i < count; i++) {
        uint64_t entry = ia_be64(entries + i * 16);
        uint64_t bitmap = ia_be64(entries + i * 16 + 8);
        int64_t at = guest + i * map->q->cluster_size;
        if ((entry & QCOW2_COMPRESSED) != 0)
            IA_TRY(push_compressed(cursor, at, entry, err));
        else
            IA_TRY(push_subclusters(cursor, at, entry, bitmap, err));
    }
    return IA_OK;
}

enum ia_status qcow2_push_entries(struct ia_cursor *cursor, const uint8_t *entries, int64_t count, int64_t guest,
                                  struct ia_error *err)
{
    const struct qcow2 *q = cursor->image->state;
    return q->l2_entry_size == 8 ? decode_standard(cursor, entries, count, guest, err)
                                 : decode_extended(cursor, entries, count, guest, err);
}
