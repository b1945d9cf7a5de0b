/* SPDX-License-Identifier: MIT */
/* Images of an earlier scan that are none now: damaged, emptied, overwritten by something else. What they named may
 * still be needed once they are repaired, and that is in them no more. */
#include <string.h>
#include <sys/stat.h>

#include "judge/judge.h"
#include "scan/catalog/catalog.h"

/* Raw for want of a magic: of a qcow2 image called vm.img whose header was overwritten nothing else is left. */
static bool is_raw_by_default(const struct ia_file *file)
{
    return (file->parsed->basis == IA_BASIS_SUFFIX || file->parsed->basis == IA_BASIS_GUESSED ||
            file->parsed->basis == IA_BASIS_NAMED) &&
           file->parsed->format != NULL && !ia_judge_may_hide(file->parsed->format);
}

static bool is_still_image(const struct ia_file *file)
{
    return file->class == IA_CLASS_PART || (ia_file_is_image(file) && !is_raw_by_default(file));
}

/* A file that was not looked at, or could not be read, is no image and no loss: it goes on as what it was. */
static bool is_read(const struct ia_file *file)
{
    return file->class != IA_CLASS_NONE && (file->class != IA_CLASS_UNKNOWN || file->reason != IA_REASON_UNREADABLE);
}

static bool had_backing(const struct ia_previous *previous)
{
    return previous->parsed->facts.backing_name != NULL || previous->parsed->facts.backing_by_identity;
}

/* An image of another format was written over one that had a backing file. It stays lost while it is of that format. */
static bool is_overwritten(const struct ia_catalog *catalog, const struct ia_file *file,
                           const struct ia_previous *previous)
{
    if (!ia_file_is_image(file) || previous->class != IA_CLASS_IMAGE || file->parsed->basis == IA_BASIS_STATED ||
        !ia_catalog_is_row_of(catalog, previous, file))
        return false;
    const char *before = previous->parsed->format; /* NULL: it was taken over */
    if (file->from_store || before == NULL || strcmp(file->parsed->format, before) == 0)
        return previous->was_lost;
    return had_backing(previous);
}

/* The file has the place of such an image. */
static void lose(struct ia_catalog *catalog, struct ia_file *file, bool overwritten)
{
    bool is_image = is_still_image(file);
    if (file->was_image || file->gone || (is_image && !overwritten))
        return;
    file->was_image = true;
    if (is_read(file))
        ia_findings_add(&catalog->findings, IA_FINDING_IMAGE_LOST, ia_file_path(file), "%s",
                        is_image ? "an earlier scan read an image of another format here, which had a backing file: "
                                   "what it named is not known any more"
                                 : "an earlier scan read an image here, and this is none: what it named is not "
                                   "known any more");
}

/* A file that had another path in the scan before was put in the image's place. */
static void look_in_place(struct ia_catalog *catalog, const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    size_t number = ia_catalog_find(catalog, (int64_t)st.st_dev, (int64_t)st.st_ino);
    if (number != IA_NO_FILE)
        lose(catalog, catalog->files.items[number], false);
}

void ia_catalog_find_lost(struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(catalog, file);
        if (previous != NULL && previous->was_image)
            lose(catalog, file, is_overwritten(catalog, file, previous));
    }
    for (size_t i = 0; i < catalog->previous.len; i++)
        if (!catalog->previous.items[i].taken && catalog->previous.items[i].was_image)
            look_in_place(catalog, catalog->previous.items[i].path);
}
