/* SPDX-License-Identifier: MIT */
/* A chain of open images, depth 0 first, as `map` reads it: an image named by a person and all its backing files. */
#ifndef IA_CHAIN_CHAIN_H
#define IA_CHAIN_CHAIN_H

#include <sys/types.h>

#include "base/vec.h"
#include "chain/confine.h"
#include "format/format.h"

struct ia_layer {
    struct ia_image *image; /* owned */
    char *name;             /* owned; as QEMU spells it: what `map` prints */
    char *data_name;        /* owned; the external data file's, NULL: none */
    dev_t dev;
    ino_t inode;
    int64_t reach; /* guest bytes of depth 0 that can come from here: the smallest size down to this depth */
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

/* Reads the head of a source and finds its format, as QEMU does: what no magic claims is raw. IA_UNSUPPORTED for a
 * format that is recognised but not read here. */
IA_MUST_CHECK enum ia_status ia_chain_probe(struct ia_source *source, const struct ia_format **out,
                                            struct ia_error *err);

#endif
