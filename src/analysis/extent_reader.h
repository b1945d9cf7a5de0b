/* SPDX-License-Identifier: MIT */
/* Reads the extents of one mapping one by one, through a buffer, checked and cut at the mapping's size. */
#ifndef IA_ANALYSIS_EXTENT_READER_H
#define IA_ANALYSIS_EXTENT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/forest.h"

struct ia_extent_reader {
    const struct ia_forest *forest;
    size_t node, mapping;
    int64_t size;
    int64_t end;              /* of the last extent: the next one does not begin before it */
    struct ia_extent *buffer; /* owned */
    size_t capacity, count, next;
    bool at_end;
};

/* Mapping 0 is the active one; capacity is how many extents are read at a time. False when memory is short. */
IA_MUST_CHECK bool ia_extent_reader_init(struct ia_extent_reader *reader, const struct ia_forest *forest, size_t node,
                                         size_t mapping, size_t capacity);
void ia_extent_reader_release(struct ia_extent_reader *reader);
#define IA_AUTO_EXTENT_READER __attribute__((cleanup(ia_extent_reader_release)))

/* *have = false at the end; *extent is untouched then. IA_BUG when the extents are out of order. */
IA_MUST_CHECK enum ia_status ia_extent_reader_next(struct ia_extent_reader *reader, struct ia_extent *extent,
                                                   bool *have, struct ia_error *err);

#endif
