/* SPDX-License-Identifier: MIT */
/* The images of a scan by their identities: for parents that have no name. */
#ifndef IA_SCAN_GRAPH_IDENTITIES_H
#define IA_SCAN_GRAPH_IDENTITIES_H

#include "scan/catalog/catalog.h"

/* Numbers of files, sorted by identity and format. */
struct ia_identities {
    IA_VEC(size_t) sorted;
};

/* Gathers all images that were read and have an identity. */
IA_MUST_CHECK enum ia_status ia_identities_sort(struct ia_identities *identities, const struct ia_catalog *catalog,
                                                struct ia_error *err);
void ia_identities_release(struct ia_identities *identities);

/* Where in `sorted` the images of this format and identity begin, if there are any. */
size_t ia_identities_find(const struct ia_identities *identities, const struct ia_catalog *catalog, const char *format,
                          const char *identity);

bool ia_identity_is(const struct ia_file *file, const char *format, const char *identity);

#endif
