/* SPDX-License-Identifier: MIT */
/* The roots, and what is mounted below them: all by the list of mounts, and by one look at each mount point. */
#include "scan/catalog/places.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"

static bool is_whole(const struct ia_place *place)
{
    return place->path != NULL && place->identity != NULL && place->inside != NULL;
}

static enum ia_status load(void *ctx, const struct ia_mount_row *row, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    struct ia_place place = {
        .path = strdup(row->path), .identity = strdup(row->identity), .inside = strdup(row->inside)};
    if (is_whole(&place) && ia_vec_push(&catalog->previous_places.all, place))
        return IA_OK;
    ia_place_release(&place);
    return ia_no_memory(err);
}

/* -- Those of this scan -------------------------------------------------------------------------------------------- */

/* What is at a path: the uppermost of several mounts there. */
struct seen {
    int64_t dev, inode;
    const struct ia_mount *mount; /* NULL: the kernel has no number of it (before Linux 5.8) */
};

static bool look(const struct ia_catalog *catalog, const char *path, struct seen *seen)
{
    struct statx st;
    unsigned want = STATX_INO | STATX_MNT_ID;
    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, want, &st) != 0)
        return false;
    bool is_numbered = (st.stx_mask & STATX_MNT_ID) != 0;
    *seen = (struct seen){.dev = (int64_t)makedev(st.stx_dev_major, st.stx_dev_minor),
                          .inode = (int64_t)st.stx_ino,
                          .mount = is_numbered ? ia_mounts_by_id(&catalog->mounts, st.stx_mnt_id) : NULL};
    return true;
}

/* Only what was walked is opened: another mount may be of a server that does not answer. NULL: out of memory. */
static char *identity_of(struct ia_catalog *catalog, const char *path, const struct seen *seen)
{
    struct ia_volume volume;
    struct ia_error cause;
    for (size_t i = 0; i < catalog->volumes.len; i++) {
        const struct ia_catalog_volume *known = &catalog->volumes.items[i];
        if (!known->is_absent && known->about.dev == seen->dev)
            return strdup(known->about.identity);
    }
    bool is_walked = ia_catalog_find_directory(catalog, seen->dev, seen->inode) != IA_NO_FILE;
    if ((!is_walked || ia_volume_of_path(path, &catalog->mounts, &volume, &cause) != IA_OK) &&
        ia_volume_unknown(seen->dev, &volume, &cause) != IA_OK)
        return NULL;
    char *identity = ia_steal_ptr(volume.identity);
    ia_volume_release(&volume);
    return identity;
}

static enum ia_status add(struct ia_catalog *catalog, const char *path, const struct seen *seen, struct ia_error *err)
{
    struct ia_place place = {.path = strdup(path),
                             .identity = identity_of(catalog, path, seen),
                             .inside = seen->mount == NULL ? strdup("") : ia_mount_inside(seen->mount, path),
                             .dev = seen->dev};
    if (is_whole(&place) && ia_vec_push(&catalog->places.all, place))
        return IA_OK;
    ia_place_release(&place);
    return ia_no_memory(err);
}

static bool is_root(const struct ia_catalog *catalog, const char *path)
{
    for (size_t i = 0; i < catalog->options->root_count; i++)
        if (strcmp(catalog->confine.allowed.items[i].path, path) == 0)
            return true;
    return false;
}

/* One that another mount hides is none. */
static enum ia_status add_mount(struct ia_catalog *catalog, const struct ia_mount *mount, struct ia_error *err)
{
    struct seen seen;
    if (is_root(catalog, mount->point) || !ia_catalog_is_below_a_root(catalog, mount->point) ||
        !look(catalog, mount->point, &seen) || seen.mount != mount)
        return IA_OK;
    return add(catalog, mount->point, &seen, err);
}

enum ia_status ia_places_find(struct ia_catalog *catalog, struct ia_error *err)
{
    struct seen seen;
    IA_TRY(ia_writer_load_places(catalog->writer, load, catalog, err));
    if (catalog->mounts.all.len == 0)
        IA_TRY(ia_mounts_read(&catalog->mounts, err));
    for (size_t i = 0; i < catalog->options->root_count; i++) {
        const char *root = catalog->confine.allowed.items[i].path;
        if (look(catalog, root, &seen))
            IA_TRY(add(catalog, root, &seen, err));
    }
    for (size_t i = 0; i < catalog->mounts.all.len; i++)
        IA_TRY(add_mount(catalog, &catalog->mounts.all.items[i], err));
    return IA_OK;
}

enum ia_status ia_places_put(const struct ia_catalog *catalog, struct ia_error *err)
{
    for (size_t i = 0; i < catalog->places.all.len; i++) {
        const struct ia_place *place = &catalog->places.all.items[i];
        const struct ia_mount_row row = {place->path, place->identity, place->inside};
        IA_TRY(ia_writer_put_place(catalog->writer, &row, err));
    }
    return IA_OK;
}

/* -- Where a path is ----------------------------------------------------------------------------------------------- */

/* The longest that is a part of the path. */
static const struct ia_place *place_of(const struct ia_places *places, const char *path)
{
    const struct ia_place *found = NULL;
    for (size_t i = 0; i < places->all.len; i++) {
        const struct ia_place *place = &places->all.items[i];
        if (ia_path_below(path, place->path) != NULL && (found == NULL || strlen(place->path) > strlen(found->path)))
            found = place;
    }
    return found;
}

const struct ia_place *ia_places_before(const struct ia_catalog *catalog, const char *path)
{
    return place_of(&catalog->previous_places, path);
}

const struct ia_place *ia_places_now(const struct ia_catalog *catalog, const char *path)
{
    return place_of(&catalog->places, path);
}

char *ia_place_inside(const struct ia_place *place, const char *path)
{
    struct ia_buf inside = {0};
    const char *rest = ia_path_below(path, place->path);
    ia_buf_add_str(&inside, place->inside);
    if (place->inside[0] != '\0' && rest != NULL && rest[0] != '\0') {
        if (place->inside[1] != '\0') /* else the root of the file system */
            ia_buf_add_char(&inside, '/');
        ia_buf_add_str(&inside, rest);
    }
    return ia_buf_steal(&inside);
}

bool ia_places_have(const struct ia_catalog *catalog, const char *path)
{
    const struct ia_place *now = ia_places_now(catalog, path);
    const struct ia_place *before = ia_places_before(catalog, path);
    return (now != NULL && strcmp(now->path, path) == 0) || (before != NULL && strcmp(before->path, path) == 0);
}
