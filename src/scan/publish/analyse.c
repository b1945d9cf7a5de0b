/* SPDX-License-Identifier: MIT */
/* The forest's analysis: extents come from the store, results go into it. */
#include <stdlib.h>

#include "analysis/forest.h"
#include "scan/graph/trees.h"
#include "scan/publish/publish.h"

enum { MASKED_BATCH = 1024 };

/* Masked pieces on their way to the store, which takes many at once for less. */
struct masked_pieces {
    size_t count;
    int64_t images[MASKED_BATCH];
    struct ia_extent pieces[MASKED_BATCH];
};

/* The images of the changed trees. */
struct forest {
    struct ia_publish *publish;
    struct ia_trees trees;
    struct ia_forest_node *nodes;
    size_t *files;   /* node to file */
    size_t *node_of; /* file to node */
    int64_t **sizes; /* of snapshots, for each node */
    size_t count;
    struct masked_pieces *masked;
};

static const struct ia_file *file_of(const struct forest *forest, size_t node)
{
    return forest->publish->catalog->files.items[forest->files[node]];
}

/* A mapping that could not be read has no extents: it then reads everything from its backing file, which keeps that. */
static enum ia_status read_extents(void *ctx, size_t node, size_t mapping, int64_t from, struct ia_extent *out,
                                   size_t capacity, size_t *count, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, node);
    *count = 0;
    if (mapping >= file->parsed->mappings.len || file->parsed->mappings.items[mapping].failed)
        return IA_OK;
    return ia_writer_read_extents(forest->publish->writer, file->parsed->mappings.items[mapping].map_id, from, out,
                                  capacity, count, err);
}

static enum ia_status put_seen(void *ctx, size_t node, uint32_t readers, int64_t bytes, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, node);
    if (!ia_file_is_sound(file))
        return IA_OK;
    return ia_writer_put_reader_bytes(forest->publish->writer, file->image_id, readers, bytes, err);
}

static enum ia_status put_usage(void *ctx, size_t node, const struct ia_usage *usage, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, node);
    if (!ia_file_is_sound(file))
        return IA_OK;
    return ia_writer_put_usage(forest->publish->writer, file->image_id, usage, err);
}

static enum ia_status store_masked(struct forest *forest, struct ia_error *err)
{
    struct masked_pieces *masked = forest->masked;
    size_t count = masked->count;
    masked->count = 0;
    return count > 0 ? ia_writer_put_masked(forest->publish->writer, masked->images, masked->pieces, count, err)
                     : IA_OK;
}

static enum ia_status put_masked(void *ctx, size_t node, const struct ia_extent *piece, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, node);
    struct masked_pieces *masked = forest->masked;
    if (!ia_file_is_sound(file))
        return IA_OK;
    masked->images[masked->count] = file->image_id;
    masked->pieces[masked->count++] = *piece;
    return masked->count == MASKED_BATCH ? store_masked(forest, err) : IA_OK;
}

static enum ia_status put_chain(void *ctx, const struct ia_chain_row *row, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, row->node);
    const struct ia_file *layer = file_of(forest, row->layer);
    struct ia_chain_store_row stored = {
        .image_id = file->image_id,
        .depth = (int64_t)row->depth,
        .layer_id = layer->image_id,
        .map_id = layer->parsed->mappings.items[0].map_id,
        .size = row->size,
        .visible_bytes = file->node->chain_ok ? row->visible_bytes : -1,
        .data_bytes = file->node->chain_ok ? row->data_bytes : -1,
    };
    return ia_writer_put_chain(forest->publish->writer, &stored, err);
}

static enum ia_status put_place(void *ctx, size_t node, size_t top, size_t depth, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_chain_place_row row = {
        .image_id = file_of(forest, node)->image_id,
        .top_id = file_of(forest, top)->image_id,
        .depth = (int64_t)depth,
    };
    return ia_writer_put_chain_place(forest->publish->writer, &row, err);
}

/* Of an image whose chain is broken nothing is known. */
static enum ia_status put_change(void *ctx, const struct ia_chain_row *row, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, row->node);
    if (!file->node->chain_ok)
        return IA_OK;
    const struct ia_chain_change_row stored = {
        .image_id = file->image_id,
        .layer_id = file_of(forest, row->layer)->image_id,
        .visible_bytes = row->visible_bytes,
        .data_bytes = row->data_bytes,
    };
    return ia_writer_put_chain_change(forest->publish->writer, &stored, err);
}

static enum ia_status put_pair(void *ctx, const struct ia_pair_row *row, struct ia_error *err)
{
    struct forest *forest = ctx;
    const struct ia_file *file = file_of(forest, row->node);
    const struct ia_file *other = file_of(forest, row->other);
    if (!file->node->chain_ok || !other->node->chain_ok)
        return IA_OK;
    return ia_writer_put_pair(forest->publish->writer, file->image_id, other->image_id, row->bytes, row->others, err);
}

static bool fill_node(struct forest *forest, size_t node, const struct ia_file *file)
{
    const struct ia_parsed *parsed = file->parsed;
    size_t snapshots = parsed->mappings.len > 0 ? parsed->mappings.len - 1 : 0;
    int64_t *sizes = calloc(snapshots + 1, sizeof(*sizes));
    if (sizes == NULL)
        return false;
    for (size_t i = 0; i < snapshots; i++)
        sizes[i] = parsed->mappings.items[i + 1].size;
    forest->sizes[node] = sizes;
    forest->nodes[node] = (struct ia_forest_node){
        .parent = file->node->backing == IA_NO_FILE ? IA_NO_PARENT : forest->node_of[file->node->backing],
        .size = parsed->facts.virtual_size,
        .keep_whole = file->node->is_template || file->node->is_claimed,
        .snapshot_sizes = sizes,
        .snapshots = snapshots,
        .state_bytes = ia_file_is_sound(file) ? parsed->state_bytes : NULL,
    };
    return true;
}

static bool build(struct forest *forest)
{
    const struct ia_catalog *catalog = forest->publish->catalog;
    size_t count = catalog->files.len;
    forest->nodes = calloc(count + 1, sizeof(*forest->nodes));
    forest->files = calloc(count + 1, sizeof(*forest->files));
    forest->node_of = calloc(count + 1, sizeof(*forest->node_of));
    forest->sizes = calloc(count + 1, sizeof(*forest->sizes));
    forest->masked = calloc(1, sizeof(*forest->masked));
    if (forest->nodes == NULL || forest->files == NULL || forest->node_of == NULL || forest->sizes == NULL ||
        forest->masked == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        forest->node_of[i] = IA_NO_PARENT;
        if (ia_trees_is_changed(&forest->trees, i)) {
            forest->node_of[i] = forest->count;
            forest->files[forest->count++] = i;
        }
    }
    for (size_t node = 0; node < forest->count; node++)
        if (!fill_node(forest, node, file_of(forest, node)))
            return false;
    return true;
}

static void release(struct forest *forest)
{
    for (size_t i = 0; i < forest->count && forest->sizes != NULL; i++)
        free(forest->sizes[i]);
    free(forest->sizes);
    free(forest->nodes);
    free(forest->files);
    free(forest->node_of);
    free(forest->masked);
    ia_trees_release(&forest->trees);
}

static enum ia_status analyse(struct forest *forest, struct ia_error *err)
{
    const struct ia_forest wood = {
        .nodes = forest->nodes,
        .count = forest->count,
        .max_chain = (size_t)forest->publish->catalog->options->limits->max_chain_depth,
        .read = read_extents,
        .ctx = forest,
    };
    const struct ia_forest_sinks sinks = {.ctx = forest,
                                          .usage = put_usage,
                                          .seen = put_seen,
                                          .masked = put_masked,
                                          .chain = put_chain,
                                          .place = put_place,
                                          .change = put_change,
                                          .pair = put_pair};
    bool have_results;
    IA_TRY(ia_writer_have_results(forest->publish->writer, &have_results, err));
    for (size_t node = 0; node < forest->count; node++) {
        if (have_results)
            IA_TRY(ia_writer_clear_results(forest->publish->writer, file_of(forest, node)->image_id, err));
        IA_TRY(ia_writer_touch_image(forest->publish->writer, file_of(forest, node)->image_id, err));
    }
    IA_TRY(ia_forest_analyse(&wood, &sinks, err));
    return store_masked(forest, err);
}

enum ia_status ia_publish_forest(struct ia_publish *publish, struct ia_error *err)
{
    struct forest forest = {.publish = publish};
    ia_catalog_report(publish->catalog, "analysing");
    enum ia_status status = ia_trees_find(&forest.trees, publish->links, err);
    if (status == IA_OK && !build(&forest))
        status = ia_no_memory(err);
    if (status == IA_OK)
        status = analyse(&forest, err);
    if (status == IA_OK)
        status = ia_trees_keep(&forest.trees, publish->links, err);
    release(&forest);
    return status;
}
