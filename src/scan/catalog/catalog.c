/* SPDX-License-Identifier: MIT */
/* The files of a catalog, found by identity. */
#include "scan/catalog/catalog.h"
#include "scan/catalog/volumes.h"

#include <stdlib.h>
#include <string.h>

static void release_vhds(struct ia_vhd_directories *vhds)
{
    for (size_t i = 0; i < vhds->paths.len; i++)
        free(vhds->paths.items[i]);
    for (size_t i = 0; i < vhds->aliases.len; i++) {
        free(vhds->aliases.items[i].path);
        free(vhds->aliases.items[i].target);
    }
    ia_vec_release(&vhds->paths);
    ia_vec_release(&vhds->aliases);
    ia_vec_release(&vhds->known);
}

void ia_place_release(struct ia_place *place)
{
    free(place->path);
    free(place->identity);
    free(place->inside);
}

static void release_places(struct ia_places *places)
{
    for (size_t i = 0; i < places->all.len; i++)
        ia_place_release(&places->all.items[i]);
    ia_vec_release(&places->all);
}

void ia_catalog_release(struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->files.len; i++)
        catalog->maker.release(catalog->files.items[i]);
    for (size_t i = 0; i < catalog->previous.len; i++)
        ia_previous_release(&catalog->previous.items[i]);
    ia_vec_release(&catalog->files);
    ia_vec_release(&catalog->previous);
    for (size_t i = 0; i < catalog->vanished.len; i++)
        ia_vanished_release(&catalog->vanished.items[i]);
    ia_vec_release(&catalog->vanished);
    ia_vec_release(&catalog->vanished_by_inode);
    ia_vec_release(&catalog->vanished_by_path);
    free(catalog->index.slots);
    free(catalog->previous_index.slots);
    for (size_t i = 0; i < catalog->symlinks.len; i++)
        free(catalog->symlinks.items[i]);
    for (size_t i = 0; i < catalog->dangling.len; i++)
        free(catalog->dangling.items[i]);
    ia_vec_release(&catalog->dangling);
    for (size_t i = 0; i < catalog->past_findings.len; i++)
        free(catalog->past_findings.items[i].path);
    ia_vec_release(&catalog->past_findings);
    for (size_t i = 0; i < catalog->beside.len; i++)
        free(catalog->beside.items[i]);
    ia_vec_release(&catalog->beside);
    ia_beside_walk_release(&catalog->beside_walk);
    for (size_t i = 0; i < catalog->absent.len; i++) {
        free(catalog->absent.items[i].path);
        free(catalog->absent.items[i].identity);
        free(catalog->absent.items[i].inside);
    }
    release_places(&catalog->places);
    release_places(&catalog->previous_places);
    for (size_t i = 0; i < catalog->volumes.len; i++)
        ia_volume_release(&catalog->volumes.items[i].about);
    for (size_t i = 0; i < catalog->previous_volumes.len; i++) {
        free(catalog->previous_volumes.items[i].identity);
        free(catalog->previous_volumes.items[i].mount);
    }
    ia_vec_release(&catalog->volumes);
    ia_vec_release(&catalog->previous_volumes);
    ia_mounts_release(&catalog->mounts);
    for (size_t i = 0; i < catalog->directories.len; i++)
        free(catalog->directories.items[i].path);
    free(catalog->directory_index.slots);
    ia_vec_release(&catalog->directories);
    ia_vec_release(&catalog->symlinks);
    release_vhds(&catalog->vhds);
    ia_vec_release(&catalog->absent);
    ia_findings_release(&catalog->findings);
    ia_confine_release(&catalog->confine);
    *catalog = (struct ia_catalog){0};
}

static size_t hash(int64_t volume, int64_t inode)
{
    uint64_t h = ((uint64_t)volume * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)inode;
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(h ^ (h >> 32));
}

/* What an index goes by: of files of this scan volume is st_dev, of those of the scan before volume_id. */
struct key {
    int64_t volume, inode;
};
typedef struct key key_at(const struct ia_catalog *catalog, size_t number);

static struct key file_key(const struct ia_catalog *catalog, size_t number)
{
    const struct ia_file_key *key = &catalog->files.items[number]->key;
    return (struct key){key->dev, key->inode};
}

static struct key previous_key(const struct ia_catalog *catalog, size_t number)
{
    const struct ia_previous *previous = &catalog->previous.items[number];
    return (struct key){previous->volume_id, previous->key.inode};
}

static struct key directory_key(const struct ia_catalog *catalog, size_t number)
{
    const struct ia_file_key *key = &catalog->directories.items[number].key;
    return (struct key){key->dev, key->inode};
}

/* The slot of an identity: its number plus one, or 0 in a free slot. Ends: the table is never more than half full. */
static size_t *slot_of(const struct ia_catalog *catalog, const struct ia_index *index, key_at *key, struct key wanted)
{
    size_t mask = index->cap - 1;
    for (size_t i = hash(wanted.volume, wanted.inode) & mask;; i = (i + 1) & mask) {
        if (index->slots[i] == 0)
            return &index->slots[i];
        struct key found = key(catalog, index->slots[i] - 1);
        if (found.volume == wanted.volume && found.inode == wanted.inode)
            return &index->slots[i];
    }
}

static bool grow(const struct ia_catalog *catalog, struct ia_index *index, key_at *key)
{
    struct ia_index bigger = {.cap = index->cap == 0 ? 1024 : index->cap * 2, .used = index->used};
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < index->cap; i++) {
        if (index->slots[i] == 0)
            continue;
        *slot_of(catalog, &bigger, key, key(catalog, index->slots[i] - 1)) = index->slots[i];
    }
    free(index->slots);
    *index = bigger;
    return true;
}

static size_t find(const struct ia_catalog *catalog, const struct ia_index *index, key_at *key, struct key wanted)
{
    if (index->cap == 0)
        return IA_NO_FILE;
    size_t slot = *slot_of(catalog, index, key, wanted);
    return slot == 0 ? IA_NO_FILE : slot - 1;
}

static bool insert(const struct ia_catalog *catalog, struct ia_index *index, key_at *key, size_t number)
{
    if (index->used * 2 >= index->cap && !grow(catalog, index, key))
        return false;
    *slot_of(catalog, index, key, key(catalog, number)) = number + 1;
    index->used++;
    return true;
}

size_t ia_catalog_find(const struct ia_catalog *catalog, int64_t dev, int64_t inode)
{
    size_t number = find(catalog, &catalog->index, file_key, (struct key){dev, inode});
    return number != IA_NO_FILE && catalog->files.items[number]->gone ? IA_NO_FILE : number;
}

size_t ia_catalog_find_directory(const struct ia_catalog *catalog, int64_t dev, int64_t inode)
{
    return find(catalog, &catalog->directory_index, directory_key, (struct key){dev, inode});
}

bool ia_catalog_index_directory(struct ia_catalog *catalog, size_t number)
{
    return insert(catalog, &catalog->directory_index, directory_key, number);
}

size_t ia_catalog_find_previous(const struct ia_catalog *catalog, int64_t volume_id, int64_t inode)
{
    return find(catalog, &catalog->previous_index, previous_key, (struct key){volume_id, inode});
}

static bool comes_before(const struct ia_name *a, const struct ia_name *b)
{
    if (a->symlink != b->symlink)
        return b->symlink;
    return strcmp(a->path, b->path) < 0;
}

static bool has_name(const struct ia_file *file, const char *path)
{
    for (size_t i = 0; i < file->names.len; i++)
        if (strcmp(file->names.items[i].path, path) == 0)
            return true;
    return false;
}

static bool add_name(struct ia_file *file, const char *path, bool symlink)
{
    struct ia_name name = {.path = strdup(path), .symlink = symlink};
    if (name.path == NULL || !ia_vec_push(&file->names, name)) {
        free(name.path);
        return false;
    }
    for (size_t i = file->names.len - 1; i > 0 && comes_before(&name, &file->names.items[i - 1]); i--) {
        file->names.items[i] = file->names.items[i - 1];
        file->names.items[i - 1] = name;
    }
    return true;
}

enum ia_status ia_catalog_add(struct ia_catalog *catalog, const char *path, const struct stat *st, bool symlink,
                              size_t *number, struct ia_error *err)
{
    size_t found = ia_catalog_find(catalog, (int64_t)st->st_dev, (int64_t)st->st_ino);
    if (found == IA_NO_FILE) {
        struct ia_file *file = catalog->maker.make(catalog->maker.ctx);
        if (file == NULL || !ia_vec_push(&catalog->files, file)) {
            if (file != NULL)
                catalog->maker.release(file);
            return ia_no_memory(err);
        }
        file->disk_size = (int64_t)st->st_blocks * 512;
        file->links = (int64_t)st->st_nlink;
        file->block_device = S_ISBLK(st->st_mode);
        file->previous = IA_NO_FILE;
        file->birth_ns = -1;
        ia_file_key_from_stat(&file->key, st);
        IA_TRY(ia_catalog_see_volume(catalog, file->key.dev, &file->volume, err));
        found = catalog->files.len - 1;
        if (!insert(catalog, &catalog->index, file_key, found))
            return ia_no_memory(err);
    }
    if (!has_name(catalog->files.items[found], path) && !add_name(catalog->files.items[found], path, symlink))
        return ia_no_memory(err);
    *number = found;
    return IA_OK;
}

enum ia_status ia_catalog_add_unseen(struct ia_catalog *catalog, size_t number, const char *link, struct ia_error *err)
{
    struct ia_previous *previous = &catalog->previous.items[number];
    struct ia_file *file = catalog->maker.make(catalog->maker.ctx);
    if (file == NULL || !ia_vec_push(&catalog->files, file)) {
        if (file != NULL)
            catalog->maker.release(file);
        return ia_no_memory(err);
    }
    IA_TRY(ia_catalog_previous_volume(catalog, previous->volume_id, &file->volume, err));
    file->key = previous->key;
    file->key.dev = catalog->volumes.items[file->volume].about.dev;
    file->birth_ns = previous->birth_ns;
    file->disk_size = previous->disk_size;
    file->links = previous->links;
    file->previous = number;
    file->not_seen = true;
    previous->taken = true;
    ia_file_take_over(file, previous);
    bool is_named = add_name(file, previous->path, false);
    bool has_link = link != NULL && strcmp(link, previous->path) != 0;
    return is_named && (!has_link || add_name(file, link, true)) ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_catalog_add_previous(struct ia_catalog *catalog, struct ia_previous *previous, struct ia_error *err)
{
    if (!ia_vec_push(&catalog->previous, *previous))
        return ia_no_memory(err);
    *previous = (struct ia_previous){0};
    if (!insert(catalog, &catalog->previous_index, previous_key, catalog->previous.len - 1))
        return ia_no_memory(err);
    return IA_OK;
}

void ia_catalog_skip(struct ia_catalog *catalog, enum ia_skip_reason reason)
{
    catalog->skipped_files++;
    catalog->skipped[reason]++;
}

void ia_catalog_report(const struct ia_catalog *catalog, const char *phase)
{
    if (catalog->options->progress == NULL)
        return;
    struct ia_scan_progress progress = catalog->progress;
    progress.phase = phase;
    if (progress.files_total == 0)
        progress.files_total = catalog->walked;
    catalog->options->progress(catalog->options->progress_ctx, &progress);
}
