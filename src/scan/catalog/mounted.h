/* SPDX-License-Identifier: MIT */
/* Whether the file system that was at a path in an earlier scan is there now. `identity` is that file system's,
 * `inside` the directory of it that was there, "" where that is not known. IA_NOMEM only. */
#ifndef IA_SCAN_CATALOG_MOUNTED_H
#define IA_SCAN_CATALOG_MOUNTED_H

#include "scan/catalog/catalog.h"

/* It is where it was, as far as the directory, or what is left of its path, shows. */
IA_MUST_CHECK enum ia_status ia_catalog_is_mounted(struct ia_catalog *catalog, const char *directory,
                                                   const char *identity, bool *out, struct ia_error *err);
/* What was at the path is not there now, as far as the list of mounts shows; false where it does not show it. */
IA_MUST_CHECK enum ia_status ia_catalog_is_elsewhere(const struct ia_catalog *catalog, const char *path,
                                                     const char *identity, const char *inside, bool *out,
                                                     struct ia_error *err);
/* What was at the place is there now; where the list of mounts does not show it, by a look at the directory. */
IA_MUST_CHECK enum ia_status ia_catalog_is_in_place(struct ia_catalog *catalog, const char *place, const char *identity,
                                                    const char *inside, bool *out, struct ia_error *err);

#endif
