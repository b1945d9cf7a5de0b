/* SPDX-License-Identifier: MIT */
/* Following what images name: backing files, from each of an image's names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "chain/reference.h"
#include "scan/graph/content.h"
#include "scan/graph/identities.h"
#include "scan/graph/links.h"
#include "scan/graph/nested.h"

/* What an image names as its backing file. */
struct named {
    const struct ia_reference *reference;
    const char *format; /* that the image states, NULL: none */
    enum ia_files_read allowed;
};

/* The first file that is found counts; without one, the first name that was looked up. */
static enum ia_status keep_backing(struct ia_links *links, size_t image, const char *name, struct ia_resolved *file,
                                   size_t target, struct ia_error *err)
{
    struct ia_file *overlay = links->catalog->files.items[image];
    bool found = target != IA_NO_FILE;
    if (overlay->node->backing_state == IA_RESOLVE_NONE || (found && overlay->node->backing == IA_NO_FILE)) {
        overlay->node->backing_state = file->state;
        overlay->node->backing = overlay->node->backing_target = target;
        free(overlay->node->backing_path);
        overlay->node->backing_path = ia_steal_ptr(file->path);
        return IA_OK;
    }
    return found && target != overlay->node->backing
               ? ia_links_add_alias(links, IA_ALIAS_NAME, image, target, name, file->path, err)
               : IA_OK;
}

/* An overlay opens the image from another directory, and from there its backing file cannot be followed. */
static void report_broken_alias(struct ia_links *links, size_t image, const struct ia_resolved *file)
{
    enum ia_finding_code code =
        file->found == IA_RESOLVE_MISSING ? IA_FINDING_BACKING_MISSING : IA_FINDING_BACKING_OUTSIDE;
    ia_findings_add(&links->catalog->findings, code, ia_file_path(links->catalog->files.items[image]),
                    "named from another directory, its backing file is '%s' (%s)", file->named,
                    ia_resolve_word(file->found));
}

/* A text file that names another VHD is that one. As a directory of files that is not read, and no file. */
static enum ia_status go_by_alias(struct ia_links *links, struct ia_resolved *file, struct ia_error *err)
{
    const struct ia_vhd_alias *alias = NULL;
    struct stat st;
    if (file->found == IA_RESOLVE_FOLLOWED)
        IA_TRY(ia_catalog_find_alias(links->catalog, file->path, &file->st, &alias, err));
    if (alias == NULL)
        return IA_OK;
    bool there = alias->target != NULL && lstat(alias->target, &st) == 0;
    if (there && S_ISREG(st.st_mode)) {
        free(file->path);
        free(file->named);
        file->path = strdup(alias->target);
        file->named = strdup(alias->target);
        file->st = st;
        return file->path != NULL && file->named != NULL ? IA_OK : ia_no_memory(err);
    }
    file->state = file->found = there ? IA_RESOLVE_NOT_A_FILE : IA_RESOLVE_MISSING;
    ia_fail(&file->cause, there ? IA_UNSUPPORTED : IA_MISSING, "'%s' names a VHD that %s", file->path,
            there ? "is a directory of files" : "was not found");
    return IA_OK;
}

/* From one name of the image; by_alias: a name that only overlays have for it. *deferred: it leads to a file that may
 * not be added yet. */
static enum ia_status follow_from(struct ia_links *links, size_t image, const char *name, bool by_alias,
                                  const struct named *backing, bool *deferred, struct ia_error *err)
{
    const struct ia_resolve_rules rules = ia_links_rules(links);
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    size_t target = IA_NO_FILE;
    IA_TRY(ia_resolve(&rules, name, backing->reference, backing->format, &file, err));
    IA_TRY(go_by_alias(links, &file, err));
    IA_TRY(ia_links_file_or_new(links, &file, backing->allowed, &target, err));
    *deferred = file.found == IA_RESOLVE_FOLLOWED && target == IA_NO_FILE;
    if (*deferred)
        return IA_OK;
    if (by_alias && target == IA_NO_FILE)
        report_broken_alias(links, image, &file);
    IA_TRY(keep_backing(links, image, name, &file, target, err));
    return target != IA_NO_FILE ? ia_links_add_directory(links, target, file.named, err) : IA_OK;
}

/* The first name of the image from which the reference can be followed decides; other names that lead elsewhere are
 * kept as aliases, so that what they lead to is never called unused. */
static enum ia_status follow(struct ia_links *links, size_t image, const struct named *backing, bool *deferred,
                             struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[image];
    const char *path = backing->reference->path;
    bool relative = path != NULL && path[0] != '/';
    size_t names = relative ? file->names.len : 1;
    size_t aliases = relative ? file->node->alias_directories.len : 0;
    for (size_t i = 0; i < names && !*deferred; i++)
        IA_TRY(follow_from(links, image, file->names.items[i].path, false, backing, deferred, err));
    for (size_t i = 0; i < aliases && !*deferred; i++) {
        IA_AUTO_FREE char *name = NULL;
        if (asprintf(&name, "%s/.", file->node->alias_directories.items[i]) < 0)
            return ia_no_memory(err);
        IA_TRY(follow_from(links, image, name, true, backing, deferred, err));
    }
    return IA_OK;
}

/* A parent called by host paths: the first that can be followed counts, and others that can are kept as aliases. */
static enum ia_status resolve_paths(struct ia_links *links, size_t image, enum ia_files_read allowed, bool *deferred,
                                    struct ia_error *err)
{
    enum ia_status status = IA_OK;
    size_t count = links->catalog->files.items[image]->parsed->facts.backing_paths.len;
    for (size_t i = 0; i < count && status == IA_OK && !*deferred; i++) {
        const struct ia_image_facts *facts = &links->catalog->files.items[image]->parsed->facts;
        const struct ia_reference reference = {.kind = IA_REFERENCE_PATH, .path = facts->backing_paths.items[i]};
        status = follow(links, image, &(struct named){.reference = &reference, .allowed = allowed}, deferred, err);
    }
    const struct ia_file *file = links->catalog->files.items[image];
    if (status == IA_OK && !*deferred && file->node->backing != IA_NO_FILE)
        status = ia_links_state_format(links, image, file->parsed->facts.backing_format, err);
    return status;
}

/* How near the file is to a directory, which ends in a slash: the bytes of the directory of that of its names that lies
 * in it, or else in the nearest one above; 0: none does. */
static size_t nearness(const struct ia_file *file, const char *directory, size_t len)
{
    size_t nearest = 0;
    for (size_t i = 0; i < file->names.len; i++) {
        const char *path = file->names.items[i].path;
        size_t own = ia_path_directory_length(path);
        if (own <= len && strncmp(path, directory, own) == 0)
            nearest = ia_max(nearest, own);
    }
    return nearest;
}

/* Of the images with the identity that this one's parent has: the only one, or the nearest to this name of the image.
 * Copies of a machine's directory have identities in common, and each machine uses what lies in its own. */
static enum ia_resolve_state find_parent(const struct ia_links *links, size_t image, const char *name, size_t *target)
{
    struct ia_file *const *items = links->catalog->files.items;
    const struct ia_parsed *parsed = items[image]->parsed;
    const char *wanted = ia_parsed_identity(parsed)->parent;
    const struct ia_identities *known = &links->identities;
    size_t len = ia_path_directory_length(name);
    size_t nearest = 0;
    size_t found = 0; /* as near as the nearest */
    for (size_t i = ia_identities_find(known, links->catalog, parsed->format, wanted); i < known->sorted.len; i++) {
        size_t number = known->sorted.items[i];
        if (!ia_identity_is(items[number], parsed->format, wanted))
            break;
        size_t near = nearness(items[number], name, len);
        if (number == image || (found > 0 && near < nearest))
            continue;
        found = found > 0 && near == nearest ? found + 1 : 1;
        nearest = near;
        *target = number;
    }
    if (found == 0)
        return IA_RESOLVE_MISSING;
    return found == 1 ? IA_RESOLVE_FOLLOWED : IA_RESOLVE_SEVERAL;
}

/* A parent that is known by who it is: among all images of the scan. The first name of the image that decides counts;
 * the judge takes all of that identity for what may be meant. */
static enum ia_status resolve_identity(struct ia_links *links, size_t image, struct ia_error *err)
{
    struct ia_file **items = links->catalog->files.items;
    struct ia_node *node = items[image]->node;
    size_t target = IA_NO_FILE;
    for (size_t i = 0; i < items[image]->names.len && node->backing_state != IA_RESOLVE_FOLLOWED; i++)
        node->backing_state = find_parent(links, image, items[image]->names.items[i].path, &target);
    if (node->backing_state != IA_RESOLVE_FOLLOWED)
        return IA_OK;
    node->backing = node->backing_target = target;
    node->backing_path = strdup(ia_file_path(items[target]));
    return node->backing_path == NULL
               ? ia_no_memory(err)
               : ia_links_state_format(links, image, items[image]->parsed->facts.backing_format, err);
}

static enum ia_status resolve_reference(struct ia_links *links, size_t image, enum ia_files_read allowed,
                                        bool *deferred, struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[image];
    const struct ia_image_facts *facts = &file->parsed->facts;
    const char *stated = facts->backing_format;
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    enum ia_status status = ia_reference_parse(facts->backing_name, &reference, err);
    if (status == IA_OK)
        status = follow(links, image, &(struct named){&reference, stated, allowed}, deferred, err);
    if (status != IA_OK || *deferred || file->node->backing == IA_NO_FILE)
        return status;
    const char *format = stated != NULL ? stated : reference.format;
    return ia_links_state_format(links, image, file->node->backing_state == IA_RESOLVE_UNSUPPORTED ? NULL : format,
                                 err);
}

static enum ia_status resolve_backing(struct ia_links *links, size_t image, enum ia_files_read allowed, bool *deferred,
                                      struct ia_error *err)
{
    const struct ia_image_facts *facts = &links->catalog->files.items[image]->parsed->facts;
    if (facts->backing_by_identity)
        return resolve_identity(links, image, err);
    return facts->backing_paths.len > 0 ? resolve_paths(links, image, allowed, deferred, err)
                                        : resolve_reference(links, image, allowed, deferred, err);
}

static enum ia_status resolve_file(struct ia_links *links, size_t number, enum ia_files_read allowed,
                                   struct ia_error *err)
{
    const struct ia_file *file = links->catalog->files.items[number];
    struct ia_node *node = file->node;
    bool deferred = false;
    node->resolved = true;
    node->backing = node->backing_target = IA_NO_FILE;
    node->backing_state = IA_RESOLVE_NONE;
    free(node->backing_path);
    node->backing_path = NULL;
    if (file->parsed->facts.backing_name != NULL)
        IA_TRY(resolve_backing(links, number, allowed, &deferred, err));
    if (!deferred)
        IA_TRY(ia_links_resolve_nested(links, number, allowed, &deferred, err));
    node->resolved = !deferred;
    if (deferred)
        return IA_OK;
    IA_TRY(ia_links_resolve_parts(links, number, err));
    return ia_links_resolve_content(links, number, err);
}

/* An overlay states another format than the content's: what the content names is not opened. */
static bool is_doubted(const struct ia_file *file)
{
    return file->node->stated_format != NULL && strcmp(file->node->stated_format, file->parsed->format) != 0 &&
           !file->node->reread;
}

/* One round over everything that is not resolved yet; *any: there was something. */
static enum ia_status resolve_round(struct ia_links *links, enum ia_files_read allowed, size_t count, bool *any,
                                    struct ia_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct ia_file *file = links->catalog->files.items[i];
        bool readable = ia_file_is_image(file) && file->has_parsed;
        if (!readable || file->node->resolved || (allowed == IA_NEW_FILES && is_doubted(file)))
            continue;
        IA_TRY(resolve_file(links, i, allowed, err));
        *any = *any || links->catalog->files.items[i]->node->resolved;
    }
    return IA_OK;
}

/* References among files that the walk found come first, so that every format that is stated is known before a file
 * that only a reference names is read. Ends: a file goes back to unresolved only with one more directory to look from.
 */
enum ia_status ia_links_resolve(struct ia_links *links, struct ia_error *err)
{
    IA_TRY(ia_identities_sort(&links->identities, links->catalog, err));
    size_t count = links->catalog->files.len; /* what is added is resolved in the next round, after it was read */
    for (enum ia_files_read allowed = IA_KNOWN_FILES; allowed <= IA_NEW_FILES; allowed++) {
        bool any = true;
        while (any) {
            any = false;
            IA_TRY(resolve_round(links, allowed, count, &any, err));
        }
    }
    IA_TRY(ia_links_restore_unseen(links, err));
    ia_links_mark_parts(links);
    return ia_links_mark_companions(links, err);
}
