/* SPDX-License-Identifier: MIT */
/* The forest of backing links: which image reads which byte of which. No I/O of its own: extents come from the caller's
 * streams, results go to the caller's sinks.
 *
 * A byte of image X is read in the first layer of its chain that has a present extent there; where a layer has none,
 * the next one follows, unless there is none or the byte lies past its end. A reader is a head with all its internal
 * snapshots (one file, one reader), the internal snapshots of an image that is no head, together, or an image that is
 * to be kept whole although it has overlays. Ranges are half-open guest bytes. */
#ifndef IA_ANALYSIS_FOREST_H
#define IA_ANALYSIS_FOREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "model/extent.h"

#define IA_NO_PARENT SIZE_MAX

struct ia_forest_node {
    size_t parent;                 /* index of the backing image, or IA_NO_PARENT; in no order */
    int64_t size;                  /* guest bytes */
    bool keep_whole;               /* a template: it reads all of itself, like a head */
    const int64_t *snapshot_sizes; /* guest bytes of each internal snapshot */
    size_t snapshots;
    const int64_t *state_bytes; /* by state: guest bytes of the active mapping, where they are known; else NULL */
};

struct ia_forest {
    const struct ia_forest_node *nodes;
    size_t count;
    size_t max_chain; /* images of a chain that the sinks for chains are called for; 0: all */
    /* Fills `out` with the next extents of a mapping that begin at guest byte `from` or behind it: up to capacity,
     * fewer if that is handier, none at the end. Mapping 0 is the active one, 1..snapshots are the internal snapshots.
     * Extents ascend and are disjoint (else the analysis ends with IA_BUG). What lies past the mapping's size is
     * ignored, and a host range that does not end within 63 bits counts as none. */
    enum ia_status (*read)(void *ctx, size_t node, size_t mapping, int64_t from, struct ia_extent *out, size_t capacity,
                           size_t *count, struct ia_error *err);
    void *ctx;
};

/* The columns of the table usage; all bytes are guest bytes of the active mapping.
 * visible + masked is all data of the node, exclusive + shared is visible.
 * Unread data whose host bytes an own internal snapshot also uses is visible and exclusive, not masked: freeing the
 * bytes would change the snapshot. So is unread data without an offset in an image with snapshots, as its place is
 * unknown.
 */
struct ia_usage {
    int64_t visible_bytes;   /* data that at least one reader sees */
    int64_t visible_present; /* the same with zero extents */
    int64_t masked_bytes;    /* data that no reader sees */
    int64_t exclusive_bytes; /* data that exactly one reader sees */
    int64_t shared_bytes;    /* data that two or more see */
    size_t dependents;       /* images that name this one as their backing image */
    size_t descendants;      /* images that reach it, directly or through others */
    size_t heads;            /* heads among the descendants */
};

/* What a layer gives to an image: a row of the table chain or, without a depth, of chain_change. */
struct ia_chain_row {
    size_t node;
    size_t depth;
    size_t layer;          /* the node at that depth: depth 0 is the node itself */
    int64_t size;          /* of the layer */
    int64_t visible_bytes; /* bytes of the node that come from this layer's present extents */
    int64_t data_bytes;    /* those of them that are data */
};

/* Pairs of heads that a tree has rows for, at most. */
#define IA_PAIRS_SHOWN 32

/* Two heads of one tree, and the data that both read from the same extents of the same images, as far as their active
 * mappings go. */
struct ia_pair_row {
    size_t node, other; /* node < other */
    int64_t bytes;      /* > 0 */
    int64_t others;     /* no pair of the tree that has no row shares more than this */
};

/* Where results go; a NULL sink is not wanted and its work is left out. A failing sink ends the analysis.
 * Every node gets its masked pieces by ascending start, its numbers of readers in ascending order, and then its usage,
 * once. The rows of an image with dependents come before theirs; pieces of different images come mixed.
 *
 * A chain of n images has n rows and not n * n / 2: only a top has them, by ascending depth. A top is an image whose
 * overlays, if it has any, lie beyond max_chain. The chain of any other image is what a top above it has from some
 * depth on (place); what its layers give is what they give to its backing image, but where that differs (change).
 * Images beyond max_chain have nothing of it. */
struct ia_forest_sinks {
    void *ctx;
    bool bases_only; /* heads get rows of chains only: of their own data they read all */
    enum ia_status (*usage)(void *ctx, size_t node, const struct ia_usage *usage, struct ia_error *err);
    /* Exactly so many readers see so many (> 0) bytes of the node's data. The sum is its visible_bytes. */
    enum ia_status (*seen)(void *ctx, size_t node, uint32_t readers, int64_t bytes, struct ia_error *err);
    /* A masked part of one data extent, as long as it can be within that extent; its offset has moved along with its
     * start. */
    enum ia_status (*masked)(void *ctx, size_t node, const struct ia_extent *piece, struct ia_error *err);
    enum ia_status (*chain)(void *ctx, const struct ia_chain_row *row, struct ia_error *err);
    /* The chain of `node` is that of `top` from `depth` on. Once for each node, a top's own with depth 0. */
    enum ia_status (*place)(void *ctx, size_t node, size_t top, size_t depth, struct ia_error *err);
    /* Of a node that is no top: itself, and each layer that gives other bytes to it than to its backing image. */
    enum ia_status (*change)(void *ctx, const struct ia_chain_row *row, struct ia_error *err);
    /* The pairs of a tree that share most, the largest first. Needs the sinks chain and usage. A tree that
     * would take too long has none. */
    enum ia_status (*pair)(void *ctx, const struct ia_pair_row *row, struct ia_error *err);
};

/* IA_BUG for links that lead nowhere or in circles, before any sink is called. A stand-alone image is not read at all
 * where its state_bytes are known, a head without a chain sink and any other stand-alone one once, the others twice. */
IA_MUST_CHECK enum ia_status ia_forest_analyse(const struct ia_forest *forest, const struct ia_forest_sinks *sinks,
                                               struct ia_error *err);

#endif
