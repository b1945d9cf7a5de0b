/* SPDX-License-Identifier: MIT */
/* What readers of inventories are made of, and what they add to. A reader is a table of this kind and a line in
 * registry.c. Private to src/inventory. */
#ifndef IA_INVENTORY_READER_H
#define IA_INVENTORY_READER_H

#include "inventory/inventory.h"

/* An inventory with a place of its own. */
struct ia_inventory_reader {
    const char *kind;
    const char *place;                   /* where it is on a host as a rule; NULL: nowhere */
    bool (*is_there)(const char *place); /* NULL: never found by itself */
    /* What is read from that place; NULL: the place alone. */
    void (*each_place)(const char *place, void (*each)(void *ctx, const char *path), void *ctx);
    /* The place with a home directory in it, owned by the caller; NULL: there is none in it. */
    char *(*at_home)(const char *place);
    /* Adds its source first. */
    void (*read)(struct ia_inventory *inventory, const char *place);
};
extern const struct ia_inventory_reader ia_list_reader;
extern const struct ia_inventory_reader ia_libvirt_reader;
extern const struct ia_inventory_reader ia_proxmox_reader;

/* Files that platforms keep beside images, known by their names. */
struct ia_beside_reader {
    const char *kind;
    /* As in struct ia_inventory_source: of these images of the directory of such a file it has all machines. */
    const char *formats;
    /* Its name and its place are all that is needed: the file is not read, and may be an image, or a symbolic link to
     * one. One source has all of them, and `text` is NULL. */
    bool by_name;
    /* With places those that are in one of them, and each is what its place means, unless `takes` and `read` are there.
     */
    const struct ia_place *places;
    size_t place_count;
    bool (*takes)(const char *path);
    /* text: the file's content, of len bytes, and a NUL behind them. Paths come in order of their bytes. */
    void (*read)(struct ia_inventory *inventory, const char *path, char *text, size_t len);
};

extern const struct ia_beside_reader ia_vmware_reader, ia_virtualbox_reader, ia_opennebula_reader, ia_nova_reader,
    ia_glance_reader, ia_cinder_reader, ia_cloudstack_reader, ia_longhorn_reader, ia_ganeti_reader, ia_vagrant_reader,
    ia_lima_reader, ia_multipass_reader, ia_incus_reader, ia_minikube_reader, ia_android_reader;
extern const struct ia_beside_reader ia_ovirt_reader;

/* A file that is larger is a problem. */
#define IA_INVENTORY_FILE_BYTES (INT64_C(16) << 20)
#define IA_INVENTORY_LIST_BYTES (INT64_C(256) << 20)

/* Reads a whole file, as one of the last source; a NUL that is not counted follows. False: it is a problem, and was
 * added as one, or memory is out. */
bool ia_inventory_load(struct ia_inventory *inventory, const char *path, int64_t most, struct ia_buf *out);

/* The same of a file that may be a pipe, as that of a process substitution, which is read to its end. One that nobody
 * has open to write to, nor opens within three seconds, is empty. */
bool ia_inventory_load_list(struct ia_inventory *inventory, const char *path, int64_t most, struct ia_buf *out);

/* There is no such file because a symbolic link, the path itself or one in it, leads to nothing: what it should lead to
 * is not mounted, or lost, and nothing is known of it. */
bool ia_inventory_leads_nowhere(const char *path);

/* The same of a file that was listed a moment ago: false without a problem where it is gone by now. */
bool ia_inventory_load_listed(struct ia_inventory *inventory, const char *path, int64_t most, struct ia_buf *out);
/* The same of the first `length` bytes of such a file, or of all where it has fewer. */
bool ia_inventory_load_start(struct ia_inventory *inventory, const char *path, int64_t length, struct ia_buf *out);

/* Adds a source; the machines that come after it are its own. */
void ia_inventory_add_source(struct ia_inventory *inventory, const char *kind, const char *place, bool is_of_host);
/* Adds a machine; NULL: out of memory. The pointer is valid until the next one is added. */
struct ia_machine *ia_inventory_add_machine(struct ia_inventory *inventory, enum ia_machine_kind kind, const char *name,
                                            const char *defined_in);
void ia_inventory_set_uuid(struct ia_inventory *inventory, struct ia_machine *machine, const char *uuid);
/* Adds a claim of an absolute path; NULL: out of memory, or machine is NULL. */
struct ia_claim *ia_inventory_add_claim(struct ia_inventory *inventory, struct ia_machine *machine,
                                        enum ia_claim_role role, const char *path);
/* The same of a path that is relative to the directory of the file `from`, unless it is absolute. */
struct ia_claim *ia_inventory_add_claim_beside(struct ia_inventory *inventory, struct ia_machine *machine,
                                               enum ia_claim_role role, const char *from, const char *path);
void ia_inventory_set_format(struct ia_inventory *inventory, struct ia_claim *claim, const char *format);
/* Takes out claims of the same file in the same role, which several files about a machine may have, and restore points
 * that are disks of it. */
void ia_inventory_merge_claims(struct ia_inventory *inventory, struct ia_machine *machine);
void ia_inventory_add_pool(struct ia_inventory *inventory, const char *name, const char *path, const char *defined_in);

/* host: NULL: this one. */
void ia_inventory_add_service(struct ia_inventory *inventory, size_t machine, enum ia_claim_role role, const char *host,
                              const char *name, const char *defined_in);

/* Calls `each` for the names of a directory's entries that end in `suffix`, in order of their bytes; a directory that
 * is not there has none. False: it could not be listed, which was added as a problem. */
bool ia_inventory_each_file(struct ia_inventory *inventory, const char *directory, const char *suffix,
                            void (*each)(struct ia_inventory *inventory, const char *path, void *ctx), void *ctx);

#endif
