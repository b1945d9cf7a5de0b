/* SPDX-License-Identifier: MIT */
/* The trailer: 512 bytes that begin with "koly", at the end of the file. */
#include <string.h>

#include "base/checked.h"
#include "format/dmg/internal.h"
#include "io/window.h"

/* The magic begins in the last 1023 bytes of a file whose size counts as rounded up to a sector, but not after the
 * first 4 bytes of the last sector: where QEMU looks. */
enum { SEARCH_BACK = 511 + DMG_TRAILER_BYTES, SEARCH_BYTES = 511 + 4, VERSION = 4 };

static enum ia_status find_trailer(struct ia_source *source, int64_t *offset, struct ia_error *err)
{
    uint8_t bytes[SEARCH_BYTES];
    int64_t from = ia_max(0, ia_round_up(source->size, DMG_SECTOR) - SEARCH_BACK);
    int64_t len = ia_min(source->size - from, SEARCH_BYTES);
    IA_TRY(ia_source_read(source, from, bytes, (size_t)len, "DMG trailer", err));
    const uint8_t *magic = memmem(bytes, (size_t)len, "koly", 4);
    if (magic == NULL)
        return ia_fail(err, IA_NOT_MINE, "no DMG trailer at the end");
    *offset = from + (magic - bytes);
    return IA_OK;
}

static enum ia_status check_encryption(struct ia_source *source, struct ia_error *err)
{
    uint8_t bytes[DMG_ENCRYPTED_BYTES];
    if (source->size < DMG_TRAILER_BYTES)
        return ia_fail(err, IA_NOT_MINE, "DMG file of %jd bytes", (intmax_t)source->size);
    IA_TRY(ia_source_read(source, 0, bytes, sizeof(bytes), "the first bytes", err));
    if (memcmp(bytes, DMG_ENCRYPTED_V2, sizeof(bytes)) == 0)
        return ia_fail(err, IA_UNSUPPORTED, "encrypted DMG (version 2): its tables are encrypted too");
    IA_TRY(ia_source_read(source, source->size - DMG_ENCRYPTED_BYTES, bytes, sizeof(bytes), "the last bytes", err));
    if (memcmp(bytes, DMG_ENCRYPTED_V1, sizeof(bytes)) == 0)
        return ia_fail(err, IA_UNSUPPORTED, "encrypted DMG (version 1): its tables are encrypted too");
    return IA_OK;
}

/* All but the trailer lies before it. */
static enum ia_status check_place(const struct dmg_range *range, const char *what, int64_t trailer,
                                  struct ia_error *err)
{
    if (range->offset >= trailer || range->length > trailer - range->offset)
        return ia_fail(err, IA_CORRUPT, "%s of %jd bytes at offset %#jx, past the trailer at %#jx", what,
                       (intmax_t)range->length, (uintmax_t)range->offset, (uintmax_t)trailer);
    return IA_OK;
}

static enum ia_status check_versions(struct ia_window *w, struct ia_error *err)
{
    uint32_t version = ia_window_be32(w, 4);
    uint32_t segments = ia_window_be32(w, 60);
    if (version != VERSION)
        return ia_fail(err, IA_UNSUPPORTED, "DMG version %u", version);
    if (segments > 1)
        return ia_fail(err, IA_UNSUPPORTED, "DMG of %u segments", segments);
    return IA_OK;
}

enum ia_status dmg_read_trailer(struct ia_image *image, struct dmg *dmg, struct ia_error *err)
{
    uint8_t bytes[DMG_TRAILER_BYTES];
    int64_t at = 0;
    IA_TRY(check_encryption(image->main, err));
    IA_TRY(find_trailer(image->main, &at, err));
    IA_TRY(ia_source_read(image->main, at, bytes, sizeof(bytes), "DMG trailer", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    dmg->data_fork = ia_window_be_size(&w, 0x18);
    dmg->resources = (struct dmg_range){ia_window_be_size(&w, 0x28), ia_window_be_size(&w, 0x30)};
    dmg->plist = (struct dmg_range){ia_window_be_size(&w, 0xd8), ia_window_be_size(&w, 0xe0)};
    int64_t sectors = ia_window_be_size(&w, 0x1ec);
    dmg->trailer = at;
    dmg->signature = (struct dmg_range){(int64_t)ia_window_be64(&w, 0x128), (int64_t)ia_window_be64(&w, 0x130)};
    IA_TRY(check_versions(&w, err));
    if (w.failed || sectors > INT64_MAX / DMG_SECTOR)
        return ia_fail(err, IA_CORRUPT, "an offset or size of the DMG trailer is above 2^63 - 1");
    if (dmg->data_fork > at)
        return ia_fail(err, IA_CORRUPT, "data fork at offset %#jx, past the trailer at %#jx", (uintmax_t)dmg->data_fork,
                       (uintmax_t)at);
    IA_TRY(check_place(&dmg->resources, "resource fork", at, err));
    IA_TRY(check_place(&dmg->plist, "property list", at, err));
    image->facts.virtual_size = sectors * DMG_SECTOR;
    return IA_OK;
}
