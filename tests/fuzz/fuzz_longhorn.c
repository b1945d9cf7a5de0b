/* SPDX-License-Identifier: MIT */
/* Any bytes as what describes a Longhorn image: both of its descriptions, and the image as well. */
#include "format/longhorn/longhorn.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_longhorn, bytes, len);
    return 0;
}
