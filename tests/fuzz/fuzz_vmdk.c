/* SPDX-License-Identifier: MIT */
/* Any bytes as a VMDK image. Of what begins like a descriptor, the first bytes are it, and all others are the file of
 * each of its extents. */
#include "format/vmdk/vmdk.h"
#include "fuzz/image_target.h"

enum { DESCRIPTOR_BYTES = 1024 }; /* as in tests/lib/builders/vmdk.py */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len <= DESCRIPTOR_BYTES || bytes[0] != '#') {
        fuzz_image(&ia_format_vmdk, bytes, len);
        return 0;
    }
    struct ia_source *source = NULL;
    FUZZ_CHECK(ia_source_open_memory(bytes, DESCRIPTOR_BYTES, &source, NULL) == IA_OK);
    fuzz_image_source(&ia_format_vmdk, source, bytes + DESCRIPTOR_BYTES, len - DESCRIPTOR_BYTES);
    return 0;
}
