/* SPDX-License-Identifier: MIT */
/* Storage pools of libvirt, and where their volumes are. What a pool's XML has: formatstorage.html, and
 * virStoragePoolDefFormat in libvirt's src/conf/storage_conf.c. */
#include "inventory/libvirt.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Volumes of these are files or devices of their own names below the target. Those of iscsi, iscsi-direct, scsi and
 * mpath are whole devices by other names; those of rbd, sheepdog and gluster lie elsewhere. */
static bool has_files(const char *type)
{
    static const char *const types[] = {"dir", "fs", "netfs", "logical", "disk", "zfs", "vstorage"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

/* Servers that may have files of their hosts as volumes. */
static const char *service_of(const char *type)
{
    static const char *const types[][2] = {{"gluster", "gluster"}, {"iscsi", "iscsi"}, {"iscsi-direct", "iscsi"}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i][0], type) == 0)
            return types[i][1];
    return NULL;
}

static void release_pool(struct ia_libvirt_pool *pool)
{
    free(pool->name);
    free(pool->target);
    free(pool->defined_in);
    free(pool->service);
    free(pool->host);
}

void ia_libvirt_release(struct ia_libvirt *libvirt)
{
    for (size_t i = 0; i < libvirt->pools.len; i++)
        release_pool(&libvirt->pools.items[i]);
    ia_vec_release(&libvirt->pools);
}

/* A copy; NULL for NULL, and where memory is out, which sticks. */
static char *copy(struct ia_libvirt *libvirt, const char *text)
{
    char *made = text == NULL ? NULL : strdup(text);
    libvirt->inventory->failed |= made == NULL && text != NULL;
    return made;
}

static void add_pool(struct ia_libvirt *libvirt, const struct ia_xml_node *xml, const char *type, const char *target,
                     const char *path)
{
    const struct ia_xml_node *host = ia_xml_child(ia_xml_child(xml, "source"), "host");
    struct ia_libvirt_pool pool = {.name = copy(libvirt, ia_xml_child_text(xml, "name")),
                                   .target = copy(libvirt, target),
                                   .defined_in = copy(libvirt, path),
                                   .service = copy(libvirt, service_of(type)),
                                   .host = copy(libvirt, ia_xml_attribute(host, "name")),
                                   .number = libvirt->pools.len};
    if (!libvirt->inventory->failed && ia_vec_push(&libvirt->pools, pool))
        return;
    release_pool(&pool);
    libvirt->inventory->failed = true;
}

static void read_pool(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct ia_libvirt *libvirt = ctx;
    IA_AUTO_XML struct ia_xml_node *root = ia_libvirt_load_xml(libvirt, path);
    if (root == NULL)
        return;
    const struct ia_xml_node *pool = strcmp(root->name, "poolstate") == 0 ? ia_xml_child(root, "pool") : root;
    const char *type = ia_xml_attribute(pool, "type");
    const char *name = ia_xml_child_text(pool, "name");
    const char *target = ia_xml_child_text(ia_xml_child(pool, "target"), "path");
    if (pool == NULL || strcmp(pool->name, "pool") != 0 || type == NULL || name == NULL)
        ia_inventory_add_problem(inventory, path, "is no storage pool of libvirt");
    else if (has_files(type) && (target == NULL || target[0] != '/'))
        ia_inventory_add_problem(inventory, path, "the storage pool '%s' has no target path", name);
    else
        add_pool(libvirt, pool, type, has_files(type) ? target : NULL, path);
}

/* What is defined comes before what was running, which is read later. */
static int by_name(const void *left, const void *right)
{
    const struct ia_libvirt_pool *a = left;
    const struct ia_libvirt_pool *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static bool has_target(const struct ia_libvirt_pool *pool, const struct ia_libvirt_pool *other)
{
    return pool->target == NULL || other->target == NULL ? pool->target == other->target
                                                         : strcmp(pool->target, other->target) == 0;
}

void ia_libvirt_read_pools(struct ia_libvirt *libvirt, const char *directory)
{
    ia_inventory_each_file(libvirt->inventory, directory, ".xml", read_pool, libvirt);
}

/* A pool may have been defined anew while it runs: then it has two targets, of which the second one is in force until
 * it is stopped. */
void ia_libvirt_settle_pools(struct ia_libvirt *libvirt)
{
    struct ia_libvirt_pool *pools = libvirt->pools.items;
    size_t kept = 0;
    if (libvirt->pools.len > 0)
        qsort(pools, libvirt->pools.len, sizeof(pools[0]), by_name);
    for (size_t i = 0; i < libvirt->pools.len; i++) {
        size_t same = kept;
        while (same > 0 && strcmp(pools[same - 1].name, pools[i].name) == 0 && !has_target(&pools[same - 1], &pools[i]))
            same--; /* ends: at a pool of another name; libvirt has one file of a name in each directory */
        if (same > 0 && strcmp(pools[same - 1].name, pools[i].name) == 0) {
            release_pool(&pools[i]);
            continue;
        }
        pools[kept++] = pools[i];
        if (pools[kept - 1].target != NULL)
            ia_inventory_add_pool(libvirt->inventory, pools[kept - 1].name, pools[kept - 1].target,
                                  pools[kept - 1].defined_in);
    }
    libvirt->pools.len = kept;
}

const struct ia_libvirt_pool *ia_libvirt_find_pools(const struct ia_libvirt *libvirt, const char *name, size_t *count)
{
    const struct ia_libvirt_pool *pools = libvirt->pools.items;
    size_t low = 0;
    *count = 0;
    for (size_t high = libvirt->pools.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (strcmp(pools[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + *count < libvirt->pools.len && strcmp(pools[low + *count].name, name) == 0)
        ++*count;
    return *count > 0 ? &pools[low] : NULL;
}
