/* SPDX-License-Identifier: MIT */
/* Any bytes as a Bochs image. */
#include "format/bochs/bochs.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_bochs, bytes, len);
    return 0;
}
