/* SPDX-License-Identifier: MIT */
/* An entry of a map as `qemu-img map --output=json` prints it. A map may have millions: printing is most of the work.
 */
#ifndef IA_CLI_MAP_JSON_H
#define IA_CLI_MAP_JSON_H

#include <stdbool.h>

#include "base/buf.h"
#include "chain/map.h"

/* Without the separators of entries. With filenames, `filename` is the last key where there is an offset. */
void ia_map_json_add(struct ia_buf *out, const struct ia_map_entry *entry, bool filenames);

#endif
