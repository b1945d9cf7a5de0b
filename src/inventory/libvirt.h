/* SPDX-License-Identifier: MIT */
/* What the parts of the reader of libvirt's files share. Private to src/inventory. */
#ifndef IA_INVENTORY_LIBVIRT_H
#define IA_INVENTORY_LIBVIRT_H

#include "inventory/reader.h"
#include "inventory/xml_tree.h"

/* A storage pool, as its XML has it. */
struct ia_libvirt_pool {
    char *name;   /* owned */
    char *target; /* owned; the directory of its volumes; NULL: they are no local files, or not called as volumes are */
    char *defined_in; /* owned */
    char *service;    /* owned; the protocol of a server that hands out its volumes; NULL: none does */
    char *host;       /* owned; where that is; NULL: it is not stated */
    size_t number;    /* in the order of reading */
};

struct ia_libvirt {
    struct ia_inventory *inventory;
    IA_VEC(struct ia_libvirt_pool) pools; /* by name, after ia_libvirt_settle_pools */
};
void ia_libvirt_release(struct ia_libvirt *libvirt);

/* What a description of a machine is read for. */
enum ia_libvirt_use {
    IA_LIBVIRT_MACHINE,    /* what it uses, or will when it is started */
    IA_LIBVIRT_SNAPSHOT,   /* how it was: somebody may go back to that */
    IA_LIBVIRT_OVERLAY,    /* what was made on that */
    IA_LIBVIRT_CHECKPOINT, /* how it was: a backup may begin from there, nobody can go back */
};

/* Adds the claims of a <domain>. `file` is what it was read from, `name` the machine's. */
void ia_libvirt_read_domain(struct ia_libvirt *libvirt, size_t machine, enum ia_libvirt_use use,
                            const struct ia_xml_node *domain, const char *file, const char *name);
/* The same of the <disk> elements in a <disks> of a snapshot: the overlays that it made. */
void ia_libvirt_read_overlays(struct ia_libvirt *libvirt, size_t machine, const struct ia_xml_node *disks,
                              const char *file);
/* Of what a <domstatus> has beside its <domain>: files that jobs read or write. */
void ia_libvirt_read_jobs(struct ia_libvirt *libvirt, size_t machine, const struct ia_xml_node *status,
                          const char *file);

/* Reads the pools that the files *.xml of a directory describe. */
void ia_libvirt_read_pools(struct ia_libvirt *libvirt, const char *directory);
/* After the last of them: adds them to the inventory, each once with each of its targets. */
void ia_libvirt_settle_pools(struct ia_libvirt *libvirt);
/* The pools of that name, more than one where it has several targets; NULL: there is none. */
const struct ia_libvirt_pool *ia_libvirt_find_pools(const struct ia_libvirt *libvirt, const char *name, size_t *count);

/* The XML of a file; NULL: there is none, which was added as a problem unless the file is gone. */
struct ia_xml_node *ia_libvirt_load_xml(struct ia_libvirt *libvirt, const char *path);
/* The same of what a machine was saved to. */
struct ia_xml_node *ia_libvirt_load_saved(struct ia_libvirt *libvirt, const char *path);
struct ia_xml_node *ia_libvirt_parse(struct ia_libvirt *libvirt, const char *path, const char *text, size_t len);

#endif
