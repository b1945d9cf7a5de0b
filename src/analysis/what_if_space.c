/* SPDX-License-Identifier: MIT */
/* The host space that writing to an image takes and gives back. */
#include "analysis/held.h"
#include "analysis/what_if_internal.h"
#include "base/checked.h"

enum { BUFFER_EXTENTS = 4096 };

static enum ia_status no_memory(struct ia_error *err)
{
    return ia_fail(err, IA_NOMEM, "out of memory for the space of an image");
}

/* Host space that a plain extent has in [start, end) and that no snapshot holds. */
static int64_t unheld(const struct ia_host_ranges *held, const struct ia_extent *extent, int64_t start, int64_t end)
{
    int64_t sum = 0;
    bool plain = extent->state == IA_EXTENT_DATA || extent->state == IA_EXTENT_ENCRYPTED ||
                 extent->state == IA_EXTENT_ZERO_ALLOCATED;
    if (!plain || extent->offset == IA_NO_OFFSET)
        return 0;
    while (start < end) { /* ends: until is past the host byte asked for */
        int64_t until;
        int64_t host = extent->offset + (start - extent->start);
        bool is_held = ia_host_ranges_has(held, extent->file, host, &until);
        int64_t length = ia_min(end - start, until - host);
        sum += is_held ? 0 : length;
        start += length;
    }
    return sum;
}

/* What the host space of an extent turns to under the patch. Writing to space that is the base's own needs no other. */
static void account(struct ia_what_if_effect *effect, const struct ia_host_ranges *held, const struct ia_extent *extent,
                    struct ia_steps_cursor *patch)
{
    int64_t end = extent->start + extent->length;
    for (int64_t pos = extent->start; pos < end;) { /* ends: until is past pos */
        int64_t until;
        uint32_t value = ia_steps_at(patch, pos, &until);
        until = ia_min(until, end);
        if (value == IA_PATCH_DATA)
            effect->needed_bytes -= unheld(held, extent, pos, until);
        else if (value == IA_PATCH_ZERO || value == IA_PATCH_DROP)
            effect->released_bytes += unheld(held, extent, pos, until);
        pos = until;
    }
}

enum ia_status ia_what_if_account(struct ia_what_if *what_if, size_t node, const struct ia_steps *patch,
                                  struct ia_error *err)
{
    struct ia_host_ranges held = {0};
    struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, what_if->before, node, 0, BUFFER_EXTENTS))
        return no_memory(err);
    enum ia_status status = ia_held_by_snapshots(what_if->before, node, &held, err);
    struct ia_steps_cursor cursor = {.steps = patch};
    struct ia_extent extent;
    bool have = true;
    while (status == IA_OK && have) { /* ends: extents ascend within the image's size */
        status = ia_extent_reader_next(&reader, &extent, &have, err);
        if (status == IA_OK && have)
            account(&what_if->edits[node].effect, &held, &extent, &cursor);
    }
    ia_extent_reader_release(&reader);
    ia_host_ranges_release(&held);
    return status;
}
