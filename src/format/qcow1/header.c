/* SPDX-License-Identifier: MIT */
/* The header of a qcow image. What QEMU refuses to open is refused here. */
#include <stdio.h>

#include "base/checked.h"
#include "format/qcow1/internal.h"
#include "io/window.h"

enum { CRYPT_AES = 1, MAX_BACKING_NAME = 1023 };

/* QEMU's bound: the L1 table's bytes fit an int. */
static const int64_t max_l1_entries = INT32_MAX / 8;

struct fields {
    uint32_t version;
    int64_t backing_offset;
    uint32_t backing_length;
    int64_t size;
    uint32_t cluster_bits;
    uint32_t l2_bits; /* log2 of the entries of an L2 table */
    uint32_t crypt_method;
    int64_t l1_offset;
};

static enum ia_status decode(struct ia_window *w, struct fields *f, struct ia_error *err)
{
    if (ia_window_be32(w, 0) != QCOW1_MAGIC)
        return ia_fail(err, IA_NOT_MINE, "no qcow magic");
    f->version = ia_window_be32(w, 4);
    if (f->version != 1)
        return ia_fail(err, IA_UNSUPPORTED, "qcow version %u", f->version);
    f->backing_offset = ia_window_be_size(w, 8);
    f->backing_length = ia_window_be32(w, 16);
    f->size = ia_window_be_size(w, 24);
    f->cluster_bits = ia_window_u8(w, 32);
    f->l2_bits = ia_window_u8(w, 33);
    f->crypt_method = ia_window_be32(w, 36);
    f->l1_offset = ia_window_be_size(w, 40);
    return w->failed ? ia_fail(err, IA_CORRUPT, "an offset or size of the header is above 2^63 - 1") : IA_OK;
}

static enum ia_status check(const struct fields *f, struct ia_error *err)
{
    if (f->size < 2)
        return ia_fail(err, IA_CORRUPT, "image of %jd bytes: at least 2 are needed", (intmax_t)f->size);
    if (f->cluster_bits < 9 || f->cluster_bits > 16)
        return ia_fail(err, IA_UNSUPPORTED, "cluster size of 2^%u bytes", f->cluster_bits);
    if (f->l2_bits < 6 || f->l2_bits > 13)
        return ia_fail(err, IA_UNSUPPORTED, "L2 tables of 2^%u entries", f->l2_bits);
    if (f->crypt_method > CRYPT_AES)
        return ia_fail(err, IA_UNSUPPORTED, "encryption method %u", f->crypt_method);
    if (f->backing_offset != 0 && f->backing_length > MAX_BACKING_NAME)
        return ia_fail(err, IA_CORRUPT, "backing file name of %u bytes", f->backing_length);
    return IA_OK;
}

static enum ia_status place_tables(struct qcow1 *q, const struct fields *f, struct ia_error *err)
{
    int64_t span = INT64_C(1) << (f->cluster_bits + f->l2_bits); /* guest bytes of an L2 table */
    int64_t entries = f->size / span + (f->size % span != 0);
    if (entries > max_l1_entries)
        return ia_fail(err, IA_CORRUPT, "image of %jd bytes: an L1 table of %jd entries is too large",
                       (intmax_t)f->size, (intmax_t)entries);
    if (f->l1_offset > INT64_MAX - entries * 8)
        return ia_fail(err, IA_CORRUPT, "L1 table at bad offset %#jx", (uintmax_t)f->l1_offset);
    q->cluster_bits = f->cluster_bits;
    q->tables = (struct ia_two_level){
        .l1_offset = f->l1_offset,
        .l1_entries = entries,
        .l2_entries = INT64_C(1) << f->l2_bits,
        .cluster_size = INT64_C(1) << f->cluster_bits,
        .big_endian = true,
        .check_table = qcow1_check_table,
        .push_entries = qcow1_push_entries,
        .account_past_end = qcow1_claim_past_end,
    };
    return IA_OK;
}

enum ia_status qcow1_read_header(struct ia_image *image, struct qcow1 *q, struct ia_error *err)
{
    uint8_t bytes[QCOW1_HEADER_BYTES];
    IA_TRY(ia_source_read(image->main, 0, bytes, sizeof(bytes), "qcow header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    struct fields f = {0};
    IA_TRY(decode(&w, &f, err));
    IA_TRY(check(&f, err));
    IA_TRY(place_tables(q, &f, err));

    struct ia_image_facts *facts = &image->facts;
    facts->virtual_size = f.size / 512 * 512;
    facts->cluster_size = q->tables.cluster_size;
    facts->version = (int)f.version;
    facts->encrypted = f.crypt_method == CRYPT_AES;
    snprintf(facts->variant, sizeof(facts->variant), "v%u%s", f.version, facts->encrypted ? " aes" : "");
    if (f.backing_offset == 0)
        return IA_OK;
    q->backing_offset = f.backing_offset;
    q->backing_length = f.backing_length;
    return ia_image_read_backing_name(image, f.backing_offset, f.backing_length, err);
}
