/* SPDX-License-Identifier: MIT */
/* The writer's insides, for the other files of src/store. */
#ifndef IA_STORE_WRITER_INTERNAL_H
#define IA_STORE_WRITER_INTERNAL_H

#include <stdbool.h>

#include "store/statements.h"
#include "store/writer.h"

struct ia_writer {
    sqlite3 *db;
    struct ia_statements statements;
    sqlite3_stmt *extents; /* see ia_extents_prepare; NULL until first used */
    int64_t scan_id, next_image_id, next_file_id, next_map_id;
    int64_t first_image_id; /* next_image_id when the scan began */
    int64_t last_scan_ns;   /* when the scan before ended; 0: there was none */
    bool any_gone;          /* a file or an image was taken away */
    bool any_vanished;      /* and is remembered */
};

struct ia_statements *ia_writer_statements(struct ia_writer *writer);

#endif
