/* SPDX-License-Identifier: MIT */
/* The host space that writing to an image takes and gives back. */
#include "analysis/forest_edit_internal.h"
#include "analysis/snapshot_ranges.h"
#include "base/checked.h"

enum { BUFFER_EXTENTS = 4096 };

/* Who else has an image's host space. */
struct holders {
    const struct ia_host_ranges *snapshots; /* of the image */
    const struct ia_host_ranges *others;    /* on the host */
    bool others_may_have_all;
};

/* Bytes of host space. */
struct space {
    int64_t unheld; /* no snapshot holds it */
    int64_t own;    /* of it, nothing else on the host uses it either */
};

/* What a plain extent has in [start, end). */
static struct space space_of(const struct holders *holders, const struct ia_extent *extent, int64_t start, int64_t end)
{
    struct space sum = {0};
    bool plain = extent->state == IA_EXTENT_DATA || extent->state == IA_EXTENT_ENCRYPTED ||
                 extent->state == IA_EXTENT_ZERO_ALLOCATED;
    if (!plain || extent->offset == IA_NO_OFFSET)
        return sum;
    while (start < end) { /* ends: both are past `host` */
        int64_t held_until, shared_until;
        int64_t host = extent->offset + (start - extent->start);
        bool is_held = ia_host_ranges_has(holders->snapshots, extent->file, host, &held_until);
        bool is_shared = ia_host_ranges_has(holders->others, extent->file, host, &shared_until);
        int64_t length = ia_min(end - start, ia_min(held_until, shared_until) - host);
        sum.unheld += is_held ? 0 : length;
        sum.own += is_held || is_shared || holders->others_may_have_all ? 0 : length;
        start += length;
    }
    return sum;
}

/* What the host space of an extent turns to under the patch. Writing to space that is the base's own needs no other. */
static void account(struct ia_forest_edit_effect *effect, const struct holders *holders, const struct ia_extent *extent,
                    struct ia_interval_map_cursor *patch)
{
    int64_t end = extent->start + extent->length;
    for (int64_t pos = extent->start; pos < end;) { /* ends: until is past pos */
        int64_t until;
        uint32_t value = ia_interval_map_at(patch, pos, &until);
        until = ia_min(until, end);
        struct space space = space_of(holders, extent, pos, until);
        if (value == IA_EDIT_DATA) {
            effect->needed_bytes -= space.own;
        } else if (value == IA_EDIT_ZERO || value == IA_EDIT_DROP) {
            effect->emptied_bytes += space.unheld;
            effect->released_bytes += space.own;
        }
        pos = until;
    }
}

enum ia_status ia_forest_edit_account(struct ia_forest_edit *edited, size_t node,
                                      const struct ia_forest_edit_terms *terms, const struct ia_interval_map *patch,
                                      struct ia_error *err)
{
    static const struct ia_host_ranges none;
    IA_AUTO_HOST_RANGES struct ia_host_ranges held = {0};
    const struct holders holders = {.snapshots = &held,
                                    .others = terms->shared != NULL ? terms->shared : &none,
                                    .others_may_have_all = terms->may_share_all};
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, edited->before, node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    IA_TRY(ia_snapshot_ranges(edited->before, node, &held, err));
    struct ia_interval_map_cursor cursor = {.steps = patch};
    struct ia_extent extent;
    bool have = true;
    while (have) { /* ends: extents ascend within the image's size */
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (have)
            account(&edited->edits[node].effect, &holders, &extent, &cursor);
    }
    return IA_OK;
}
