/* SPDX-License-Identifier: MIT */
/* The QED header ("Header"). What QEMU refuses to open is refused here. */
#include <string.h>

#include "base/checked.h"
#include "format/qed/internal.h"
#include "io/window.h"

enum { HEADER_BYTES = 64, MAX_BACKING_NAME = 4095 /* QEMU's bound */ };

/* No disk of QEMU is longer. */
static const int64_t qemu_max_size = INT64_MAX & ~((INT64_C(1) << 30) - 1);

struct fields {
    uint32_t cluster_size;
    uint32_t table_size;  /* clusters */
    uint32_t header_size; /* clusters */
    uint64_t features;
    uint64_t l1_offset;
    int64_t image_size;
    uint32_t backing_offset;
    uint32_t backing_length;
};

static bool is_power_of_two(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most && (value & (value - 1)) == 0;
}

static enum ia_status decode(struct ia_window *w, struct fields *f, struct ia_error *err)
{
    if (ia_window_le32(w, 0) != QED_MAGIC)
        return ia_fail(err, IA_NOT_MINE, "no QED magic");
    f->cluster_size = ia_window_le32(w, 4);
    f->table_size = ia_window_le32(w, 8);
    f->header_size = ia_window_le32(w, 12);
    f->features = ia_window_le64(w, 16);
    /* compat_features and autoclear_features, at 24 and 32, do not matter to reading. */
    f->l1_offset = ia_window_le64(w, 40);
    f->image_size = ia_window_le_size(w, 48);
    f->backing_offset = ia_window_le32(w, 56);
    f->backing_length = ia_window_le32(w, 60);
    return w->failed ? ia_fail(err, IA_CORRUPT, "image size above 2^63 - 1") : IA_OK;
}

/* What tables of this size can map, a power of two. QEMU computes it in 64 bits: from 2^64 on it takes none. */
static uint64_t max_image_size(const struct fields *f)
{
    uint32_t entries = f->table_size * f->cluster_size / 8;
    int bits = 2 * __builtin_ctz(entries) + __builtin_ctz(f->cluster_size);
    return bits < 64 ? UINT64_C(1) << bits : 0;
}

static enum ia_status check(const struct fields *f, struct ia_error *err)
{
    uint64_t unknown = f->features & ~QED_KNOWN_FEATURES;
    if (unknown != 0)
        return ia_fail(err, IA_UNSUPPORTED, "unknown features %#jx", (uintmax_t)unknown);
    if (!is_power_of_two(f->cluster_size, 1 << 12, 1 << 26))
        return ia_fail(err, IA_CORRUPT, "cluster size of %u bytes", f->cluster_size);
    if (!is_power_of_two(f->table_size, 1, 16))
        return ia_fail(err, IA_CORRUPT, "tables of %u clusters", f->table_size);
    if (f->table_size == 1)
        return ia_fail(err, IA_UNSUPPORTED, "tables of one cluster, which QEMU does not read");
    if (f->image_size % 512 != 0 || (uint64_t)f->image_size > max_image_size(f))
        return ia_fail(err, IA_CORRUPT, "image of %jd bytes with tables of %u clusters of %u bytes",
                       (intmax_t)f->image_size, f->table_size, f->cluster_size);
    if (f->image_size > qemu_max_size)
        return ia_fail(err, IA_LIMIT, "image of %jd bytes", (intmax_t)f->image_size);
    if (f->header_size > UINT32_MAX / f->cluster_size)
        return ia_fail(err, IA_CORRUPT, "header of %u clusters", f->header_size);
    return IA_OK;
}

static enum ia_status place_tables(struct ia_image *image, struct qed *q, const struct fields *f, struct ia_error *err)
{
    int64_t entries = (int64_t)f->table_size * f->cluster_size / 8;
    q->header_bytes = (int64_t)f->header_size * f->cluster_size;
    q->table_bytes = (int64_t)f->table_size * f->cluster_size;
    /* A file's last sector counts as whole, a last cluster that is cut does not: as in QEMU. */
    q->file_bytes = ia_round_up(image->main->size, 512) & -(int64_t)f->cluster_size;
    q->tables = (struct ia_two_level){
        .l1_offset = (int64_t)f->l1_offset,
        .l1_entries = entries,
        .l2_entries = entries,
        .cluster_size = f->cluster_size,
        .big_endian = false,
        .check_table = qed_check_table,
        .push_entries = qed_push_entries,
        .account_past_end = qed_account_past_end,
    };
    if (!qed_is_table(q, f->l1_offset))
        return ia_fail(err, IA_CORRUPT, "L1 table of %jd bytes at bad offset %#jx in a file of %jd bytes",
                       (intmax_t)q->table_bytes, (uintmax_t)f->l1_offset, (intmax_t)image->main->size);
    return IA_OK;
}

static enum ia_status read_backing(struct ia_image *image, const struct qed *q, const struct fields *f,
                                   struct ia_error *err)
{
    if ((f->features & QED_BACKING_FILE) == 0)
        return IA_OK;
    if (f->backing_length > MAX_BACKING_NAME || !ia_range_inside(f->backing_offset, f->backing_length, q->header_bytes))
        return ia_fail(err, IA_CORRUPT, "backing file name of %u bytes at %#x in a header of %jd bytes",
                       f->backing_length, f->backing_offset, (intmax_t)q->header_bytes);
    IA_TRY(ia_image_read_backing_name(image, f->backing_offset, f->backing_length, err));
    if (image->facts.backing_name == NULL || (f->features & QED_BACKING_FORMAT_NO_PROBE) == 0)
        return IA_OK;
    image->facts.backing_format = strdup("raw");
    return image->facts.backing_format == NULL ? ia_no_memory(err) : IA_OK;
}

enum ia_status qed_read_header(struct ia_image *image, struct qed *q, struct ia_error *err)
{
    uint8_t bytes[HEADER_BYTES];
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "QED header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    struct fields f = {0};
    IA_TRY(decode(&w, &f, err));
    IA_TRY(check(&f, err));
    IA_TRY(place_tables(image, q, &f, err));
    image->facts.virtual_size = f.image_size;
    image->facts.cluster_size = f.cluster_size;
    image->facts.dirty = (f.features & QED_NEED_CHECK) != 0;
    return read_backing(image, q, &f, err);
}
