/* SPDX-License-Identifier: MIT */
/* Which files may be opened. Image bytes never decide: a name from an image is first resolved with readlink and lstat
 * only, and opened only when its canonical path lies below an allowed directory. */
#ifndef IA_CHAIN_CONFINE_H
#define IA_CHAIN_CONFINE_H

#include <sys/stat.h>

#include "base/status.h"
#include "base/vec.h"

struct ia_allowed {
    char *path; /* owned, canonical */
    int fd;     /* owned; -1 where the allowed thing is a single file */
};

/* An empty, zeroed struct allows nothing; a NULL pointer, where taken, allows everything. */
struct ia_confine {
    IA_VEC(struct ia_allowed) allowed;
};

void ia_confine_release(struct ia_confine *confine);

/* Allows a directory and all below it, or one file or block device. */
IA_MUST_CHECK enum ia_status ia_confine_add(struct ia_confine *confine, const char *path, struct ia_error *err);

/* The canonical path of name, found without opening it: IA_MISSING, IA_DENIED, IA_LOOP, or IA_REFUSED when it lies
 * outside. *canonical is set, for the message, for IA_REFUSED too. The caller frees it. */
IA_MUST_CHECK enum ia_status ia_confine_resolve(const struct ia_confine *confine, const char *name, char **canonical,
                                                struct ia_error *err);

/* Opens a canonical path for reading: a regular file or block device, no symlink on the way, nothing that blocks. */
IA_MUST_CHECK enum ia_status ia_confine_open(const struct ia_confine *confine, const char *canonical, int *fd,
                                             struct stat *st, struct ia_error *err);

/* The same for a path that the caller has just seen to be such a file: not looked at before it is opened. */
IA_MUST_CHECK enum ia_status ia_confine_open_again(const struct ia_confine *confine, const char *canonical, int *fd,
                                                   struct stat *st, struct ia_error *err);

#endif
