/* SPDX-License-Identifier: MIT */
/* Where the file of a store is: whose it is, and who may read it. Private to src/store. */
#ifndef IA_STORE_PLACE_H
#define IA_STORE_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/status.h"

/* For root: IA_REFUSED where the path, or the log beside it, leads through something that another user made in a
 * directory where anybody may make files, as /tmp: a file, a directory or a symbolic link. For other users: IA_OK. */
IA_MUST_CHECK enum ia_status ia_place_check(const char *path, struct ia_error *err);

/* Makes an empty file for a new store, which its owner alone may read; SQLite gives the log and its index the same
 * rights. Leaves one that is there as it is, and one that cannot be made to SQLite, which reports why. */
void ia_place_make(const char *path);

/* A file that nothing guards while it is read: SQLite takes no lock on it. */
struct ia_frozen {
    bool is_frozen;
    struct stat st; /* as it was when it was opened */
};

/* IA_OK where the file at the path, which has no log with something in it, may be read as it is. */
IA_MUST_CHECK enum ia_status ia_frozen_begin(const char *path, struct ia_frozen *frozen, struct ia_error *err);

/* IA_CHANGED where it is another one now: what was read may have been of both. */
IA_MUST_CHECK enum ia_status ia_frozen_check(const char *path, const struct ia_frozen *frozen, struct ia_error *err);

#endif
