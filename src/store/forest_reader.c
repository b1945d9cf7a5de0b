/* SPDX-License-Identifier: MIT */
/* Loading trees by their backing links. */
#include "store/forest_reader.h"

#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "store/connection.h"
#include "store/extents.h"
#include "store/reader_internal.h"

static const char reading[] = "cannot read the forest";

/* The chain of an image beyond the longest one that is followed has no rows, but what it reads counts. Links that lead
 * nowhere end it, and none of a ring has a root. UNION ends on a ring: it drops what was found before. */
static const char root_sql[] =
    "WITH RECURSIVE up (image_id, backing_id) AS ("
    "SELECT image_id, backing_id FROM image WHERE image_id = ?"
    " UNION SELECT i.image_id, i.backing_id FROM up JOIN image AS i ON i.image_id = up.backing_id)"
    " SELECT image_id FROM up WHERE NOT EXISTS"
    " (SELECT 1 FROM image AS b WHERE b.image_id = up.backing_id)";

static const char tree_sql[] = "WITH RECURSIVE tree (image_id) AS (SELECT ? UNION"
                               " SELECT i.image_id FROM tree AS t JOIN image AS i ON i.backing_id = t.image_id)"
                               " SELECT i.image_id, coalesce(h.virtual_size, 0), i.is_template OR i.is_claimed,"
                               " coalesce(i.backing_id, -1) FROM tree AS t JOIN image AS i ON i.image_id = t.image_id"
                               " LEFT JOIN image_header AS h ON h.image_id = i.image_id";

static const char mapping_sql[] = "SELECT map_id, size, failed FROM mapping WHERE image_id = ?"
                                  " ORDER BY snapshot IS NOT NULL, snapshot";

struct mapping {
    int64_t map_id;
    bool failed; /* it has no extents: it then reads everything from its backing image, which keeps that */
};

struct stored_image {
    int64_t image_id, parent_id; /* -1: none */
    int64_t size;
    bool keep_whole;
    IA_VEC(struct mapping) mappings;
    IA_VEC(int64_t) snapshot_sizes;
};

struct ia_stored_forest {
    sqlite3 *db;
    sqlite3_stmt *extents;
    IA_VEC(struct stored_image) images; /* by image_id */
    struct ia_forest_node *nodes;
    struct ia_forest forest;
};

static enum ia_status read_extents(void *ctx, size_t node, size_t mapping, int64_t from, struct ia_extent *out,
                                   size_t capacity, size_t *count, struct ia_error *err)
{
    struct ia_stored_forest *stored = ctx;
    const struct stored_image *image = &stored->images.items[node];
    *count = 0;
    if (mapping >= image->mappings.len || image->mappings.items[mapping].failed)
        return IA_OK;
    return ia_extents_read(stored->extents, image->mappings.items[mapping].map_id, from, out, capacity, count, err);
}

static enum ia_status find_root(sqlite3 *db, int64_t image, int64_t *root, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare_for(db, root_sql, image, reading, &stmt, err));
    int code = sqlite3_step(stmt);
    *root = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : -1;
    return ia_connection_check(db, code, reading, err);
}

static enum ia_status load_mappings(struct ia_stored_forest *stored, struct stored_image *image, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare_for(stored->db, mapping_sql, image->image_id, reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct mapping mapping = {.map_id = sqlite3_column_int64(stmt, 0), .failed = sqlite3_column_int(stmt, 2) != 0};
        int64_t size = ia_max(0, sqlite3_column_int64(stmt, 1));
        if (!ia_vec_push(&image->mappings, mapping) ||
            (image->mappings.len > 1 && !ia_vec_push(&image->snapshot_sizes, size)))
            return ia_no_memory(err);
    }
    return ia_connection_check(stored->db, code, reading, err);
}

static enum ia_status load_tree(struct ia_stored_forest *stored, int64_t root, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare_for(stored->db, tree_sql, root, reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct stored_image image = {
            .image_id = sqlite3_column_int64(stmt, 0),
            .size = ia_max(0, sqlite3_column_int64(stmt, 1)),
            .keep_whole = sqlite3_column_int(stmt, 2) != 0,
            .parent_id = sqlite3_column_int64(stmt, 3),
        };
        if (!ia_vec_push(&stored->images, image))
            return ia_no_memory(err);
        IA_TRY(load_mappings(stored, &stored->images.items[stored->images.len - 1], err));
    }
    return ia_connection_check(stored->db, code, reading, err);
}

static int by_number(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int by_image(const void *a, const void *b)
{
    int64_t left = ((const struct stored_image *)a)->image_id;
    int64_t right = ((const struct stored_image *)b)->image_id;
    return (left > right) - (left < right);
}

/* Every tree once, whichever and however many of its images were named. */
static enum ia_status load_trees(struct ia_stored_forest *stored, const int64_t *images, size_t count,
                                 struct ia_error *err)
{
    IA_AUTO_FREE int64_t *roots = calloc(count + 1, sizeof(*roots));
    if (roots == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < count; i++)
        IA_TRY(find_root(stored->db, images[i], &roots[i], err));
    if (count > 0)
        qsort(roots, count, sizeof(*roots), by_number);
    for (size_t i = 0; i < count; i++)
        if (roots[i] >= 0 && (i == 0 || roots[i] != roots[i - 1]))
            IA_TRY(load_tree(stored, roots[i], err));
    if (stored->images.len > 0)
        qsort(stored->images.items, stored->images.len, sizeof(stored->images.items[0]), by_image);
    return IA_OK;
}

static enum ia_status link_nodes(struct ia_stored_forest *stored, struct ia_error *err)
{
    stored->nodes = calloc(stored->images.len + 1, sizeof(*stored->nodes));
    if (stored->nodes == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < stored->images.len; i++) {
        const struct stored_image *image = &stored->images.items[i];
        stored->nodes[i] = (struct ia_forest_node){
            .parent = ia_stored_forest_node(stored, image->parent_id),
            .size = image->size,
            .keep_whole = image->keep_whole,
            .snapshot_sizes = image->snapshot_sizes.items,
            .snapshots = image->snapshot_sizes.len,
        };
    }
    stored->forest =
        (struct ia_forest){.nodes = stored->nodes, .count = stored->images.len, .read = read_extents, .ctx = stored};
    return IA_OK;
}

enum ia_status ia_stored_forest_load(struct ia_reader *reader, const int64_t *images, size_t count,
                                     struct ia_stored_forest **out, struct ia_error *err)
{
    IA_AUTO_STORED_FOREST struct ia_stored_forest *stored = calloc(1, sizeof(*stored));
    if (stored == NULL)
        return ia_no_memory(err);
    stored->db = ia_reader_connection(reader);
    IA_TRY(ia_extents_prepare(stored->db, &stored->extents, err));
    IA_TRY(load_trees(stored, images, count, err));
    IA_TRY(link_nodes(stored, err));
    *out = ia_steal_ptr(stored);
    return IA_OK;
}

void ia_stored_forest_free(struct ia_stored_forest *stored)
{
    if (stored == NULL)
        return;
    for (size_t i = 0; i < stored->images.len; i++) {
        ia_vec_release(&stored->images.items[i].mappings);
        ia_vec_release(&stored->images.items[i].snapshot_sizes);
    }
    ia_vec_release(&stored->images);
    sqlite3_finalize(stored->extents);
    free(stored->nodes);
    free(stored);
}

const struct ia_forest *ia_stored_forest(const struct ia_stored_forest *stored)
{
    return &stored->forest;
}

int64_t ia_stored_forest_image(const struct ia_stored_forest *stored, size_t node)
{
    return stored->images.items[node].image_id;
}

size_t ia_stored_forest_node(const struct ia_stored_forest *stored, int64_t image_id)
{
    const struct stored_image key = {.image_id = image_id};
    if (stored->images.len == 0)
        return IA_NO_PARENT;
    const struct stored_image *found = bsearch(&key, stored->images.items, stored->images.len, sizeof(key), by_image);
    return found == NULL ? IA_NO_PARENT : (size_t)(found - stored->images.items);
}
