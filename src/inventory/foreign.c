/* SPDX-License-Identifier: MIT */
#include "inventory/foreign.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

static bool is_relative_to_drive_or_share(const char *path)
{
    return path[0] == '\\' || (isalpha((unsigned char)path[0]) && path[1] == ':');
}

struct ia_claim *ia_inventory_add_claim_foreign(struct ia_inventory *inventory, struct ia_machine *machine,
                                                enum ia_claim_role role, const char *from, const char *path)
{
    if (path[0] == '/' || strchr(path, '\\') == NULL)
        return ia_inventory_add_claim_beside(inventory, machine, role, from, path);
    IA_AUTO_FREE char *turned = strdup(path);
    if (turned == NULL) {
        inventory->failed = true;
        return NULL;
    }
    for (char *c = turned; *c != '\0'; c++)
        if (*c == '\\')
            *c = '/';
    bool has_place = !is_relative_to_drive_or_share(path);
    /* On Linux a backslash is a byte of a name like any other. */
    struct ia_claim *as_it_is = has_place ? ia_inventory_add_claim_beside(inventory, machine, role, from, path) : NULL;
    if (as_it_is != NULL)
        as_it_is->is_optional = true;
    return ia_inventory_add_claim_beside(inventory, machine, role, from, has_place ? turned : ia_path_name(turned));
}
