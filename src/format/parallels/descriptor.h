/* SPDX-License-Identifier: MIT */
/* The elements of DiskDescriptor.xml, and what is known while it is read. Private to descriptor*.c. */
#ifndef IA_FORMAT_PARALLELS_DESCRIPTOR_H
#define IA_FORMAT_PARALLELS_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "format/parallels/internal.h"

enum prl_element {
    PRL_NOWHERE,
    PRL_DISK,
    PRL_PARAMETERS,
    PRL_DISK_SIZE,
    PRL_PADDING,
    PRL_SECTOR_SIZE,
    PRL_ENCRYPTION,
    PRL_ENGINE,
    PRL_KEY_DATA,
    PRL_STORAGE_DATA,
    PRL_STORAGE,
    PRL_STORAGE_START,
    PRL_STORAGE_END,
    PRL_BLOCK_SIZE,
    PRL_IMAGE,
    PRL_IMAGE_GUID,
    PRL_IMAGE_TYPE,
    PRL_IMAGE_FILE,
    PRL_SNAPSHOTS,
    PRL_TOP_GUID,
    PRL_SHOT,
    PRL_SHOT_GUID,
    PRL_PARENT_GUID,
    PRL_SHOT_NAME,
    PRL_ELEMENTS
};

struct prl_element_kind {
    const char *name; /* as in the document */
    enum prl_element parent;
    bool has_text; /* and no elements */
};
extern const struct prl_element_kind prl_elements[PRL_ELEMENTS];

struct prl_reading {
    struct ia_image *image;
    struct prl_disk *disk;
    enum prl_element at;
    int skipped;         /* elements that are open and not in the grammar */
    struct ia_buf text;  /* of the element so far */
    int64_t padding;     /* as it is written; -1: not stated */
    int64_t sector_size; /* bytes; -1: not stated */
};

/* descriptor_text.c: the text of the element r->at, which may be changed, into the disk and its latest storage, piece
 * or shot. IA_CORRUPT, IA_UNSUPPORTED or IA_NOMEM. */
IA_MUST_CHECK enum ia_status prl_take_text(struct prl_reading *r, char *whole, struct ia_error *err);

#endif
