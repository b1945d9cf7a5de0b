/* SPDX-License-Identifier: MIT */
/* Any bytes as a QED image. */
#include "format/qed/qed.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_qed, bytes, len);
    return 0;
}
