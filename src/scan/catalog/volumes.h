/* SPDX-License-Identifier: MIT */
/* The file systems that the files of a catalog lie on. st_dev is a file system's name inside one scan; between two
 * scans it goes by its identity. */
#ifndef IA_SCAN_CATALOG_VOLUMES_H
#define IA_SCAN_CATALOG_VOLUMES_H

#include "io/volume.h"
#include "scan/catalog/catalog.h"

/* The volume of this st_dev, new or known; its number, which ia_file.volume keeps. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_catalog_see_volume(struct ia_catalog *catalog, int64_t dev, size_t *number,
                                                   struct ia_error *err);

/* The one that had this number in the scan before, whether this one met it or not. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_catalog_previous_volume(struct ia_catalog *catalog, int64_t volume_id, size_t *number,
                                                        struct ia_error *err);

/* Looks at those that were not looked at yet, and finds which volume of the scan before each of them is. To be called
 * after files were added. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_catalog_match_volumes(struct ia_catalog *catalog, struct ia_error *err);

/* Marks the volumes that --sole-host names; a finding for each path that lies on none. */
void ia_catalog_mark_sole_hosts(struct ia_catalog *catalog);

/* Of this number in the scan before; "" for one that it had not. */
const char *ia_catalog_previous_identity(const struct ia_catalog *catalog, int64_t volume_id);

/* The file system that path, or the nearest directory above it that exists, lies on. IA_NOMEM, or IA_IO. */
IA_MUST_CHECK enum ia_status ia_catalog_nearest_volume(struct ia_catalog *catalog, const char *path,
                                                       struct ia_volume *out, struct ia_error *err);

#endif
