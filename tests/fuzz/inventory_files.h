/* SPDX-License-Identifier: MIT */
/* The files that the target `inventories` may have: those of a host with every platform. */
#ifndef IA_TEST_FUZZ_INVENTORY_FILES_H
#define IA_TEST_FUZZ_INVENTORY_FILES_H

#include "fuzz/files.h"

#define FUZZ_UUID "00000000-1111-4222-8333-444444444444"

enum {
    FUZZ_LIST,
    FUZZ_LIBVIRT_DEFINITION,
    FUZZ_LIBVIRT_POOL,
    FUZZ_LIBVIRT_STATUS,
    FUZZ_LIBVIRT_SNAPSHOT,
    FUZZ_LIBVIRT_CHECKPOINT,
    FUZZ_LIBVIRT_SAVE,
    FUZZ_PROXMOX_STORAGE,
    FUZZ_PROXMOX_VM,
    FUZZ_PROXMOX_CONTAINER,
    FUZZ_PROXMOX_FOREIGN,
    FUZZ_PROXMOX_MAPPING,
    FUZZ_BESIDE, /* from here on each is read for itself */
    FUZZ_VMX = FUZZ_BESIDE,
    FUZZ_VMSD,
    FUZZ_VBOX,
    FUZZ_OVIRT,
    FUZZ_NOVA,
    FUZZ_LONGHORN,
    FUZZ_OPENNEBULA,
    FUZZ_BESIDE_END,
    FUZZ_NOVA_INFO = FUZZ_BESIDE_END, /* read with an image */
    FUZZ_INVENTORY_FILES
};
extern const char *const fuzz_inventory_names[FUZZ_INVENTORY_FILES];

#endif
