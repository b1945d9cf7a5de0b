/* SPDX-License-Identifier: MIT */
/* The format extension: a cluster with features of which dirty bitmaps are the only known ones. None changes what the
 * guest reads. What QEMU refuses is refused here, but for unknown features that are marked as not necessary. */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/parallels/internal.h"
#include "io/digest.h"
#include "io/window.h"

#define EXTENSION_MAGIC UINT64_C(0xab234cef23dcea87)
#define END_OF_FEATURES UINT64_C(0)
#define DIRTY_BITMAP UINT64_C(0x20385fae252cb34a)
#define NECESSARY UINT64_C(1)

/* Hashing is slow: what the extensions of all pieces of one image may take. */
#define MAX_EXTENSION_BYTES (INT64_C(256) << 20)

enum {
    EXTENSION_HEADER = 24,
    FEATURE_HEADER = 24,
    BITMAP_HEADER = 32,
    MAX_FEATURES = 1024,
    MAX_GRANULARITY = 1 << 22, /* sectors: QEMU keeps the bytes in 32 bits */
};

struct extension {
    struct ia_source *source;
    struct prl_piece *piece;
    struct ia_image *account; /* where bitmaps are accounted for; NULL: nowhere */
    int64_t start, end;       /* of the cluster in the file */
};

static enum ia_status check_sum(const struct extension *extension, const uint8_t *expected, struct ia_error *err)
{
    uint8_t digest[IA_MD5_BYTES];
    int64_t start = extension->start + EXTENSION_HEADER;
    IA_TRY(ia_source_md5(extension->source, start, extension->end - start, "format extension", digest, err));
    if (memcmp(digest, expected, sizeof(digest)) != 0)
        return ia_fail(err, IA_CORRUPT, "wrong checksum of the format extension at %#jx", (uintmax_t)extension->start);
    return IA_OK;
}

/* Entries 0 and 1 of a bitmap's L1 table are for bits that are all alike; others are sectors. */
static enum ia_status account_bitmap_clusters(const struct extension *extension, int64_t at, int64_t entries,
                                              struct ia_error *err)
{
    const struct prl_piece *piece = extension->piece;
    uint8_t chunk[4096];
    for (int64_t left = entries * 8; left > 0;) {
        size_t len = (size_t)ia_min((int64_t)sizeof(chunk), left);
        IA_TRY(ia_source_read(extension->source, at, chunk, len, "bitmap table", err));
        for (size_t i = 0; i < len; i += 8) {
            uint64_t sector = ia_le64(chunk + i);
            if (sector > 1 && sector <= (uint64_t)(PRL_MAX_SIZE / PRL_SECTOR))
                ia_image_use_exclusive(extension->account, piece->file, IA_SPACE_BITMAP, (int64_t)sector * PRL_SECTOR,
                                       piece->cluster_size, PRL_GUEST_USES);
        }
        at += (int64_t)len;
        left -= (int64_t)len;
    }
    return IA_OK;
}

/* "Dirty bitmaps feature": data_size bytes at `at`, which lie inside the cluster. */
static enum ia_status read_bitmap(const struct extension *extension, int64_t at, int64_t data_size,
                                  struct ia_error *err)
{
    struct prl_piece *piece = extension->piece;
    uint8_t bytes[BITMAP_HEADER];
    if (data_size < BITMAP_HEADER)
        return ia_fail(err, IA_CORRUPT, "dirty bitmap of %jd bytes", (intmax_t)data_size);
    IA_TRY(ia_source_read(extension->source, at, bytes, sizeof(bytes), "dirty bitmap", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    uint64_t sectors = ia_window_le64(&w, 0);
    uint32_t granularity = ia_window_le32(&w, 24);
    int64_t entries = ia_window_le32(&w, 28);
    if (sectors != (uint64_t)(piece->size / PRL_SECTOR))
        return ia_fail(err, IA_CORRUPT, "dirty bitmap of %ju sectors, and the disk has %jd", (uintmax_t)sectors,
                       (intmax_t)(piece->size / PRL_SECTOR));
    if (granularity == 0 || granularity > MAX_GRANULARITY || (granularity & (granularity - 1)) != 0)
        return ia_fail(err, IA_CORRUPT, "dirty bitmap with a granularity of %u sectors", granularity);
    if (entries * 8 > data_size - BITMAP_HEADER)
        return ia_fail(err, IA_CORRUPT, "dirty bitmap with a table of %jd entries in %jd bytes", (intmax_t)entries,
                       (intmax_t)data_size);
    /* A bit for each granule, in whole 64-bit words, in whole clusters. */
    uint64_t bits = sectors / granularity + (sectors % granularity != 0);
    uint64_t bitmap_bytes = (bits / 64 + (bits % 64 != 0)) * 8;
    uint64_t cluster = (uint64_t)piece->cluster_size;
    if ((uint64_t)entries != bitmap_bytes / cluster + (bitmap_bytes % cluster != 0))
        return ia_fail(err, IA_CORRUPT, "dirty bitmap with a table of %jd entries for %ju bytes", (intmax_t)entries,
                       (uintmax_t)bitmap_bytes);
    piece->has_bitmap = true;
    return extension->account != NULL ? account_bitmap_clusters(extension, at + BITMAP_HEADER, entries, err) : IA_OK;
}

/* Reads the feature at *at and moves it past the feature; *last: there is none behind it. */
static enum ia_status read_feature(const struct extension *extension, int64_t *at, bool *last, struct ia_error *err)
{
    uint8_t bytes[FEATURE_HEADER];
    if (extension->end - *at < FEATURE_HEADER)
        return ia_fail(err, IA_CORRUPT, "format extension without an end of features");
    IA_TRY(ia_source_read(extension->source, *at, bytes, sizeof(bytes), "format extension", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    uint64_t magic = ia_window_le64(&w, 0);
    uint64_t flags = ia_window_le64(&w, 8);
    int64_t data = *at + FEATURE_HEADER;
    int64_t data_size = ia_window_le32(&w, 16);
    if (data_size > extension->end - data)
        return ia_fail(err, IA_CORRUPT, "feature %#jx of the format extension: %jd bytes", (uintmax_t)magic,
                       (intmax_t)data_size);
    *at = extension->start + ia_round_up(data + data_size - extension->start, 8);
    *last = magic == END_OF_FEATURES;
    if ((*last || magic == DIRTY_BITMAP) && flags != 0)
        return ia_fail(err, IA_UNSUPPORTED, "feature %#jx of the format extension with flags %#jx", (uintmax_t)magic,
                       (uintmax_t)flags);
    if (magic == DIRTY_BITMAP)
        return read_bitmap(extension, data, data_size, err);
    if (!*last && (flags & NECESSARY) != 0)
        return ia_fail(err, IA_UNSUPPORTED, "unknown necessary feature %#jx of the format extension", (uintmax_t)magic);
    return IA_OK;
}

/* Ends: each feature takes at least its header of the cluster, and there is the bound. */
static enum ia_status read_features(const struct extension *extension, struct ia_error *err)
{
    int64_t at = extension->start + EXTENSION_HEADER;
    bool last = false;
    for (int features = 0; !last; features++) {
        if (features >= MAX_FEATURES)
            return ia_fail(err, IA_LIMIT, "more than %d features of a format extension", MAX_FEATURES);
        IA_TRY(read_feature(extension, &at, &last, err));
    }
    return IA_OK;
}

enum ia_status prl_read_extension(struct ia_image *image, struct prl_piece *piece, struct ia_error *err)
{
    struct prl_disk *disk = image->state;
    struct extension extension = {
        .source = ia_image_source(image, piece->file),
        .piece = piece,
        .start = piece->extension,
    };
    if (extension.start >= extension.source->size || !ia_add(extension.start, piece->cluster_size, &extension.end))
        return ia_fail(err, IA_CORRUPT, "format extension at %#jx in a file of %jd bytes", (uintmax_t)extension.start,
                       (intmax_t)extension.source->size);
    disk->extension_bytes += piece->cluster_size;
    if (disk->extension_bytes > ia_min(MAX_EXTENSION_BYTES, image->limits->max_table_bytes))
        return ia_fail(err, IA_LIMIT, "format extensions of %jd bytes", (intmax_t)disk->extension_bytes);
    uint8_t bytes[EXTENSION_HEADER];
    IA_TRY(ia_source_read(extension.source, extension.start, bytes, sizeof(bytes), "format extension", err));
    if (ia_le64(bytes) != EXTENSION_MAGIC)
        return ia_fail(err, IA_CORRUPT, "no magic of a format extension at %#jx", (uintmax_t)extension.start);
    IA_TRY(check_sum(&extension, bytes + 8, err));
    return read_features(&extension, err);
}

enum ia_status prl_account_extension(struct ia_image *image, struct prl_piece *piece, struct ia_error *err)
{
    const struct extension extension = {
        .source = ia_image_source(image, piece->file),
        .piece = piece,
        .account = image,
        .start = piece->extension,
        .end = piece->extension + piece->cluster_size,
    };
    ia_image_use_exclusive(image, piece->file, IA_SPACE_METADATA, extension.start, piece->cluster_size, PRL_GUEST_USES);
    return read_features(&extension, err);
}
