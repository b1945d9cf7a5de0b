/* SPDX-License-Identifier: MIT */
/* What the parts of the reader of a <domain> of libvirt share. Private to libvirt_*.c. */
#ifndef IA_INVENTORY_LIBVIRT_READING_H
#define IA_INVENTORY_LIBVIRT_READING_H

#include <string.h>

#include "inventory/libvirt.h"

/* What is read, and into which machine. */
struct ia_libvirt_reading {
    struct ia_libvirt *libvirt;
    size_t machine;
    enum ia_libvirt_use use;
    const char *file, *name;
};

static inline bool ia_libvirt_is(const char *word, const char *other)
{
    return word != NULL && strcmp(word, other) == 0;
}

/* The machine is looked up each time: machines move when one is added. */
static inline struct ia_machine *ia_libvirt_machine(const struct ia_libvirt_reading *reading)
{
    return &reading->libvirt->inventory->machines.items[reading->machine];
}

/* A claim of a path; NULL: it is none, which was added as a problem, or memory is out. */
struct ia_claim *ia_libvirt_add(const struct ia_libvirt_reading *reading, enum ia_claim_role role, const char *path);
/* A claim of what a <source>, or an element of the same kind, names; NULL: no local file. */
struct ia_claim *ia_libvirt_add_source(const struct ia_libvirt_reading *reading, enum ia_claim_role role,
                                       const char *type, const struct ia_xml_node *source);
/* The role of what is written to: that of a disk, or of how it was. */
enum ia_claim_role ia_libvirt_disk_role(const struct ia_libvirt_reading *reading);
/* The word that QEMU has for a format of libvirt; NULL: none, so that the content decides. */
const char *ia_libvirt_format(const char *format);

/* A child of <devices>, except for what only disks have. */
void ia_libvirt_read_device(const struct ia_libvirt_reading *reading, const struct ia_xml_node *device);
void ia_libvirt_read_boot(const struct ia_libvirt_reading *reading, const struct ia_xml_node *os);
/* What is handed to the emulator as it is. */
void ia_libvirt_read_command_lines(const struct ia_libvirt_reading *reading, const struct ia_xml_node *domain);

#endif
