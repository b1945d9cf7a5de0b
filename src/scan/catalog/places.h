/* SPDX-License-Identifier: MIT */
/* Where in its file system a path is: by the roots and the mount points below them. A path that is elsewhere than in
 * the scan before is covered by a mount, or has lost one. */
#ifndef IA_SCAN_CATALOG_PLACES_H
#define IA_SCAN_CATALOG_PLACES_H

#include "scan/catalog/catalog.h"

/* Loads those of the scan before, and finds those of this one. After ia_catalog_match_volumes. */
IA_MUST_CHECK enum ia_status ia_places_find(struct ia_catalog *catalog, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_places_put(const struct ia_catalog *catalog, struct ia_error *err);

/* The one that a path lay on in the scan before; NULL: it was below no root. */
const struct ia_place *ia_places_before(const struct ia_catalog *catalog, const char *path);
/* The same of this scan. */
const struct ia_place *ia_places_now(const struct ia_catalog *catalog, const char *path);

/* Which directory or file of its file system a path at the place is, "" if unknown. To be freed; NULL: out of memory.
 */
IA_MUST_CHECK char *ia_place_inside(const struct ia_place *place, const char *path);

/* The path is that of a place, of this scan or the one before. */
bool ia_places_have(const struct ia_catalog *catalog, const char *path);

#endif
