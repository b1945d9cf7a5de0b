/* SPDX-License-Identifier: MIT */
/* Looking after the store: what `imgaudit db` does. */
#ifndef IA_STORE_ADMIN_H
#define IA_STORE_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/* Integrity, foreign keys, and our own invariants (extents in order and inside their mapping, chains without gaps).
 * IA_CORRUPT when something is wrong; report has a line for each thing. */
IA_MUST_CHECK enum ia_status ia_store_check(const char *path, struct ia_buf *report, struct ia_error *err);

/* Brings an older store to the current schema in one transaction; *from is the version it had. */
IA_MUST_CHECK enum ia_status ia_store_migrate(const char *path, int64_t *from, struct ia_error *err);

struct ia_prune_options {
    int64_t keep;       /* newest scans of history that stay; 0: all */
    bool forget_mounts; /* directories of images that vanished with their mount */
};

/* Drops old history and gives free pages back to the file system. */
IA_MUST_CHECK enum ia_status ia_store_prune(const char *path, const struct ia_prune_options *options,
                                            struct ia_error *err);

/* Changes the list of globs of images that are to be kept whole; *list has the list afterwards, a line each. */
struct ia_template_changes {
    const char *const *add;
    size_t add_count;
    const char *const *remove;
    size_t remove_count;
};
/* IA_MISSING when a glob to be removed is not on the list; nothing is changed then. */
IA_MUST_CHECK enum ia_status ia_store_templates(const char *path, const struct ia_template_changes *changes,
                                                struct ia_buf *list, struct ia_error *err);

/* A consistent copy at a new path, also during a scan. IA_USAGE where the target exists. */
IA_MUST_CHECK enum ia_status ia_store_backup(const char *path, const char *target, struct ia_error *err);

#endif
