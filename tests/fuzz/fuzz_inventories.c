/* SPDX-License-Identifier: MIT */
/* Any bytes as the files of every inventory there is, each where its platform keeps it: claims are of absolute paths,
 * what is numbered is there, and no reader runs on. */
#include <stdio.h>
#include <string.h>

#include "fuzz/inventory_files.h"
#include "fuzz/target.h"
#include "inventory/inventory.h"

const char *const fuzz_inventory_names[FUZZ_INVENTORY_FILES] = {
    [FUZZ_LIST] = "list",
    [FUZZ_LIBVIRT_DEFINITION] = "libvirt/etc/qemu/m.xml",
    [FUZZ_LIBVIRT_POOL] = "libvirt/etc/storage/p.xml",
    [FUZZ_LIBVIRT_STATUS] = "libvirt/run/qemu/m.xml",
    [FUZZ_LIBVIRT_SNAPSHOT] = "libvirt/lib/qemu/snapshot/m/s.xml",
    [FUZZ_LIBVIRT_CHECKPOINT] = "libvirt/lib/qemu/checkpoint/m/c.xml",
    [FUZZ_LIBVIRT_SAVE] = "libvirt/lib/qemu/save/m.save",
    [FUZZ_PROXMOX_STORAGE] = "pve/storage.cfg",
    [FUZZ_PROXMOX_VM] = "pve/qemu-server/100.conf",
    [FUZZ_PROXMOX_CONTAINER] = "pve/lxc/200.conf",
    [FUZZ_PROXMOX_FOREIGN] = "nodes/nodes/other/qemu-server/300.conf",
    [FUZZ_PROXMOX_MAPPING] = "pve/mapping/directory.cfg",
    [FUZZ_VMX] = "beside/m.vmx",
    [FUZZ_VMSD] = "beside/m.vmsd",
    [FUZZ_VBOX] = "beside/m.vbox",
    [FUZZ_OVIRT] = "beside/" FUZZ_UUID ".meta",
    [FUZZ_NOVA] = "instances/" FUZZ_UUID "/disk",
    [FUZZ_LONGHORN] = "replicas/pvc-1/volume-head-000.img",
    [FUZZ_OPENNEBULA] = "datastores/0/1/disk.0",
    [FUZZ_NOVA_INFO] = "instances/" FUZZ_UUID "/disk.info",
};

static void check_claim(const struct ia_claim *claim, size_t number)
{
    FUZZ_CHECK(claim->path != NULL && claim->path[0] != '\0');
    FUZZ_CHECK(claim->role < IA_CLAIM_ROLES && claim->over <= number);
}

static void check(const struct ia_inventory *inventory)
{
    FUZZ_CHECK(!inventory->failed);
    for (size_t i = 0; i < inventory->machines.len; i++) {
        const struct ia_machine *machine = &inventory->machines.items[i];
        FUZZ_CHECK(machine->source < inventory->sources.len && machine->kind < IA_MACHINE_KINDS);
        FUZZ_CHECK(machine->name != NULL && machine->defined_in != NULL && machine->state < IA_MACHINE_STATES);
        for (size_t k = 0; k < machine->claims.len; k++)
            check_claim(&machine->claims.items[k], k);
    }
    for (size_t i = 0; i < inventory->problems.len; i++)
        FUZZ_CHECK(inventory->problems.items[i].path != NULL && inventory->problems.items[i].detail != NULL);
    for (size_t i = 0; i < inventory->pools.len; i++)
        FUZZ_CHECK(inventory->pools.items[i].path[0] == '/');
}

static void settle(struct ia_inventory *inventory)
{
    for (size_t i = 0; i < inventory->services.len; i++) {
        FUZZ_CHECK(inventory->services.items[i].machine < inventory->machines.len);
        FUZZ_CHECK(ia_inventory_settle_service(inventory, &inventory->services.items[i], i % 2 == 0, NULL) == IA_OK);
    }
}

static void read_source(const char *format, const char *directory)
{
    struct ia_inventory inventory = {0};
    char source[4 * FUZZ_PATH];
    snprintf(source, sizeof(source), format, directory, directory, directory);
    FUZZ_CHECK(ia_inventory_read(&inventory, source, NULL) == IA_OK);
    check(&inventory);
    settle(&inventory);
    check(&inventory);
    ia_inventory_release(&inventory);
}

/* As a walk does, one file after the other into one inventory. */
static void read_beside(void)
{
    struct ia_inventory inventory = {0};
    struct ia_beside_walk walk = {0};
    for (size_t i = FUZZ_BESIDE; i < FUZZ_BESIDE_END; i++) {
        char path[FUZZ_PATH];
        FUZZ_CHECK(ia_inventory_is_beside(&walk, fuzz_path(path, fuzz_inventory_names[i]), false));
        ia_inventory_read_beside(&inventory, path);
    }
    check(&inventory);
    ia_beside_walk_release(&walk);
    ia_inventory_release(&inventory);
}

const int fuzz_changed_bytes = 6;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const char *directory = fuzz_lay_files(fuzz_inventory_names, FUZZ_INVENTORY_FILES, bytes, len);
    read_source("list:%s/list", directory);
    read_source("libvirt:%s/libvirt/etc:%s/libvirt/run:%s/libvirt/lib", directory);
    read_source("proxmox:%s/pve", directory);
    read_source("proxmox:%s/nodes", directory);
    read_beside();
    return 0;
}
