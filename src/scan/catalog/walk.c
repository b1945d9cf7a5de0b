/* SPDX-License-Identifier: MIT */
/* Walking the roots. Symbolic links are never walked through: one to a file inside is one more name of that file. */
#include <errno.h>
#include <fts.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/inventory.h"
#include "scan/catalog/catalog.h"

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* A walk of one root, or the second look at one directory. */
struct walk {
    struct ia_catalog *catalog;
    FTS *fts;
    bool again; /* the top and what is directly in it were found before, as a rule */
};

static bool was_met(const struct walk *walk, const FTSENT *entry)
{
    return walk->again && entry->fts_level <= FTS_ROOTLEVEL + 1;
}

static void report(const struct walk *walk, const FTSENT *entry, enum ia_finding_code code, const char *words,
                   const char *cause)
{
    struct ia_findings *findings = &walk->catalog->findings;
    if (!was_met(walk, entry) || !ia_findings_have(findings, code, entry->fts_path))
        ia_findings_add(findings, code, entry->fts_path, "%s%s", words, cause);
}

static void count_skipped(const struct walk *walk, const FTSENT *entry, enum ia_skip_reason reason)
{
    if (!was_met(walk, entry))
        ia_catalog_skip(walk->catalog, reason);
}

/* File systems that hold no files of anybody, but views of the kernel. */
static bool is_pseudo(const char *path)
{
    static const unsigned magics[] = {
        PROC_SUPER_MAGIC,
        SYSFS_MAGIC,
        CGROUP_SUPER_MAGIC,
        CGROUP2_SUPER_MAGIC,
        DEVPTS_SUPER_MAGIC,
        DEBUGFS_MAGIC,
        TRACEFS_MAGIC,
        SECURITYFS_MAGIC,
        BPF_FS_MAGIC,
        PSTOREFS_MAGIC,
        EFIVARFS_MAGIC,
        BINFMTFS_MAGIC,
        SELINUX_MAGIC,
        SMACK_MAGIC,
        NSFS_MAGIC,
        0x19800202 /* mqueue */,
        0x62656570 /* configfs */,
        0x65735543 /* fusectl */,
        0x67596969 /* rpc_pipefs */,
    };
    struct statfs fs;
    if (statfs(path, &fs) != 0)
        return false;
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
        if ((unsigned)fs.f_type == magics[i])
            return true;
    return false;
}

static bool is_mount(const FTSENT *entry)
{
    return entry->fts_level == FTS_ROOTLEVEL || entry->fts_statp->st_dev != entry->fts_parent->fts_statp->st_dev;
}

static enum ia_status enter(const struct walk *walk, FTSENT *entry, struct ia_error *err)
{
    bool is_known = walk->again && entry->fts_level == FTS_ROOTLEVEL + 1 &&
                    ia_catalog_was_walked(walk->catalog, entry->fts_path, entry->fts_statp);
    if (is_known) {
        fts_set(walk->fts, entry, FTS_SKIP);
        return IA_OK;
    }
    if (is_mount(entry) && is_pseudo(entry->fts_accpath)) {
        report(walk, entry, IA_FINDING_PSEUDO, "a view of the kernel (proc, sysfs, ...) and no storage: not walked",
               "");
        fts_set(walk->fts, entry, FTS_SKIP);
        return IA_OK;
    }
    IA_TRY(ia_catalog_note_directory(walk->catalog, entry->fts_path, err));
    return ia_catalog_add_directory(walk->catalog, entry->fts_path, entry->fts_statp, err);
}

static enum ia_status add_beside(const struct walk *walk, const FTSENT *entry, struct ia_error *err)
{
    char *copy = strdup(entry->fts_path);
    if (copy != NULL && ia_vec_push(&walk->catalog->beside, copy))
        return IA_OK;
    free(copy);
    return ia_no_memory(err);
}

static enum ia_status add_symlink(const struct walk *walk, const FTSENT *entry, struct ia_error *err)
{
    if (ia_inventory_is_beside(&walk->catalog->beside_walk, entry->fts_path, true))
        IA_TRY(add_beside(walk, entry, err));
    char *copy = strdup(entry->fts_path);
    if (copy != NULL && ia_vec_push(&walk->catalog->symlinks, copy))
        return IA_OK;
    free(copy);
    return ia_no_memory(err);
}

static enum ia_status add_file(const struct walk *walk, const FTSENT *entry, struct ia_error *err)
{
    size_t number;
    bool is_piece = false;
    IA_TRY(ia_catalog_is_vhd_piece(walk->catalog, entry->fts_path, entry->fts_statp, &is_piece, err));
    if (is_piece)
        return IA_OK;
    if (ia_inventory_is_beside(&walk->catalog->beside_walk, entry->fts_path, false))
        IA_TRY(add_beside(walk, entry, err));
    return walk->again ? ia_catalog_add_late(walk->catalog, entry->fts_path, entry->fts_statp, false, err)
                       : ia_catalog_add(walk->catalog, entry->fts_path, entry->fts_statp, false, &number, err);
}

static void pass_special(const struct walk *walk, const FTSENT *entry)
{
    bool claims = ia_name_claims_image(entry->fts_path) || ia_catalog_has_raw_suffix(walk->catalog, entry->fts_path);
    if (claims || entry->fts_level == FTS_ROOTLEVEL)
        report(walk, entry, IA_FINDING_NOT_REGULAR,
               claims ? "named like an image, but neither a file nor a directory"
                      : "named as a root, but neither a file nor a directory nor a block device",
               "");
    count_skipped(walk, entry, S_ISBLK(entry->fts_statp->st_mode) ? IA_REASON_BLOCK_DEVICE : IA_REASON_SPECIAL_FILE);
}

static enum ia_status visit(const struct walk *walk, FTSENT *entry, struct ia_error *err)
{
    struct ia_catalog *catalog = walk->catalog;
    switch (entry->fts_info) {
    case FTS_DP:
        return IA_OK;
    case FTS_DNR:
        report(walk, entry, IA_FINDING_UNREADABLE_DIRECTORY, "cannot list: ", strerror(entry->fts_errno));
        return IA_OK;
    case FTS_NS:
    case FTS_ERR:
        if (entry->fts_errno == ENOENT && (walk->again || entry->fts_level > FTS_ROOTLEVEL))
            return IA_OK; /* gone since its directory was listed, which is looked at again for that */
        report(walk, entry, IA_FINDING_UNREADABLE, "cannot stat: ", strerror(entry->fts_errno));
        return IA_OK;
    default:
        break;
    }
    catalog->walked += !was_met(walk, entry);
    if (entry->fts_level > FTS_ROOTLEVEL && ia_catalog_excludes(catalog, entry->fts_path)) {
        report(walk, entry, IA_FINDING_EXCLUDED, "left out by --exclude", "");
        count_skipped(walk, entry, IA_REASON_EXCLUDED);
        fts_set(walk->fts, entry, FTS_SKIP);
        return IA_OK;
    }
    switch (entry->fts_info) {
    case FTS_D:
        return enter(walk, entry, err);
    case FTS_DC: /* a hard-linked or mounted circle: what is in it was found before */
        return IA_OK;
    case FTS_F:
        return add_file(walk, entry, err);
    case FTS_SL:
    case FTS_SLNONE:
        return add_symlink(walk, entry, err);
    default:
        if (entry->fts_level == FTS_ROOTLEVEL && S_ISBLK(entry->fts_statp->st_mode))
            return add_file(walk, entry, err);
        pass_special(walk, entry);
        return IA_OK;
    }
}

static enum ia_status walk_root(struct ia_catalog *catalog, char *root, bool again, struct ia_error *err)
{
    char *paths[] = {root, NULL};
    struct walk walk = {.catalog = catalog, .again = again};
    walk.fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (walk.fts == NULL)
        return ia_fail_errno(err, errno, "cannot walk '%s'", root);
    enum ia_status status = IA_OK;
    FTSENT *entry;
    errno = 0;
    while (status == IA_OK && (entry = fts_read(walk.fts)) != NULL) {
        status = visit(&walk, entry, err);
        if (catalog->walked % 1024 == 0)
            ia_catalog_report(catalog, "walking");
        errno = 0;
    }
    if (status == IA_OK && errno != 0)
        status = ia_fail_errno(err, errno, "cannot walk '%s'", root);
    fts_close(walk.fts);
    return status;
}

static void report_link(struct ia_catalog *catalog, enum ia_finding_code code, const char *path, const char *words)
{
    if (!ia_findings_have(&catalog->findings, code, path))
        ia_findings_add(&catalog->findings, code, path, "%s", words);
}

static void note_dangling(struct ia_catalog *catalog, const char *path)
{
    char *copy = strdup(path);
    if (copy != NULL && ia_vec_push(&catalog->dangling, copy))
        return;
    free(copy);
    catalog->findings.failed = true;
}

/* Where a symbolic link leads; false: to nothing that counts. */
static bool find_target(struct ia_catalog *catalog, const char *path, char **target, struct stat *st)
{
    struct ia_error cause;
    enum ia_status resolved = ia_confine_resolve(&catalog->confine, path, target, &cause);
    if (resolved == IA_MISSING && ia_name_claims_image(path))
        report_link(catalog, IA_FINDING_SYMLINK_DANGLING, path, "leads nowhere");
    if (resolved == IA_LOOP && ia_name_claims_image(path))
        report_link(catalog, IA_FINDING_SYMLINK_DANGLING, path, "leads in a circle");
    bool there = *target != NULL && stat(*target, st) == 0;
    if (!there)
        note_dangling(catalog, path);
    bool file = there && (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode));
    if (resolved == IA_REFUSED && (file || (there && S_ISDIR(st->st_mode)))) {
        if (!ia_findings_have(&catalog->findings, IA_FINDING_SYMLINK_OUTSIDE, path))
            ia_findings_add(&catalog->findings, IA_FINDING_SYMLINK_OUTSIDE, path,
                            "leads to '%s', outside the roots: not read", *target);
        return false;
    }
    return file;
}

/* One more name of a file inside; a finding where a name inside leads to a file that is not read. */
static enum ia_status follow_symlink(struct ia_catalog *catalog, const char *path, bool again, struct ia_error *err)
{
    struct stat st;
    size_t number;
    IA_AUTO_FREE char *target = NULL;
    if (!find_target(catalog, path, &target, &st)) {
        if (!again)
            ia_catalog_skip(catalog, IA_REASON_SYMLINK);
        return IA_OK;
    }
    /* In an --allow directory, which is not walked: it may be an image all the same. */
    if (ia_catalog_find(catalog, (int64_t)st.st_dev, (int64_t)st.st_ino) == IA_NO_FILE)
        IA_TRY(again ? ia_catalog_add_late(catalog, target, &st, false, err)
                     : ia_catalog_add(catalog, target, &st, false, &number, err));
    return again ? ia_catalog_add_late(catalog, path, &st, true, err)
                 : ia_catalog_add(catalog, path, &st, true, &number, err);
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
            IA_TRY(walk_root(catalog, catalog->confine.allowed.items[i].path, false, err));
    for (size_t i = 0; i < catalog->symlinks.len; i++)
        IA_TRY(follow_symlink(catalog, catalog->symlinks.items[i], false, err));
    return IA_OK;
}

enum ia_status ia_catalog_list_again(struct ia_catalog *catalog, char *directory, struct ia_error *err)
{
    size_t links = catalog->symlinks.len;
    IA_TRY(walk_root(catalog, directory, true, err));
    for (size_t i = links; i < catalog->symlinks.len; i++)
        IA_TRY(follow_symlink(catalog, catalog->symlinks.items[i], true, err));
    return IA_OK;
}
