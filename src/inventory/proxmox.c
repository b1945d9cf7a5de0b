/* SPDX-License-Identifier: MIT */
/* Proxmox VE: /etc/pve, which is the same on all nodes of a cluster (pmxcfs(8)), and which guests run on this one. */
#include "inventory/proxmox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

static const char usual_place[] = "/etc/pve";
static const char running[] = "/run/qemu-server";

struct cluster {
    const char *place;
    struct px_storages storages;
    char node[256];                /* this one; empty: unknown */
    bool has_own;                  /* its directory was found */
    bool is_host;                  /* the place is where this host has it */
    bool is_foreign, is_container; /* of the directory that is read */
};

/* -- Guests -------------------------------------------------------------------------------------------------------- */

/* Of a machine on this host. QEMU's file with its process is removed at the end of it. */
static enum ia_machine_state state_of(const char *id)
{
    char path[sizeof(running) + 64];
    char number[32] = {0};
    snprintf(path, sizeof(path), "%s/%s.pid", running, id);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT && access(running, X_OK) == 0 ? IA_MACHINE_OFF : IA_MACHINE_UNKNOWN;
    if (fgets(number, sizeof(number), file) == NULL)
        number[0] = '\0';
    fclose(file);
    number[strspn(number, "0123456789")] = '\0';
    snprintf(path, sizeof(path), "/proc/%s/stat", number);
    return number[0] != '\0' && access(path, F_OK) == 0 ? IA_MACHINE_RUNNING : IA_MACHINE_UNKNOWN;
}

/* "VMID.conf": Proxmox VE reads no other. */
static bool cut_id(const char *path, char *id, size_t size)
{
    const char *name = ia_path_name(path);
    size_t len = strspn(name, "0123456789");
    if (len == 0 || len >= size || strcmp(name + len, ".conf") != 0)
        return false;
    memcpy(id, name, len);
    id[len] = '\0';
    return true;
}

static void read_guest(struct ia_inventory *inventory, const char *path, void *ctx)
{
    const struct cluster *cluster = ctx;
    char id[32];
    IA_AUTO_BUF struct ia_buf text = {0};
    if (!cut_id(path, id, sizeof(id)) || !ia_inventory_load(inventory, path, IA_INVENTORY_FILE_BYTES, &text))
        return;
    struct px_guest_source source = {.inventory = inventory,
                                     .storages = &cluster->storages,
                                     .path = path,
                                     .id = id,
                                     .is_container = cluster->is_container,
                                     .is_foreign = cluster->is_foreign};
    if (cluster->is_host && !cluster->is_foreign && !cluster->is_container)
        source.state = state_of(id);
    px_guest_parse(&source, text.data, text.len);
}

/* -- Nodes --------------------------------------------------------------------------------------------------------- */

static void read_guests(struct ia_inventory *inventory, struct cluster *cluster, const char *directory)
{
    static const char *const kinds[] = {"qemu-server", "lxc"};
    for (size_t i = 0; i < 2; i++) {
        IA_AUTO_BUF struct ia_buf path = {0};
        ia_buf_addf(&path, "%s/%s", directory, kinds[i]);
        inventory->failed |= path.failed;
        cluster->is_container = i == 1;
        if (!path.failed)
            ia_inventory_each_file(inventory, path.data, ".conf", read_guest, cluster);
    }
}

/* What other nodes have matters where they share a storage with this one. */
static bool shares_storage(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->storages.all.len; i++) {
        const struct px_storage *storage = &cluster->storages.all.items[i];
        if (storage->is_shared && px_storage_is_here(&cluster->storages, storage) && px_storage_has_files(storage))
            return true;
    }
    return false;
}

static void read_node(struct ia_inventory *inventory, const char *path, void *ctx)
{
    struct cluster *cluster = ctx;
    bool is_own = cluster->node[0] == '\0' || strcmp(ia_path_name(path), cluster->node) == 0;
    cluster->has_own |= is_own;
    cluster->is_foreign = !is_own;
    if (is_own || shares_storage(cluster))
        read_guests(inventory, cluster, path);
}

static bool has_entry(const struct cluster *cluster, const char *name)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    struct stat st;
    ia_buf_addf(&path, "%s/%s", cluster->place, name);
    return !path.failed && lstat(path.data, &st) == 0;
}

/* The link `local` leads to this node's directory. In a copy without it: the name of this host. */
static void find_node(struct cluster *cluster)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    char target[sizeof(cluster->node) + 16];
    ia_buf_addf(&path, "%s/local", cluster->place);
    ssize_t len = path.failed ? -1 : readlink(path.data, target, sizeof(target) - 1);
    if (len > 0) {
        target[len] = '\0';
        snprintf(cluster->node, sizeof(cluster->node), "%.255s", ia_path_name(target));
    } else if (gethostname(cluster->node, sizeof(cluster->node) - 1) == 0) {
        cluster->node[strcspn(cluster->node, ".")] = '\0';
    }
    cluster->storages.node = cluster->node[0] != '\0' ? cluster->node : NULL;
}

static void read_nodes(struct ia_inventory *inventory, struct cluster *cluster)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    if (!has_entry(cluster, "nodes")) { /* a copy of one node's */
        cluster->has_own = has_entry(cluster, "qemu-server") || has_entry(cluster, "lxc");
        read_guests(inventory, cluster, cluster->place);
        return;
    }
    ia_buf_addf(&path, "%s/nodes", cluster->place);
    inventory->failed |= path.failed;
    if (!path.failed)
        ia_inventory_each_file(inventory, path.data, "", read_node, cluster);
}

static void add_pools(struct ia_inventory *inventory, const struct cluster *cluster, const char *defined_in)
{
    for (size_t i = 0; i < cluster->storages.all.len; i++) {
        const struct px_storage *storage = &cluster->storages.all.items[i];
        if (!storage->is_disabled && px_storage_has_files(storage) && px_storage_is_here(&cluster->storages, storage))
            px_storage_add_pool(inventory, storage, defined_in);
    }
}

/* -- Directories of the host that guests may be given -------------------------------------------------------------- */

/* "map node=NODE,path=PATH": guests name the section that it is in (virtiofs0: dirid=ID). */
static void add_directory(struct ia_inventory *inventory, const struct cluster *cluster, struct ia_machine *machine,
                          char *line)
{
    const char *path = NULL;
    bool is_here = true;
    char *at = line + strlen("map");
    for (char *word; (word = px_next_word(&at, " \t,")) != NULL;) {
        if (strncmp(word, "path=", 5) == 0)
            path = word + 5;
        else if (strncmp(word, "node=", 5) == 0)
            is_here = cluster->node[0] == '\0' || strcmp(word + 5, cluster->node) == 0;
    }
    if (path == NULL || path[0] != '/' || !is_here)
        return;
    struct ia_claim *claim = ia_inventory_add_claim(inventory, machine, IA_CLAIM_OTHER, path);
    if (claim != NULL)
        claim->is_directory = claim->is_optional = true;
}

/* PVE/Mapping/Dir.pm. Each is taken for given: a machine may be given one while it runs. */
static void read_directories(struct ia_inventory *inventory, const struct cluster *cluster)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    IA_AUTO_BUF struct ia_buf text = {0};
    bool has_nul = false;
    if (!has_entry(cluster, "mapping/directory.cfg"))
        return;
    ia_buf_addf(&path, "%s/mapping/directory.cfg", cluster->place);
    inventory->failed |= path.failed;
    if (path.failed || !ia_inventory_load(inventory, path.data, IA_INVENTORY_FILE_BYTES, &text))
        return;
    struct ia_machine *machine =
        ia_inventory_add_machine(inventory, IA_MACHINE_STORAGE, "directory mappings", path.data);
    char *at = text.data;
    for (char *line; machine != NULL && (line = px_next_line(&at, text.data + text.len, &has_nul)) != NULL;) {
        line += strspn(line, " \t");
        if (strncmp(line, "map", 3) == 0 && (line[3] == ' ' || line[3] == '\t'))
            add_directory(inventory, cluster, machine, line);
    }
}

/* -- The reader ---------------------------------------------------------------------------------------------------- */

/* Where the file system of the cluster is not mounted, its directory is empty. */
static bool is_mounted(struct ia_inventory *inventory, const struct cluster *cluster)
{
    if (has_entry(cluster, "nodes") || has_entry(cluster, "qemu-server") || has_entry(cluster, "lxc"))
        return true;
    ia_inventory_add_problem(inventory, cluster->place,
                             "there are no nodes and no guests in it: is the service pve-cluster running?");
    return false;
}

static void read_all(struct ia_inventory *inventory, const char *place)
{
    struct cluster cluster = {.place = place, .is_host = strcmp(place, usual_place) == 0};
    IA_AUTO_BUF struct ia_buf path = {0};
    IA_AUTO_BUF struct ia_buf text = {0};
    ia_inventory_add_source(inventory, ia_proxmox_reader.kind, place, true);
    ia_buf_addf(&path, "%s/storage.cfg", place);
    inventory->failed |= path.failed;
    if (path.failed || !is_mounted(inventory, &cluster) ||
        !ia_inventory_load(inventory, path.data, IA_INVENTORY_FILE_BYTES, &text))
        return;
    find_node(&cluster);
    px_storages_parse(inventory, path.data, text.data, text.len, &cluster.storages);
    add_pools(inventory, &cluster, path.data);
    read_nodes(inventory, &cluster);
    read_directories(inventory, &cluster);
    if (!cluster.has_own)
        ia_inventory_add_problem(inventory, place, "there is no node '%s' in it, which this host is taken for",
                                 cluster.node);
    px_storages_release(&cluster.storages);
}

static bool is_there(const char *place)
{
    struct stat st;
    return stat(place, &st) == 0 ? S_ISDIR(st.st_mode) : ia_inventory_leads_nowhere(place);
}

static void each_place(const char *place, void (*each)(void *ctx, const char *path), void *ctx)
{
    each(ctx, place);
    each(ctx, running);
}

const struct ia_inventory_reader ia_proxmox_reader = {
    .kind = "proxmox", .place = usual_place, .is_there = is_there, .each_place = each_place, .read = read_all};
