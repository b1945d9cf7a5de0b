/* SPDX-License-Identifier: MIT */
/* What a name in a packed image may mean that no scan looked up before. */
#ifndef IA_SCAN_GRAPH_PACKED_FIRST_H
#define IA_SCAN_GRAPH_PACKED_FIRST_H

#include "scan/catalog/successors.h"
#include "scan/graph/links.h"
#include "scan/graph/namesakes.h"
#include "scan/graph/packed_originals.h"

/* An image of the scan before would look here for its base, which was that file. */
struct ia_packed_meant {
    char *path; /* owned */
    int64_t file_id;
};

/* Zeroes but for the borrowed links and successors; released by the caller. */
struct ia_packed_first {
    struct ia_links *links;
    const struct ia_successors *successors;
    IA_VEC(struct ia_packed_meant) meant; /* by path */
    bool knows_meant;
    struct ia_packed_originals originals;
    struct ia_file_numbers *found; /* while a name is looked up */
    struct {
        struct ia_namesakes all;
        struct ia_file_numbers found;
    } namesakes;
};
void ia_packed_first_release(struct ia_packed_first *first);

/* Adds the files that the name may mean, of the packed file of that number; name: its place in packed->names. *unknown:
 * IA_BASE_UNKNOWN or IA_BASE_LINKED where it leads to something else than the image was made on, IA_BASE_LOST where it
 * leads nowhere, and nothing is known of what that was; else 0. */
IA_MUST_CHECK enum ia_status ia_packed_first_find(struct ia_packed_first *first, size_t number, size_t name,
                                                  struct ia_file_numbers *found, int64_t *unknown,
                                                  struct ia_error *err);

#endif
