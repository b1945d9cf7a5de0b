/* SPDX-License-Identifier: MIT */
/* Any bytes as a raw image: looking for its kind reads little and nothing past the end. */
#include "format/raw/raw.h"
#include "fuzz/image_target.h"

enum { MOST_READ = 2048, MOST_READ_OF_FILE_SYSTEMS = 4096 + 256 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ia_source *source = NULL;
    const char *kind = NULL;
    FUZZ_CHECK(ia_source_open_memory(bytes, len, &source, NULL) == IA_OK);
    FUZZ_CHECK(ia_raw_kind(source, &kind, NULL) == IA_OK && kind != NULL);
    FUZZ_CHECK(!source->beyond_end && source->bytes_read <= MOST_READ);
    int64_t before = source->bytes_read;
    FUZZ_CHECK(ia_raw_file_system(source, &kind, NULL) == IA_OK && kind != NULL);
    FUZZ_CHECK(!source->beyond_end && source->bytes_read <= before + MOST_READ_OF_FILE_SYSTEMS);
    ia_source_close(source);
    fuzz_image(&ia_format_raw, bytes, len);
    return 0;
}
