/* SPDX-License-Identifier: MIT */
/* VHDs that are directories, and the text files that name them: @xen-orchestra's packages/vhd-lib, VhdDirectory.js and
 * aliases.js. Such a disk is not read; what matters is what it may name (vhd_parents.c). This is what the walk finds.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "chain/reference.h"
#include "format/format.h"
#include "format/vpc/vpc.h"
#include "scan/catalog/vhd_files.h"

enum { MAX_ALIAS_BYTES = 1024 }; /* vhd-lib's, too */

static enum ia_status has_file(const char *directory, const char *name, bool *has, struct ia_error *err)
{
    struct stat st;
    IA_AUTO_FREE char *path = ia_vhd_join(directory, name);
    if (path == NULL)
        return ia_no_memory(err);
    *has = *has && lstat(path, &st) == 0 && S_ISREG(st.st_mode);
    return IA_OK;
}

enum ia_status ia_catalog_note_directory(struct ia_catalog *catalog, const char *path, struct ia_error *err)
{
    static const char *const pieces[] = {"footer", "header", "bat"};
    bool is_vhd = ia_path_has_suffix(path, ".vhd");
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
    return is_line && ia_path_has_suffix(name, ".vhd") && !ia_path_has_suffix(name, ".alias.vhd") ? name : NULL;
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

static const struct ia_vhd_alias *known_alias(const struct ia_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->vhds.aliases.len; i++)
        if (strcmp(catalog->vhds.aliases.items[i].path, path) == 0)
            return &catalog->vhds.aliases.items[i];
    return NULL;
}

enum ia_status ia_catalog_find_alias(struct ia_catalog *catalog, const char *path, const struct stat *st,
                                     const struct ia_vhd_alias **alias, struct ia_error *err)
{
    bool is_one;
    *alias = NULL;
    if (!ia_path_has_suffix(path, ".alias.vhd") || !S_ISREG(st->st_mode))
        return IA_OK;
    *alias = known_alias(catalog, path);
    if (*alias == NULL) /* where the walk does not go */
        IA_TRY(ia_catalog_is_vhd_piece(catalog, path, st, &is_one, err));
    *alias = known_alias(catalog, path);
    return IA_OK;
}

enum ia_status ia_catalog_is_vhd_piece(struct ia_catalog *catalog, const char *path, const struct stat *st, bool *is,
                                       struct ia_error *err)
{
    *is = is_piece(catalog, path, st);
    if (*is)
        ia_catalog_skip(catalog, IA_REASON_VHD_PIECE);
    if (*is || !ia_path_has_suffix(path, ".alias.vhd") || st->st_size > MAX_ALIAS_BYTES)
        return IA_OK;
    char text[MAX_ALIAS_BYTES + 1];
    size_t len;
    IA_TRY(ia_vhd_read_small(catalog, path, MAX_ALIAS_BYTES, text, &len, err));
    const char *name = alias_name(text, len);
    *is = name != NULL;
    if (!*is)
        return IA_OK;
    ia_catalog_skip(catalog, IA_REASON_VHD_ALIAS);
    return add_alias(catalog, path, name, err);
}
