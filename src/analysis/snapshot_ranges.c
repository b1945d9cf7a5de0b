/* SPDX-License-Identifier: MIT */
/* Gathering what internal snapshots hold. */
#include "analysis/snapshot_ranges.h"

#include "analysis/extent_reader.h"

enum { BUFFER_EXTENTS = 1024 };

static enum ia_status hold_mapping(const struct ia_forest *forest, size_t node, size_t mapping,
                                   struct ia_host_ranges *held, struct ia_error *err)
{
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, forest, node, mapping, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have = true;
    while (have) {
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (have && extent.offset != IA_NO_OFFSET &&
            !ia_host_ranges_add(held, extent.file, extent.offset, extent.length))
            return ia_no_memory(err);
    }
    return IA_OK;
}

enum ia_status ia_snapshot_ranges(const struct ia_forest *forest, size_t node, struct ia_host_ranges *held,
                                  struct ia_error *err)
{
    for (size_t mapping = 1; mapping <= forest->nodes[node].snapshots; mapping++)
        IA_TRY(hold_mapping(forest, node, mapping, held, err));
    ia_host_ranges_seal(held);
    return IA_OK;
}
