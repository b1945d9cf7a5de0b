/* SPDX-License-Identifier: MIT */
/* Where the host keeps the bytes of a file: FIEMAP where the file system has it, else SEEK_DATA and SEEK_HOLE,
 * which report less. Nothing is flushed or changed by this. */
#ifndef IA_IO_HOST_BLOCKS_H
#define IA_IO_HOST_BLOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* A run of bytes of the file that the host keeps blocks for. */
struct ia_host_run {
    int64_t start, length; /* bytes of the file, length > 0; not cut at its end, start + length fits */
    int64_t physical;      /* bytes on the volume, -1: unknown (not yet written, inline, no FIEMAP) */
    bool encoded;          /* compressed or the like: takes another length, unknown, from physical on */
    bool unwritten;        /* preallocated, reads as zeroes; reported by FIEMAP only */
    bool shared;           /* other files, or other places of this one, use the same blocks; reported by FIEMAP only */
};

struct ia_host_blocks;

/* Of an open file, which must stay open and keeps its read position only where FIEMAP works. IA_NOMEM only. */
IA_MUST_CHECK enum ia_status ia_host_blocks_open(int fd, struct ia_host_blocks **out, struct ia_error *err);
void ia_host_blocks_close(struct ia_host_blocks *blocks); /* NULL is fine */

/* The next run, ascending and disjoint whatever the host reports; *have = false at the end. IA_IO when the host reports
 * an error, or what cannot be, IA_LIMIT when the runs take no end. */
IA_MUST_CHECK enum ia_status ia_host_blocks_next(struct ia_host_blocks *blocks, struct ia_host_run *run, bool *have,
                                                 struct ia_error *err);

/* The runs come from FIEMAP: unwritten, shared, encoded and physical mean something. Known once it is open. */
bool ia_host_blocks_exact(const struct ia_host_blocks *blocks);

/* Can files on this file system share blocks (reflinks, clones, deduplication)? False only for those known never to:
 * the ext family, tmpfs and the like. Where they can, sharing comes and goes without a change of the file's time
 * stamps, and only runs that are exact, as above, show whether there is any. */
bool ia_host_can_share(int fd);

/* Whether a file may hold more bytes than its blocks, because the file system compresses them, or reports its blocks
 * late. False: it never does. */
bool ia_host_can_compress(int fd);

/* Does the kernel of this host have every lock on the files of this file system, and list it in /proc/locks under the
 * file's st_ino? True only for those known to: ext, f2fs, jfs, tmpfs. */
bool ia_host_lists_locks(int fd);

/* A number that is the same for all files whose physical addresses count from one origin: st_dev, but for btrfs, whose
 * subvolumes have a st_dev each, made from the id of the file system. 0: not known. */
uint64_t ia_host_volume(int fd);

#endif
