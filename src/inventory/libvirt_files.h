/* SPDX-License-Identifier: MIT */
/* libvirt's files of machines, a function for each kind. Private to libvirt*.c. */
#ifndef IA_INVENTORY_LIBVIRT_FILES_H
#define IA_INVENTORY_LIBVIRT_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "inventory/libvirt.h"

/* A machine by what it is known by. */
struct ia_libvirt_known {
    const char *key; /* the machine's; its UUID, without one its name */
    bool is_uuid;
    size_t machine; /* number in the inventory */
};

/* What is known while the files of a place are read. */
struct ia_libvirt_files {
    struct ia_libvirt libvirt;
    bool knows_running; /* what runs was looked for: the others do not */
    size_t undefined;   /* the first machine that runs without a definition; SIZE_MAX: there is none */
    IA_VEC(struct ia_libvirt_known) known; /* by key; rebuilt between the kinds of files */
};

/* Rebuilds `known` of the machines from this number on. Until then, what the functions below read of a machine that
 * they added is another machine's. Out of memory: inventory->failed. */
void ia_libvirt_list_machines(struct ia_libvirt_files *files, size_t first);

/* Each reads a file into the machine that it describes, which is added where it is not known; ctx: struct
 * ia_libvirt_files. What is wrong with the file is added as a problem; out of memory: inventory->failed. */
void ia_libvirt_read_definition(struct ia_inventory *inventory, const char *path, void *ctx);
void ia_libvirt_read_status(struct ia_inventory *inventory, const char *path, void *ctx);
void ia_libvirt_read_snapshot(struct ia_inventory *inventory, const char *path, void *ctx);
void ia_libvirt_read_save(struct ia_inventory *inventory, const char *path, void *ctx);

#endif
