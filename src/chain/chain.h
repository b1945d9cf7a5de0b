/* SPDX-License-Identifier: MIT */
/* A chain of open images, depth 0 first, as `map` reads it: an image named by a person and all its backing files. */
#ifndef IA_CHAIN_CHAIN_H
#define IA_CHAIN_CHAIN_H

#include <sys/types.h>

#include "base/vec.h"
#include "chain/confine.h"
#include "format/format.h"

struct ia_layer {
    struct ia_image *image;    /* owned */
    char *name;                /* owned; as QEMU spells it: what `map` prints */
    IA_VEC(char *) part_names; /* owned; the same for the image's other files: part n has file number n + 1 */
    char *warning;             /* owned; the parent is not the one that the image was made on. NULL: it is */
    dev_t dev;
    ino_t inode;
    int64_t visible_size; /* guest bytes of depth 0 that can come from here: the smallest size down to this depth */
};

struct ia_chain {
    IA_VEC(struct ia_layer) layers;
};

struct ia_chain_options {
    const char *format;               /* of depth 0; NULL: by content */
    const struct ia_confine *confine; /* NULL: any local file */
    const struct ia_limits *limits;
    bool no_backing; /* depth 0 only */
};

/* On failure the chain holds nothing. */
IA_MUST_CHECK enum ia_status ia_chain_open(const char *name, const struct ia_chain_options *options,
                                           struct ia_chain *out, struct ia_error *err);
void ia_chain_release(struct ia_chain *chain);
#define IA_AUTO_CHAIN __attribute__((cleanup(ia_chain_release)))

/* Finds the format of a source called `name` by its first bytes and, where they match no format, by the name, as QEMU
 * does: what nothing claims is raw. */
IA_MUST_CHECK enum ia_status ia_chain_probe(struct ia_source *source, const char *name, const struct ia_format **out,
                                            struct ia_error *err);

#endif
