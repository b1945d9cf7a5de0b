/* SPDX-License-Identifier: MIT */
/* What the scan saw, as the graph that the judge looks at. File n of the graph is item n of the inventory. */
#include "scan/graph.h"

#include <stdlib.h>
#include <string.h>

#include "scan/internal.h"

const char *ia_scan_image_state(const struct ia_item *item)
{
    const struct ia_parsed *parsed = &item->parsed;
    if (parsed->status != IA_OK)
        return ia_status_word(parsed->status);
    if (parsed->changed_while_read)
        return "changed";
    for (size_t i = 1; i < parsed->mappings.len; i++)
        if (parsed->mappings.items[i].failed)
            return "snapshot-unreadable";
    return parsed->facts.truncated ? "truncated" : "ok";
}

int ia_scan_cross_linked(const struct ia_item *item)
{
    int overlapping = item->parsed.facts.overlapping;
    return overlapping == 1 || item->parsed.status == IA_OK ? overlapping : -1;
}

/* When a base had last been written to, for a later scan that finds it as it was then. -1: after all that stands on it,
 * which no base is: it may have become a disk of its own, and what names it a remainder. */
int64_t ia_scan_idle_since(const struct ia_scan *scan, const struct ia_item *item)
{
    int64_t changed = ia_scan_newest_change(scan, item);
    return changed <= item->overlaid_ns ? changed : -1;
}

static enum ia_graph_lock lock_of(const char *word)
{
    if (strcmp(word, "none") == 0)
        return IA_GRAPH_LOCK_NONE;
    if (strcmp(word, "read") == 0)
        return IA_GRAPH_LOCK_READ;
    return strcmp(word, "write") == 0 ? IA_GRAPH_LOCK_WRITE : IA_GRAPH_LOCK_UNKNOWN;
}

static enum ia_graph_state state_of(const char *word)
{
    if (strcmp(word, "missing") == 0)
        return IA_GRAPH_MISSING;
    return strcmp(word, "ambiguous") == 0 ? IA_GRAPH_AMBIGUOUS : IA_GRAPH_OTHER;
}

static bool add_file(struct ia_graph *graph, const struct ia_item *item)
{
    bool named = item->verdict == IA_VERDICT_IMAGE || item->verdict == IA_VERDICT_PART;
    struct ia_graph_file file = {
        .mtime_ns = item->key.mtime_ns,
        .first_name = graph->names.len,
        .names = named ? item->names.len : 0,
        .is_part = item->verdict == IA_VERDICT_PART,
    };
    for (size_t i = 0; i < file.names; i++)
        if (!ia_vec_push(&graph->names, ((struct ia_graph_name){item->names.items[i].path})))
            return false;
    return ia_vec_push(&graph->files, file);
}

static size_t image_of(const struct ia_scan_graph *out, size_t item)
{
    return item == IA_NO_ITEM ? IA_GRAPH_NONE : out->image_of[item];
}

static void set_history(const struct ia_scan *scan, const struct ia_item *item, struct ia_graph_image *image)
{
    const struct ia_previous *previous =
        item->previous == IA_NO_ITEM ? NULL : &scan->inventory.previous.items[item->previous];
    if (item->referenced_by != IA_NO_ITEM) {
        image->named_scan = ia_writer_scan_id(scan->writer);
        image->named_by = ia_item_path(&scan->inventory.items.items[item->referenced_by]);
        image->named_mtime_ns = ia_scan_idle_since(scan, item);
    } else if (previous != NULL) {
        image->named_scan = previous->referenced_scan;
        image->named_by = previous->referenced_by;
        image->named_mtime_ns = previous->referenced_mtime_ns != 0 ? previous->referenced_mtime_ns : -1;
    }
}

static void fill_image(const struct ia_scan *scan, const struct ia_scan_graph *out, size_t number,
                       struct ia_graph_image *image)
{
    const struct ia_item *item = &scan->inventory.items.items[number];
    const char *state = ia_scan_image_state(item);
    *image = (struct ia_graph_image){
        .path = ia_item_path(item),
        .format = item->parsed.format,
        .problem = strcmp(state, "ok") == 0 ? NULL : state,
        .file = number,
        .backing = image_of(out, item->backing),
        .backing_path = item->backing_path,
        .backing_format = item->parsed.facts.backing_format,
        .cross_linked = ia_scan_cross_linked(item),
        .lock = lock_of(item->lock_state),
        .format_stated = strcmp(item->parsed.basis, "stated") == 0,
        .knows_backing = ia_parsed_identity(&item->parsed)->parent[0] != '\0',
        .is_template = item->is_template,
        .has_snapshots = item->parsed.mappings.len > 1,
    };
    set_history(scan, item, image);
}

static bool add_reference(struct ia_graph *graph, struct ia_graph_reference reference, size_t target)
{
    reference.target = target == IA_NO_ITEM ? IA_GRAPH_NONE : target;
    if (reference.target != IA_GRAPH_NONE && reference.state == IA_GRAPH_OTHER)
        reference.state = IA_GRAPH_FOLLOWED;
    return ia_vec_push(&graph->references, reference);
}

static bool add_parts(struct ia_graph *graph, size_t image, const struct ia_item *item)
{
    for (size_t i = 0; i < item->parts.len; i++) {
        const struct ia_item_part *part = &item->parts.items[i];
        const struct ia_image_part *named = &item->parsed.facts.parts.items[i];
        struct ia_graph_reference reference = {
            .image = image,
            .kind = named->place == IA_PART_REFERENCE ? IA_GRAPH_DATA_FILE : IA_GRAPH_EXTENT,
            .state = part->ambiguous              ? IA_GRAPH_AMBIGUOUS
                     : part->status == IA_MISSING ? IA_GRAPH_MISSING
                                                  : IA_GRAPH_OTHER,
            .name = named->name == NULL ? "" : named->name,
            .path = part->path == NULL ? "" : part->path,
        };
        size_t file = part->item == IA_NO_ITEM ? IA_GRAPH_NONE : part->item;
        if (!add_reference(graph, reference, part->item))
            return false;
        if (part->path != NULL && !ia_vec_push(&graph->parts, ((struct ia_graph_part){image, file, part->path})))
            return false;
    }
    return true;
}

static bool add_references(struct ia_graph *graph, size_t image, const struct ia_item *item)
{
    const char *state = item->backing_state == NULL ? "unsupported" : item->backing_state;
    struct ia_graph_reference backing = {
        .image = image,
        .kind = IA_GRAPH_BACKING,
        .state = state_of(state),
        .name = item->parsed.facts.backing_name,
        .path = item->backing_path == NULL ? "" : item->backing_path,
    };
    return (backing.name == NULL || add_reference(graph, backing, item->backing_target)) &&
           add_parts(graph, image, item);
}

static bool add_aliases(const struct ia_scan *scan, const struct ia_scan_graph *out, struct ia_graph *graph)
{
    for (size_t i = 0; i < scan->aliases.len; i++) {
        const struct ia_alias *alias = &scan->aliases.items[i];
        struct ia_graph_reference reference = {
            .image = image_of(out, alias->image),
            .kind = strcmp(alias->kind, "alias") == 0 ? IA_GRAPH_ALIAS : IA_GRAPH_CONTENT,
            .state = IA_GRAPH_FOLLOWED,
            .name = alias->name,
            .path = alias->path,
        };
        if (reference.image != IA_GRAPH_NONE && !add_reference(graph, reference, alias->target))
            return false;
    }
    return true;
}

static bool add_findings(const struct ia_scan *scan, struct ia_graph *graph)
{
    for (size_t i = 0; i < scan->findings.all.len; i++) {
        const struct ia_finding *finding = &scan->findings.all.items[i];
        const struct ia_finding_kind *kind = &ia_finding_kinds[finding->code];
        struct ia_graph_finding added = {finding->path, kind->code, finding->of_all, kind->of_readers, IA_GRAPH_NONE};
        if (!ia_vec_push(&graph->findings, added))
            return false;
    }
    return true;
}

static bool fill(const struct ia_scan *scan, struct ia_scan_graph *out)
{
    const struct ia_inventory *inventory = &scan->inventory;
    struct ia_graph *graph = &out->graph;
    size_t count = inventory->items.len;
    size_t images = 0;
    out->image_of = calloc(count + 1, sizeof(*out->image_of));
    if (out->image_of == NULL || !ia_vec_reserve(&graph->files, count))
        return false;
    for (size_t i = 0; i < count; i++)
        out->image_of[i] = ia_item_is_image(&inventory->items.items[i]) ? images++ : IA_GRAPH_NONE;
    if (!ia_vec_reserve(&graph->images, images))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (!add_file(graph, item))
            return false;
        if (out->image_of[i] == IA_GRAPH_NONE)
            continue;
        fill_image(scan, out, i, &graph->images.items[graph->images.len++]);
        if (!add_references(graph, out->image_of[i], item))
            return false;
    }
    for (size_t i = 0; i < scan->options->backing_glob_count; i++)
        if (!ia_vec_push(&graph->backing_globs, scan->options->backing_globs[i]))
            return false;
    return add_aliases(scan, out, graph) && add_findings(scan, graph);
}

enum ia_status ia_scan_graph_make(const struct ia_scan *scan, struct ia_scan_graph *out, struct ia_error *err)
{
    *out = (struct ia_scan_graph){0};
    if (fill(scan, out))
        return IA_OK;
    ia_scan_graph_release(out);
    return ia_fail(err, IA_NOMEM, "out of memory for the judge");
}

void ia_scan_graph_release(struct ia_scan_graph *graph)
{
    ia_graph_release(&graph->graph);
    free(graph->image_of);
}
