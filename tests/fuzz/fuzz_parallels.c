/* SPDX-License-Identifier: MIT */
/* Any bytes as a Parallels image. What begins as XML is a disk descriptor up to the first zero byte; each of its pieces
 * holds the bytes behind that. */
#include <string.h>

#include "format/parallels/parallels.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t *zero = len > 0 && bytes[0] == '<' ? memchr(bytes, 0, len) : NULL;
    if (zero == NULL) {
        fuzz_image(&ia_format_parallels, bytes, len);
        return 0;
    }
    struct ia_source *descriptor = NULL;
    size_t descriptor_len = (size_t)(zero - bytes);
    FUZZ_CHECK(ia_source_open_memory(bytes, descriptor_len, &descriptor, NULL) == IA_OK);
    fuzz_image_source(&ia_format_parallels, descriptor, zero + 1, len - descriptor_len - 1);
    return 0;
}
