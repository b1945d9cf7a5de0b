/* SPDX-License-Identifier: MIT */
/* What deleting, flattening or committing images would do, worked out from the store into temporary tables
 * (store/what_if_tables.h), which the report what-if reads. Nothing is done, and nothing is written to the store. */
#ifndef IA_WHAT_IF_WHAT_IF_H
#define IA_WHAT_IF_WHAT_IF_H

#include <stddef.h>

#include "base/status.h"
#include "store/reader.h"

enum ia_what_if_action { IA_WHAT_IF_DELETE, IA_WHAT_IF_FLATTEN, IA_WHAT_IF_COMMIT };

/* "delete", "flatten" or "commit": the report's :action. */
const char *ia_what_if_word(enum ia_what_if_action action);

/* Fills the tables for a set of images, by paths that the store has (ia_image_lookup); the same image twice is fine.
 * IA_MISSING for a path of no image, IA_USAGE for a commit of more than one image, or of one without a backing image.
 * Once for a reader, after ia_what_if_define and ia_reader_begin. */
IA_MUST_CHECK enum ia_status ia_what_if_fill(struct ia_reader *reader, enum ia_what_if_action action,
                                             const char *const *paths, size_t count, struct ia_error *err);

#endif
