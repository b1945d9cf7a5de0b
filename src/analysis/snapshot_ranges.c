/* SPDX-License-Identifier: MIT */
/* Gathering what internal snapshots hold. */
#include "analysis/snapshot_ranges.h"

#include "analysis/extent_reader.h"

enum { BUFFER_EXTENTS = 1024 };

static enum ia_status hold_mapping(const struct ia_forest *forest, size_t node, size_t mapping,
                                   struct ia_host_ranges *held, struct ia_error *err)
{
    struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, forest, node, mapping, BUFFER_EXTENTS))
        return ia_no_memory(err);
    struct ia_extent extent;
    bool have;
    enum ia_status status;
    while ((status = ia_extent_reader_next(&reader, &extent, &have, err)) == IA_OK && have)
        if (extent.offset != IA_NO_OFFSET && !ia_host_ranges_add(held, extent.file, extent.offset, extent.length)) {
            status = ia_no_memory(err);
            break;
        }
    ia_extent_reader_release(&reader);
    return status;
}

enum ia_status ia_snapshot_ranges(const struct ia_forest *forest, size_t node, struct ia_host_ranges *held,
                                  struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t mapping = 1; mapping <= forest->nodes[node].snapshots && status == IA_OK; mapping++)
        status = hold_mapping(forest, node, mapping, held, err);
    ia_host_ranges_seal(held);
    return status;
}
