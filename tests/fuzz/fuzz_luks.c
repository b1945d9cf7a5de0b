/* SPDX-License-Identifier: MIT */
/* Any bytes as a LUKS container. */
#include "format/luks/luks.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_luks, bytes, len);
    return 0;
}
