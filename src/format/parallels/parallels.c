/* SPDX-License-Identifier: MIT */
/* The Parallels driver's entry points. */
#include "format/parallels/parallels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/parallels/internal.h"

static bool is_xml(const uint8_t *head, size_t len)
{
    return len >= 5 && memcmp(head, "<?xml", 5) == 0;
}

/* Of a descriptor the name of its element is enough; the version of an expandable image is what QEMU looks at. */
static bool parallels_probe(const uint8_t *head, size_t len)
{
    static const char element[] = "<Parallels_disk_image";
    if (is_xml(head, len))
        return memmem(head, len, element, sizeof(element) - 1) != NULL;
    return len >= 20 && prl_has_magic(head, len) && ia_le32(head + 16) == 2;
}

/* A disk of one storage with one piece, the main file. */
static enum ia_status open_expandable(struct ia_image *image, struct ia_error *err)
{
    struct prl_disk *disk = image->state;
    struct ia_image_facts *facts = &image->facts;
    struct prl_piece piece = {0};
    IA_TRY(prl_read_header(image, &piece, err));
    struct prl_storage storage = {
        .end = piece.size,
        .cluster_size = piece.cluster_size,
        .count = 1,
        .of_shot = calloc(1, sizeof(*storage.of_shot)),
    };
    if (storage.of_shot == NULL || !ia_vec_push(&disk->storages, storage)) {
        free(storage.of_shot);
        return ia_no_memory(err);
    }
    if (!ia_vec_push(&disk->pieces, piece) || !ia_vec_push(&disk->shots, ((struct prl_shot){.parent = PRL_NONE})))
        return ia_no_memory(err);
    disk->size = piece.size;
    facts->version = piece.is_v1 ? 1 : 2; /* by its magic; the number in the header is 2 in both */
    snprintf(facts->variant, sizeof(facts->variant), "%s%s%s", piece.is_v1 ? "v1" : "v2",
             piece.is_empty ? " empty" : "", piece.has_bitmap ? " dirty-bitmap" : "");
    facts->cluster_size = piece.cluster_size;
    facts->dirty = piece.is_dirty;
    return IA_OK;
}

static enum ia_status open_descriptor(struct ia_image *image, struct ia_error *err)
{
    const struct prl_disk *disk = image->state;
    struct ia_image_facts *facts = &image->facts;
    IA_TRY(prl_read_descriptor(image, err));
    IA_TRY(prl_link(image, err));
    snprintf(facts->variant, sizeof(facts->variant), "hdd%s", disk->storages.len > 1 ? " split" : "");
    facts->encrypted = disk->is_encrypted;
    return IA_OK;
}

static enum ia_status parallels_open(struct ia_image *image, struct ia_error *err)
{
    uint8_t head[8];
    struct prl_disk *disk = calloc(1, sizeof(*disk));
    if (disk == NULL)
        return ia_no_memory(err);
    disk->size = -1;
    image->state = disk;
    size_t len = (size_t)ia_min(image->main->size, sizeof(head));
    IA_TRY(ia_source_read(image->main, 0, head, len, "the first bytes", err));
    IA_TRY(is_xml(head, len) ? open_descriptor(image, err) : open_expandable(image, err));
    image->facts.virtual_size = disk->size;
    return IA_OK;
}

static void parallels_close(struct ia_image *image)
{
    struct prl_disk *disk = image->state;
    if (disk == NULL)
        return;
    for (size_t i = 0; i < disk->storages.len; i++)
        free(disk->storages.items[i].of_shot);
    for (size_t i = 0; i < disk->shots.len; i++)
        free(disk->shots.items[i].name);
    ia_vec_release(&disk->storages);
    ia_vec_release(&disk->shots);
    ia_vec_release(&disk->pieces);
    free(disk);
}

/* The size of a piece, its header if it has one, and whether it fits into its storage. */
static enum ia_status read_piece(struct ia_image *image, const struct prl_storage *storage, struct prl_piece *piece,
                                 struct ia_error *err)
{
    int64_t length = storage->end - storage->start;
    if (piece->is_plain) {
        int64_t size = ia_image_source(image, piece->file)->size;
        image->facts.truncated = image->facts.truncated || size < length;
        piece->size = ia_min(ia_round_up(size, PRL_SECTOR), length);
        return IA_OK;
    }
    struct ia_error cause = {0};
    const char *name = image->facts.parts.items[piece->file - 1].name;
    enum ia_status status = prl_read_header(image, piece, &cause);
    if (status != IA_OK)
        return ia_fail(err, status, "'%.200s': %.280s", name, cause.message);
    if (piece->cluster_size != storage->cluster_size)
        return ia_fail(err, IA_CORRUPT, "'%.200s': clusters of %jd bytes in a storage with %jd", name,
                       (intmax_t)piece->cluster_size, (intmax_t)storage->cluster_size);
    piece->size = ia_min(piece->size, length);
    image->facts.dirty = image->facts.dirty || piece->is_dirty;
    image->facts.cluster_size = piece->cluster_size;
    return IA_OK;
}

/* A disk may have grown since a shot was taken, but not shrunk: what lies past an image's end would be in none. */
static enum ia_status check_sizes(const struct prl_disk *disk, const struct prl_storage *storage, struct ia_error *err)
{
    for (size_t i = 0; i < disk->shots.len; i++) {
        const struct prl_shot *shot = &disk->shots.items[i];
        if (shot->parent == PRL_NONE)
            continue;
        int64_t size = disk->pieces.items[storage->of_shot[i]].size;
        int64_t parent_size = disk->pieces.items[storage->of_shot[shot->parent]].size;
        if (size < parent_size)
            return ia_fail(err, IA_CORRUPT, "the image of shot %s has %jd bytes, that of its parent %jd",
                           shot->guid.text, (intmax_t)size, (intmax_t)parent_size);
    }
    return IA_OK;
}

static enum ia_status parallels_assemble(struct ia_image *image, struct ia_error *err)
{
    const struct prl_disk *disk = image->state;
    for (size_t i = 0; disk->is_descriptor && i < disk->storages.len; i++) {
        const struct prl_storage *storage = &disk->storages.items[i];
        for (size_t shot = 0; shot < disk->shots.len; shot++)
            IA_TRY(read_piece(image, storage, &disk->pieces.items[storage->of_shot[shot]], err));
        IA_TRY(check_sizes(disk, storage, err));
    }
    return IA_OK;
}

/* QEMU's driver cannot reopen an image for writing, so no commit reaches it, and has no truncate. Before 8.2 it wrote
 * zeroes as data, and gives clusters up since. */
static void parallels_describe(const struct ia_image_facts *facts, struct ia_abilities *out)
{
    (void)facts;
    out->zeroes_are_known = false;
    out->can_be_written = true;
}

static const char *const suffixes[] = {".hdd", ".hds", NULL};

const struct ia_format ia_format_parallels = {
    .name = "parallels",
    .suffixes = suffixes,
    .describe = parallels_describe,
    .probe = parallels_probe,
    .open = parallels_open,
    .close = parallels_close,
    .assemble = parallels_assemble,
    .map_begin = prl_map_begin,
    .map_step = prl_map_step,
    .map_end = prl_map_end,
    .account = prl_account,
};
