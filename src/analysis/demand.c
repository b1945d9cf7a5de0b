/* SPDX-License-Identifier: MIT */
/* Working out the demand on an image, and what its snapshots ask of the one below. */
#include "analysis/demand.h"

#include "analysis/mapping_reader.h"
#include "analysis/step_overlay.h"
#include "base/checked.h"

static enum ia_status no_memory(struct ia_error *err)
{
    return ia_fail(err, IA_NOMEM, "out of memory for the demand on an image");
}

enum ia_status ia_demand_settle(const struct ia_forest_node *node, bool is_head, struct ia_steps_sum *from_above,
                                struct ia_steps *out, struct ia_error *err)
{
    if (is_head || node->keep_whole) {
        struct ia_steps own;
        if (!ia_steps_constant(&own, node->size, 1) || !ia_steps_sum_add(from_above, &own))
            return no_memory(err);
    }
    return ia_steps_sum_finish(from_above, out) ? IA_OK : no_memory(err);
}

int64_t ia_demand_reach(const struct ia_forest *forest, size_t node, int64_t size)
{
    size_t parent = forest->nodes[node].parent;
    return parent == IA_NO_PARENT ? 0 : ia_min(size, forest->nodes[parent].size);
}

static enum ia_status read_snapshot(struct ia_mapping_reader *reader, struct ia_steps_overlay *gaps,
                                    struct ia_host_ranges *held, struct ia_error *err)
{
    for (;;) { /* ends: extents ascend within the mapping's size */
        struct ia_extent extent;
        bool have;
        enum ia_status status = ia_mapping_reader_next(reader, &extent, &have, err);
        if (status != IA_OK || !have)
            return status;
        if (ia_extent_is_present(&extent))
            ia_steps_overlay_put(gaps, extent.start, extent.length, 0);
        if (held != NULL && extent.offset != IA_NO_OFFSET &&
            !ia_host_ranges_add(held, extent.file, extent.offset, extent.length))
            return no_memory(err);
    }
}

static enum ia_status add_snapshot(const struct ia_forest *forest, size_t node, size_t snapshot,
                                   struct ia_steps_sum *gaps, struct ia_host_ranges *held, struct ia_error *err)
{
    int64_t reach = ia_demand_reach(forest, node, forest->nodes[node].snapshot_sizes[snapshot]);
    struct ia_steps everything;
    if (!ia_steps_constant(&everything, reach, 1))
        return no_memory(err);
    struct ia_steps_overlay overlay;
    ia_steps_overlay_begin(&overlay, &everything, reach);

    struct ia_mapping_reader reader;
    enum ia_status status = ia_mapping_reader_open(&reader, forest, node, snapshot + 1, err);
    if (status == IA_OK) {
        status = read_snapshot(&reader, &overlay, held, err);
        ia_mapping_reader_close(&reader);
    }
    struct ia_steps passed;
    if (status != IA_OK)
        ia_steps_overlay_abandon(&overlay);
    else if (!ia_steps_overlay_finish(&overlay, &passed) || !ia_steps_sum_add(gaps, &passed))
        status = no_memory(err);
    ia_steps_release(&everything);
    return status;
}

enum ia_status ia_demand_snapshots(const struct ia_forest *forest, size_t node, struct ia_steps_sum *gaps,
                                   struct ia_host_ranges *held, struct ia_error *err)
{
    for (size_t i = 0; i < forest->nodes[node].snapshots; i++) {
        enum ia_status status = add_snapshot(forest, node, i, gaps, held, err);
        if (status != IA_OK)
            return status;
    }
    if (held != NULL)
        ia_host_ranges_seal(held);
    return IA_OK;
}
