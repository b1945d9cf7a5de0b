/* SPDX-License-Identifier: MIT */
/* What the scan saw, as the graph that the judge looks at. File n of the graph is file n of the catalog. */
#include "scan/graph/judge_graph.h"

#include <stdlib.h>

#include "scan/graph/bases.h"
#include "scan/graph/links.h"

/* When a base had last been written to, for a later scan that finds it as it was then. -1: after all its overlays,
 * which no base is: it may have become a disk of its own, and what names it a remainder. One whose time went back was
 * overwritten (cp -p, rsync): it keeps the time at which a scan saw it as what its overlays were made on, and which is
 * not its own any more. */
int64_t ia_links_idle_since(const struct ia_links *links, const struct ia_file *file)
{
    int64_t changed = ia_links_newest_change(links, file);
    const struct ia_previous *row = ia_bases_row_of(links->catalog, file);
    if (row != NULL && row->referenced_mtime_ns > changed && !ia_time_is_restored(changed, row->referenced_mtime_ns))
        return row->referenced_mtime_ns;
    return changed <= file->node->last_overlay_mtime_ns ? changed : -1;
}

static bool add_file(struct ia_graph *graph, const struct ia_file *file)
{
    bool named = ia_file_is_image_or_part(file);
    struct ia_graph_file row = {
        .mtime_ns = file->key.mtime_ns,
        .ctime_ns = file->key.ctime_ns,
        .birth_ns = file->birth_ns,
        .volume = file->volume,
        .first_name = graph->names.len,
        .names = named ? file->names.len : 0,
        .is_part = file->class == IA_CLASS_PART,
    };
    for (size_t i = 0; i < row.names; i++)
        if (!ia_vec_push(&graph->names, ((struct ia_graph_name){file->names.items[i].path})))
            return false;
    return ia_vec_push(&graph->files, row);
}

/* Volume n of the graph is volume n of the catalog. */
static bool add_volumes(struct ia_graph *graph, const struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->volumes.len; i++) {
        const struct ia_catalog_volume *volume = &catalog->volumes.items[i];
        struct ia_graph_volume added = {
            .mount = volume->about.mount,
            .type = volume->about.type,
            .is_shared = volume->about.is_shared && !volume->is_sole_host,
            .is_twin = volume->is_twin,
        };
        if (!ia_vec_push(&graph->volumes, added))
            return false;
    }
    return true;
}

static void set_history(const struct ia_links *links, const struct ia_file *file, struct ia_graph_image *image)
{
    const struct ia_previous *previous =
        file->previous == IA_NO_FILE ? NULL : &links->catalog->previous.items[file->previous];
    if (file->node->referenced_by != IA_NO_FILE) {
        image->named_scan = ia_writer_scan_id(links->catalog->writer);
        image->named_by = ia_file_path(links->catalog->files.items[file->node->referenced_by]);
        image->named_path = ia_file_path(file);
        image->named_mtime_ns = ia_links_idle_since(links, file);
    } else if (previous != NULL) {
        image->named_scan = previous->referenced_scan;
        image->named_by = previous->referenced_by;
        image->named_path = previous->referenced_path;
        image->named_uncertain = ia_catalog_memory_is_uncertain(links->catalog, file);
        image->named_mtime_ns = previous->referenced_mtime_ns != 0 ? previous->referenced_mtime_ns : -1;
    }
}

/* What an image does not hold is empty. */
static const char *text_of(const char *identity)
{
    return identity[0] == '\0' ? NULL : identity;
}

static void fill_image(const struct ia_links *links, const struct ia_judge_graph *out, size_t number,
                       struct ia_graph_image *image)
{
    const struct ia_file *file = links->catalog->files.items[number];
    enum ia_image_state state = ia_file_image_state(file);
    const struct ia_image_identity *identity = ia_parsed_identity(file->parsed);
    *image = (struct ia_graph_image){
        .path = ia_file_path(file),
        .format = file->parsed->format,
        .problem = state == IA_IMAGE_OK ? NULL : ia_image_state_word(state),
        .file = number,
        .backing = ia_judge_graph_image(out, file->node->backing),
        .backing_path = file->node->backing_path,
        .backing_format = file->parsed->facts.backing_format,
        .cross_linked = ia_file_cross_linked(file),
        .lock = file->read->lock,
        .format_stated = file->parsed->basis == IA_BASIS_STATED,
        .identity = text_of(identity->own),
        .expects = text_of(identity->parent),
        .is_nameless = file->parsed->facts.backing_by_identity,
        .is_template = file->node->is_template,
        .is_hidden = file->parsed->facts.hidden,
        .is_claimed = file->node->is_claimed,
        .unsettled = file->node->unsettled,
        .base_before = file->node->base_before == IA_NO_FILE ? IA_GRAPH_NONE : file->node->base_before,
        .base_lost_ns = file->node->base_lost_ns,
        .parent_differs = file->node->parent_mismatch != NULL || file->node->base_is_newer,
        .link_is_newer = file->node->link_is_newer,
        .seen_since_ns = file->node->seen_since_ns,
        .path_since_ns = file->node->path_since_ns,
        .past_base_is_known = file->node->past_base_id > 0,
        .past_base = file->node->past_base == IA_NO_FILE ? IA_GRAPH_NONE : file->node->past_base,
        .has_snapshots = file->parsed->mappings.len > 1,
        .is_disk = file->node->is_disk,
        .is_below = file->node->is_below,
    };
    set_history(links, file, image);
}

static bool add_findings(const struct ia_links *links, struct ia_graph *graph)
{
    for (size_t i = 0; i < links->catalog->findings.all.len; i++) {
        const struct ia_finding *finding = &links->catalog->findings.all.items[i];
        const struct ia_finding_kind *kind = &ia_finding_kinds[finding->code];
        struct ia_graph_finding added = {.path = finding->path,
                                         .code = finding->code,
                                         .of_all = finding->of_all,
                                         .of_readers = kind->of_readers,
                                         .image = IA_GRAPH_NONE,
                                         .accepted_by = finding->accepted_by};
        if (!ia_vec_push(&graph->findings, added))
            return false;
    }
    return true;
}

static bool add_walked(const struct ia_catalog *catalog, struct ia_graph *graph)
{
    for (size_t i = 0; i < catalog->options->root_count; i++)
        if (catalog->confine.allowed.items[i].fd >= 0 &&
            !ia_vec_push(&graph->walked, catalog->confine.allowed.items[i].path))
            return false;
    return true;
}

static bool add_holders(const struct ia_links *links, struct ia_graph *graph)
{
    const struct ia_holders *holders = &links->holders;
    for (size_t i = 0; i < holders->all.len; i++) {
        const struct ia_holder *holder = &holders->all.items[i];
        if (!ia_vec_push(&graph->holders, ((struct ia_graph_holder){holder->file, holder->subject})))
            return false;
    }
    return holders->unseen == NULL || links->catalog->options->trust_locks ||
           ia_vec_push(&graph->holders, ((struct ia_graph_holder){IA_GRAPH_NONE, holders->unseen}));
}

static bool add_open_claims(const struct ia_links *links, struct ia_graph *graph)
{
    const struct ia_claims *claims = &links->claims;
    for (size_t i = 0; i < claims->all.len; i++) {
        const struct ia_claim_target *target = &claims->all.items[i];
        const struct ia_claim *claim = ia_claim_of(claims, target);
        bool is_directory = claim->is_directory && target->path != NULL;
        if (!is_directory && target->state != IA_CLAIM_MISSING && target->state != IA_CLAIM_UNREADABLE)
            continue;
        struct ia_graph_claim open = {.path = is_directory ? target->path : claim->path,
                                      .machine = ia_claim_machine(claims, target)->name,
                                      .format = claim->format,
                                      .is_medium = ia_claim_role_is_medium(claim->role),
                                      .image = IA_GRAPH_NONE,
                                      .was_found = target->before_id != 0,
                                      .before = target->before == IA_NO_FILE ? IA_GRAPH_NONE : target->before,
                                      .base = target->base == IA_NO_FILE ? IA_GRAPH_NONE : target->base,
                                      .is_directory = is_directory,
                                      .defined_ns = ia_claim_machine(claims, target)->defined_ns};
        if (!ia_vec_push(&graph->claims, open))
            return false;
    }
    return true;
}

static bool add_inventories(const struct ia_links *links, struct ia_graph *graph)
{
    const struct ia_inventory *inventory = &links->claims.inventory;
    graph->is_vouched = links->claims.is_vouched;
    for (size_t i = 0; i < inventory->sources.len; i++) {
        const struct ia_inventory_source *source = &inventory->sources.items[i];
        if (!ia_vec_push(&graph->inventories,
                         ((struct ia_graph_inventory){source->place, source->is_of_host, source->formats})))
            return false;
    }
    return add_open_claims(links, graph);
}

static bool fill(const struct ia_links *links, struct ia_judge_graph *out)
{
    const struct ia_catalog *catalog = links->catalog;
    struct ia_graph *graph = &out->graph;
    size_t count = catalog->files.len;
    size_t images = 0;
    out->image_of = calloc(count + 1, sizeof(*out->image_of));
    if (out->image_of == NULL || !ia_vec_reserve(&graph->files, count) || !add_volumes(graph, catalog))
        return false;
    for (size_t i = 0; i < count; i++)
        out->image_of[i] = ia_file_is_image(catalog->files.items[i]) ? images++ : IA_GRAPH_NONE;
    if (!ia_vec_reserve(&graph->images, images))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (!add_file(graph, file) || !ia_judge_graph_add_packed(graph, file))
            return false;
        if (out->image_of[i] == IA_GRAPH_NONE)
            continue;
        fill_image(links, out, i, &graph->images.items[graph->images.len++]);
        if (!ia_judge_graph_add_references(graph, out->image_of[i], file))
            return false;
    }
    for (size_t i = 0; i < links->catalog->options->backing_glob_count; i++)
        if (!ia_vec_push(&graph->backing_globs, links->catalog->options->backing_globs[i]))
            return false;
    return add_walked(links->catalog, graph) && ia_judge_graph_add_aliases(links, out) && add_findings(links, graph) &&
           ia_judge_graph_add_past(links, out) && add_holders(links, graph) && add_inventories(links, graph);
}

enum ia_status ia_judge_graph_make(const struct ia_links *links, struct ia_judge_graph *out, struct ia_error *err)
{
    *out = (struct ia_judge_graph){0};
    if (fill(links, out))
        return IA_OK;
    ia_judge_graph_release(out);
    return ia_no_memory(err);
}

void ia_judge_graph_release(struct ia_judge_graph *graph)
{
    ia_graph_release(&graph->graph);
    free(graph->image_of);
}
