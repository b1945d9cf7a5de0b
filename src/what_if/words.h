/* SPDX-License-Identifier: MIT */
/* The words of the rows of the report what-if, by the rules of src/judge/deed.h, and their totals. */
#ifndef IA_WHAT_IF_WORDS_H
#define IA_WHAT_IF_WORDS_H

#include "base/status.h"
#include "store/reader.h"

/* Puts words to each row, and adds the rows of totals; the other rows are there (IA_WHAT_IF_ROWS). */
IA_MUST_CHECK enum ia_status ia_what_if_describe(struct ia_reader *reader, struct ia_error *err);

#endif
