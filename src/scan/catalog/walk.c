/* SPDX-License-Identifier: MIT */
/* Walking the roots. Symbolic links are never walked through: one to a file inside is one more name of that file. */
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static enum ia_status add_symlink(struct ia_catalog *catalog, const char *path, struct ia_error *err)
{
    char *copy = strdup(path);
    if (copy != NULL && ia_vec_push(&catalog->symlinks, copy))
        return IA_OK;
    free(copy);
    return ia_no_memory(err);
}

static enum ia_status add_file(struct ia_catalog *catalog, const char *path, const struct stat *st,
                               struct ia_error *err)
{
    size_t number;
    bool is_piece = false;
    IA_TRY(ia_catalog_is_vhd_piece(catalog, path, st, &is_piece, err));
    return is_piece ? IA_OK : ia_catalog_add(catalog, path, st, false, &number, err);
}

static void pass_special(struct ia_catalog *catalog, const FTSENT *entry)
{
    bool claims = ia_name_claims_image(entry->fts_path) || ia_catalog_has_raw_suffix(catalog, entry->fts_path);
    if (claims || entry->fts_level == FTS_ROOTLEVEL)
        ia_findings_add(&catalog->findings, IA_FINDING_NOT_REGULAR, entry->fts_path, "%s",
                        claims ? "named like an image, but neither a file nor a directory"
                               : "named as a root, but neither a file nor a directory nor a block device");
    ia_catalog_skip(catalog, S_ISBLK(entry->fts_statp->st_mode) ? "block-device" : "special-file");
}

static enum ia_status visit(struct ia_catalog *catalog, FTS *fts, FTSENT *entry, struct ia_error *err)
{
    switch (entry->fts_info) {
    case FTS_DP:
        return IA_OK;
    case FTS_DNR:
        ia_findings_add(&catalog->findings, IA_FINDING_UNREADABLE_DIRECTORY, entry->fts_path, "cannot list: %s",
                        strerror(entry->fts_errno));
        return IA_OK;
    case FTS_NS:
    case FTS_ERR:
        ia_findings_add(&catalog->findings, IA_FINDING_UNREADABLE, entry->fts_path, "cannot stat: %s",
                        strerror(entry->fts_errno));
        return IA_OK;
    default:
        break;
    }
    catalog->walked++;
    if (entry->fts_level > FTS_ROOTLEVEL && ia_catalog_excludes(catalog, entry->fts_path)) {
        ia_findings_add(&catalog->findings, IA_FINDING_EXCLUDED, entry->fts_path, "left out by --exclude");
        ia_catalog_skip(catalog, "excluded");
        fts_set(fts, entry, FTS_SKIP);
        return IA_OK;
    }
    switch (entry->fts_info) {
    case FTS_D:
        return ia_catalog_note_directory(catalog, entry->fts_path, err);
    case FTS_DC: /* a hard-linked or mounted circle: what is in it was found before */
        return IA_OK;
    case FTS_F:
        return add_file(catalog, entry->fts_path, entry->fts_statp, err);
    case FTS_SL:
    case FTS_SLNONE:
        return add_symlink(catalog, entry->fts_path, err);
    default:
        if (entry->fts_level == FTS_ROOTLEVEL && S_ISBLK(entry->fts_statp->st_mode))
            return add_file(catalog, entry->fts_path, entry->fts_statp, err);
        pass_special(catalog, entry);
        return IA_OK;
    }
}

static enum ia_status walk_root(struct ia_catalog *catalog, char *root, struct ia_error *err)
{
    char *paths[] = {root, NULL};
    FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (fts == NULL)
        return ia_fail_errno(err, errno, "cannot walk '%s'", root);
    enum ia_status status = IA_OK;
    FTSENT *entry;
    errno = 0;
    while (status == IA_OK && (entry = fts_read(fts)) != NULL) {
        status = visit(catalog, fts, entry, err);
        if (catalog->walked % 1024 == 0)
            ia_catalog_report(catalog, "walking");
        errno = 0;
    }
    if (status == IA_OK && errno != 0)
        status = ia_fail_errno(err, errno, "cannot walk '%s'", root);
    fts_close(fts);
    return status;
}

/* One more name of a file inside; a finding where a name inside leads to a file that is not read. */
static enum ia_status follow_symlink(struct ia_catalog *catalog, const char *path, struct ia_error *err)
{
    struct stat st;
    struct ia_error cause;
    IA_AUTO_FREE char *target = NULL;
    enum ia_status resolved = ia_confine_resolve(&catalog->confine, path, &target, &cause);
    if (resolved == IA_MISSING && ia_name_claims_image(path))
        ia_findings_add(&catalog->findings, IA_FINDING_SYMLINK_DANGLING, path, "leads nowhere");
    if (resolved == IA_LOOP && ia_name_claims_image(path))
        ia_findings_add(&catalog->findings, IA_FINDING_SYMLINK_DANGLING, path, "leads in a circle");
    bool there = target != NULL && stat(target, &st) == 0;
    bool file = there && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
    bool outside = resolved == IA_REFUSED && (file || (there && S_ISDIR(st.st_mode)));
    if (!file && !outside) {
        ia_catalog_skip(catalog, "symlink");
        return IA_OK;
    }
    if (outside) {
        ia_findings_add(&catalog->findings, IA_FINDING_SYMLINK_OUTSIDE, path,
                        "leads to '%s', outside the roots: not read", target);
        ia_catalog_skip(catalog, "symlink");
        return IA_OK;
    }
    size_t number = ia_catalog_find(catalog, (int64_t)st.st_dev, (int64_t)st.st_ino);
    if (number == IA_NO_FILE) { /* in an --allow directory, which is not walked: it may be an image all the same */
        enum ia_status status = ia_catalog_add(catalog, target, &st, false, &number, err);
        if (status != IA_OK)
            return status;
    }
    return ia_catalog_add(catalog, path, &st, true, &number, err);
}

/* Roots are canonical. It lies in another one, or is the same as one before it. */
static bool is_covered(const struct ia_catalog *catalog, size_t root)
{
    const char *path = catalog->confine.allowed.items[root].path;
    for (size_t i = 0; i < catalog->options->root_count; i++) {
        const struct ia_allowed *other = &catalog->confine.allowed.items[i];
        const char *rest = i == root ? NULL : ia_path_below(path, other->path);
        if (rest != NULL && (rest[0] == '\0' ? i < root : other->fd >= 0))
            return true;
    }
    return false;
}

enum ia_status ia_catalog_walk(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->options->root_count; i++)
        if (!is_covered(catalog, i))
            IA_TRY(walk_root(catalog, catalog->confine.allowed.items[i].path, err));
    for (size_t i = 0; i < catalog->symlinks.len; i++)
        IA_TRY(follow_symlink(catalog, catalog->symlinks.items[i], err));
    return ia_catalog_judge_vhds(catalog, err);
}
