/* SPDX-License-Identifier: MIT */
/* Who holds files of this host, by what the kernel shows of it: processes, locks, loop devices, swap, mounts, targets,
 * devices on devices, and lock files of VMware. Nothing is locked or taken. imgaudit(1), DOUBTS, has the list. */
#ifndef IA_SCAN_HOLDERS_HOLDERS_H
#define IA_SCAN_HOLDERS_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

/* One identity of a file that is asked about. */
struct ia_holder_key {
    int64_t dev, inode; /* as stat has them; or one of the marks of internal.h */
    size_t file;        /* the caller's number */
};

/* A file system of such files, by st_dev. */
struct ia_holder_volume {
    int64_t dev;
    int64_t own;      /* its number in lists of mounts, locks and mapped files; see internal.h where it is unknown */
    const char *path; /* borrowed; one of its files */
};

struct ia_holder {
    size_t file;
    int64_t pid;   /* of the process; 0: it is none */
    char *subject; /* owned; "open for writing by qemu-system-x86 (pid 1234)", "loop device /dev/loop3" */
};

/* Zeroed: empty. */
struct ia_holders {
    IA_VEC(struct ia_holder_key) keys; /* once sorted: by buckets of their identities, and in each by identity */
    size_t *ends;                      /* owned; of the buckets among the keys */
    size_t buckets;                    /* 0: not sorted, or there is no key */
    IA_VEC(struct ia_holder_volume) volumes;
    IA_VEC(int64_t) block_devices; /* st_rdev of those among the files */
    IA_VEC(struct ia_holder) all;  /* what was found, by file and subject */
    char *unseen;                  /* owned; what could not be looked at; NULL: nothing */
    bool failed;                   /* out of memory */
};
void ia_holders_release(struct ia_holders *holders);

/* Asks about a file. The path, one of its names, is borrowed. */
void ia_holders_add(struct ia_holders *holders, size_t file, int64_t dev, int64_t inode, const char *path);
/* Adds that a file is a block device, of this st_rdev, and may be held by any node. */
void ia_holders_add_block_device(struct ia_holders *holders, size_t file, int64_t rdev);
/* Looks for VMware's lock file or directory beside this name of the file. */
void ia_holders_look_beside(struct ia_holders *holders, size_t file, const char *path);

/* Looks at all of the host, once for all files. IA_NOMEM, also for what was added before. */
IA_MUST_CHECK enum ia_status ia_holders_find(struct ia_holders *holders, struct ia_error *err);

#endif
