/* SPDX-License-Identifier: MIT */
/* The map of a disk: storage by storage, and in each the pieces on the way from the mapping's shot to its root. All
 * pieces of a storage have clusters of one size, so that merging them is a look into the same entry of each BAT, from
 * the top down. The tables are read a chunk at a time, and memory does not depend on how many there are. Only a root
 * can be plain: what no BAT has then comes from there, by the holes of its file. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/parallels/internal.h"

enum { CHUNK_ENTRIES = 16 * 1024 };

/* Where a cluster was found first. */
struct found {
    uint32_t entry; /* of the BAT; 0: nowhere */
    uint32_t piece;
};

struct map_state {
    size_t shot;
    size_t storage;                /* the one that is walked */
    int64_t at;                    /* bytes of it that were walked */
    int64_t tables_end;            /* clusters that some BAT has an entry for */
    const struct prl_piece *plain; /* the storage's root where it is plain; or NULL */
    int64_t first, count;          /* clusters that `found` is about */
    struct found found[CHUNK_ENTRIES];
    uint8_t bytes[CHUNK_ENTRIES * PRL_ENTRY_BYTES];
};

static const struct prl_piece *piece_of(const struct prl_disk *disk, const struct prl_storage *storage, size_t shot)
{
    return &disk->pieces.items[storage->of_shot[shot]];
}

/* Bytes of the storage that the cursor covers. */
static int64_t wanted(const struct ia_cursor *cursor, const struct prl_storage *storage)
{
    return ia_min(storage->end, cursor->sink.size) - storage->start;
}

static void enter_storage(struct ia_cursor *cursor, size_t number)
{
    struct map_state *map = cursor->state;
    const struct prl_disk *disk = cursor->image->state;
    map->storage = number;
    map->at = map->tables_end = map->first = map->count = 0;
    map->plain = NULL;
    if (number >= disk->storages.len)
        return;
    const struct prl_storage *storage = &disk->storages.items[number];
    /* Ends, here and below: the ways from shots to their roots were checked (tree.c). */
    for (size_t shot = map->shot; shot != PRL_NONE; shot = disk->shots.items[shot].parent) {
        const struct prl_piece *piece = piece_of(disk, storage, shot);
        map->tables_end = ia_max(map->tables_end, piece->entries);
        if (piece->is_plain)
            map->plain = piece;
    }
    if (cursor->from > storage->start) {
        map->at = cursor->from - storage->start;
        if (map->tables_end > 0)
            map->at -= map->at % storage->cluster_size;
    }
}

enum ia_status prl_map_begin(struct ia_cursor *cursor, struct ia_error *err)
{
    const struct prl_disk *disk = cursor->image->state;
    struct map_state *map = malloc(sizeof(*map));
    if (map == NULL)
        return ia_no_memory(err);
    cursor->state = map;
    map->shot = prl_mapping_shot(disk, cursor->mapping);
    size_t first = 0;
    while (first < disk->storages.len && disk->storages.items[first].end <= cursor->from)
        first++;
    enter_storage(cursor, first);
    return IA_OK;
}

void prl_map_end(struct ia_cursor *cursor)
{
    free(cursor->state);
}

/* Looks for the chunk's clusters that were not found yet in the BAT of one piece. */
static enum ia_status search_piece(struct ia_cursor *cursor, size_t number, int64_t *missing, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    struct prl_disk *disk = cursor->image->state;
    const struct prl_piece *piece = &disk->pieces.items[number];
    int64_t entries = ia_min(map->count, piece->entries - map->first);
    if (entries <= 0)
        return IA_OK;
    int64_t most = cursor->image->limits->max_table_bytes;
    disk->table_bytes += entries * PRL_ENTRY_BYTES;
    if (disk->table_bytes > most)
        return ia_fail(err, IA_LIMIT, "more than %jd bytes of BATs", (intmax_t)most);
    IA_TRY(ia_source_read(ia_image_source(cursor->image, piece->file), PRL_BAT_OFFSET + map->first * PRL_ENTRY_BYTES,
                          map->bytes, (size_t)(entries * PRL_ENTRY_BYTES), "BAT", err));
    for (int64_t i = 0; i < entries; i++) {
        uint32_t entry = ia_le32(map->bytes + i * PRL_ENTRY_BYTES);
        if (entry == 0 || map->found[i].entry != 0)
            continue;
        map->found[i] = (struct found){.entry = entry, .piece = (uint32_t)number};
        (*missing)--;
    }
    return IA_OK;
}

static enum ia_status load_chunk(struct ia_cursor *cursor, const struct prl_storage *storage, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct prl_disk *disk = cursor->image->state;
    int64_t end = (wanted(cursor, storage) - 1) / storage->cluster_size + 1;
    map->first = map->at / storage->cluster_size;
    map->count = ia_min(CHUNK_ENTRIES, ia_min(end, map->tables_end) - map->first);
    memset(map->found, 0, (size_t)map->count * sizeof(*map->found));
    int64_t missing = map->count;
    for (size_t shot = map->shot; shot != PRL_NONE && missing > 0; shot = disk->shots.items[shot].parent)
        IA_TRY(search_piece(cursor, storage->of_shot[shot], &missing, err));
    return IA_OK;
}

static enum ia_status push(struct ia_cursor *cursor, const struct prl_piece *piece, enum ia_extent_state state,
                           int64_t offset, int64_t length, struct ia_error *err)
{
    const struct map_state *map = cursor->state;
    const struct prl_disk *disk = cursor->image->state;
    struct ia_extent extent = {
        .start = disk->storages.items[map->storage].start + map->at,
        .length = length,
        .offset = offset,
        .state = (uint32_t)(disk->is_encrypted ? IA_EXTENT_ENCRYPTED : state),
        .file = piece->file,
    };
    return ia_extent_sink_push(&cursor->sink, &extent, err);
}

/* Up to `end` no BAT has anything: one stretch of the plain root, or nothing at all. */
static enum ia_status push_gap(struct ia_cursor *cursor, int64_t end, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct prl_piece *plain = map->plain;
    int64_t stop = end;
    if (plain != NULL && map->at < plain->size) {
        bool hole = ia_source_is_hole(ia_image_source(cursor->image, plain->file), map->at, &stop);
        stop = ia_min(stop, ia_min(end, plain->size));
        if (hole) /* the guest's own all the same: nothing can be stored there but what it writes */
            ia_image_use(cursor->image, plain->file, cursor->mapping == 0 ? IA_SPACE_DATA : IA_SPACE_SNAPSHOT, map->at,
                         stop - map->at);
        IA_TRY(push(cursor, plain, hole ? IA_EXTENT_ZERO : IA_EXTENT_DATA, map->at, stop - map->at, err));
    }
    map->at = stop;
    return IA_OK;
}

/* Clusters of one piece that lie one after another in its file, from cluster `i` of the chunk on. */
static enum ia_status push_clusters(struct ia_cursor *cursor, int64_t i, int64_t limit, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct found *found = &map->found[i];
    const struct prl_disk *disk = cursor->image->state;
    const struct prl_piece *piece = &disk->pieces.items[found->piece];
    uint64_t step = (uint64_t)(piece->cluster_size / piece->unit);
    uint64_t clusters = 1;
    while (i + (int64_t)clusters < map->count && found[clusters].piece == found->piece &&
           found[clusters].entry == found->entry + clusters * step)
        clusters++;
    /* Fits: 2^32 clusters of less than 2^31 bytes, from PRL_MAX_TRACKS. */
    int64_t offset = found->entry * piece->unit;
    int64_t end = ia_min(map->at + (int64_t)clusters * piece->cluster_size, limit);
    int64_t length = ia_min(end, piece->size) - map->at; /* a cluster's rest past the piece's end is not used */
    if (!ia_range_inside(offset, length, ia_image_source(cursor->image, piece->file)->size))
        cursor->image->facts.truncated = true;
    ia_image_use(cursor->image, piece->file, IA_SPACE_UNALLOCATED, offset, (int64_t)clusters * piece->cluster_size);
    IA_TRY(push(cursor, piece, IA_EXTENT_DATA, offset, length, err));
    map->at = end;
    return IA_OK;
}

/* One chunk of the tables, or one run. */
enum ia_status prl_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err)
{
    struct map_state *map = cursor->state;
    const struct prl_disk *disk = cursor->image->state;
    *done = map->storage >= disk->storages.len || disk->storages.items[map->storage].start >= cursor->sink.size;
    if (*done)
        return IA_OK;
    const struct prl_storage *storage = &disk->storages.items[map->storage];
    int64_t limit = wanted(cursor, storage);
    if (map->at >= limit) {
        enter_storage(cursor, map->storage + 1);
        return IA_OK;
    }
    int64_t cluster = map->at / storage->cluster_size;
    if (cluster >= map->tables_end)
        return push_gap(cursor, limit, err);
    if (cluster >= map->first + map->count)
        return load_chunk(cursor, storage, err);
    int64_t i = cluster - map->first;
    if (map->found[i].entry != 0)
        return push_clusters(cursor, i, limit, err);
    while (i < map->count && map->found[i].entry == 0)
        i++;
    return push_gap(cursor, ia_min((map->first + i) * storage->cluster_size, limit), err);
}
