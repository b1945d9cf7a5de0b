/* SPDX-License-Identifier: MIT */
/* Images that vanished because their file system is not mounted now, or because their directory is no longer among the
 * roots, still use their backing files. A missing mount shows in the identity of the file system: the nearest directory
 * that still exists lies on another one than the image did. Or it shows in the list of mounts, where a directory of one
 * file system was mounted over another: the path leads to another directory of it than it did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/catalog/catalog.h"
#include "scan/catalog/mounted.h"
#include "scan/catalog/places.h"
#include "scan/catalog/volumes.h"

/* Which finding a directory of vanished images deserves; IA_FINDING_COUNT for none. */
static enum ia_status judge(struct ia_catalog *catalog, const char *directory, const char *identity, const char *inside,
                            enum ia_finding_code *code, struct ia_error *err)
{
    bool elsewhere;
    struct stat st;
    bool mounted;
    if (!ia_catalog_is_below_a_root(catalog, directory)) {
        *code = stat(directory, &st) == 0 || errno != ENOENT ? IA_FINDING_NOT_SCANNED : IA_FINDING_COUNT;
        return IA_OK;
    }
    IA_TRY(ia_catalog_is_mounted(catalog, directory, identity, &mounted, err));
    IA_TRY(ia_catalog_is_elsewhere(catalog, directory, identity, inside, &elsewhere, err));
    *code = mounted && !elsewhere ? IA_FINDING_COUNT : IA_FINDING_MOUNT_MISSING;
    return IA_OK;
}

/* True for what is known to be absent already; *same_path: something else is at its path. */
static bool is_absent(const struct ia_catalog *catalog, const struct ia_absent *wanted, bool *same_path)
{
    *same_path = false;
    for (size_t i = 0; i < catalog->absent.len; i++) {
        const struct ia_absent *absent = &catalog->absent.items[i];
        if (strcmp(absent->path, wanted->path) != 0)
            continue;
        *same_path = true;
        if (strcmp(absent->identity, wanted->identity) == 0 && strcmp(absent->inside, wanted->inside) == 0)
            return true;
    }
    return false;
}

static enum ia_status push(struct ia_catalog *catalog, const char *path, const char *identity, const char *inside,
                           bool unmounted, struct ia_error *err)
{
    struct ia_absent absent = {
        .path = strdup(path), .identity = strdup(identity), .inside = strdup(inside), .unmounted = unmounted};
    if (absent.path != NULL && absent.identity != NULL && absent.inside != NULL &&
        ia_vec_push(&catalog->absent, absent))
        return IA_OK;
    free(absent.path);
    free(absent.identity);
    free(absent.inside);
    return ia_no_memory(err);
}

static enum ia_status check(struct ia_catalog *catalog, const char *path, const char *identity, const char *inside,
                            struct ia_error *err)
{
    enum ia_finding_code code;
    bool same_path;
    const struct ia_absent wanted = {.path = (char *)path, .identity = (char *)identity, .inside = (char *)inside};
    if (is_absent(catalog, &wanted, &same_path))
        return IA_OK;
    IA_TRY(judge(catalog, path, identity, inside, &code, err));
    if (code == IA_FINDING_COUNT)
        return IA_OK;
    IA_TRY(push(catalog, path, identity, inside, code == IA_FINDING_MOUNT_MISSING, err));
    if (same_path)
        return IA_OK;
    ia_findings_add(
        &catalog->findings, code, path, "%s",
        code == IA_FINDING_MOUNT_MISSING
            ? "images, or what may be some, were here on another mount: what they name is not known until it is "
              "mounted again"
            : "an earlier scan found images here, or what may be some, this one did not: what they name is not known");
    return IA_OK;
}

/* What the scan before had as absent. */
struct known {
    struct ia_catalog *catalog;
    IA_VEC(char *) paths; /* owned; sorted */
};

static void known_release(struct known *known)
{
    for (size_t i = 0; i < known->paths.len; i++)
        free(known->paths.items[i]);
    ia_vec_release(&known->paths);
}

static enum ia_status check_known(void *ctx, const struct ia_mount_row *row, struct ia_error *err)
{
    struct known *known = ctx;
    char *path = strdup(row->path);
    if (path == NULL || !ia_vec_push(&known->paths, path)) {
        free(path);
        return ia_no_memory(err);
    }
    return check(known->catalog, row->path, row->identity, row->inside, err);
}

/* Which directory of that file system it was in the scan before. */
static char *inside_before(const struct ia_catalog *catalog, const char *path, const char *identity)
{
    const struct ia_place *before = ia_places_before(catalog, path);
    return before == NULL || strcmp(before->identity, identity) != 0 ? strdup("") : ia_place_inside(before, path);
}

/* The directory of a file whose file system may be gone; the file itself, where it is or was a mount point. NULL: out
 * of memory. */
static char *place_of(const struct ia_catalog *catalog, const char *path)
{
    char *place = strdup(path);
    if (place != NULL && !ia_places_have(catalog, path))
        (void)ia_path_go_up(place);
    return place;
}

static enum ia_status check_place(struct ia_catalog *catalog, const struct ia_previous *previous, struct ia_error *err)
{
    const char *identity = ia_catalog_previous_identity(catalog, previous->volume_id);
    IA_AUTO_FREE char *place = place_of(catalog, previous->path);
    IA_AUTO_FREE char *inside = place == NULL ? NULL : inside_before(catalog, place, identity);
    return inside == NULL ? ia_no_memory(err) : check(catalog, place, identity, inside, err);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_known(const struct known *known, const char *place)
{
    return known->paths.len > 0 &&
           bsearch(&place, known->paths.items, known->paths.len, sizeof(place), by_path) != NULL;
}

/* The scan before did not see it either: where it was is what is known since then. */
static enum ia_status was_absent(const struct known *known, const struct ia_previous *previous, bool *out,
                                 struct ia_error *err)
{
    *out = false;
    if (previous->seen_scan == 0)
        return IA_OK;
    IA_AUTO_FREE char *place = place_of(known->catalog, previous->path);
    if (place == NULL)
        return ia_no_memory(err);
    *out = is_known(known, place);
    return IA_OK;
}

/* It was one, or some may have been packed in it. */
static bool held_images(const struct ia_previous *previous)
{
    return previous->image_id != 0 || previous->was_packed;
}

/* Another file of the same file system took an image's path: only a mount matters. */
static enum ia_status check_covered(struct ia_catalog *catalog, const struct ia_previous *previous,
                                    struct ia_error *err)
{
    const char *identity = ia_catalog_previous_identity(catalog, previous->volume_id);
    IA_AUTO_FREE char *place = place_of(catalog, previous->path);
    IA_AUTO_FREE char *inside = place == NULL ? NULL : inside_before(catalog, place, identity);
    bool elsewhere = false;
    if (inside == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_catalog_is_elsewhere(catalog, place, identity, inside, &elsewhere, err));
    return elsewhere ? check(catalog, place, identity, inside, err) : IA_OK;
}

/* Images whose path is now that of another file, on another file system or by another mount. */
static enum ia_status find_exchanged(struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (file->previous == IA_NO_FILE || file->not_seen)
            continue;
        const struct ia_previous *previous = &catalog->previous.items[file->previous];
        if (!held_images(previous))
            continue;
        if (previous->volume_id != catalog->volumes.items[file->volume].previous_id)
            IA_TRY(check_place(catalog, previous, err));
        else if (previous->key.inode != file->key.inode)
            IA_TRY(check_covered(catalog, previous, err));
    }
    return IA_OK;
}

static enum ia_status find_vanished(struct ia_catalog *catalog, const struct known *known, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        struct stat st;
        bool is_so = false;
        if (previous->taken || previous->is_forgotten || !held_images(previous))
            continue;
        if (!ia_catalog_is_below_a_root(catalog, previous->path) && lstat(previous->path, &st) != 0 && errno == ENOENT)
            continue; /* not ours to read any more, and gone for good */
        IA_TRY(was_absent(known, previous, &is_so, err));
        if (!is_so)
            IA_TRY(check_place(catalog, previous, err));
    }
    return IA_OK;
}

/* Something hid references here in the scan before: a missing mount, or a root that is none any more, hides it now. */
static enum ia_status check_past_finding(const struct known *known, const char *path, struct ia_error *err)
{
    struct ia_catalog *catalog = known->catalog;
    const struct ia_place *before = ia_places_before(catalog, path);
    struct stat st;
    bool is_so = false;
    if (before == NULL) /* it was about something outside of all roots */
        return IA_OK;
    IA_AUTO_FREE char *place = place_of(catalog, path);
    IA_AUTO_FREE char *inside = place == NULL ? NULL : inside_before(catalog, place, before->identity);
    if (inside == NULL)
        return ia_no_memory(err);
    if (is_known(known, place))
        return IA_OK;
    if (!ia_catalog_is_below_a_root(catalog, path))
        return lstat(path, &st) != 0 && errno == ENOENT ? IA_OK : check(catalog, place, before->identity, inside, err);
    IA_TRY(ia_catalog_is_in_place(catalog, place, before->identity, inside, &is_so, err));
    return is_so ? IA_OK : check(catalog, place, before->identity, inside, err);
}

/* Images and what may hold some are looked for by themselves. What was absent is known: its row is kept for that. */
static enum ia_status find_past_findings(const struct known *known, struct ia_error *err)
{
    const struct ia_catalog *catalog = known->catalog;
    for (size_t i = 0; i < catalog->past_findings.len; i++) {
        const struct ia_past_finding *past = &catalog->past_findings.items[i];
        if (!past->is_accepted && past->code != IA_FINDING_MOUNT_MISSING && past->code != IA_FINDING_NOT_SCANNED)
            IA_TRY(check_past_finding(known, past->path, err));
    }
    return IA_OK;
}

enum ia_status ia_catalog_find_absent(struct ia_catalog *catalog, struct ia_error *err)
{
    struct known known __attribute__((cleanup(known_release))) = {.catalog = catalog};
    IA_TRY(ia_catalog_match_volumes(catalog, err));
    IA_TRY(ia_places_find(catalog, err));
    IA_TRY(ia_writer_load_mounts(catalog->writer, check_known, &known, err));
    IA_TRY(find_vanished(catalog, &known, err));
    IA_TRY(find_exchanged(catalog, err));
    IA_TRY(find_past_findings(&known, err));
    IA_TRY(ia_writer_clear_mounts(catalog->writer, err));
    for (size_t i = 0; i < catalog->absent.len; i++) {
        const struct ia_absent *absent = &catalog->absent.items[i];
        const struct ia_mount_row row = {absent->path, absent->identity, absent->inside};
        IA_TRY(ia_writer_put_mount(catalog->writer, &row, err));
    }
    return ia_places_put(catalog, err);
}
