/* SPDX-License-Identifier: MIT */
/* The limits of a normal run. */
#include "model/limits.h"

const struct ia_limits ia_default_limits = {
    .max_table_bytes = INT64_C(16) << 30, /* a 128 TiB image of 64 KiB clusters */
    .max_extents = INT64_C(256) << 20,
    .max_chain_depth = 1000,
    .max_snapshots = 65536, /* QEMU's own bound */
    .max_parts = 32768,     /* a VMDK of 64 TiB in extents of 2 GiB */
    .max_shared_runs = INT64_C(1) << 18,
    .max_all_shared_runs = INT64_C(4) << 20, /* 256 MiB while they are compared */
    .max_packed_members = 100,
    .max_packed_bytes = INT64_C(256) << 20, /* seconds */
    .max_peek_bytes = INT64_C(1) << 20,     /* milliseconds: there may be a hundred thousand of them */
};
