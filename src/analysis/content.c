/* SPDX-License-Identifier: MIT */
/* Laying the images of a chain over each other. */
#include "analysis/content.h"

#include <stdlib.h>

#include "analysis/extent_reader.h"
#include "analysis/interval_overlay.h"

enum { BUFFER_EXTENTS = 4096 };

static const struct ia_interval_map zeroes;

void ia_contents_release(struct ia_contents *contents)
{
    for (size_t i = 0; contents->steps != NULL && i < contents->forest->count; i++)
        ia_interval_map_release(&contents->steps[i]);
    free(contents->steps);
    free(contents->known);
    *contents = (struct ia_contents){.forest = contents->forest};
}

static enum ia_status lay_over(const struct ia_forest *forest, size_t node, const struct ia_interval_map *below,
                               struct ia_interval_map *out, struct ia_error *err)
{
    IA_AUTO_EXTENT_READER struct ia_extent_reader reader;
    if (!ia_extent_reader_init(&reader, forest, node, 0, BUFFER_EXTENTS))
        return ia_no_memory(err);
    IA_AUTO_INTERVAL_MAP_OVERLAY struct ia_interval_map_overlay overlay;
    ia_interval_map_overlay_begin(&overlay, below, forest->nodes[node].size);
    struct ia_extent extent;
    bool have = true;
    while (have) {
        IA_TRY(ia_extent_reader_next(&reader, &extent, &have, err));
        if (have && ia_extent_is_present(&extent))
            ia_interval_map_overlay_put(&overlay, extent.start, extent.length, ia_extent_is_data(&extent) ? 1 : 0);
    }
    return ia_interval_map_overlay_finish(&overlay, out) ? IA_OK : ia_no_memory(err);
}

static bool begin(struct ia_contents *contents)
{
    if (contents->steps != NULL)
        return true;
    contents->steps = calloc(contents->forest->count + 1, sizeof(*contents->steps));
    contents->known = calloc(contents->forest->count + 1, sizeof(*contents->known));
    return contents->steps != NULL && contents->known != NULL;
}

/* The image nearest to the root, in the chain of `node`, whose content is not known. */
static size_t next_unknown(const struct ia_contents *contents, size_t node)
{
    const struct ia_forest_node *nodes = contents->forest->nodes;
    while (nodes[node].parent != IA_NO_PARENT && !contents->known[nodes[node].parent]) /* ends: links end */
        node = nodes[node].parent;
    return node;
}

enum ia_status ia_contents_get(struct ia_contents *contents, size_t node, const struct ia_interval_map **out,
                               struct ia_error *err)
{
    *out = &zeroes;
    if (node == IA_NO_PARENT)
        return IA_OK;
    if (!begin(contents))
        return ia_no_memory(err);
    while (!contents->known[node]) { /* ends: every turn makes one more known */
        size_t next = next_unknown(contents, node);
        size_t parent = contents->forest->nodes[next].parent;
        const struct ia_interval_map *below = parent == IA_NO_PARENT ? &zeroes : &contents->steps[parent];
        IA_TRY(lay_over(contents->forest, next, below, &contents->steps[next], err));
        contents->known[next] = true;
    }
    *out = &contents->steps[node];
    return IA_OK;
}
