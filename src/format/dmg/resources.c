/* SPDX-License-Identifier: MIT */
/* Tables in the resource fork, as older images have them ("Inside Macintosh: More Macintosh Toolbox", Resource File
 * Format): a header, and the resources' bytes, each after its length. The map that names them is not needed. */
#include <stdlib.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "format/dmg/internal.h"
#include "io/window.h"

enum { FORK_HEADER_BYTES = 16, LENGTH_BYTES = 4 };

enum ia_status dmg_read_metadata(struct ia_image *image, const struct dmg_range *range, const char *what, uint8_t **out,
                                 struct ia_error *err)
{
    int64_t most = ia_min(DMG_MAX_METADATA, image->limits->max_table_bytes);
    if (range->length > most)
        return ia_fail(err, IA_LIMIT, "%s of %jd bytes, above %jd", what, (intmax_t)range->length, (intmax_t)most);
    *out = malloc((size_t)range->length);
    if (*out == NULL)
        return ia_no_memory(err);
    return ia_source_read(image->main, range->offset, *out, (size_t)range->length, what, err);
}

enum ia_status dmg_read_resources(struct ia_image *image, struct dmg *dmg, struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *bytes = NULL;
    IA_TRY(dmg_read_metadata(image, &dmg->resources, "resource fork", &bytes, err));
    struct ia_window w = {.bytes = bytes, .len = (size_t)dmg->resources.length};
    int64_t at = ia_window_be32(&w, 0);
    int64_t length = ia_window_be32(&w, 8);
    if (w.len < FORK_HEADER_BYTES || length == 0 || !ia_range_inside(at, length, dmg->resources.length))
        return ia_fail(err, IA_CORRUPT, "resources of %jd bytes at %jd in a fork of %jd bytes", (intmax_t)length,
                       (intmax_t)at, (intmax_t)dmg->resources.length);
    /* Ends: each resource takes at least its length's four bytes. */
    for (int64_t end = at + length; at < end;) {
        int64_t size = end - at < LENGTH_BYTES ? 0 : ia_window_be32(&w, (size_t)at);
        if (size == 0 || size > end - at - LENGTH_BYTES)
            return ia_fail(err, IA_CORRUPT, "resource of %jd bytes at %jd of the resource fork", (intmax_t)size,
                           (intmax_t)at);
        IA_TRY(dmg_add_table(dmg, bytes + at + LENGTH_BYTES, (size_t)size, err));
        at += LENGTH_BYTES + size;
    }
    return IA_OK;
}
