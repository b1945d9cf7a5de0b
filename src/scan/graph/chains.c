/* SPDX-License-Identifier: MIT */
/* Backing links as a forest: loops are cut, and it is settled which chains are whole. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/vec.h"
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

/* How many images each has in its chain, itself included; 0: not known yet. */
struct lengths {
    size_t *of; /* by file */
    struct ia_links *links;
};

static size_t base_of(const struct ia_links *links, size_t number)
{
    size_t backing = links->catalog->files.items[number]->node->backing;
    return backing != IA_NO_FILE && ia_file_is_image(links->catalog->files.items[backing]) ? backing : IA_NO_FILE;
}

/* A chain is whole if every link was followed to a sound image. */
static bool is_whole(const struct ia_links *links, const struct ia_file *file, size_t base)
{
    if (!ia_file_is_sound(file) || file->node->is_part)
        return false;
    if (file->parsed->facts.backing_name == NULL)
        return true;
    return base != IA_NO_FILE && file->node->backing_state != IA_RESOLVE_UNSUPPORTED &&
           links->catalog->files.items[base]->node->chain_ok;
}

/* Those below are known. A chain that is too long is reported where that begins: all that is based on that image
 * depends on the same finding. */
static void check_chain(const struct lengths *lengths, size_t number)
{
    struct ia_catalog *catalog = lengths->links->catalog;
    struct ia_file *file = catalog->files.items[number];
    size_t most = (size_t)catalog->options->limits->max_chain_depth;
    size_t base = base_of(lengths->links, number);
    lengths->of[number] = base == IA_NO_FILE ? 1 : lengths->of[base] + 1;
    file->node->chain_ok = lengths->of[number] <= most && is_whole(lengths->links, file, base);
    if (lengths->of[number] == most + 1)
        ia_findings_add(&catalog->findings, IA_FINDING_CHAIN_TOO_DEEP, ia_file_path(file),
                        "more than %zu images in its chain", most);
}

/* From the end of each chain up to the image. Ends: loops were cut, and each image is checked once. */
static bool check_chains(const struct lengths *lengths)
{
    struct ia_file *const *items = lengths->links->catalog->files.items;
    IA_VEC(size_t) path = {0};
    bool have_memory = true;
    for (size_t i = 0; i < lengths->links->catalog->files.len && have_memory; i++) {
        size_t at = i;
        while (have_memory && at != IA_NO_FILE && ia_file_is_image(items[at]) && lengths->of[at] == 0) {
            have_memory = ia_vec_push(&path, at);
            at = base_of(lengths->links, at);
        }
        while (have_memory && path.len > 0)
            check_chain(lengths, path.items[--path.len]);
    }
    ia_vec_release(&path);
    return have_memory;
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
    IA_AUTO_FREE size_t *lengths = calloc(links->catalog->files.len + 1, sizeof(*lengths));
    return lengths != NULL && check_chains(&(struct lengths){lengths, links}) ? IA_OK : ia_no_memory(err);
}
