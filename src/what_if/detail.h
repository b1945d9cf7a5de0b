/* SPDX-License-Identifier: MIT */
/* The detail of a row of the report what-if, in words. */
#ifndef IA_WHAT_IF_DETAIL_H
#define IA_WHAT_IF_DETAIL_H

#include "base/buf.h"
#include "judge/deed.h"
#include "store/what_if_rows.h"

/* Adds what happens to the image. The effect is none of the totals. */
void ia_what_if_detail(struct ia_buf *out, enum ia_effect effect, const struct ia_what_if_fact *fact);

#endif
