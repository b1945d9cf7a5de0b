/* SPDX-License-Identifier: MIT */
/* The account of host space. Clusters of the disk are accounted for while they are mapped; here the descriptor, and of
 * each piece the header with the BAT, the extension with its bitmaps, and clusters that the BAT has past the piece's
 * end. A piece that is no shot's was not looked into, and nothing refers to what it holds. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "format/parallels/internal.h"

enum { CHUNK_ENTRIES = 16 * 1024 };

static enum ia_status charge(struct ia_image *image, int64_t entries, struct ia_error *err)
{
    struct prl_disk *disk = image->state;
    int64_t most = image->limits->max_table_bytes;
    disk->table_bytes += entries * PRL_ENTRY_BYTES;
    return disk->table_bytes <= most ? IA_OK : ia_fail(err, IA_LIMIT, "more than %jd bytes of BATs", (intmax_t)most);
}

/* From entry `first` on, as far as the BAT and the file go. */
static enum ia_status account_past_end(struct ia_image *image, const struct prl_piece *piece, int64_t first,
                                       struct ia_error *err)
{
    IA_AUTO_FREE uint8_t *chunk = malloc(CHUNK_ENTRIES * PRL_ENTRY_BYTES);
    if (chunk == NULL)
        return ia_no_memory(err);
    for (int64_t at = first; at < piece->entries_in_file; at += CHUNK_ENTRIES) {
        int64_t count = ia_min(CHUNK_ENTRIES, piece->entries_in_file - at);
        IA_TRY(charge(image, count, err));
        IA_TRY(ia_source_read(ia_image_source(image, piece->file), PRL_BAT_OFFSET + at * PRL_ENTRY_BYTES, chunk,
                              (size_t)(count * PRL_ENTRY_BYTES), "BAT", err));
        for (int64_t i = 0; i < count; i++) {
            uint32_t entry = ia_le32(chunk + i * PRL_ENTRY_BYTES);
            if (entry != 0)
                ia_image_use(image, piece->file, IA_SPACE_UNALLOCATED, entry * piece->unit, piece->cluster_size);
        }
    }
    return IA_OK;
}

static enum ia_status account_piece(struct ia_image *image, struct prl_piece *piece, struct ia_error *err)
{
    if (piece->is_plain || piece->cluster_size == 0) /* plain, or never read */
        return IA_OK;
    int64_t needed = piece->size / piece->cluster_size + (piece->size % piece->cluster_size != 0);
    int64_t table_end = PRL_BAT_OFFSET + piece->entries_in_file * PRL_ENTRY_BYTES;
    ia_image_use_exclusive(image, piece->file, IA_SPACE_METADATA, 0, table_end, PRL_GUEST_USES);
    ia_image_use(image, piece->file, IA_SPACE_METADATA, 0, piece->data_start);
    if (piece->extension != 0)
        IA_TRY(prl_account_extension(image, piece, err));
    return account_past_end(image, piece, ia_min(piece->entries, needed), err);
}

enum ia_status prl_account(struct ia_image *image, struct ia_error *err)
{
    const struct prl_disk *disk = image->state;
    if (disk->is_descriptor)
        ia_image_use(image, 0, IA_SPACE_METADATA, 0, image->main->size);
    for (size_t i = 0; i < disk->pieces.len; i++)
        IA_TRY(account_piece(image, &disk->pieces.items[i], err));
    return IA_OK;
}
