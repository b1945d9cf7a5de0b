/* SPDX-License-Identifier: MIT */
/* From a disk descriptor to what it means: storages in their order, the tree of shots, and the piece that
 * each storage has for each shot. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/parallels/internal.h"

/* "Snapshots element": the parent of a root, and the top where none is named. */
static const char no_guid[] = "{00000000-0000-0000-0000-000000000000}";
static const char usual_top[] = "{5fbaabe3-6958-40ff-92a7-860e329aab41}";

static int compare_storages(const void *a, const void *b)
{
    const struct prl_storage *x = a;
    const struct prl_storage *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static int compare_shots(const void *a, const void *b)
{
    const struct prl_shot *x = *(const struct prl_shot *const *)a;
    const struct prl_shot *y = *(const struct prl_shot *const *)b;
    return strcmp(x->guid.text, y->guid.text);
}

static int compare_key(const void *key, const void *item)
{
    return strcmp(key, (*(const struct prl_shot *const *)item)->guid.text);
}

/* The storages cover the disk, each byte once. */
static enum ia_status order_storages(struct prl_disk *disk, struct ia_error *err)
{
    int64_t at = 0;
    if (disk->storages.len > 0)
        qsort(disk->storages.items, disk->storages.len, sizeof(*disk->storages.items), compare_storages);
    for (size_t i = 0; i < disk->storages.len; i++) {
        const struct prl_storage *storage = &disk->storages.items[i];
        if (storage->start != at || storage->end < at)
            return ia_fail(err, IA_CORRUPT, "a storage of sectors %jd to %jd behind sector %jd",
                           (intmax_t)(storage->start / PRL_SECTOR), (intmax_t)(storage->end / PRL_SECTOR),
                           (intmax_t)(at / PRL_SECTOR));
        if (storage->cluster_size == 0)
            return ia_fail(err, IA_CORRUPT, "a storage with a Blocksize of 0");
        at = storage->end;
    }
    if (at != disk->size)
        return ia_fail(err, IA_CORRUPT, "storages up to sector %jd of a disk of %jd", (intmax_t)(at / PRL_SECTOR),
                       (intmax_t)(disk->size / PRL_SECTOR));
    return IA_OK;
}

/* The number of the shot with the GUID, or PRL_NONE. `sorted` are pointers to all shots, by GUID. */
static size_t find_shot(const struct prl_disk *disk, const struct prl_shot *const *sorted, const char *guid)
{
    if (disk->shots.len == 0)
        return PRL_NONE;
    const struct prl_shot *const *found = bsearch(guid, sorted, disk->shots.len, sizeof(*sorted), compare_key);
    return found == NULL ? PRL_NONE : (size_t)(*found - disk->shots.items);
}

static enum ia_status sort_shots(const struct prl_disk *disk, const struct prl_shot **sorted, struct ia_error *err)
{
    size_t count = disk->shots.len;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &disk->shots.items[i];
    if (count > 0)
        qsort(sorted, count, sizeof(*sorted), compare_shots);
    for (size_t i = 1; i < count; i++)
        if (compare_shots(&sorted[i - 1], &sorted[i]) == 0)
            return ia_fail(err, IA_CORRUPT, "two shots with the GUID %s", sorted[i]->guid.text);
    return IA_OK;
}

static enum ia_status find_parents(struct prl_disk *disk, const struct prl_shot *const *sorted, struct ia_error *err)
{
    const char *top = disk->top_guid.text[0] != '\0' ? disk->top_guid.text : usual_top;
    disk->top = find_shot(disk, sorted, top);
    if (disk->top == PRL_NONE)
        return ia_fail(err, IA_CORRUPT, "no shot has the top's GUID %s", top);
    for (size_t i = 0; i < disk->shots.len; i++) {
        struct prl_shot *shot = &disk->shots.items[i];
        if (strcmp(shot->parent_guid.text, no_guid) == 0)
            continue;
        shot->parent = find_shot(disk, sorted, shot->parent_guid.text);
        if (shot->parent == PRL_NONE)
            return ia_fail(err, IA_CORRUPT, "shot %s: no shot has its parent's GUID %s", shot->guid.text,
                           shot->parent_guid.text);
    }
    return IA_OK;
}

/* Every way from a shot to its root ends, after no more shots than a chain may have. */
static enum ia_status check_depths(const struct ia_image *image, const struct prl_disk *disk, struct ia_error *err)
{
    size_t most = (size_t)image->limits->max_chain_depth;
    for (size_t i = 0; i < disk->shots.len; i++) {
        size_t depth = 0;
        /* Ends: in a loop the depth passes the number of shots, or before that the limit. */
        for (size_t at = i; at != PRL_NONE; at = disk->shots.items[at].parent) {
            depth++;
            if (depth > disk->shots.len)
                return ia_fail(err, IA_LOOP, "the parents of shot %s come back to it", disk->shots.items[i].guid.text);
            if (depth > most)
                return ia_fail(err, IA_LIMIT, "a chain of more than %zu shots", most);
        }
    }
    return IA_OK;
}

/* Fills of_shot. A piece whose GUID is no shot's is in no mapping. */
static enum ia_status find_pieces(const struct prl_disk *disk, struct prl_storage *storage,
                                  const struct prl_shot *const *sorted, struct ia_error *err)
{
    size_t shots = disk->shots.len;
    if (storage->count < shots) /* so that what is allocated has its like in the document */
        return ia_fail(err, IA_CORRUPT, "a storage with %zu images for %zu shots", storage->count, shots);
    storage->of_shot = malloc(shots * sizeof(*storage->of_shot));
    if (storage->of_shot == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < shots; i++)
        storage->of_shot[i] = PRL_NONE;
    for (size_t i = storage->first; i < storage->first + storage->count; i++) {
        const struct prl_guid *guid = &disk->pieces.items[i].guid;
        size_t shot = find_shot(disk, sorted, guid->text);
        if (shot == PRL_NONE)
            continue;
        if (storage->of_shot[shot] != PRL_NONE)
            return ia_fail(err, IA_CORRUPT, "a storage with two images of shot %s", guid->text);
        storage->of_shot[shot] = i;
    }
    for (size_t i = 0; i < shots; i++) {
        const struct prl_shot *shot = &disk->shots.items[i];
        if (storage->of_shot[i] == PRL_NONE)
            return ia_fail(err, IA_CORRUPT, "a storage without an image of shot %s", shot->guid.text);
        if (disk->pieces.items[storage->of_shot[i]].is_plain && shot->parent != PRL_NONE)
            return ia_fail(err, IA_CORRUPT, "shot %s has a parent and a plain image", shot->guid.text);
    }
    return IA_OK;
}

size_t prl_mapping_shot(const struct prl_disk *disk, size_t mapping)
{
    if (mapping == 0)
        return disk->top;
    return mapping <= disk->top ? mapping - 1 : mapping; /* the others, in their order */
}

static enum ia_status tell_snapshots(struct ia_image *image, struct prl_disk *disk, struct ia_error *err)
{
    if (disk->shots.len - 1 > (size_t)image->limits->max_snapshots)
        return ia_fail(err, IA_LIMIT, "%zu snapshots", disk->shots.len - 1);
    for (size_t mapping = 1; mapping < disk->shots.len; mapping++) {
        const struct prl_shot *shot = &disk->shots.items[prl_mapping_shot(disk, mapping)];
        struct ia_snapshot snapshot = {
            .id = strdup(shot->guid.text),
            .name = strdup(shot->name == NULL ? "" : shot->name),
            .size = disk->size,
        };
        if (snapshot.id == NULL || snapshot.name == NULL || !ia_vec_push(&image->facts.snapshots, snapshot)) {
            free(snapshot.id);
            free(snapshot.name);
            return ia_no_memory(err);
        }
    }
    return IA_OK;
}

enum ia_status prl_link(struct ia_image *image, struct ia_error *err)
{
    struct prl_disk *disk = image->state;
    IA_AUTO_FREE const struct prl_shot **sorted = calloc(disk->shots.len + 1, sizeof(*sorted));
    if (sorted == NULL)
        return ia_no_memory(err);
    IA_TRY(order_storages(disk, err));
    IA_TRY(sort_shots(disk, sorted, err));
    IA_TRY(find_parents(disk, sorted, err));
    IA_TRY(check_depths(image, disk, err));
    for (size_t i = 0; i < disk->storages.len; i++)
        IA_TRY(find_pieces(disk, &disk->storages.items[i], sorted, err));
    return tell_snapshots(image, disk, err);
}
