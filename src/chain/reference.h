/* SPDX-License-Identifier: MIT */
/* What a backing file name means, by QEMU's rules: a path, a `file:` name, a `json:` description, or something that is
 * no local file. Names are parsed, never executed or looked up. */
#ifndef IA_CHAIN_REFERENCE_H
#define IA_CHAIN_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum ia_reference_kind {
    IA_REFERENCE_PATH,        /* relative to the directory of the image's own name, or absolute */
    IA_REFERENCE_WORKING_DIR, /* relative to the working directory of whoever opens it: `file:x`, json: filenames */
    IA_REFERENCE_SLICE,  /* json: a stretch of a file, by the raw driver's offset and size; the name is taken as with
                          * the two above: relative to the working directory, or absolute */
    IA_REFERENCE_REMOTE, /* nbd:, rbd:, https:...: no local file */
    IA_REFERENCE_UNSUPPORTED, /* an unknown protocol, or json: with more than a file and its format: it may lead
                               * to any local file; path may be known */
};

struct ia_reference {
    enum ia_reference_kind kind;
    char *path;           /* owned; NULL where none could be made out */
    char *format;         /* owned; stated inside json:, NULL otherwise */
    int64_t slice_offset; /* IA_REFERENCE_SLICE: bytes into the file */
    int64_t slice_size;   /* bytes; -1: up to the end of the file */
    bool bare_file;       /* json: names a protocol node: an overlay cannot state a format for it */
};

/* IA_NOMEM only: whatever cannot be understood is IA_REFERENCE_UNSUPPORTED. */
IA_MUST_CHECK enum ia_status ia_reference_parse(const char *name, struct ia_reference *out, struct ia_error *err);
void ia_reference_release(struct ia_reference *reference);

#define IA_AUTO_REFERENCE __attribute__((cleanup(ia_reference_release)))

/* The name that QEMU would open for `path` found in the image it calls `image_name`: the directory part of image_name
 * as given (not of a symlink's target), and path. The caller frees it; NULL: out of memory. */
char *ia_reference_combine(const char *image_name, const char *path);

/* The name begins with a `scheme:`, before any slash. */
bool ia_reference_has_protocol(const char *name);

#endif
