/* SPDX-License-Identifier: MIT */
/* Any bytes as a VDI image. */
#include "format/vdi/vdi.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_vdi, bytes, len);
    return 0;
}
