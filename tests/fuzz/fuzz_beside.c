/* SPDX-License-Identifier: MIT */
/* Any bytes as files of VMware and VirtualBox: claims are absolute, and a file has one machine at most. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "inventory/reader.h"

static void check(const struct ia_beside_reader *reader, const char *path, const uint8_t *bytes, size_t len)
{
    struct ia_inventory inventory = {0};
    char *text = malloc(len + 1); /* readers take it apart in place */
    FUZZ_CHECK(text != NULL && reader->takes(path));
    memcpy(text, bytes, len);
    text[len] = '\0';
    reader->read(&inventory, path, text, len);
    FUZZ_CHECK(!inventory.failed && inventory.machines.len <= 1);
    for (size_t i = 0; i < inventory.machines.len; i++)
        for (size_t k = 0; k < inventory.machines.items[i].claims.len; k++)
            FUZZ_CHECK(inventory.machines.items[i].claims.items[k].path[0] == '/');
    ia_inventory_release(&inventory);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    check(&ia_vmware_reader, "/nowhere/vm.vmx", bytes, len);
    check(&ia_vmware_reader, "/nowhere/vm.vmsd", bytes, len);
    check(&ia_virtualbox_reader, "/nowhere/vm.vbox", bytes, len);
    return 0;
}
