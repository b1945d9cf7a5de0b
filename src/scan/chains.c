/* SPDX-License-Identifier: MIT */
/* Backing links as a forest: loops are cut, and it is settled which chains are whole. */
#include <stdlib.h>
#include <string.h>

#include "chain/parent.h"
#include "scan/internal.h"

enum mark { UNSEEN, UNDER_WAY, DONE };

static bool links_on(const struct ia_item *item)
{
    return ia_item_is_image(item) && item->backing != IA_NO_ITEM;
}

/* Cuts a circle that `from` is part of: none of its images has a chain. */
static void cut_loop(struct ia_scan *scan, size_t from)
{
    struct ia_item *items = scan->inventory.items.items;
    for (size_t at = from; items[at].backing != IA_NO_ITEM;) { /* ends: every round cuts a link */
        struct ia_item *item = &items[at];
        at = item->backing;
        ia_findings_add(&scan->findings, IA_FINDING_BACKING_LOOP, ia_item_path(item),
                        "its chain comes back to itself by way of '%s'", ia_item_path(&items[at]));
        item->backing_state = "loop";
        item->backing = IA_NO_ITEM;
    }
}

/* Follows links from every image; meeting one that is under way in the same walk is a circle. */
static enum ia_status cut_loops(struct ia_scan *scan, struct ia_error *err)
{
    struct ia_item *items = scan->inventory.items.items;
    size_t count = scan->inventory.items.len;
    unsigned char *marks = calloc(count + 1, 1);
    if (marks == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        while (marks[at] == UNSEEN && links_on(&items[at])) { /* ends: each item is marked once */
            marks[at] = UNDER_WAY;
            at = items[at].backing;
        }
        if (marks[at] == UNDER_WAY)
            cut_loop(scan, at);
        for (at = i; marks[at] == UNDER_WAY; at = items[at].backing) {
            marks[at] = DONE;
            if (items[at].backing == IA_NO_ITEM)
                break;
        }
        if (marks[i] == UNSEEN)
            marks[i] = DONE;
    }
    free(marks);
    return IA_OK;
}

/* Walks down from an image; its chain is whole if every link was followed to a sound image. */
static void check_chain(struct ia_scan *scan, struct ia_item *item)
{
    const struct ia_item *items = scan->inventory.items.items;
    int depth = 0;
    const struct ia_item *at = item;
    item->chain_ok = false;
    for (;;) {
        if (!ia_item_is_sound(at) || at->is_part)
            return;
        if (at->parsed.facts.backing_name == NULL)
            break;
        if (at->backing == IA_NO_ITEM || strcmp(at->backing_state, "unsupported") == 0)
            return;
        if (++depth >= scan->options->limits->max_chain_depth) {
            ia_findings_add(&scan->findings, IA_FINDING_CHAIN_TOO_DEEP, ia_item_path(item),
                            "more than %d images in its chain", depth);
            return;
        }
        at = &items[at->backing];
    }
    item->chain_ok = true;
}

/* Are the parents those that their children were made on? */
static enum ia_status compare_parents(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    struct ia_item *items = scan->inventory.items.items;
    for (size_t i = 0; i < scan->inventory.items.len && status == IA_OK; i++) {
        free(items[i].parent_mismatch);
        items[i].parent_mismatch = NULL;
        if (links_on(&items[i]) && items[i].has_parsed && items[items[i].backing].has_parsed)
            status =
                ia_parent_compare(ia_parsed_identity(&items[i].parsed),
                                  ia_parsed_identity(&items[items[i].backing].parsed), &items[i].parent_mismatch, err);
    }
    return status;
}

enum ia_status ia_scan_check_chains(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = cut_loops(scan, err);
    if (status == IA_OK)
        status = compare_parents(scan, err);
    if (status != IA_OK)
        return status;
    for (size_t i = 0; i < scan->inventory.items.len; i++) {
        struct ia_item *item = &scan->inventory.items.items[i];
        if (ia_item_is_image(item))
            check_chain(scan, item);
    }
    return IA_OK;
}
