/* SPDX-License-Identifier: MIT */
/* Any bytes as a VMDK image; a descriptor's extents are the same bytes again. */
#include "format/vmdk/vmdk.h"
#include "fuzz/image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    fuzz_image(&ia_format_vmdk, bytes, len);
    return 0;
}
