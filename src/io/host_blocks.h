/* SPDX-License-Identifier: MIT */
/* Where the host keeps the bytes of a file: FIEMAP where the file system answers it, else SEEK_DATA and SEEK_HOLE, which
 * tell less. Nothing is flushed or changed by asking. */
#ifndef IA_IO_HOST_BLOCKS_H
#define IA_IO_HOST_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* A run of bytes of the file that the host keeps blocks for. */
struct ia_host_run {
    int64_t start, length; /* bytes of the file; not cut at its end */
    int64_t physical;      /* bytes on the volume, -1: not told (yet written, compressed, inline, no FIEMAP) */
    bool unwritten;        /* preallocated, reads as zeroes; only FIEMAP tells */
    bool shared;           /* other files, or other places of this one, use the same blocks; only FIEMAP tells */
};

struct ia_host_blocks;

/* Of an open file, which must stay open. IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_host_blocks_open(int fd, struct ia_host_blocks **out, struct ia_error *err);
void ia_host_blocks_close(struct ia_host_blocks *blocks); /* NULL is fine */

/* The next run in ascending order; *have = false at the end. IA_IO when the host cannot tell. */
IA_MUST_CHECK enum ia_status ia_host_blocks_next(struct ia_host_blocks *blocks, struct ia_host_run *run, bool *have,
                                                 struct ia_error *err);

/* The answers come from FIEMAP: unwritten, shared and physical mean something. */
bool ia_host_blocks_exact(const struct ia_host_blocks *blocks);

/* Can files on this file system share blocks (reflinks)? True for XFS, btrfs, bcachefs and others whose FIEMAP has the
 * shared flag; there sharing may come and go without a change of the file's time stamps. */
bool ia_host_can_share(int fd);

/* A number that is the same for all files whose physical addresses count from one origin: st_dev, but for btrfs, whose
 * subvolumes have a st_dev each, made from the id of the file system. 0: not known. */
uint64_t ia_host_volume(int fd);

#endif
