/* SPDX-License-Identifier: MIT */
/* What VHDs that are directories may name, and where the names of such lead: after the walk. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chain/reference.h"
#include "format/vpc/vpc.h"
#include "scan/catalog/vhd_files.h"

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static const char *target_of(const struct ia_vhd_alias *alias)
{
    return alias->target != NULL ? alias->target : "";
}

static int by_target(const void *left, const void *right)
{
    return strcmp(target_of(left), target_of(right));
}

/* A directory that was listed again was kept again. */
static void drop_repeated(struct ia_vhd_directories *vhds)
{
    size_t kept = 0;
    for (size_t i = 0; i < vhds->paths.len; i++) {
        if (kept > 0 && strcmp(vhds->paths.items[kept - 1], vhds->paths.items[i]) == 0)
            free(vhds->paths.items[i]);
        else
            vhds->paths.items[kept++] = vhds->paths.items[i];
    }
    vhds->paths.len = kept;
}

static enum ia_status sort(struct ia_vhd_directories *vhds, struct ia_error *err)
{
    if (vhds->paths.len > 0)
        qsort(vhds->paths.items, vhds->paths.len, sizeof(vhds->paths.items[0]), by_bytes);
    drop_repeated(vhds);
    if (!ia_vec_reserve(&vhds->known, vhds->paths.len + vhds->aliases.len))
        return ia_no_memory(err);
    for (size_t i = 0; i < vhds->paths.len; i++)
        vhds->known.items[vhds->known.len++] = vhds->paths.items[i];
    for (size_t i = 0; i < vhds->aliases.len; i++)
        vhds->known.items[vhds->known.len++] = vhds->aliases.items[i].path;
    if (vhds->aliases.len > 0)
        qsort(vhds->aliases.items, vhds->aliases.len, sizeof(vhds->aliases.items[0]), by_target);
    if (vhds->known.len > 0)
        qsort(vhds->known.items, vhds->known.len, sizeof(vhds->known.items[0]), by_bytes);
    return IA_OK;
}

static bool is_directory(const struct ia_vhd_directories *vhds, const char *path)
{
    return vhds->paths.len > 0 &&
           bsearch(&path, vhds->paths.items, vhds->paths.len, sizeof(vhds->paths.items[0]), by_bytes) != NULL;
}

/* A directory or an alias. */
static bool is_known(const struct ia_vhd_directories *vhds, const char *path)
{
    return vhds->known.len > 0 &&
           bsearch(&path, vhds->known.items, vhds->known.len, sizeof(vhds->known.items[0]), by_bytes) != NULL;
}

/* The place of the first alias that leads to the path, or of what would come behind it. */
static size_t first_alias(const struct ia_vhd_directories *vhds, const char *path)
{
    size_t low = 0;
    for (size_t high = vhds->aliases.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(target_of(&vhds->aliases.items[middle]), path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* What a parent's name leads to, from all places that it may be relative to. */
struct parent {
    bool found; /* another directory or alias, which is no candidate for anything */
    bool other; /* a file that may be one */
};

static enum ia_status look_for_parent(const struct ia_catalog *catalog, const char *from, const char *name,
                                      struct parent *parent, struct ia_error *err)
{
    struct ia_error cause;
    struct stat st;
    IA_AUTO_FREE char *named = ia_reference_combine(from, name);
    IA_AUTO_FREE char *path = NULL;
    if (named == NULL)
        return ia_no_memory(err);
    if (ia_confine_resolve(&catalog->confine, named, &path, &cause) != IA_OK)
        return IA_OK;
    if (is_known(&catalog->vhds, path))
        parent->found = true;
    else
        parent->other = parent->other || lstat(path, &st) == 0;
    return IA_OK;
}

/* *hides: it may name a file that could be meant. vhd-lib takes a parent's name from beside the alias, where there is
 * one, else from beside the directory. */
static enum ia_status judge_parent(const struct ia_catalog *catalog, const char *directory, const char *name,
                                   bool *hides, struct ia_error *err)
{
    struct parent parent = {0};
    IA_TRY(look_for_parent(catalog, directory, name, &parent, err));
    for (size_t i = first_alias(&catalog->vhds, directory); i < catalog->vhds.aliases.len; i++) {
        const struct ia_vhd_alias *alias = &catalog->vhds.aliases.items[i];
        if (strcmp(target_of(alias), directory) != 0)
            break;
        IA_TRY(look_for_parent(catalog, alias->path, name, &parent, err));
    }
    *hides = !parent.found || parent.other;
    return IA_OK;
}

static enum ia_status judge_directory(struct ia_catalog *catalog, const char *directory, struct ia_error *err)
{
    char footer[IA_VPC_FOOTER_BYTES + 1] = {0};
    char header[IA_VPC_HEADER_BYTES + 1] = {0};
    size_t len;
    struct ia_error cause = {.message = ""};
    bool hides = true;
    IA_AUTO_FREE char *parent = NULL;
    IA_AUTO_FREE char *footer_path = ia_vhd_join(directory, "footer");
    IA_AUTO_FREE char *header_path = ia_vhd_join(directory, "header");
    if (footer_path == NULL || header_path == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_vhd_read_small(catalog, footer_path, sizeof(footer) - 1, footer, &len, err));
    IA_TRY(ia_vhd_read_small(catalog, header_path, sizeof(header) - 1, header, &len, err));
    enum ia_status status = ia_vpc_read_pieces((const uint8_t *)footer, (const uint8_t *)header, &parent, &cause);
    if (status == IA_NOMEM)
        return ia_no_memory(err);
    if (status == IA_OK && parent != NULL)
        IA_TRY(judge_parent(catalog, directory, parent, &hides, err));
    else
        hides = status != IA_OK;
    (hides ? ia_findings_add : ia_findings_add_open)(
        &catalog->findings, IA_FINDING_UNSUPPORTED, directory, "a VHD as a directory of files, not read%s%s%s%s",
        status != IA_OK ? ": " : "", cause.message, parent != NULL ? "; its parent is " : "",
        parent != NULL ? parent : "");
    return IA_OK;
}

/* It leads to something that is read, or has a finding of its own. */
static bool leads_somewhere(const struct ia_catalog *catalog, const struct ia_vhd_alias *alias)
{
    struct stat st;
    if (alias->target == NULL || !ia_catalog_is_below_a_root(catalog, alias->target))
        return false;
    return is_directory(&catalog->vhds, alias->target) ||
           (lstat(alias->target, &st) == 0 && S_ISREG(st.st_mode) &&
            ia_catalog_find(catalog, (int64_t)st.st_dev, (int64_t)st.st_ino) != IA_NO_FILE);
}

bool ia_catalog_is_vhd(const struct ia_catalog *catalog, const char *path)
{
    return is_known(&catalog->vhds, path);
}

enum ia_status ia_catalog_judge_vhds(struct ia_catalog *catalog, struct ia_error *err)
{
    IA_TRY(sort(&catalog->vhds, err));
    for (size_t i = 0; i < catalog->vhds.paths.len; i++)
        IA_TRY(judge_directory(catalog, catalog->vhds.paths.items[i], err));
    for (size_t i = 0; i < catalog->vhds.aliases.len; i++) {
        const struct ia_vhd_alias *alias = &catalog->vhds.aliases.items[i];
        if (!leads_somewhere(catalog, alias))
            ia_findings_add(&catalog->findings, IA_FINDING_UNSUPPORTED, alias->path,
                            "the name of a VHD that was not found or not read%s%s", alias->target != NULL ? ": " : "",
                            target_of(alias));
    }
    return IA_OK;
}
