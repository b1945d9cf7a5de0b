/* SPDX-License-Identifier: MIT */
/* Any bytes as a qcow image (version 1). */
#include "format/qcow1/qcow1.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_qcow1, bytes, len);
    return 0;
}
