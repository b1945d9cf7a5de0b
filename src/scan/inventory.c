/* SPDX-License-Identifier: MIT */
/* The items of a scan, found by identity. */
#include "scan/inventory.h"

#include <stdlib.h>
#include <string.h>

const char *ia_verdict_word(enum ia_verdict verdict)
{
    static const char *const words[] = {"none", "image", "part", "passed", "unknown"};
    return words[verdict];
}

static int64_t nanoseconds(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void ia_file_key_from_stat(struct ia_file_key *key, const struct stat *st)
{
    *key = (struct ia_file_key){
        .dev = (int64_t)st->st_dev,
        .inode = (int64_t)st->st_ino,
        .size = st->st_size,
        .mtime_ns = nanoseconds(st->st_mtim),
        .ctime_ns = nanoseconds(st->st_ctim),
    };
}

void ia_parsed_release(struct ia_parsed *parsed)
{
    free(parsed->message);
    free(parsed->format);
    ia_image_facts_release(&parsed->facts);
    free(parsed->identity);
    ia_vec_release(&parsed->mappings);
    ia_account_release(&parsed->account);
    *parsed = (struct ia_parsed){0};
}

bool ia_parsed_set_identity(struct ia_parsed *parsed, const struct ia_image_identity *identity)
{
    free(parsed->identity);
    parsed->identity = NULL;
    if (identity->own[0] == '\0' && identity->own_stamp[0] == '\0' && identity->parent[0] == '\0' &&
        identity->parent_stamp[0] == '\0')
        return true;
    parsed->identity = malloc(sizeof(*parsed->identity));
    if (parsed->identity == NULL)
        return false;
    *parsed->identity = *identity;
    return true;
}

const struct ia_image_identity *ia_parsed_identity(const struct ia_parsed *parsed)
{
    static const struct ia_image_identity nobody;
    return parsed->identity == NULL ? &nobody : parsed->identity;
}

void ia_item_release_parts(struct ia_item *item)
{
    for (size_t i = 0; i < item->parts.len; i++) {
        free(item->parts.items[i].path);
        free(item->parts.items[i].message);
    }
    ia_vec_release(&item->parts);
}

static void release_item(struct ia_item *item)
{
    for (size_t i = 0; i < item->names.len; i++)
        free(item->names.items[i].path);
    ia_vec_release(&item->names);
    for (size_t i = 0; i < item->via.len; i++)
        free(item->via.items[i]);
    ia_vec_release(&item->via);
    ia_parsed_release(&item->parsed);
    free(item->stated_format);
    free(item->backing_path);
    free(item->parent_mismatch);
    ia_item_release_parts(item);
    ia_sharing_release(&item->sharing);
    free(item->content_backing);
}

static void release_previous(struct ia_previous *previous)
{
    free(previous->path);
    free(previous->referenced_by);
    ia_parsed_release(&previous->parsed);
}

void ia_inventory_release(struct ia_inventory *inventory)
{
    for (size_t i = 0; i < inventory->items.len; i++)
        release_item(&inventory->items.items[i]);
    for (size_t i = 0; i < inventory->previous.len; i++)
        release_previous(&inventory->previous.items[i]);
    ia_vec_release(&inventory->items);
    ia_vec_release(&inventory->previous);
    free(inventory->index.slots);
    free(inventory->previous_index.slots);
    *inventory = (struct ia_inventory){0};
}

static size_t hash(int64_t dev, int64_t inode)
{
    uint64_t h = ((uint64_t)dev * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)inode;
    h = (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return (size_t)(h ^ (h >> 32));
}

typedef const struct ia_file_key *key_at(const struct ia_inventory *inventory, size_t number);

static const struct ia_file_key *item_key(const struct ia_inventory *inventory, size_t number)
{
    return &inventory->items.items[number].key;
}

static const struct ia_file_key *previous_key(const struct ia_inventory *inventory, size_t number)
{
    return &inventory->previous.items[number].key;
}

/* The slot of an identity: its number plus one, or 0 in a free slot. Ends: the table is never more than half full. */
static size_t *slot_of(const struct ia_inventory *inventory, const struct ia_index *index, key_at *key, int64_t dev,
                       int64_t inode)
{
    size_t mask = index->cap - 1;
    for (size_t i = hash(dev, inode) & mask;; i = (i + 1) & mask) {
        if (index->slots[i] == 0)
            return &index->slots[i];
        const struct ia_file_key *found = key(inventory, index->slots[i] - 1);
        if (found->dev == dev && found->inode == inode)
            return &index->slots[i];
    }
}

static bool grow(const struct ia_inventory *inventory, struct ia_index *index, key_at *key)
{
    struct ia_index bigger = {.cap = index->cap == 0 ? 1024 : index->cap * 2, .used = index->used};
    bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
    if (bigger.slots == NULL)
        return false;
    for (size_t i = 0; i < index->cap; i++) {
        if (index->slots[i] == 0)
            continue;
        const struct ia_file_key *k = key(inventory, index->slots[i] - 1);
        *slot_of(inventory, &bigger, key, k->dev, k->inode) = index->slots[i];
    }
    free(index->slots);
    *index = bigger;
    return true;
}

static size_t find(const struct ia_inventory *inventory, const struct ia_index *index, key_at *key, int64_t dev,
                   int64_t inode)
{
    if (index->cap == 0)
        return IA_NO_ITEM;
    size_t slot = *slot_of(inventory, index, key, dev, inode);
    return slot == 0 ? IA_NO_ITEM : slot - 1;
}

static bool insert(const struct ia_inventory *inventory, struct ia_index *index, key_at *key, size_t number)
{
    if (index->used * 2 >= index->cap && !grow(inventory, index, key))
        return false;
    const struct ia_file_key *k = key(inventory, number);
    *slot_of(inventory, index, key, k->dev, k->inode) = number + 1;
    index->used++;
    return true;
}

size_t ia_inventory_find(const struct ia_inventory *inventory, int64_t dev, int64_t inode)
{
    return find(inventory, &inventory->index, item_key, dev, inode);
}

size_t ia_inventory_find_previous(const struct ia_inventory *inventory, int64_t dev, int64_t inode)
{
    return find(inventory, &inventory->previous_index, previous_key, dev, inode);
}

static bool comes_before(const struct ia_name *a, const struct ia_name *b)
{
    if (a->symlink != b->symlink)
        return b->symlink;
    return strcmp(a->path, b->path) < 0;
}

static bool add_name(struct ia_item *item, const char *path, bool symlink)
{
    struct ia_name name = {.path = strdup(path), .symlink = symlink};
    if (name.path == NULL || !ia_vec_push(&item->names, name)) {
        free(name.path);
        return false;
    }
    for (size_t i = item->names.len - 1; i > 0 && comes_before(&name, &item->names.items[i - 1]); i--) {
        item->names.items[i] = item->names.items[i - 1];
        item->names.items[i - 1] = name;
    }
    return true;
}

enum ia_status ia_inventory_add(struct ia_inventory *inventory, const char *path, const struct stat *st, bool symlink,
                                size_t *number, struct ia_error *err)
{
    size_t found = ia_inventory_find(inventory, (int64_t)st->st_dev, (int64_t)st->st_ino);
    if (found == IA_NO_ITEM) {
        struct ia_item item = {
            .disk_size = (int64_t)st->st_blocks * 512,
            .links = (int64_t)st->st_nlink,
            .block_device = S_ISBLK(st->st_mode),
            .lock_state = "unknown",
            .previous = IA_NO_ITEM,
            .backing = IA_NO_ITEM,
            .backing_target = IA_NO_ITEM,
            .referenced_by = IA_NO_ITEM,
        };
        ia_file_key_from_stat(&item.key, st);
        found = inventory->items.len;
        if (!ia_vec_push(&inventory->items, item) || !insert(inventory, &inventory->index, item_key, found))
            return ia_fail(err, IA_NOMEM, "out of memory");
    }
    if (!add_name(&inventory->items.items[found], path, symlink))
        return ia_fail(err, IA_NOMEM, "out of memory");
    *number = found;
    return IA_OK;
}

enum ia_status ia_inventory_add_previous(struct ia_inventory *inventory, struct ia_previous *previous,
                                         struct ia_error *err)
{
    if (!ia_vec_push(&inventory->previous, *previous))
        return ia_fail(err, IA_NOMEM, "out of memory");
    *previous = (struct ia_previous){0};
    if (!insert(inventory, &inventory->previous_index, previous_key, inventory->previous.len - 1))
        return ia_fail(err, IA_NOMEM, "out of memory");
    return IA_OK;
}
