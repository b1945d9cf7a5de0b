/* SPDX-License-Identifier: MIT */
/* Any bytes as a backing file name: parsing says something, and what it says can be used. */
#include <stdlib.h>
#include <string.h>

#include "chain/reference.h"
#include "fuzz/target.h"

static void check_combined(const char *image, const char *path)
{
    char *joined = ia_reference_combine(image, path);
    FUZZ_CHECK(joined != NULL);
    size_t len = strlen(joined);
    size_t tail = strlen(path);
    FUZZ_CHECK(len >= tail && strcmp(joined + len - tail, path) == 0);
    FUZZ_CHECK((joined[0] == '/') == (path[0] == '/' || image[0] == '/'));
    free(joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    char *name = malloc(len + 1);
    FUZZ_CHECK(name != NULL);
    memcpy(name, bytes, len);
    name[len] = '\0';
    struct ia_reference reference;
    FUZZ_CHECK(ia_reference_parse(name, &reference, NULL) == IA_OK);
    switch (reference.kind) {
    case IA_REFERENCE_PATH:
    case IA_REFERENCE_WORKING_DIR:
        FUZZ_CHECK(reference.path != NULL);
        check_combined("dir/image", reference.path);
        check_combined("/srv/image", reference.path);
        check_combined("image", reference.path);
        break;
    case IA_REFERENCE_SLICE:
        FUZZ_CHECK(reference.path != NULL && reference.slice_offset >= 0 && reference.slice_size >= -1);
        break;
    case IA_REFERENCE_REMOTE:
    case IA_REFERENCE_UNSUPPORTED:
        break;
    default:
        FUZZ_CHECK(0);
    }
    ia_reference_release(&reference);
    FUZZ_CHECK(reference.path == NULL && reference.format == NULL);
    free(name);
    return 0;
}
