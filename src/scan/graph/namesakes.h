/* SPDX-License-Identifier: MIT */
/* Images by the last component of their names, those of earlier scans included. */
#ifndef IA_SCAN_GRAPH_NAMESAKES_H
#define IA_SCAN_GRAPH_NAMESAKES_H

#include "scan/catalog/successors.h"

struct ia_namesake {
    const char *name; /* of the file */
    size_t number;
};

/* Zeroes; filled when the first is looked for. */
struct ia_namesakes {
    IA_VEC(struct ia_namesake) all; /* by the last component */
    bool is_listed;
};
void ia_namesakes_release(struct ia_namesakes *namesakes);

/* Adds the images that are called so in some directory, or were. */
IA_MUST_CHECK enum ia_status ia_namesakes_find(struct ia_namesakes *namesakes, const struct ia_catalog *catalog,
                                               const struct ia_successors *successors, const char *component,
                                               struct ia_file_numbers *out, struct ia_error *err);

#endif
