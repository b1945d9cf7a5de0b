/* SPDX-License-Identifier: MIT */
/* Where a name in an image leads: that of a backing file, a data file or another part. Names are looked up by lstat and
 * readlink; a file is opened only by ia_resolved_open. */
#ifndef IA_CHAIN_RESOLVE_H
#define IA_CHAIN_RESOLVE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/status.h"
#include "chain/confine.h"
#include "chain/reference.h"
#include "io/source.h"
#include "model/image.h"
#include "model/resolve_state.h"

/* What the lookup of one name gave. Release it, or take path and named out of it. */
struct ia_resolved {
    enum ia_resolve_state state; /* as the reference counts */
    enum ia_resolve_state found; /* of the name alone, whatever describes it: FOLLOWED to LOOP; NONE: not looked up */
    char *path;                  /* owned; canonical, or `named` where that leads nowhere; NULL: not looked up */
    char *named;                 /* owned; the name that would be opened, symbolic links and all; NULL: not looked up */
    struct stat st;              /* of path; zeroes where nothing is there */
    struct ia_error cause;       /* why it is not followed */
};

void ia_resolved_release(struct ia_resolved *resolved);

#define IA_AUTO_RESOLVED __attribute__((cleanup(ia_resolved_release)))

struct ia_resolve_rules {
    const struct ia_confine *confine; /* NULL: any local file */
    bool from_working_dir; /* what QEMU takes from its working directory is taken from ours; else from beside the
                            * image, and then it is ambiguous */
    bool take_slices;      /* a stretch of a file is followed, too */
    bool parts_stay;       /* a part that is named beside its image must lie below the image's directory */
    /* A file outside that is followed all the same, because it has another name inside; NULL: none is. */
    bool (*is_known)(const void *known, const struct stat *st);
    const void *known; /* its first argument */
};

/* These functions fail with IA_NOMEM only: a name that leads nowhere is a result. `image` is the name by which the
 * image that holds the name is opened; NULL: a person gave the name, and it is relative to the working directory. *out
 * is filled anew, and holds nothing after a failure. */

/* A name in QEMU's syntax. `format` is what the image states for the file, NULL: nothing. */
IA_MUST_CHECK enum ia_status ia_resolve(const struct ia_resolve_rules *rules, const char *image,
                                        const struct ia_reference *reference, const char *format,
                                        struct ia_resolved *out, struct ia_error *err);

/* A path of the host, absolute or relative to the directory of the image. */
IA_MUST_CHECK enum ia_status ia_resolve_path(const struct ia_resolve_rules *rules, const char *image, const char *path,
                                             struct ia_resolved *out, struct ia_error *err);

/* One more file that the image is made of. */
IA_MUST_CHECK enum ia_status ia_resolve_part(const struct ia_resolve_rules *rules, const char *image,
                                             const struct ia_image_part *part, struct ia_resolved *out,
                                             struct ia_error *err);

/* Opens what was followed, or is ambiguous and was found; else fails with the cause. A known file outside is refused.
 * resolved->st is that of the open file then. The caller closes *out. */
IA_MUST_CHECK enum ia_status ia_resolved_open(const struct ia_confine *confine, struct ia_resolved *resolved,
                                              struct ia_source **out, struct ia_error *err);

#endif
