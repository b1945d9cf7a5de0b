/* SPDX-License-Identifier: MIT */
/* What the type of a file system means: do several hosts have it mounted at a time, and what identifies one over a
 * remount. Tables and pure functions; asking the host is in volume.h. */
#ifndef IA_IO_VOLUME_KIND_H
#define IA_IO_VOLUME_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What the host reports of a file system. */
struct ia_volume_facts {
    uint64_t dev;         /* st_dev */
    uint32_t magic;       /* f_type of statfs; 0: unknown */
    uint64_t fsid;        /* f_fsid of statfs */
    const char *type;     /* mountinfo's word; "": unknown */
    const char *source;   /* mountinfo's; "": unknown */
    const char *uuid;     /* as text, by FS_IOC_GETFSUUID or udev; "": unknown */
    const char *nfs_fsid; /* the NFS server's; "": unknown */
};

/* Is it one of those that several hosts mount at a time (NFS, Ceph, GFS2, FUSE of an unknown kind...)? True for one
 * without a block device that is not known to be this host's alone, and where the type is unknown. */
bool ia_volume_is_shared(const struct ia_volume_facts *facts);

/* The host's UUID of the file system (FS_IOC_GETFSUUID) is a part of it, and not made up for this mount. */
bool ia_volume_keeps_uuid(uint32_t magic);

/* Appends what identifies the file system: "uuid:...", "fsid:...", "nfs:SERVER/...", "source:..." where that outlives a
 * remount, else "dev:MAJOR:MINOR", which does not. */
void ia_volume_identify(const struct ia_volume_facts *facts, struct ia_buf *out);

#endif
