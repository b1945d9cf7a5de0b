/* SPDX-License-Identifier: MIT */
/* The header of an expandable image ("Header" of the Parallels specification). What QEMU refuses is refused here. */
#include <string.h>

#include "base/checked.h"
#include "format/parallels/internal.h"
#include "io/window.h"

#define VERSION 2
#define IN_USE UINT32_C(0x746f6e59)
#define FLAG_EMPTY 1U

enum { HEADER_BYTES = PRL_BAT_OFFSET, MAGIC_BYTES = 16 };

static const char magic_v1[MAGIC_BYTES + 1] = "WithoutFreeSpace"; /* BAT entries in sectors */
static const char magic_v2[MAGIC_BYTES + 1] = "WithouFreSpacExt"; /* in clusters */

bool prl_has_magic(const uint8_t *head, size_t len)
{
    return len >= MAGIC_BYTES && (memcmp(head, magic_v1, MAGIC_BYTES) == 0 || memcmp(head, magic_v2, MAGIC_BYTES) == 0);
}

static enum ia_status check(uint32_t version, uint32_t tracks, uint32_t entries, uint64_t sectors, struct ia_error *err)
{
    if (version != VERSION)
        return ia_fail(err, IA_UNSUPPORTED, "parallels version %u", version);
    if (tracks == 0)
        return ia_fail(err, IA_CORRUPT, "clusters of 0 sectors");
    if (tracks > PRL_MAX_TRACKS)
        return ia_fail(err, IA_UNSUPPORTED, "clusters of %u sectors", tracks);
    if (entries > PRL_MAX_ENTRIES)
        return ia_fail(err, IA_CORRUPT, "a BAT of %u entries", entries);
    if (sectors > (uint64_t)(PRL_MAX_SIZE / PRL_SECTOR))
        return ia_fail(err, IA_CORRUPT, "a disk of %ju sectors", (uintmax_t)sectors);
    if (sectors / tracks > UINT32_MAX) /* QEMU counts clusters in 32 bits, and would begin again */
        return ia_fail(err, IA_CORRUPT, "a disk of %ju sectors in clusters of %u", (uintmax_t)sectors, tracks);
    return IA_OK;
}

/* Where the data area begins: as stated in the header if that is possible, else behind the BAT. */
static int64_t data_start(const struct prl_piece *piece, int64_t table_end, uint32_t stated, int64_t file_size)
{
    int64_t unit = piece->is_v1 ? PRL_SECTOR : piece->cluster_size;
    int64_t least = (table_end + unit - 1) / unit * unit;
    int64_t start = stated * PRL_SECTOR;
    return start >= least && start <= file_size ? start : least;
}

enum ia_status prl_read_header(struct ia_image *image, struct prl_piece *piece, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    struct ia_source *source = ia_image_source(image, piece->file);
    IA_TRY(ia_source_read(source, 0, bytes, sizeof(bytes), "parallels header", err));
    if (!prl_has_magic(bytes, sizeof(bytes)))
        return ia_fail(err, piece->file == 0 ? IA_NOT_MINE : IA_CORRUPT, "no parallels magic");
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    uint32_t tracks = ia_window_le32(&w, 28);
    uint32_t entries = ia_window_le32(&w, 32);
    uint64_t sectors = ia_window_le64(&w, 36);
    uint64_t extension = ia_window_le64(&w, 56);
    piece->is_v1 = memcmp(bytes, magic_v1, MAGIC_BYTES) == 0;
    if (piece->is_v1)
        sectors &= UINT32_MAX;
    IA_TRY(check(ia_window_le32(&w, 16), tracks, entries, sectors, err));
    piece->is_dirty = ia_window_le32(&w, 44) == IN_USE;
    piece->is_empty = (ia_window_le32(&w, 52) & FLAG_EMPTY) != 0;
    piece->size = (int64_t)sectors * PRL_SECTOR;
    piece->cluster_size = tracks * PRL_SECTOR;
    piece->unit = piece->is_v1 ? PRL_SECTOR : piece->cluster_size;

    /* Entries past the end of the file are zero, as QEMU reads them; those past the disk's end belong to nothing. */
    int64_t table_end = HEADER_BYTES + (int64_t)entries * PRL_ENTRY_BYTES;
    int64_t inside = ia_max(ia_min(table_end, source->size) - HEADER_BYTES, 0) / PRL_ENTRY_BYTES;
    int64_t needed = (int64_t)(sectors / tracks + (sectors % tracks != 0));
    piece->entries = ia_min(inside, needed);
    piece->entries_in_file = inside;
    image->facts.truncated = image->facts.truncated || inside < ia_min(entries, needed);
    piece->data_start = data_start(piece, table_end, ia_window_le32(&w, 48), source->size);
    if (extension > (uint64_t)(PRL_MAX_SIZE / PRL_SECTOR))
        return ia_fail(err, IA_CORRUPT, "format extension at sector %ju", (uintmax_t)extension);
    piece->extension = (int64_t)extension * PRL_SECTOR;
    return extension == 0 || source->is_head ? IA_OK : prl_read_extension(image, piece, err);
}
