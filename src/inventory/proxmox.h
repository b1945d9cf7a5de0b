/* SPDX-License-Identifier: MIT */
/* What the reader of Proxmox VE is made of: storages, and the configurations of guests. Private to proxmox*.c. */
#ifndef IA_INVENTORY_PROXMOX_H
#define IA_INVENTORY_PROXMOX_H

#include "inventory/reader.h"

/* -- Storages (storage.cfg) ---------------------------------------------------------------------------------------- */

/* A section of storage.cfg. Texts lie in the file's text; NULL: there is no such property. */
struct px_storage {
    const char *id, *type;
    const char *path, *vgname, *pool, *mountpoint, *nodes, *content, *content_dirs;
    bool is_shared, is_disabled;
    bool has_chains; /* snapshot-as-volume-chain: a snapshot is a file of its own, which the disk is an overlay of */
    size_t number;   /* in the file */
};

struct px_storages {
    IA_VEC(struct px_storage) all; /* by id */
    const char *node;              /* the name of this host; NULL: unknown */
};

/* Takes storage.cfg apart, in place: `text`, of len bytes and a NUL, must live as long as the storages. */
void px_storages_parse(struct ia_inventory *inventory, const char *path, char *text, size_t len,
                       struct px_storages *out);
void px_storages_release(struct px_storages *storages);
const struct px_storage *px_storages_find(const struct px_storages *storages, const char *id);

/* What a storage keeps its volumes as. */
enum px_kind {
    PX_FILES,
    PX_FILES_IN_MNT, /* the same, and its path is /mnt/pve/ID where none is given */
    PX_BTRFS,        /* files and, for what is raw, directories with one */
    PX_LVM,
    PX_LVM_THIN,
    PX_ZFS,
    PX_OTHERS, /* no files of this host */
    PX_UNKNOWN
};
enum px_kind px_storage_kind(const struct px_storage *storage);
/* It has what its kind needs. */
bool px_storage_has_place(const struct px_storage *storage);
/* This host may use it. */
bool px_storage_is_here(const struct px_storages *storages, const struct px_storage *storage);
/* Its volumes are files. */
bool px_storage_has_files(const struct px_storage *storage);

/* -- Volumes ------------------------------------------------------------------------------------------------------- */

/* Adds the directory of a storage's images to the pools of the inventory, where it is for such. */
void px_storage_add_pool(struct ia_inventory *inventory, const struct px_storage *storage, const char *defined_in);

enum px_place {
    PX_FILE,
    PX_DEVICE,    /* it is there while it is in use */
    PX_DIRECTORY, /* of a container */
    PX_ELSEWHERE, /* no path of this host leads to it */
    PX_NOWHERE    /* it is no name of a volume */
};

struct px_volume {
    enum px_place place;
    struct ia_buf path;
    const char *format; /* of QEMU; NULL: not stated */
};

/* Where a volume is, `name` being what follows the storage's id. snapshot: the state of it that has this name; NULL: it
 * itself. Release out->path. */
void px_storage_locate(const struct px_storage *storage, const char *name, const char *snapshot, struct px_volume *out);

/* -- Guests -------------------------------------------------------------------------------------------------------- */

struct px_guest_source {
    struct ia_inventory *inventory;
    const struct px_storages *storages;
    const char *path; /* of the configuration */
    const char *id;   /* VMID */
    bool is_container;
    bool is_foreign; /* another node's: what it has on storages that are not shared is not on this host */
    enum ia_machine_state state;
};

/* Adds the machine. `text`, of len bytes and a NUL, is written into. */
void px_guest_parse(const struct px_guest_source *source, char *text, size_t len);

/* -- Lines --------------------------------------------------------------------------------------------------------- */

/* The next line, ended by a NUL, without white space at its end; *at goes to the one after. NULL: there is none. What
 * lies behind a NUL in a line is lost, and *has_nul set. */
char *px_next_line(char **at, char *end, bool *has_nul);
/* The next of the words between any of `separators`; NULL: there is none. An empty word is none. */
char *px_next_word(char **at, const char *separators);
/* One of the words of a list, as Proxmox VE separates them, is this one. */
bool px_list_has(const char *list, const char *word);

#endif
