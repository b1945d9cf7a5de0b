/* SPDX-License-Identifier: MIT */
/* Images in packed files: what the header of each names. They are not mapped. */
#ifndef IA_FORMAT_PACKED_H
#define IA_FORMAT_PACKED_H

#include "format/format.h"

/* Called with each image that has a header: `image` has the facts and the identity, and may be one of which only the
 * head was read (its main file's is_head). name is that of the member, "" where the file is compressed and no archive.
 * What the facts hold may be taken. A failing status ends the reading. */
typedef enum ia_status ia_packed_image(void *ctx, const char *name, struct ia_image *image, struct ia_error *err);

/* Looks at all members of a packed file, and at what is packed in these again. IA_NOT_MINE: it is not packed. Any other
 * failure but that of `each`: a member may be an image that was not understood. A raw image has no header, and names
 * nothing. is_image: it is known to hold one, so that an archive in it of a kind that is not read is a failure, too.
 * Reads from source, which stays the caller's. */
IA_MUST_CHECK enum ia_status ia_packed_read(struct ia_source *source, const struct ia_limits *limits, bool is_image,
                                            ia_packed_image *each, void *ctx, struct ia_error *err);

/* Whether any member begins as an image with a magic does, as far as that is found out within max_peek_bytes. Fails as
 * ia_packed_read does; *found is set before that, or never. */
IA_MUST_CHECK enum ia_status ia_packed_peek(struct ia_source *source, const struct ia_limits *limits, bool *found,
                                            struct ia_error *err);

#endif
