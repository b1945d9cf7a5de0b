/* SPDX-License-Identifier: MIT */
/* Any bytes as the XML of a machine of libvirt, as it is, as a snapshot has it, and as the status of one that runs. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "inventory/libvirt.h"

/* Each claim is of an absolute path, lies over an earlier one, and is there once. */
static void check(const struct ia_machine *machine)
{
    for (size_t i = 0; i < machine->claims.len; i++) {
        const struct ia_claim *claim = &machine->claims.items[i];
        FUZZ_CHECK(claim->path[0] == '/' && claim->over <= i);
        FUZZ_CHECK(claim->over == 0 || claim->role == IA_CLAIM_BACKING);
        for (size_t k = 0; k < i && i < 50; k++) {
            const struct ia_claim *other = &machine->claims.items[k];
            FUZZ_CHECK(other->role != claim->role || other->over != claim->over ||
                       strcmp(other->path, claim->path) != 0);
        }
    }
}

static void read_as(const struct ia_xml_node *root, enum ia_libvirt_use use)
{
    struct ia_inventory inventory = {0};
    struct ia_libvirt libvirt = {.inventory = &inventory};
    ia_inventory_add_source(&inventory, "libvirt", "/etc/libvirt", true);
    FUZZ_CHECK(ia_inventory_add_machine(&inventory, IA_MACHINE_VM, "m", "/m.xml") != NULL);
    ia_libvirt_read_domain(&libvirt, 0, use, root, "/m.xml", "m");
    ia_libvirt_read_overlays(&libvirt, 0, root, "/m.xml");
    ia_libvirt_read_jobs(&libvirt, 0, root, "/m.xml");
    ia_inventory_merge_claims(&inventory, &inventory.machines.items[0]);
    FUZZ_CHECK(!inventory.failed);
    check(&inventory.machines.items[0]);
    ia_libvirt_release(&libvirt);
    ia_inventory_release(&inventory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ia_inventory inventory = {0};
    struct ia_libvirt libvirt = {.inventory = &inventory};
    struct ia_xml_node *root = ia_libvirt_parse(&libvirt, "/m.xml", (const char *)bytes, len);
    FUZZ_CHECK(!inventory.failed && (root == NULL) == (inventory.problems.len == 1));
    for (enum ia_libvirt_use use = IA_LIBVIRT_MACHINE; root != NULL && use <= IA_LIBVIRT_CHECKPOINT; use++)
        read_as(root, use);
    ia_xml_tree_free(root);
    ia_inventory_release(&inventory);
    return 0;
}
