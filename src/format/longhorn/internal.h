/* SPDX-License-Identifier: MIT */
/* Private to src/format/longhorn. */
#ifndef IA_FORMAT_LONGHORN_INTERNAL_H
#define IA_FORMAT_LONGHORN_INTERNAL_H

#include "format/format.h"

enum {
    LONGHORN_SECTOR = 4096,             /* VolumeSectorSize of pkg/util/disk/constant.go */
    LONGHORN_MAX_DESCRIPTION = 1 << 20, /* bytes; labels of a snapshot are short */
    LONGHORN_DISK = 0,
    LONGHORN_VOLUME = 1, /* numbers of parts: NAME.meta, volume.meta */
};

/* Where a description cannot be believed, `failed` has why. */
struct longhorn {
    enum ia_status status; /* of the descriptions that were read */
    struct ia_error failed;
};

/* Takes what NAME.meta, or volume.meta, has into the facts. Fails without memory only: else what is wrong is in
 * image->state. */
enum ia_status longhorn_attached(struct ia_image *image, size_t number, struct ia_error *err);

enum ia_status longhorn_map_begin(struct ia_cursor *cursor, struct ia_error *err);
enum ia_status longhorn_map_step(struct ia_cursor *cursor, bool *done, struct ia_error *err);
void longhorn_map_end(struct ia_cursor *cursor);

#endif
