/* SPDX-License-Identifier: MIT */
/* What became of the files of the scan before, by their rows: the same file, or what took its place; and its copies. */
#ifndef IA_SCAN_CATALOG_SUCCESSORS_H
#define IA_SCAN_CATALOG_SUCCESSORS_H

#include "scan/catalog/catalog.h"

struct ia_successor {
    int64_t file_id; /* of the row */
    size_t number;   /* of the file of this scan */
};

struct ia_successors {
    const struct ia_catalog *catalog;
    IA_VEC(struct ia_successor) rows; /* by file_id */
    IA_VEC(size_t) images;            /* of this scan, by size and time of the last write */
};

/* False: out of memory. Borrows the catalog, which stays as it is. Released by the caller, after a failure, too. */
bool ia_successors_list(const struct ia_catalog *catalog, struct ia_successors *out);
void ia_successors_release(struct ia_successors *successors);

/* Numbers of files of this scan, each once. */
struct ia_file_numbers {
    IA_VEC(size_t) all;
};
bool ia_file_numbers_add(struct ia_file_numbers *numbers, size_t number); /* false: out of memory */

/* Adds images that are copies of the file with its time stamp. False: out of memory. */
bool ia_successors_add_copies(const struct ia_successors *successors, size_t number, struct ia_file_numbers *out);

/* Adds the files that are what the row was of, and images that are copies with its time stamp (cp -p, rsync -t, mv to
 * another file system), which are as good as that. False: out of memory. */
bool ia_successors_add(const struct ia_successors *successors, int64_t file_id, struct ia_file_numbers *out);

#endif
