/* SPDX-License-Identifier: MIT */
/* The file system that a file lies on, identified so that a remount does not make it another one. */
#ifndef IA_IO_VOLUME_H
#define IA_IO_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "io/mounts.h"

struct ia_volume {
    int64_t dev;    /* st_dev */
    char *mount;    /* owned; the mount point, "": unknown */
    char *type;     /* owned; mountinfo's word, "": unknown */
    char *identity; /* owned; see ia_volume_identify. Two file systems may have the same: one is a copy of the other */
    bool is_shared; /* by its type: other hosts may have it mounted too */
    int64_t size;   /* bytes, -1: unknown */
    int64_t free;   /* bytes that anybody may use, -1: unknown */
};
void ia_volume_release(struct ia_volume *volume);

/* Of an open file or directory, which path names; a descriptor of O_PATH will do where reading is denied, and has less.
 * Nothing is read of the file. IA_NOMEM, or IA_IO where the file cannot be looked at at all. */
IA_MUST_CHECK enum ia_status ia_volume_of(int fd, const char *path, const struct ia_mounts *mounts,
                                          struct ia_volume *out, struct ia_error *err);

/* Of what path names, a directory if possible: nothing else is opened. As above. */
IA_MUST_CHECK enum ia_status ia_volume_of_path(const char *path, const struct ia_mounts *mounts, struct ia_volume *out,
                                               struct ia_error *err);

/* Of a st_dev of which nothing else can be found out. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_volume_unknown(int64_t dev, struct ia_volume *out, struct ia_error *err);

/* When the file was made, in nanoseconds since 1970; -1: the file system does not keep that. The file at the path, or
 * with path "" the open one; *dev and *inode are of the same file. False: it cannot be looked at. */
bool ia_volume_birth(int fd, const char *path, int64_t *dev, int64_t *inode, int64_t *birth_ns);

#endif
