/* SPDX-License-Identifier: MIT */
/* Any bytes as a qcow2 image. */
#include "format/qcow2/qcow2.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_qcow2, bytes, len);
    return 0;
}
