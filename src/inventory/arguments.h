/* SPDX-License-Identifier: MIT */
/* Arguments of QEMU that were written by hand. Private to src/inventory. */
#ifndef IA_INVENTORY_ARGUMENTS_H
#define IA_INVENTORY_ARGUMENTS_H

#include "inventory/reader.h"

/* Calls `each` for what may be a path in the value of an option, absolute all of them. is_name: it is the value of a
 * file= or filename, which has nothing else. */
void ia_arguments_each_path(struct ia_inventory *inventory, const char *value,
                            void (*each)(void *ctx, const char *path, bool is_name), void *ctx);

#endif
