/* SPDX-License-Identifier: MIT */
/* Any bytes as a cloop image. */
#include "format/cloop/cloop.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_cloop, bytes, len);
    return 0;
}
