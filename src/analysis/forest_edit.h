/* SPDX-License-Identifier: MIT */
/* A forest after an action on some of its images: interval arithmetic alone, nothing is done.
 *
 *   delete   the image is gone. Its overlays have no backing image any more.
 *   flatten  what the image reads as data from the images below it is written into it, and it has no backing image.
 * That is `qemu-img rebase -b ''`: sectors of zeroes are not written, and the internal snapshots, which go on to read
 * through the image, lose what they read from below. commit   what the image holds is written into its backing image,
 * which grows to the image's size if it is smaller, and the image is emptied where its format can be. That is `qemu-img
 * commit`.
 *
 * The forest after an action goes to ia_forest_analyse, like the one before. Ranges are half-open guest bytes. */
#ifndef IA_ANALYSIS_FOREST_EDIT_H
#define IA_ANALYSIS_FOREST_EDIT_H

#include "analysis/forest.h"
#include "analysis/host_ranges.h"
#include "model/abilities.h"

/* How an image is written to. The first ones are as in struct ia_abilities. */
struct ia_forest_edit_terms {
    int64_t unit; /* what is written takes guest bytes in multiples of this: cluster, subcluster; 1 for a raw image */
    int64_t cluster; /* the format's cluster, at least `unit` */
    enum ia_zeroes zeroes;
    bool is_plain;                       /* every byte is present, also those that it grows by: raw images */
    bool can_be_empty;                   /* `qemu-img commit` empties an image of this format */
    const struct ia_host_ranges *shared; /* sealed: host bytes in blocks that something else uses too; NULL: none */
    bool may_share_all;                  /* what is shared is not known */
};

/* What the action does to a node. */
struct ia_forest_edit_effect {
    int64_t needed_bytes;   /* guest bytes whose host space has to be found; the host copies what is shared */
    int64_t emptied_bytes;  /* guest bytes of plain data that lose their host space: clusters that are emptied, or that
                             * become zeroes, and that no internal snapshot holds; compressed ones are not counted */
    int64_t released_bytes; /* of these, nothing else uses the space: it is given back */
    int64_t changed_bytes;  /* guest bytes of its active content that come from elsewhere than before, zeroes that stay
                             * zeroes left out */
};

struct ia_forest_edit;

/* `before` and what it points to must stay until the free. IA_BUG for links that lead nowhere or in circles. */
IA_MUST_CHECK enum ia_status ia_forest_edit_new(const struct ia_forest *before, struct ia_forest_edit **out,
                                                struct ia_error *err);
void ia_forest_edit_free(struct ia_forest_edit *edited); /* NULL is fine */

/* The actions. A set is deleted or flattened node by node, in any order; one edited sees one kind of action, and no
 * more than one commit. Flattening a node without a backing image does nothing; committing one is IA_USAGE. */
IA_MUST_CHECK enum ia_status ia_forest_edit_delete(struct ia_forest_edit *edited, size_t node, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_forest_edit_flatten(struct ia_forest_edit *edited, size_t node,
                                                    const struct ia_forest_edit_terms *terms, struct ia_error *err);
/* `own` are the terms of the node, `base` those of its backing image. */
IA_MUST_CHECK enum ia_status ia_forest_edit_commit(struct ia_forest_edit *edited, size_t node,
                                                   const struct ia_forest_edit_terms *own,
                                                   const struct ia_forest_edit_terms *base, struct ia_error *err);

/* The forest after the actions so far, with the nodes of the one before: a deleted one stays as a node without bytes.
 * One reader at a time. */
const struct ia_forest *ia_forest_edit_after(const struct ia_forest_edit *edited);

const struct ia_forest_edit_effect *ia_forest_edit_effect(const struct ia_forest_edit *edited, size_t node);

/* By internal snapshot, from 0: guest bytes that it reads otherwise after the action, counted as changed_bytes. NULL
 * where none of the node's snapshots does. */
const int64_t *ia_forest_edit_snapshots(const struct ia_forest_edit *edited, size_t node);

#endif
