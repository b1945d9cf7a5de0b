/* SPDX-License-Identifier: MIT */
/* The VDI header. What QEMU refuses is refused here, but for differencing images: those name their parent by its UUID.
 */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "format/names.h"
#include "format/vdi/internal.h"
#include "io/window.h"

enum { SECTOR = 512, BLOCK_BYTES = 1 << 20, VERSION_1_1 = 0x10001 };

#define VDI_SIGNATURE 0xbeda107fU
#define VDI_MAX_BLOCKS 0x1fffff80U /* QEMU's: the map's bytes fit an int */

/* A map that is not all in the file reads as zeroes: as QEMU has it, all blocks are block 0 then. Past this bound such
 * a map is refused, for it would cost far more than the file is long. */
#define MAP_SLACK (INT64_C(1) << 20)

struct fields {
    uint32_t version;
    int64_t disk_size;
    uint32_t sector_size;
    uint32_t blocks;
    const uint8_t *image, *modification;         /* UUIDs */
    const uint8_t *parent, *parent_modification; /* of a differencing image */
};

static bool decode(struct ia_window *w, struct vdi *vdi, struct fields *f)
{
    f->version = ia_window_le32(w, 68);
    vdi->type = ia_window_le32(w, 76);
    vdi->map_offset = ia_window_le32(w, 340);
    vdi->data_offset = ia_window_le32(w, 344);
    f->sector_size = ia_window_le32(w, 360);
    f->disk_size = ia_window_le_size(w, 368);
    vdi->block_size = ia_window_le32(w, 376);
    vdi->block_extra = ia_window_le32(w, 380);
    f->blocks = ia_window_le32(w, 384);
    vdi->entries = f->blocks;
    vdi->allocated = ia_window_le32(w, 388);
    f->image = ia_window_bytes(w, 392, 16);
    f->modification = ia_window_bytes(w, 408, 16);
    f->parent = ia_window_bytes(w, 424, 16);
    f->parent_modification = ia_window_bytes(w, 440, 16);
    return !w->failed;
}

static bool is_null(const uint8_t uuid[16])
{
    static const uint8_t null[16];
    return memcmp(uuid, null, sizeof(null)) == 0;
}

static enum ia_status check_layout(const struct vdi *vdi, const struct fields *f, struct ia_error *err)
{
    if (f->version != VERSION_1_1)
        return ia_fail(err, IA_UNSUPPORTED, "vdi version %u.%u", f->version >> 16, f->version & 0xffff);
    if (vdi->map_offset % SECTOR != 0)
        return ia_fail(err, IA_CORRUPT, "block map at unaligned offset %#jx", (uintmax_t)vdi->map_offset);
    if (vdi->data_offset % SECTOR != 0)
        return ia_fail(err, IA_CORRUPT, "data blocks from unaligned offset %#jx on", (uintmax_t)vdi->data_offset);
    if (f->sector_size != SECTOR)
        return ia_fail(err, IA_UNSUPPORTED, "sectors of %u bytes", f->sector_size);
    if (vdi->block_size != BLOCK_BYTES)
        return ia_fail(err, IA_UNSUPPORTED, "blocks of %jd bytes", (intmax_t)vdi->block_size);
    if (vdi->block_extra > BLOCK_BYTES || (vdi->block_extra & (vdi->block_extra - 1)) != 0)
        return ia_fail(err, IA_UNSUPPORTED, "%jd extra bytes before each block", (intmax_t)vdi->block_extra);
    if (f->blocks > VDI_MAX_BLOCKS)
        return ia_fail(err, IA_UNSUPPORTED, "block map of %u entries", f->blocks);
    if (vdi->type < VDI_DYNAMIC || vdi->type > VDI_DIFFERENCING)
        return ia_fail(err, IA_UNSUPPORTED, "image type %u", vdi->type);
    return IA_OK;
}

/* Sets the virtual size, rounded up to whole sectors: VBoxManage convertfromraw writes odd ones. */
static enum ia_status check_sizes(struct ia_image *image, const struct vdi *vdi, const struct fields *f,
                                  struct ia_error *err)
{
    int64_t most = (int64_t)f->blocks * vdi->block_size;
    if (f->disk_size > most)
        return ia_fail(err, IA_CORRUPT, "block map of %u entries is too small for %jd bytes", f->blocks,
                       (intmax_t)f->disk_size);
    int64_t size = ia_round_up(f->disk_size, SECTOR);
    int64_t map_bytes = ia_round_up(size, vdi->block_size) / vdi->block_size * VDI_ENTRY_BYTES;
    if (vdi->map_offset + map_bytes > ia_round_up(image->main->size, SECTOR) + MAP_SLACK)
        return ia_fail(err, IA_CORRUPT, "block map of %jd bytes at %#jx in a file of %jd bytes", (intmax_t)map_bytes,
                       (uintmax_t)vdi->map_offset, (intmax_t)image->main->size);
    image->facts.virtual_size = size;
    image->facts.cluster_size = vdi->block_size;
    return IA_OK;
}

/* As VirtualBox prints it; "" for none. */
static void spell(char out[64], const char *what, const uint8_t uuid[16])
{
    char text[37];
    ia_names_uuid(uuid, true, text);
    snprintf(out, 64, "%s%s", is_null(uuid) ? "" : what, is_null(uuid) ? "" : text);
}

static enum ia_status identify(struct ia_image *image, struct vdi *vdi, const struct fields *f, struct ia_error *err)
{
    struct ia_image_facts *facts = &image->facts;
    struct ia_image_identity *identity = &image->identity;
    spell(identity->own, "uuid ", f->image);
    spell(identity->own_stamp, "modification uuid ", f->modification);
    vdi->differencing = !is_null(f->parent);
    if (!vdi->differencing && !is_null(f->parent_modification))
        return ia_fail(err, IA_CORRUPT, "modification uuid of a parent that has no uuid");
    if (!vdi->differencing)
        return IA_OK;
    spell(identity->parent, "uuid ", f->parent);
    spell(identity->parent_stamp, "modification uuid ", f->parent_modification);
    facts->backing_by_identity = true;
    facts->backing_name = strdup(identity->parent);
    facts->backing_format = strdup("vdi");
    return facts->backing_name != NULL && facts->backing_format != NULL ? IA_OK : ia_no_memory(err);
}

enum ia_status vdi_read_header(struct ia_image *image, struct vdi *vdi, struct ia_error *err)
{
    static const char *const types[] = {"", "dynamic", "static", "undo", "differencing"};
    uint8_t bytes[VDI_HEADER_BYTES];
    struct fields f = {0};
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "vdi header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    if (ia_window_le32(&w, 64) != VDI_SIGNATURE)
        return ia_fail(err, IA_NOT_MINE, "no vdi signature");
    if (!decode(&w, vdi, &f))
        return ia_fail(err, IA_CORRUPT, "disk size above 2^63 - 1");
    IA_TRY(check_layout(vdi, &f, err));
    IA_TRY(check_sizes(image, vdi, &f, err));
    IA_TRY(identify(image, vdi, &f, err));
    image->facts.version = (int)(f.version >> 16);
    snprintf(image->facts.variant, sizeof(image->facts.variant), "%s", types[vdi->type]);
    return IA_OK;
}
