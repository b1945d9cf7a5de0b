/* SPDX-License-Identifier: MIT */
/* What a header says of an image, in terms that hold for every format. */
#ifndef IA_MODEL_IMAGE_H
#define IA_MODEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/* An internal snapshot: a second mapping of the image. */
struct ia_snapshot {
    char *id;         /* owned; NUL-terminated bytes of the image, not always UTF-8 */
    char *name;       /* owned, the same */
    int64_t size;     /* guest bytes */
    int64_t vm_state; /* bytes of saved machine state */
    int64_t date_ns;  /* since 1970 UTC */
};

struct ia_image_facts {
    int64_t virtual_size; /* guest bytes, a multiple of 512 */
    int64_t cluster_size; /* bytes; 0 where the format has no such thing */
    char variant[96];     /* "v3 zstd extended-l2"... */
    char *backing_name;   /* owned; as it stands in the image, NUL-terminated; NULL: no backing file */
    char *backing_format; /* owned; NULL: not stated */
    char *data_file;      /* owned; name of the external data file, NULL: none */
    bool needs_data_file; /* the guest's bytes are not in the main file */
    bool encrypted;
    bool dirty;            /* refcounts or log may be behind */
    bool truncated;        /* tables or data lie past the end of the file */
    bool marked_corrupt;   /* the image says so of itself */
    bool supports_backing; /* the format can have a backing file */
    IA_VEC(struct ia_snapshot) snapshots;
    int64_t metadata_bytes;  /* host bytes; -1: not known (yet: complete once the active mapping was read) */
    int64_t compressed_host; /* host bytes that hold the active mapping's compressed extents */
};

void ia_image_facts_release(struct ia_image_facts *facts);

#endif
