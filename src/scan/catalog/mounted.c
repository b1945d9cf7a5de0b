/* SPDX-License-Identifier: MIT */
/* Comparing where a file system was with where it is. */
#include "scan/catalog/mounted.h"

#include <string.h>

#include "base/cleanup.h"
#include "scan/catalog/places.h"
#include "scan/catalog/volumes.h"

/* st_dev changes over a reboot, and it is all that identifies some file systems: a file that is the same in every other
 * respect shows that its file system is the one at `now`. */
static bool was_renumbered(const struct ia_catalog *catalog, const char *identity, int64_t now)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (file->previous == IA_NO_FILE || file->key.dev != now)
            continue;
        const struct ia_previous *previous = &catalog->previous.items[file->previous];
        if (ia_file_key_same_stamps(&previous->key, &file->key) &&
            strcmp(ia_catalog_previous_identity(catalog, previous->volume_id), identity) == 0)
            return true;
    }
    return false;
}

enum ia_status ia_catalog_is_mounted(struct ia_catalog *catalog, const char *directory, const char *identity, bool *out,
                                     struct ia_error *err)
{
    struct ia_volume now;
    struct ia_error cause;
    enum ia_status status = ia_catalog_nearest_volume(catalog, directory, &now, &cause);
    *out = false;
    if (status == IA_NOMEM)
        return ia_no_memory(err);
    if (status != IA_OK)
        return IA_OK;
    *out = strcmp(now.identity, identity) == 0 || was_renumbered(catalog, identity, now.dev);
    ia_volume_release(&now);
    return IA_OK;
}

enum ia_status ia_catalog_is_elsewhere(const struct ia_catalog *catalog, const char *path, const char *identity,
                                       const char *inside, bool *out, struct ia_error *err)
{
    const struct ia_place *now = ia_places_now(catalog, path);
    IA_AUTO_FREE char *inside_now = now == NULL ? strdup("") : ia_place_inside(now, path);
    *out = false;
    if (inside_now == NULL)
        return ia_no_memory(err);
    if (inside[0] == '\0' || inside_now[0] == '\0')
        return IA_OK;
    *out = strcmp(inside, inside_now) != 0 ||
           (strcmp(identity, now->identity) != 0 && !was_renumbered(catalog, identity, now->dev));
    return IA_OK;
}

enum ia_status ia_catalog_is_in_place(struct ia_catalog *catalog, const char *place, const char *identity,
                                      const char *inside, bool *out, struct ia_error *err)
{
    bool elsewhere;
    const struct ia_place *now = ia_places_now(catalog, place);
    if (inside[0] == '\0' || now == NULL || now->inside[0] == '\0')
        return ia_catalog_is_mounted(catalog, place, identity, out, err);
    IA_TRY(ia_catalog_is_elsewhere(catalog, place, identity, inside, &elsewhere, err));
    *out = !elsewhere;
    return IA_OK;
}
