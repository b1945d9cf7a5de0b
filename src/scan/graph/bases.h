/* SPDX-License-Identifier: MIT */
/* Files that backing names led to in earlier scans, as this one has them: the same files, or copies of them with their
 * time stamps. And what such a copy of an overlay was made on: what the original was. */
#ifndef IA_SCAN_GRAPH_BASES_H
#define IA_SCAN_GRAPH_BASES_H

#include "scan/graph/links.h"

struct ia_known_file {
    int64_t file_id;
    size_t number;
};

/* An overlay, as an earlier scan left it. */
struct ia_origin {
    int64_t size, mtime_ns;
    const char *backing_name, *path; /* borrowed */
    int64_t file_id, base_id;
};

struct ia_bases {
    const struct ia_catalog *catalog;
    IA_VEC(struct ia_known_file) known; /* files of this scan that an earlier one had, by file_id */
    IA_VEC(size_t) by_content;          /* all of this scan, once one was looked for so */
    IA_VEC(struct ia_origin) origins;   /* by content, once one was looked for */
    bool has_content, has_origins;
};
void ia_bases_release(struct ia_bases *bases);

/* The row that an earlier scan left of the very file; NULL: none. */
const struct ia_previous *ia_bases_row_of(const struct ia_catalog *catalog, const struct ia_file *file);

/* false: out of memory, as in all that follows. */
bool ia_bases_list(struct ia_bases *bases, const struct ia_catalog *catalog);

/* The file that had this number in an earlier scan, and no copy of it; IA_NO_FILE: none of this scan. */
size_t ia_bases_find_itself(const struct ia_bases *bases, int64_t file_id);
/* That or a copy of it. */
bool ia_bases_find(struct ia_bases *bases, int64_t file_id, size_t *number);
/* The file is a copy of that one, with its time stamp (cp -p, rsync -t): as good as that. */
bool ia_bases_is_copy(const struct ia_catalog *catalog, const struct ia_file *file, int64_t file_id);
/* Something is remembered of that file, of this scan or not. */
bool ia_bases_is_known(const struct ia_catalog *catalog, int64_t file_id);

/* What the overlay is a copy of, with its time stamp and its backing name; NULL: nothing that is known. */
bool ia_bases_find_origin(struct ia_bases *bases, const struct ia_file *file, const struct ia_origin **origin);

#endif
