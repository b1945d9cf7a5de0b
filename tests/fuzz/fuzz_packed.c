/* SPDX-License-Identifier: MIT */
/* Any bytes as a packed file: it ends within its bounds, and what is found in it has a header's facts. */
#include <string.h>

#include "format/packed.h"
#include "fuzz/target.h"

/* Small enough that hitting each of them is quick. */
static const struct ia_limits limits = {
    .max_table_bytes = 1 << 20,
    .max_extents = 5000,
    .max_snapshots = 8,
    .max_parts = 64,
    .max_packed_members = 8,
    .max_packed_bytes = 1 << 20,
    .max_peek_bytes = 1 << 16,
};

static enum ia_status check(void *ctx, const char *name, struct ia_image *image, struct ia_error *err)
{
    int *found = ctx;
    const struct ia_image_facts *facts = &image->facts;
    (void)err;
    FUZZ_CHECK(++*found <= limits.max_packed_members);
    FUZZ_CHECK(strlen(name) < 65536);
    FUZZ_CHECK(facts->virtual_size >= 0 && (int64_t)facts->parts.len <= limits.max_parts);
    FUZZ_CHECK(!facts->backing_by_identity || (facts->backing_name != NULL && image->identity.parent[0] != '\0'));
    FUZZ_CHECK(facts->backing_paths.len == 0 || facts->backing_name != NULL);
    return IA_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ia_source *source = NULL;
    struct ia_error err = {0};
    int found = 0;
    FUZZ_CHECK(ia_source_open_memory(bytes, len, &source, NULL) == IA_OK);
    enum ia_status status = ia_packed_read(source, &limits, len % 2 == 0, check, &found, &err);
    FUZZ_CHECK(status != IA_BUG && status == err.status);
    FUZZ_CHECK(status == IA_OK || err.message[0] != '\0');
    bool any = false;
    status = ia_packed_peek(source, &limits, &any, &err);
    FUZZ_CHECK(status != IA_BUG && (!any || status == IA_OK));
    ia_source_close(source);
    return 0;
}
