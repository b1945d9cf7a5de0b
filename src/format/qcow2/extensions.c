/* SPDX-License-Identifier: MIT */
/* Header extensions ("Header extensions", "Bitmaps extension", "Full disk encryption header pointer"). */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "format/qcow2/internal.h"
#include "io/window.h"

enum {
    EXTENSION_END = 0,
    EXTENSION_BACKING_FORMAT = 0xe2792aca,
    EXTENSION_BITMAPS = 0x23852875,
    EXTENSION_CRYPTO = 0x0537be77,
    EXTENSION_DATA_FILE = 0x44415441,
    MAX_FORMAT_NAME = 15, /* QEMU's bound */
    MAX_DATA_FILE = 4096, /* a path */
};

static enum ia_status read_string(struct ia_image *image, int64_t offset, uint32_t len, uint32_t max, const char *what,
                                  char **out, struct ia_error *err)
{
    if (len > max)
        return ia_fail(err, IA_CORRUPT, "%s of %u bytes", what, len);
    IA_AUTO_FREE char *text = calloc(1, (size_t)len + 1);
    if (text == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(image->main, offset, text, len, what, err));
    free(*out);
    *out = text[0] != '\0' ? ia_steal_ptr(text) : NULL;
    return IA_OK;
}

static enum ia_status read_bitmaps(struct ia_image *image, struct qcow2 *q, int64_t offset, uint32_t len,
                                   struct ia_error *err)
{
    uint8_t bytes[24];
    if (len != sizeof(bytes))
        return ia_fail(err, IA_CORRUPT, "bitmaps extension of %u bytes", len);
    if ((q->autoclear & QCOW2_BITMAPS) == 0)
        return IA_OK; /* written by a program without support for bitmaps: not consistent, ignored */
    IA_TRY(ia_source_read(image->main, offset, bytes, sizeof(bytes), "bitmaps extension", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    struct qcow2_bitmaps *bitmaps = &q->bitmaps;
    bitmaps->count = ia_window_be32(&w, 0);
    bitmaps->directory_size = ia_window_be_size(&w, 8);
    bitmaps->directory_offset = ia_window_be_size(&w, 16);
    if (w.failed || ia_window_be32(&w, 4) != 0 || bitmaps->count == 0 || bitmaps->count > QCOW2_MAX_BITMAPS ||
        bitmaps->directory_size > 1024 * QCOW2_MAX_BITMAPS || !qcow2_is_aligned(q, bitmaps->directory_offset))
        return ia_fail(err, IA_CORRUPT, "bitmaps extension: %u bitmaps, directory at %#jx", bitmaps->count,
                       (uintmax_t)bitmaps->directory_offset);
    return IA_OK;
}

static enum ia_status read_crypto(struct ia_image *image, struct qcow2 *q, int64_t offset, uint32_t len,
                                  struct ia_error *err)
{
    uint8_t bytes[16];
    if (q->crypt_method != 2 || len != sizeof(bytes))
        return ia_fail(err, IA_CORRUPT, "unexpected encryption header extension of %u bytes", len);
    IA_TRY(ia_source_read(image->main, offset, bytes, sizeof(bytes), "encryption header", err));
    struct ia_window w = {.bytes = bytes, .len = sizeof(bytes)};
    int64_t at = ia_window_be_size(&w, 0);
    q->crypto_header_offset = at;
    q->crypto_header_bytes = ia_window_be_size(&w, 8);
    if (w.failed || !qcow2_is_aligned(q, at) || q->crypto_header_bytes == 0)
        return ia_fail(err, IA_CORRUPT, "encryption header at %#jx", (uintmax_t)at);
    return IA_OK;
}

static enum ia_status read_one(struct ia_image *image, struct qcow2 *q, uint32_t type, int64_t offset, uint32_t len,
                               struct ia_error *err)
{
    switch (type) {
    case EXTENSION_BACKING_FORMAT:
        return read_string(image, offset, len, MAX_FORMAT_NAME, "backing format", &image->facts.backing_format, err);
    case EXTENSION_DATA_FILE:
        return read_string(image, offset, len, MAX_DATA_FILE, "data file name", &q->data_file_name, err);
    case EXTENSION_BITMAPS:
        return read_bitmaps(image, q, offset, len, err);
    case EXTENSION_CRYPTO:
        return read_crypto(image, q, offset, len, err);
    default:
        return IA_OK; /* "can be safely ignored" */
    }
}

enum ia_status qcow2_read_extensions(struct ia_image *image, struct qcow2 *q, int64_t end, struct ia_error *err)
{
    int64_t offset = q->header_length;
    /* Ends: every round moves offset on by at least 8, and end is at most the cluster size. */
    while (offset < end) {
        uint8_t head[8];
        IA_TRY(ia_source_read(image->main, offset, head, sizeof(head), "header extension", err));
        uint32_t type = ia_be32(head);
        int64_t len = ia_be32(head + 4);
        offset += (int64_t)sizeof(head);
        if (offset > end || len > end - offset)
            return ia_fail(err, IA_CORRUPT, "header extension %#x of %jd bytes is too large", type, (intmax_t)len);
        if (type == EXTENSION_END)
            return IA_OK;
        IA_TRY(read_one(image, q, type, offset, (uint32_t)len, err));
        offset += ia_round_up(len, 8);
    }
    return IA_OK;
}
