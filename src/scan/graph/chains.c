/* SPDX-License-Identifier: MIT */
/* Backing links as a forest: loops are cut, and it is settled which chains are whole. */
#include <stdlib.h>

#include "chain/parent.h"
#include "scan/graph/links.h"

enum mark { UNSEEN, UNDER_WAY, DONE };

static bool links_on(const struct ia_file *file)
{
    return ia_file_is_image(file) && file->node->backing != IA_NO_FILE;
}

/* Cuts a circle that `from` is part of: none of its images has a chain. */
static void cut_loop(struct ia_links *links, size_t from)
{
    struct ia_file **items = links->catalog->files.items;
    for (size_t at = from; items[at]->node->backing != IA_NO_FILE;) { /* ends: every round cuts a link */
        struct ia_file *file = items[at];
        at = file->node->backing;
        ia_findings_add(&links->catalog->findings, IA_FINDING_BACKING_LOOP, ia_file_path(file),
                        "its chain comes back to itself by way of '%s'", ia_file_path(items[at]));
        file->node->backing_state = IA_RESOLVE_LOOP;
        file->node->backing = IA_NO_FILE;
    }
}

/* Follows links from every image; meeting one that is under way in the same walk is a circle. */
static enum ia_status cut_loops(struct ia_links *links, struct ia_error *err)
{
    struct ia_file **items = links->catalog->files.items;
    size_t count = links->catalog->files.len;
    unsigned char *marks = calloc(count + 1, 1);
    if (marks == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        while (marks[at] == UNSEEN && links_on(items[at])) { /* ends: each file is marked once */
            marks[at] = UNDER_WAY;
            at = items[at]->node->backing;
        }
        if (marks[at] == UNDER_WAY)
            cut_loop(links, at);
        for (at = i; marks[at] == UNDER_WAY; at = items[at]->node->backing) {
            marks[at] = DONE;
            if (items[at]->node->backing == IA_NO_FILE)
                break;
        }
        if (marks[i] == UNSEEN)
            marks[i] = DONE;
    }
    free(marks);
    return IA_OK;
}

/* Walks down from an image; its chain is whole if every link was followed to a sound image. */
static void check_chain(struct ia_links *links, struct ia_file *file)
{
    struct ia_file *const *items = links->catalog->files.items;
    int depth = 0;
    const struct ia_file *at = file;
    file->node->chain_ok = false;
    for (;;) {
        if (!ia_file_is_sound(at) || at->node->is_part)
            return;
        if (at->parsed->facts.backing_name == NULL)
            break;
        if (at->node->backing == IA_NO_FILE || at->node->backing_state == IA_RESOLVE_UNSUPPORTED)
            return;
        if (++depth >= links->catalog->options->limits->max_chain_depth) {
            ia_findings_add(&links->catalog->findings, IA_FINDING_CHAIN_TOO_DEEP, ia_file_path(file),
                            "more than %d images in its chain", depth);
            return;
        }
        at = items[at->node->backing];
    }
    file->node->chain_ok = true;
}

static enum ia_status compare(const struct ia_parsed *child, const struct ia_parsed *parent, char **difference,
                              struct ia_error *err)
{
    IA_TRY(ia_parent_compare(ia_parsed_identity(child), ia_parsed_identity(parent), difference, err));
    if (*difference != NULL || child->status != IA_OK || parent->status != IA_OK)
        return IA_OK;
    return ia_parent_compare_lengths(ia_format_by_name(child->format), child->facts.virtual_size,
                                     parent->facts.virtual_size, difference, err);
}

/* Are the parents those that their children were made on? */
static enum ia_status compare_parents(struct ia_links *links, struct ia_error *err)
{
    struct ia_file **items = links->catalog->files.items;
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        struct ia_node *node = items[i]->node;
        free(node->parent_mismatch);
        node->parent_mismatch = NULL;
        if (links_on(items[i]) && items[i]->has_parsed && items[node->backing]->has_parsed)
            IA_TRY(compare(items[i]->parsed, items[node->backing]->parsed, &node->parent_mismatch, err));
    }
    return IA_OK;
}

enum ia_status ia_links_check_chains(struct ia_links *links, struct ia_error *err)
{
    enum ia_status status = cut_loops(links, err);
    if (status == IA_OK)
        status = compare_parents(links, err);
    if (status != IA_OK)
        return status;
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        struct ia_file *file = links->catalog->files.items[i];
        if (ia_file_is_image(file))
            check_chain(links, file);
    }
    return IA_OK;
}
