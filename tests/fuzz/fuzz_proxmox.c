/* SPDX-License-Identifier: MIT */
/* Any bytes as storage.cfg of Proxmox VE and, behind a byte 0xff, as the configuration of a guest. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "inventory/proxmox.h"

static char *copy(const uint8_t *bytes, size_t len)
{
    char *text = malloc(len + 1);
    FUZZ_CHECK(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\0';
    return text;
}

static void check(const struct ia_inventory *inventory, bool is_foreign)
{
    FUZZ_CHECK(!inventory->failed && inventory->machines.len <= 1);
    FUZZ_CHECK(is_foreign || inventory->machines.len == 1);
    for (size_t i = 0; i < inventory->machines.len; i++) {
        const struct ia_machine *machine = &inventory->machines.items[i];
        FUZZ_CHECK(!is_foreign || machine->claims.len > 0);
        for (size_t k = 0; k < machine->claims.len; k++)
            FUZZ_CHECK(machine->claims.items[k].path[0] == '/');
    }
}

static void parse(const struct px_storages *storages, const uint8_t *bytes, size_t len, bool is_container,
                  bool is_foreign)
{
    struct ia_inventory inventory = {0};
    struct px_guest_source source = {.inventory = &inventory,
                                     .storages = storages,
                                     .path = "/etc/pve/nodes/one/qemu-server/100.conf",
                                     .id = "100",
                                     .is_container = is_container,
                                     .is_foreign = is_foreign};
    char *text = copy(bytes, len);
    ia_inventory_add_source(&inventory, "proxmox", "/etc/pve", true);
    px_guest_parse(&source, text, len);
    check(&inventory, is_foreign);
    free(text);
    ia_inventory_release(&inventory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t *border = memchr(bytes, 0xff, len);
    size_t first = border != NULL ? (size_t)(border - bytes) : len;
    size_t behind = border != NULL ? first + 1 : len;
    struct ia_inventory inventory = {0};
    struct px_storages storages = {.node = "one"};
    char *text = copy(bytes, first);
    px_storages_parse(&inventory, "/etc/pve/storage.cfg", text, first, &storages);
    FUZZ_CHECK(!inventory.failed && px_storages_find(&storages, "local") != NULL);
    for (size_t i = 0; i < storages.all.len; i++) {
        FUZZ_CHECK(px_storages_find(&storages, storages.all.items[i].id) != NULL);
        if (px_storage_has_files(&storages.all.items[i]))
            px_storage_add_pool(&inventory, &storages.all.items[i], "/etc/pve/storage.cfg");
    }
    for (int kind = 0; kind < 4; kind++)
        parse(&storages, bytes + behind, len - behind, (kind & 1) != 0, (kind & 2) != 0);
    px_storages_release(&storages);
    free(text);
    ia_inventory_release(&inventory);
    return 0;
}
