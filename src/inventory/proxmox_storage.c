/* SPDX-License-Identifier: MIT */
/* Storages of Proxmox VE: what /etc/pve/storage.cfg has (pve-storage(5)). */
#include "inventory/proxmox.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct type {
    const char *name;
    enum px_kind kind;
    bool is_shared;
} types[] = {
    {"dir", PX_FILES, false},
    {"nfs", PX_FILES_IN_MNT, true},
    {"cifs", PX_FILES_IN_MNT, true},
    {"cephfs", PX_FILES_IN_MNT, true},
    {"glusterfs", PX_FILES_IN_MNT, true},
    {"btrfs", PX_BTRFS, false},
    {"lvm", PX_LVM, false},
    {"lvmthin", PX_LVM_THIN, false},
    {"zfspool", PX_ZFS, false},
    {"zfs", PX_OTHERS, true},
    {"rbd", PX_OTHERS, true},
    {"iscsi", PX_OTHERS, true},
    {"iscsidirect", PX_OTHERS, true},
    {"pbs", PX_OTHERS, true},
    {"esxi", PX_OTHERS, false},
    {"drbd", PX_OTHERS, true},
    {"sheepdog", PX_OTHERS, true},
    {"nexenta", PX_OTHERS, true},
};

static const struct type *type_of(const struct px_storage *storage)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].name, storage->type) == 0)
            return &types[i];
    return NULL;
}

/* A plug-in of somebody else with a path keeps files below that as others do. */
enum px_kind px_storage_kind(const struct px_storage *storage)
{
    const struct type *type = type_of(storage);
    if (type != NULL)
        return type->kind;
    return storage->path != NULL ? PX_FILES : PX_UNKNOWN;
}

static bool is_true(const char *value)
{
    static const char *const words[] = {"1", "on", "yes", "true"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static void set(struct px_storage *storage, const char *key, const char *value)
{
    const struct {
        const char *key;
        const char **text;
    } texts[] = {
        {"path", &storage->path},
        {"vgname", &storage->vgname},
        {"pool", &storage->pool},
        {"nodes", &storage->nodes},
        {"mountpoint", &storage->mountpoint},
        {"content", &storage->content},
        {"content-dirs", &storage->content_dirs},
    };
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"shared", &storage->is_shared},
        {"disable", &storage->is_disabled},
        {"snapshot-as-volume-chain", &storage->has_chains},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (strcmp(texts[i].key, key) == 0)
            *texts[i].text = value;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(flags[i].key, key) == 0)
            *flags[i].flag = value[0] == '\0' || is_true(value); /* a word alone is set */
}

/* "TYPE: ID". */
static bool read_header(char *line, struct px_storage *out)
{
    size_t len = strcspn(line, ": \t");
    char *id = line + len + 1;
    if (len == 0 || line[len] != ':')
        return false;
    id += strspn(id, " \t");
    if (id[0] == '\0' || strpbrk(id, " \t") != NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        line[i] = (char)tolower((unsigned char)line[i]);
    line[len] = '\0';
    *out = (struct px_storage){.id = id, .type = line};
    return true;
}

static void read_property(struct px_storage *storage, char *line)
{
    char *key = line + strspn(line, " \t");
    size_t len = strcspn(key, " \t");
    char *value = key + len;
    value += strspn(value, " \t");
    key[len] = '\0';
    set(storage, key, value);
}

static int by_id(const void *left, const void *right)
{
    const struct px_storage *a = left;
    const struct px_storage *b = right;
    int order = strcmp(a->id, b->id);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

/* The storage `local` is a directory of each node, whatever the file has. */
static void add_local(struct ia_inventory *inventory, struct px_storages *storages)
{
    struct px_storage *local = NULL;
    for (size_t i = 0; i < storages->all.len; i++)
        if (strcmp(storages->all.items[i].id, "local") == 0)
            local = &storages->all.items[i];
    bool is_good = local != NULL && strcmp(local->type, "dir") == 0 &&
                   (local->path == NULL || strcmp(local->path, "/var/lib/vz") == 0);
    struct px_storage made = {.id = "local", .type = "dir", .number = storages->all.len};
    if (!is_good && !ia_vec_push(&storages->all, made)) {
        inventory->failed = true;
        return;
    }
    if (!is_good)
        local = &storages->all.items[storages->all.len - 1];
    local->path = "/var/lib/vz";
    local->nodes = NULL;
}

bool px_storage_has_place(const struct px_storage *storage)
{
    switch (px_storage_kind(storage)) {
    case PX_FILES:
    case PX_BTRFS:
        return storage->path != NULL && storage->path[0] == '/';
    case PX_FILES_IN_MNT:
        return storage->path == NULL || storage->path[0] == '/';
    case PX_LVM:
    case PX_LVM_THIN:
        return storage->vgname != NULL;
    case PX_ZFS:
        return storage->pool != NULL;
    default:
        return true;
    }
}

static void check(struct ia_inventory *inventory, const char *path, const struct px_storage *storage)
{
    if (!px_storage_has_place(storage))
        ia_inventory_add_problem(inventory, path, "storage '%s' (%s) has no place", storage->id, storage->type);
}

static void read_line(struct ia_inventory *inventory, const char *path, struct px_storages *storages, char *line,
                      size_t number)
{
    struct px_storage made;
    const char *first = line + strspn(line, " \t");
    if (*first == '\0' || *first == '#')
        return;
    if (first != line && storages->all.len > 0) {
        read_property(&storages->all.items[storages->all.len - 1], line);
    } else if (first == line && read_header(line, &made)) {
        made.number = storages->all.len;
        inventory->failed |= !ia_vec_push(&storages->all, made);
    } else {
        ia_inventory_add_problem(inventory, path, "line %zu is not understood", number);
    }
}

void px_storages_parse(struct ia_inventory *inventory, const char *path, char *text, size_t len,
                       struct px_storages *out)
{
    bool has_nul = false;
    char *line;
    size_t number = 0;
    for (char *at = text; (line = px_next_line(&at, text + len, &has_nul)) != NULL;)
        read_line(inventory, path, out, line, ++number);
    if (has_nul)
        ia_inventory_add_problem(inventory, path, "there are NUL bytes in it");
    add_local(inventory, out);
    for (size_t i = 0; i < out->all.len; i++) {
        struct px_storage *storage = &out->all.items[i];
        const struct type *type = type_of(storage);
        storage->is_shared |= type != NULL && type->is_shared;
        check(inventory, path, storage);
    }
    if (out->all.len > 1)
        qsort(out->all.items, out->all.len, sizeof(out->all.items[0]), by_id);
}

void px_storages_release(struct px_storages *storages)
{
    ia_vec_release(&storages->all);
}

/* The last of that id: what is written later counts. */
const struct px_storage *px_storages_find(const struct px_storages *storages, const char *id)
{
    size_t low = 0;
    for (size_t high = storages->all.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (strcmp(storages->all.items[middle].id, id) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool is_known = low > 0 && strcmp(storages->all.items[low - 1].id, id) == 0;
    return is_known ? &storages->all.items[low - 1] : NULL;
}

bool px_storage_is_here(const struct px_storages *storages, const struct px_storage *storage)
{
    return storage->nodes == NULL || storage->nodes[0] == '\0' || storages->node == NULL ||
           px_list_has(storage->nodes, storages->node);
}

bool px_storage_has_files(const struct px_storage *storage)
{
    enum px_kind kind = px_storage_kind(storage);
    return kind == PX_FILES || kind == PX_FILES_IN_MNT || kind == PX_BTRFS;
}
