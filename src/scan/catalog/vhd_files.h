/* SPDX-License-Identifier: MIT */
/* The small files of VHDs that are directories. Private to vhd_directories.c and vhd_parents.c. */
#ifndef IA_SCAN_CATALOG_VHD_FILES_H
#define IA_SCAN_CATALOG_VHD_FILES_H

#include "scan/catalog/catalog.h"

/* The path of a file in a directory; NULL without memory. The caller frees it. */
char *ia_vhd_join(const char *directory, const char *name);
/* The first bytes of a file, with a NUL behind them; *len: how many there are. A file that cannot be read has none. */
IA_MUST_CHECK enum ia_status ia_vhd_read_small(const struct ia_catalog *catalog, const char *path, size_t most,
                                               char *out, size_t *len, struct ia_error *err);

#endif
