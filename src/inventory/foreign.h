/* SPDX-License-Identifier: MIT */
/* Names as software writes them that runs on Windows, too. Private to src/inventory. */
#ifndef IA_INVENTORY_FOREIGN_H
#define IA_INVENTORY_FOREIGN_H

#include "inventory/reader.h"

/* A claim of a path that is relative to the directory of the file `from`. One with a drive or a share has no place
 * here: its last component is looked for beside `from`. One with backslashes is looked for with slashes in their place,
 * too. NULL: out of memory, or machine is NULL. */
struct ia_claim *ia_inventory_add_claim_foreign(struct ia_inventory *inventory, struct ia_machine *machine,
                                                enum ia_claim_role role, const char *from, const char *path);

#endif
