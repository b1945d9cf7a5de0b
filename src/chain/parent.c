/* SPDX-License-Identifier: MIT */
/* Finding parents by path or identity, and comparing who they are with who they should be. */
#include "chain/parent.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* Files looked at in one directory: a bound on what a search may cost. */
enum { MAX_CANDIDATES = 10000 };

enum ia_status ia_parent_by_path(const char *name, const struct ia_image_facts *facts, const struct ia_confine *confine,
                                 struct ia_resolved *file, struct ia_error *err)
{
    const struct ia_resolve_rules rules = {.confine = confine};
    for (size_t i = 0; i < facts->backing_paths.len; i++) {
        IA_AUTO_RESOLVED struct ia_resolved found = {0};
        enum ia_status status = ia_resolve_path(&rules, name, facts->backing_paths.items[i], &found, err);
        if (status != IA_OK)
            return status;
        if (i > 0 && found.state != IA_RESOLVE_FOLLOWED)
            continue;
        ia_resolved_release(file);
        *file = found;
        found = (struct ia_resolved){0}; /* moved */
        if (file->state == IA_RESOLVE_FOLLOWED)
            break;
    }
    return IA_OK;
}

/* Whether the file is an image of this format with this identity. What cannot be opened is not. */
static bool has_identity(const char *path, const char *identity, const struct ia_format *format,
                         const struct ia_chain_options *options)
{
    const struct ia_resolve_rules rules = {.confine = options->confine};
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    struct ia_source *source = NULL;
    struct ia_image *image = NULL;
    uint8_t head[IA_PROBE_BYTES] = {0};
    struct ia_error err;
    if (ia_resolve_path(&rules, NULL, path, &file, &err) != IA_OK ||
        ia_resolved_open(options->confine, &file, &source, &err) != IA_OK)
        return false;
    bool same = ia_source_read(source, 0, head, sizeof(head), "the first bytes", &err) == IA_OK &&
                format->probe(head, sizeof(head)) &&
                ia_image_open(format, source, options->limits, &image, &err) == IA_OK &&
                strcmp(image->identity.own, identity) == 0;
    if (image != NULL)
        ia_image_close(image);
    else
        ia_source_close(source);
    return same;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat x;
    struct stat y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Looks through one directory. More than one file with the identity: which is meant is unknown. */
static enum ia_status search(const char *directory, const char *child, const char *identity,
                             const struct ia_format *format, const struct ia_chain_options *options, char **path,
                             struct ia_error *err)
{
    DIR *dir = opendir(directory);
    if (dir == NULL)
        return IA_OK;
    enum ia_status status = IA_OK;
    const struct dirent *entry;
    int looked_at = 0;
    while (status == IA_OK && (entry = readdir(dir)) != NULL) { /* ends: a directory does, and there is the bound */
        IA_AUTO_FREE char *candidate = NULL;
        if (asprintf(&candidate, "%s/%s", directory, entry->d_name) < 0) {
            candidate = NULL;
            status = ia_no_memory(err);
        } else if (++looked_at > MAX_CANDIDATES) {
            status = ia_fail(err, IA_LIMIT, "more than %d files beside it to look for its parent in", MAX_CANDIDATES);
        } else if (is_same_file(candidate, child) || !has_identity(candidate, identity, format, options)) {
            continue;
        } else if (*path == NULL) {
            *path = ia_steal_ptr(candidate);
        } else if (!is_same_file(candidate, *path)) {
            status = ia_fail(err, IA_REFUSED, "'%s' and '%s' both have the parent's identity, %s", *path, candidate,
                             identity);
        }
    }
    closedir(dir);
    return status;
}

enum ia_status ia_parent_by_identity(const char *name, const char *identity, const struct ia_format *format,
                                     const struct ia_chain_options *options, struct ia_resolved *file,
                                     struct ia_error *err)
{
    static const char *const places[] = {".", ".."};
    const struct ia_resolve_rules rules = {.confine = options->confine};
    IA_AUTO_FREE char *found = NULL;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && status == IA_OK && found == NULL; i++) {
        IA_AUTO_FREE char *directory = ia_reference_combine(name, places[i]);
        status =
            directory == NULL ? ia_no_memory(err) : search(directory, name, identity, format, options, &found, err);
    }
    if (status == IA_OK && found == NULL)
        status = ia_fail(err, IA_MISSING, "no image of identity %s beside it or in the directory above", identity);
    return status == IA_OK ? ia_resolve_path(&rules, NULL, found, file, err) : status;
}

static bool differ(const char *expected, const char *is)
{
    return expected[0] != '\0' && is[0] != '\0' && strcmp(expected, is) != 0;
}

enum ia_status ia_parent_compare(const struct ia_image_identity *child, const struct ia_image_identity *parent,
                                 char **difference, struct ia_error *err)
{
    int printed = 0;
    *difference = NULL;
    if (differ(child->parent, parent->own))
        printed = asprintf(difference, "expects a parent with %s, and it has %s", child->parent, parent->own);
    else if (differ(child->parent_stamp, parent->own_stamp))
        printed = asprintf(difference, "its parent was modified since: expected %s, and it has %s", child->parent_stamp,
                           parent->own_stamp);
    return printed < 0 ? ia_no_memory(err) : IA_OK;
}

enum ia_status ia_parent_compare_lengths(const struct ia_format *format, int64_t child, int64_t parent,
                                         char **difference, struct ia_error *err)
{
    *difference = NULL;
    bool fits = format == NULL || !format->backing_must_fit || parent <= child;
    if (!fits && asprintf(difference, "it has %jd guest bytes, more than the %jd of what was made on it",
                          (intmax_t)parent, (intmax_t)child) < 0)
        return ia_no_memory(err);
    return IA_OK;
}
