/* SPDX-License-Identifier: MIT */
/* Following and reading in turn, and which files have to be read again for what others state of them. */
#include "scan/graph/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "judge/judge.h"

void ia_node_init(struct ia_node *node)
{
    *node = (struct ia_node){.backing = IA_NO_FILE,
                             .backing_target = IA_NO_FILE,
                             .referenced_by = IA_NO_FILE,
                             .base_before = IA_NO_FILE,
                             .past_base = IA_NO_FILE};
}

static void release_content(struct ia_node *node)
{
    free(node->content_backing);
    node->content_backing = NULL;
    for (size_t i = 0; i < node->content_parts.len; i++)
        free(node->content_parts.items[i].name);
    ia_vec_release(&node->content_parts);
}

void ia_node_release(struct ia_node *node)
{
    for (size_t i = 0; i < node->alias_directories.len; i++)
        free(node->alias_directories.items[i]);
    ia_vec_release(&node->alias_directories);
    free(node->stated_format);
    free(node->backing_path);
    free(node->parent_mismatch);
    ia_node_release_nested(node);
    release_content(node);
    for (size_t i = 0; i < node->packed.len; i++)
        free(node->packed.items[i].path);
    ia_vec_release(&node->packed);
}

static void release_aliases(struct ia_links *links)
{
    for (size_t i = 0; i < links->aliases.len; i++) {
        free(links->aliases.items[i].name);
        free(links->aliases.items[i].path);
    }
    ia_vec_release(&links->aliases);
}

void ia_links_release_places(struct ia_links *links)
{
    for (size_t i = 0; i < links->places.len; i++)
        free(links->places.items[i].path);
    ia_vec_release(&links->places);
}

void ia_links_release(struct ia_links *links)
{
    ia_holders_release(&links->holders);
    ia_identities_release(&links->identities);
    release_aliases(links);
    ia_links_release_places(links);
    for (size_t i = 0; i < links->former.len; i++)
        free(links->former.items[i].path);
    ia_vec_release(&links->former);
    for (size_t i = 0; i < links->overlay_names.len; i++)
        free(links->overlay_names.items[i].path);
    ia_vec_release(&links->overlay_names);
    for (size_t i = 0; i < links->templates.len; i++)
        free(links->templates.items[i]);
    ia_vec_release(&links->templates);
    ia_claims_release(&links->claims);
    ia_vec_release(&links->former_bases);
    ia_vec_release(&links->lost_bases);
    ia_own_host_release(&links->host);
    for (size_t i = 0; i < links->sources.len; i++)
        free(links->sources.items[i]);
    ia_vec_release(&links->sources);
}

static enum ia_status add_template(void *ctx, const char *glob, struct ia_error *err)
{
    struct ia_links *links = ctx;
    char *copy = strdup(glob);
    if (copy != NULL && ia_vec_push(&links->templates, copy))
        return IA_OK;
    free(copy);
    return ia_no_memory(err);
}

enum ia_status ia_links_load_templates(struct ia_links *links, struct ia_error *err)
{
    const struct ia_scan_options *options = links->catalog->options;
    IA_TRY(ia_writer_load_templates(links->catalog->writer, add_template, links, err));
    for (size_t i = 0; i < options->template_count; i++)
        IA_TRY(add_template(links, options->templates[i], err));
    return IA_OK;
}

/* Whether a file is read again because of what other files state of it. *by_guess: as raw where it has no magic. */
static bool needs_another_look(const struct ia_file *file, bool *by_guess)
{
    *by_guess = false;
    if (file->node->reread || file->not_seen)
        return false;
    bool is_part = file->node->is_part || file->node->is_companion;
    if (file->node->stale || (file->class == IA_CLASS_PART && !is_part))
        return true;
    /* An earlier scan read it as what an overlay stated, which none does any more. */
    if (file->from_store && file->has_parsed && file->node->stated_format == NULL &&
        file->parsed->basis == IA_BASIS_STATED) {
        *by_guess = file->node->is_referenced;
        return true;
    }
    *by_guess = ia_file_is_file_system(file) && file->node->is_beside_images;
    if (*by_guess)
        return true;
    if (!file->node->is_referenced && !file->node->is_claimed_image)
        return file->node->is_nested && file->class == IA_CLASS_NONE;
    *by_guess = file->node->stated_format == NULL;
    if (file->class == IA_CLASS_NONE || file->class == IA_CLASS_SKIPPED || file->class == IA_CLASS_PACKED)
        return true;
    if (file->class == IA_CLASS_UNKNOWN)
        return file->reason != IA_REASON_UNREADABLE;
    if (!file->has_parsed)
        return false;
    /* Without a word of the overlay QEMU probes, and probing does not look at the end of a file: to it this is raw. */
    if (file->node->stated_format == NULL)
        return file->node->is_referenced && file->parsed->basis == IA_BASIS_FOOTER;
    return file->parsed->format == NULL || strcmp(file->parsed->format, file->node->stated_format) != 0;
}

/* What the content names stays a reference where the file is read as another format than its own. */
static enum ia_status keep_content(struct ia_file *file, const char *stated, struct ia_error *err)
{
    const struct ia_image_facts *facts = &file->parsed->facts;
    struct ia_node *node = file->node;
    if (stated == NULL || !file->has_parsed || file->parsed->format == NULL ||
        strcmp(file->parsed->format, stated) == 0)
        return IA_OK;
    release_content(node);
    if (facts->backing_name != NULL && (node->content_backing = strdup(facts->backing_name)) == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < facts->parts.len; i++) {
        if (facts->parts.items[i].name == NULL)
            continue;
        struct ia_content_part part = {.name = strdup(facts->parts.items[i].name),
                                       .place = facts->parts.items[i].place};
        if (part.name == NULL || !ia_vec_push(&node->content_parts, part)) {
            free(part.name);
            return ia_no_memory(err);
        }
    }
    return IA_OK;
}

static enum ia_status read_one_again(struct ia_links *links, size_t number, bool by_guess, struct ia_error *err)
{
    struct ia_file *file = links->catalog->files.items[number];
    struct ia_parse_request request = ia_reading_request_for(links->catalog, file);
    request.stated = file->node->stated_format;
    request.raw_by_guess = by_guess;
    file->node->resolved = false;
    IA_TRY(keep_content(file, request.stated, err));
    if (file->from_store) { /* its stored mappings are no longer true */
        IA_TRY(ia_reading_drop_mappings(links->reading, file, err));
        if (ia_file_is_image(file))
            ia_file_give_back(file, &links->catalog->previous.items[file->previous]);
        file->from_store = false;
    }
    return ia_reading_submit(links->reading, number, &request, err);
}

static enum ia_status read_again(struct ia_links *links, bool *any, struct ia_error *err)
{
    *any = false;
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        bool by_guess = false;
        if (!needs_another_look(links->catalog->files.items[i], &by_guess))
            continue;
        *any = true;
        links->catalog->files.items[i]->node->reread = true;
        IA_TRY(read_one_again(links, i, by_guess, err));
    }
    return ia_reading_drain(links->reading, err);
}

/* Ends: a file is read again at most once for what others state of it, and the files of the allowed directories are
 * finite. */
enum ia_status ia_links_follow(struct ia_links *links, struct ia_error *err)
{
    for (bool any = true; any;) {
        IA_TRY(ia_links_resolve(links, err));
        IA_TRY(ia_links_find_file_systems(links, err));
        IA_TRY(read_again(links, &any, err));
    }
    return IA_OK;
}

/* What came after the walk, and is not as the scan before left it; and what changed. */
static enum ia_status read_late(struct ia_links *links, struct ia_error *err)
{
    struct ia_catalog *catalog = links->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *file = catalog->files.items[i];
        if (!file->look_again || file->gone)
            continue;
        file->look_again = false;
        bool is_new = file->class == IA_CLASS_NONE;
        if (is_new && file->previous == IA_NO_FILE)
            IA_TRY(ia_catalog_match_late(catalog, i, err));
        if (!is_new || !file->from_store)
            IA_TRY(read_one_again(links, i, false, err));
    }
    return ia_reading_drain(links->reading, err);
}

enum ia_status ia_links_start_over(struct ia_links *links, struct ia_error *err)
{
    IA_TRY(read_late(links, err));
    for (size_t i = 0; i < links->catalog->files.len; i++)
        links->catalog->files.items[i]->node->resolved = false;
    release_aliases(links);
    IA_TRY(ia_links_resolve_claims(links, err));
    return ia_links_follow(links, err);
}

static bool matches_any(const struct ia_file *file, const char *const *globs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; n < file->names.len; n++)
            if (ia_path_matches(file->names.items[n].path, globs[i]))
                return true;
    return false;
}

bool ia_links_may_be_base(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_scan_options *options = links->catalog->options;
    return file->node->is_referenced || file->node->is_template || ia_catalog_was_named(links->catalog, file) ||
           file->parsed->facts.hidden || ia_evidence_of_place(ia_file_path(file)) != IA_EVIDENCE_COUNT ||
           matches_any(file, options->backing_globs, options->backing_glob_count);
}

/* Written to, or exchanged, since the walk saw it. */
static bool has_changed(const struct ia_file *file)
{
    struct stat st;
    struct ia_file_key now;
    if (file->read->written_since_walk || stat(ia_file_path(file), &st) != 0)
        return true;
    ia_file_key_from_stat(&now, &st);
    return !ia_file_key_same_content(&now, &file->key);
}

/* The same of any of the image's files. */
static bool any_changed(const struct ia_links *links, const struct ia_file *file)
{
    bool changed = has_changed(file);
    for (size_t i = 0; i < file->read->parts.len && !changed; i++)
        if (file->read->parts.items[i].file != IA_NO_FILE)
            changed = has_changed(links->catalog->files.items[file->read->parts.items[i].file]);
    return changed;
}

enum ia_status ia_links_recheck(struct ia_links *links, struct ia_error *err)
{
    const struct ia_catalog *catalog = links->catalog;
    IA_AUTO_FREE enum ia_recheck *how = calloc(catalog->files.len + 1, sizeof(*how));
    if (how == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if ((ia_file_is_image(file) || file->node->is_part) && !file->not_seen)
            how[i] = ia_links_may_be_base(links, file) ? IA_RECHECK_OPENED : IA_RECHECK_LISTED;
    }
    IA_TRY(ia_reading_recheck(links->reading, how, err));
    for (size_t i = 0; i < catalog->files.len; i++)
        if (how[i] == IA_RECHECK_OPENED)
            catalog->files.items[i]->node->unsettled = any_changed(links, catalog->files.items[i]);
    return IA_OK;
}
