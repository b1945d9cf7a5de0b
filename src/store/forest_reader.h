/* SPDX-License-Identifier: MIT */
/* Trees of the stored forest, as the latest scan analysed them; extents are streamed from the store. */
#ifndef IA_STORE_FOREST_READER_H
#define IA_STORE_FOREST_READER_H

#include <stddef.h>
#include <stdint.h>

#include "analysis/forest.h"
#include "base/status.h"
#include "store/reader.h"

struct ia_stored_forest;

/* Loads the trees that hold any of these images. The reader must stay until the free. */
IA_MUST_CHECK enum ia_status ia_stored_forest_load(struct ia_reader *reader, const int64_t *images, size_t count,
                                                   struct ia_stored_forest **out, struct ia_error *err);
void ia_stored_forest_free(struct ia_stored_forest *stored); /* NULL is fine */

static inline void ia_cleanup_stored_forest_(struct ia_stored_forest **stored)
{
    ia_stored_forest_free(*stored);
}
#define IA_AUTO_STORED_FOREST __attribute__((cleanup(ia_cleanup_stored_forest_)))

/* Nodes are in the order of their images' numbers. */
const struct ia_forest *ia_stored_forest(const struct ia_stored_forest *stored);
int64_t ia_stored_forest_image(const struct ia_stored_forest *stored, size_t node);

/* The node of an image, or IA_NO_PARENT when it is in none of the trees. */
size_t ia_stored_forest_node(const struct ia_stored_forest *stored, int64_t image_id);

#endif
