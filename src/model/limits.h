/* SPDX-License-Identifier: MIT */
/* Bounds on what one image may cost. Hitting one is a finding, never a crash or an endless run. */
#ifndef IA_MODEL_LIMITS_H
#define IA_MODEL_LIMITS_H

#include <stdint.h>

struct ia_limits {
    int64_t max_table_bytes;     /* mapping tables read for one mapping of an image */
    int64_t max_extents;         /* extents of one mapping */
    int max_chain_depth;         /* images in one chain */
    int max_snapshots;           /* internal snapshots of one image */
    int max_parts;               /* files of one image besides its main one: all are open at a time */
    int64_t max_shared_runs;     /* of one file, in blocks that other files use too; beyond it they are only counted */
    int64_t max_all_shared_runs; /* the same of all files together */
    int max_packed_members;      /* of one packed file (io/packed.h) */
    int64_t max_packed_bytes;    /* of one packed file: read, and unpacked, each */
    int64_t max_peek_bytes;      /* the same of one whose name shows no image, until one is found in it */
};

extern const struct ia_limits ia_default_limits;

#endif
