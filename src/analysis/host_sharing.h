/* SPDX-License-Identifier: MIT */
/* Which blocks of the host several files use: each block counted once, with the first of its files. */
#ifndef IA_ANALYSIS_HOST_SHARING_H
#define IA_ANALYSIS_HOST_SHARING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A file uses the bytes [physical, physical + length) of a volume, which fits. A file may use the same ones twice. */
struct ia_shared_run {
    uint64_t volume;
    int64_t physical, length; /* bytes, length > 0 */
    uint32_t file;            /* 0..files-1; the order decides which one is the first */
};

struct ia_host_account {
    int64_t bytes;     /* of all its runs */
    int64_t counted;   /* bytes of the volumes for which it is the first file: over all files, each byte once */
    int64_t unmatched; /* of its runs: no other file has a run there */
    uint32_t group;    /* the first of the files that have bytes in common with it, directly or by way of others */
};

/* Puts an encoded run, of which the length on the volume is unknown, and that in the file is greater, into an address
 * space of its own, stretched so that each has room for what it is in the file: none that begin at different sectors
 * overlap, as no file system encodes more than 2 MiB as one. False, and the run as it was: it does not fit there. */
bool ia_shared_run_stretch(struct ia_shared_run *run);

/* Sorts the runs. `accounts` has room for all files. IA_NOMEM only. Time is that of sorting, however many files use one
 * block; memory beside it grows with the runs that lie over each other. */
IA_MUST_CHECK enum ia_status ia_host_sharing(struct ia_shared_run *runs, size_t count, struct ia_host_account *accounts,
                                             size_t files, struct ia_error *err);

#endif
