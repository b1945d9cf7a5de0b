/* SPDX-License-Identifier: MIT */
/* The Bochs header, versions 1 and 2. What QEMU refuses is refused here. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/bochs/internal.h"
#include "io/window.h"

enum { HEADER_BYTES = 512, VERSION_1 = 0x10000, VERSION_2 = 0x20000 };

struct fields {
    uint32_t version;
    uint32_t entries; /* of the catalog */
    uint32_t bitmap_bytes;
    int64_t disk_size;
};

/* "Undoable" and "Volatile" redologs lie on another disk that they do not name: QEMU takes them for raw. */
bool bochs_probe(const uint8_t *head, size_t len)
{
    if (len < HEADER_BYTES || memcmp(head, "Bochs Virtual HD Image", 23) != 0 || memcmp(head + 32, "Redolog", 8) != 0 ||
        memcmp(head + 48, "Growing", 8) != 0)
        return false;
    uint32_t version = ia_le32(head + 64);
    return version == VERSION_1 || version == VERSION_2;
}

static bool decode(struct ia_window *w, struct bochs *bochs, struct fields *f)
{
    f->version = ia_window_le32(w, 64);
    bochs->catalog_offset = ia_window_le32(w, 68); /* the header's size */
    f->entries = ia_window_le32(w, 72);
    f->bitmap_bytes = ia_window_le32(w, 76);
    bochs->extent_size = ia_window_le32(w, 80);
    f->disk_size = ia_window_le_size(w, f->version == VERSION_1 ? 84 : 88) / BOCHS_SECTOR * BOCHS_SECTOR;
    return !w->failed;
}

static enum ia_status check_sizes(struct bochs *bochs, const struct fields *f, struct ia_error *err)
{
    int64_t extent = bochs->extent_size;
    if (f->entries > BOCHS_MAX_ENTRIES)
        return ia_fail(err, IA_UNSUPPORTED, "catalog of %u entries", f->entries);
    if (extent < BOCHS_SECTOR || (extent & (extent - 1)) != 0 || extent > BOCHS_MAX_EXTENT)
        return ia_fail(err, IA_UNSUPPORTED, "extents of %jd bytes", (intmax_t)extent);
    int64_t sectors = extent / BOCHS_SECTOR;
    bochs->bitmap_size = ia_round_up(f->bitmap_bytes, BOCHS_SECTOR);
    if (bochs->bitmap_size * 8 < sectors || bochs->bitmap_size > BOCHS_MAX_EXTENT)
        return ia_fail(err, IA_CORRUPT, "bitmaps of %u bytes for extents of %jd sectors", f->bitmap_bytes,
                       (intmax_t)sectors);
    bochs->extents = f->disk_size / extent + (f->disk_size % extent != 0);
    if (bochs->extents > f->entries)
        return ia_fail(err, IA_CORRUPT, "catalog of %u entries is too small for %jd bytes", f->entries,
                       (intmax_t)f->disk_size);
    bochs->data_offset = bochs->catalog_offset + (int64_t)f->entries * BOCHS_ENTRY_BYTES;
    if (bochs->data_offset > UINT32_MAX)
        return ia_fail(err, IA_CORRUPT, "extents from %#jx on, past 4 GiB", (uintmax_t)bochs->data_offset);
    return IA_OK;
}

enum ia_status bochs_read_header(struct ia_image *image, struct bochs *bochs, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    struct fields f = {0};
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "bochs header", err));
    if (!bochs_probe(bytes, sizeof(bytes)))
        return ia_fail(err, IA_NOT_MINE, "no header of a growing bochs disk");
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    if (!decode(&w, bochs, &f))
        return ia_fail(err, IA_CORRUPT, "disk size above 2^63 - 1");
    IA_TRY(check_sizes(bochs, &f, err));
    image->facts.version = (int)(f.version >> 16);
    snprintf(image->facts.variant, sizeof(image->facts.variant), "growing v%u", f.version >> 16);
    image->facts.virtual_size = f.disk_size;
    image->facts.cluster_size = bochs->extent_size;
    return IA_OK;
}
