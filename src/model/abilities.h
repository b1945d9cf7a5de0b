/* SPDX-License-Identifier: MIT */
/* What QEMU's tools can do with an image: given by its format's driver, from the facts of its header. True of QEMU 7.2
 * to 10; the functions named are those of a driver's BlockDriver in QEMU's block/. An encrypted image can do the same,
 * with its key: facts.encrypted is whether one is needed. */
#ifndef IA_MODEL_ABILITIES_H
#define IA_MODEL_ABILITIES_H

#include <stdbool.h>
#include <stdint.h>

/* What becomes of zeroes that are written to whole clusters, where QEMU detects that they are zeroes
 * (.bdrv_co_pwrite_zeroes). The numbers are kept in stores. */
enum ia_zeroes {
    IA_ZEROES_DATA = 0,    /* they are stored like data */
    IA_ZEROES_KEPT = 1,    /* the clusters become zero, and are given back */
    IA_ZEROES_DROPPED = 2, /* the clusters become unallocated: there is no backing image to show through */
};

struct ia_abilities {
    /* How guest data that is written is stored. */
    int64_t unit;    /* guest bytes, at least 1: what is written takes multiples of this: cluster, subcluster; 1 where a
                        write takes what it writes */
    int64_t cluster; /* guest bytes, at least `unit`: the format's cluster; 1: it has none */
    enum ia_zeroes zeroes; /* what zeroes become, as far as zeroes_are_known */
    bool zeroes_are_known; /* false: what becomes of zeroes is not followed here */
    bool is_plain;         /* as ia_format.is_plain: every byte is present, also those that it grows by */
    bool is_foreign;       /* as ia_format.is_foreign: QEMU takes its file for an image of another format */

    /* What QEMU does to it. */
    bool can_be_written; /* a guest can write anywhere: .bdrv_co_pwritev, and the image is opened for it */
    bool can_rebase;     /* `qemu-img rebase` gives it another backing file, or none: .bdrv_change_backing_file */
    bool can_commit;     /* `qemu-img commit` writes what it holds into its backing file: .supports_backing */
    bool can_be_empty;   /* ...and empties it: .bdrv_make_empty */
    bool can_receive;    /* `qemu-img commit` of an overlay writes into it, anywhere: .bdrv_co_pwritev, and it can be
                            opened for writing while it is open (.bdrv_reopen_prepare) */
    bool is_good_base;   /* a commit into it may be advised: can_receive, and no more space is taken than what is
                            committed needs, for it can grow and zeroes need not be data (.bdrv_co_truncate and
                            .bdrv_co_pwrite_zeroes; `zeroes` is what this version makes of them) */
    bool can_grow;       /* `qemu-img resize`, and a commit of a longer image: .bdrv_co_truncate */
    bool can_grow_with_snapshots; /* also when it has internal snapshots */
    bool can_grow_over_backing;   /* also when its backing file is longer than itself: the new bytes hide that one's
                                     (BDRV_REQ_ZERO_WRITE in supported_truncate_flags) */
    /* The space that it holds for nothing can be given back: leaked clusters by `qemu-img check -r leaks`, the file's
     * end behind the last cluster in use by cutting it off, the rest by `qemu-img convert` with what is in the facts:
     * cluster_size, version, compression, extended_l2. */
    bool can_be_trimmed;
};

#endif
