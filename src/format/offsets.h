/* SPDX-License-Identifier: MIT */
/* A heap of offsets from disk, of which the distinct ones are counted: tables that are named twice are one table. */
#ifndef IA_FORMAT_OFFSETS_H
#define IA_FORMAT_OFFSETS_H

#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

/* Zero-initialised is empty. */
struct ia_offsets {
    IA_VEC(uint64_t) of;
};

void ia_offsets_release(struct ia_offsets *offsets);

/* Snapshots of one image may name the same tables a thousandfold: past a bound it is IA_LIMIT. */
IA_MUST_CHECK enum ia_status ia_offsets_add(struct ia_offsets *offsets, uint64_t offset, struct ia_error *err);

/* How many different ones there are. */
int64_t ia_offsets_count(struct ia_offsets *offsets);

#endif
