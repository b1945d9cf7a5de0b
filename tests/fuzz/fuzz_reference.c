/* SPDX-License-Identifier: MIT */
/* Any bytes as a backing file name: parsing says something, and what it says can be used. */
#include <stdlib.h>
#include <string.h>

#include "chain/names.h"
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

/* What is named besides is never empty, and a plain name has nothing besides. */
static void check_names(const char *name)
{
    IA_AUTO_NAMES struct ia_names names = {0};
    FUZZ_CHECK(ia_names_take_apart(name, &names, NULL) == IA_OK);
    bool plain = !ia_reference_has_protocol(name) || strncmp(name, "file:", 5) == 0;
    FUZZ_CHECK(!plain || (names.files.len == 0 && names.services.all.len == 0));
    for (size_t i = 0; i < names.files.len; i++)
        FUZZ_CHECK(names.files.items[i].path[0] != '\0');
    for (size_t i = 0; i < names.services.all.len; i++) {
        const struct ia_service *service = &names.services.all.items[i];
        FUZZ_CHECK(service->host == NULL || service->host[0] != '\0');
        FUZZ_CHECK(service->object == NULL || (service->object[0] != '\0' && strchr(service->object, '/') == NULL));
    }
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
    check_names(name);
    ia_reference_release(&reference);
    FUZZ_CHECK(reference.path == NULL && reference.format == NULL);
    free(name);
    return 0;
}
