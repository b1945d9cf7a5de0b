/* SPDX-License-Identifier: MIT */
/* Any bytes as a Parallels image. What begins as XML is a disk descriptor up to the first zero byte; each of its pieces
 * holds the bytes behind that. A format extension gets the right checksum, so that what it says is looked at. */
#include <md5.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/parallels/parallels.h"
#include "fuzz/image_target.h"

enum { TRACKS_AT = 28, EXTENSION_AT = 56, HEADER = 64, CHECKSUM = 8, FEATURES = 24 };

static void set_checksum(uint8_t *image, size_t len)
{
    if (len < HEADER || ia_le64(image + EXTENSION_AT) > len)
        return;
    int64_t offset = (int64_t)ia_le64(image + EXTENSION_AT) * 512;
    int64_t cluster = ia_le32(image + TRACKS_AT) * INT64_C(512);
    if (offset == 0 || cluster == 0 || !ia_range_inside(offset, cluster, (int64_t)len))
        return;
    MD5_CTX md5;
    MD5Init(&md5);
    MD5Update(&md5, image + offset + FEATURES, (size_t)cluster - FEATURES);
    MD5Final(image + offset + CHECKSUM, &md5);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, bytes, len);
    const uint8_t *zero = len > 0 && copy[0] == '<' ? memchr(copy, 0, len) : NULL;
    uint8_t *piece = zero == NULL ? copy : copy + (zero + 1 - copy);
    size_t piece_len = len - (size_t)(piece - copy);
    set_checksum(piece, piece_len);
    if (zero == NULL) {
        fuzz_image(&ia_format_parallels, copy, len);
    } else {
        struct ia_source *descriptor = NULL;
        FUZZ_CHECK(ia_source_open_memory(copy, (size_t)(zero - copy), &descriptor, NULL) == IA_OK);
        fuzz_image_source(&ia_format_parallels, descriptor, piece, piece_len);
    }
    free(copy);
    return 0;
}
