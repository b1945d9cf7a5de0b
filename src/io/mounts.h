/* SPDX-License-Identifier: MIT */
/* The mounts that this process has, as /proc/self/mountinfo lists them (Linux,
 * Documentation/filesystems/proc.rst, 3.5).
 */
#ifndef IA_IO_MOUNTS_H
#define IA_IO_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

/* Texts are owned, with the escapes of the list undone. */
struct ia_mount {
    uint64_t id;  /* as statx gives it */
    char *root;   /* what of the file system is mounted: "/", or the directory or file of a bind mount */
    char *point;  /* where it is mounted */
    char *type;   /* "ext4", "fuse.sshfs" */
    char *source; /* "/dev/sda1", "server:/export", "none" */
};

struct ia_mounts {
    IA_VEC(struct ia_mount) all; /* in the order of the list */
};

void ia_mounts_release(struct ia_mounts *mounts);

/* Appends what the text of a mountinfo lists. Lines that have another form are left out. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_mounts_parse(struct ia_mounts *mounts, const char *text, struct ia_error *err);

/* The same of this process. Without /proc there are none, which is no error. IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_mounts_read(struct ia_mounts *mounts, struct ia_error *err);

/* NULL: none is listed. */
const struct ia_mount *ia_mounts_by_id(const struct ia_mounts *mounts, uint64_t id);

/* The one that an absolute path without symbolic links lies on: of the mount points that are a part of it the longest,
 * of several mounts at one point the last. NULL: none is listed. */
const struct ia_mount *ia_mounts_by_path(const struct ia_mounts *mounts, const char *path);

/* Which directory or file of its file system an absolute path on the mount is, the mount point or one below it: from
 * the root of the file system, of a server's from the root of what the server has. To be freed; NULL: out of memory. */
IA_MUST_CHECK char *ia_mount_inside(const struct ia_mount *mount, const char *path);

#endif
