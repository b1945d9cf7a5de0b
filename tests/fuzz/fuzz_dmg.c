/* SPDX-License-Identifier: MIT */
/* Any bytes as a DMG. */
#include "format/dmg/dmg.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_dmg, bytes, len);
    return 0;
}
