/* SPDX-License-Identifier: MIT */
/* Reads the extents of one mapping one by one, checked and cut at the mapping's size. */
#ifndef IA_ANALYSIS_MAPPING_READER_H
#define IA_ANALYSIS_MAPPING_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/forest.h"

struct ia_mapping_reader {
    struct ia_extent_stream *stream;
    size_t node, mapping;
    int64_t size;
    int64_t end; /* of the last extent: the next one does not begin before it */
    const struct ia_extent *batch;
    size_t count, next;
};

/* Mapping 0 is the active one. Nothing to close after a failure. */
IA_MUST_CHECK enum ia_status ia_mapping_reader_open(struct ia_mapping_reader *reader, const struct ia_forest *forest,
                                                    size_t node, size_t mapping, struct ia_error *err);
void ia_mapping_reader_close(struct ia_mapping_reader *reader);

/* *have = false at the end; *extent is untouched then. IA_BUG when the stream is out of order. */
IA_MUST_CHECK enum ia_status ia_mapping_reader_next(struct ia_mapping_reader *reader, struct ia_extent *extent,
                                                    bool *have, struct ia_error *err);

#endif
