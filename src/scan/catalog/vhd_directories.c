/* SPDX-License-Identifier: MIT */
/* VHDs that are directories, and the text files that name them: @xen-orchestra's packages/vhd-lib, VhdDirectory.js and
 * aliases.js. Such a disk is not read; what matters is what it may name. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "chain/reference.h"
#include "format/format.h"
#include "format/vpc/vpc.h"
#include "scan/catalog/catalog.h"

enum { MAX_ALIAS_BYTES = 1024 }; /* vhd-lib's, too */

static char *join(const char *directory, const char *name)
{
    struct ia_buf path = {0};
    ia_buf_add_str(&path, directory);
    ia_buf_add_char(&path, '/');
    ia_buf_add_str(&path, name);
    return ia_buf_steal(&path);
}

/* -- During the walk -------------------------------------------------------------------------------------------------
 */

static enum ia_status has_file(const char *directory, const char *name, bool *has, struct ia_error *err)
{
    struct stat st;
    IA_AUTO_FREE char *path = join(directory, name);
    if (path == NULL)
        return ia_no_memory(err);
    *has = *has && lstat(path, &st) == 0 && S_ISREG(st.st_mode);
    return IA_OK;
}

enum ia_status ia_catalog_note_directory(struct ia_catalog *catalog, const char *path, struct ia_error *err)
{
    static const char *const pieces[] = {"footer", "header", "bat"};
    bool is_vhd = ia_format_has_suffix(path, ".vhd");
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]) && is_vhd; i++)
        IA_TRY(has_file(path, pieces[i], &is_vhd, err));
    if (!is_vhd)
        return IA_OK;
    char *copy = strdup(path);
    if (copy != NULL && ia_vec_push(&catalog->vhds.paths, copy))
        return IA_OK;
    free(copy);
    return ia_no_memory(err);
}

/* "N/M", numbers both: a block, as guests write them. */
static bool is_block(const char *path)
{
    size_t first = strspn(path, "0123456789");
    size_t second = path[first] == '/' ? strspn(path + first + 1, "0123456789") : 0;
    return first > 0 && second > 0 && path[first + 1 + second] == '\0';
}

/* Below the directory that the walk entered last. A footer alone looks like a damaged VHD; a larger file of that name
 * is none. Other pieces look like nothing, and are read as all files are. */
static bool is_piece(const struct ia_catalog *catalog, const char *path, const struct stat *st)
{
    size_t count = catalog->vhds.paths.len;
    const char *rest = count == 0 ? NULL : ia_path_below(path, catalog->vhds.paths.items[count - 1]);
    if (rest == NULL)
        return false;
    const char *block = ia_path_below(rest, "blocks");
    return (strcmp(rest, "footer") == 0 && st->st_size <= IA_VPC_FOOTER_BYTES) || (block != NULL && is_block(block));
}

/* The first bytes of a file, with a NUL behind them; *len: how many there are. A file that cannot be read has none. */
static enum ia_status read_small(const struct ia_catalog *catalog, const char *path, size_t most, char *out,
                                 size_t *len, struct ia_error *err)
{
    struct stat st;
    struct ia_error cause;
    struct ia_source *source = NULL;
    IA_AUTO_CLOSE int fd = -1;
    *len = 0;
    out[0] = '\0';
    enum ia_status status = ia_confine_open(&catalog->confine, path, &fd, &st, &cause);
    if (status == IA_OK && (status = ia_source_open_fd(fd, &source, &cause)) == IA_OK)
        ia_steal_fd(&fd);
    if (status == IA_OK && source->size <= (int64_t)most)
        status = ia_source_read(source, 0, out, (size_t)source->size, "a small file", &cause);
    if (status == IA_OK && source->size <= (int64_t)most)
        *len = (size_t)source->size;
    out[*len] = '\0';
    ia_source_close(source);
    return status == IA_NOMEM ? ia_no_memory(err) : IA_OK;
}

/* A name of another VHD, and nothing else. White space around it does not count. */
static char *alias_name(char *text, size_t len)
{
    static const char blanks[] = " \t\r\n";
    char *name = text + strspn(text, blanks);
    if (strlen(text) != len)
        return NULL;
    for (size_t end = strlen(name); end > 0 && strchr(blanks, name[end - 1]) != NULL; end--)
        name[end - 1] = '\0';
    bool is_line = strpbrk(name, "\r\n") == NULL;
    return is_line && ia_format_has_suffix(name, ".vhd") && !ia_format_has_suffix(name, ".alias.vhd") ? name : NULL;
}

static enum ia_status add_alias(struct ia_catalog *catalog, const char *path, const char *name, struct ia_error *err)
{
    struct ia_error cause;
    IA_AUTO_FREE char *named = ia_reference_combine(path, name);
    struct ia_vhd_alias alias = {.path = strdup(path)};
    if (named == NULL || alias.path == NULL) {
        free(alias.path);
        return ia_no_memory(err);
    }
    if (ia_confine_resolve(&catalog->confine, named, &alias.target, &cause) != IA_OK) {
        free(alias.target);
        alias.target = NULL;
    }
    if (ia_vec_push(&catalog->vhds.aliases, alias))
        return IA_OK;
    free(alias.path);
    free(alias.target);
    return ia_no_memory(err);
}

enum ia_status ia_catalog_is_vhd_piece(struct ia_catalog *catalog, const char *path, const struct stat *st, bool *is,
                                       struct ia_error *err)
{
    *is = is_piece(catalog, path, st);
    if (*is)
        ia_catalog_skip(catalog, "vhd-piece");
    if (*is || !ia_format_has_suffix(path, ".alias.vhd") || st->st_size > MAX_ALIAS_BYTES)
        return IA_OK;
    char text[MAX_ALIAS_BYTES + 1];
    size_t len;
    IA_TRY(read_small(catalog, path, MAX_ALIAS_BYTES, text, &len, err));
    const char *name = alias_name(text, len);
    *is = name != NULL;
    if (!*is)
        return IA_OK;
    ia_catalog_skip(catalog, "vhd-alias");
    return add_alias(catalog, path, name, err);
}

/* -- After it --------------------------------------------------------------------------------------------------------
 */

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
    IA_AUTO_FREE char *footer_path = join(directory, "footer");
    IA_AUTO_FREE char *header_path = join(directory, "header");
    if (footer_path == NULL || header_path == NULL)
        return ia_no_memory(err);
    IA_TRY(read_small(catalog, footer_path, sizeof(footer) - 1, footer, &len, err));
    IA_TRY(read_small(catalog, header_path, sizeof(header) - 1, header, &len, err));
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
