/* SPDX-License-Identifier: MIT */
/* Any bytes as a qcow2 image: opening, measuring and mapping neither crash nor run on, and whatever is mapped is in
 * order, inside the mapping, and the same through a window as in whole. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/format.h"
#include "format/qcow2/qcow2.h"
#include "fuzz/target.h"

/* Small enough that hitting each of them is quick. */
static const struct ia_limits limits = {
    .max_table_bytes = 1 << 20,
    .max_extents = 5000,
    .max_chain_depth = 1,
    .max_snapshots = 8,
};

struct list {
    IA_VEC(struct ia_extent) extents;
    bool complete; /* the cursor came to its end without an error */
};

static void check_extent(const struct ia_extent *e, int64_t end, int64_t to)
{
    FUZZ_CHECK(e->start >= end && e->length > 0);
    FUZZ_CHECK(ia_range_inside(e->start, e->length, to));
    FUZZ_CHECK(e->offset >= IA_NO_OFFSET);
    FUZZ_CHECK(e->state < IA_EXTENT_STATES && e->file <= 1);
}

static void map(struct ia_image *image, size_t mapping, int64_t from, int64_t to, struct list *out)
{
    struct ia_cursor *cursor = NULL;
    *out = (struct list){0};
    if (ia_cursor_open(image, mapping, from, to, &cursor, NULL) != IA_OK)
        return;
    int64_t end = 0;
    const struct ia_extent *batch;
    size_t count;
    enum ia_status status;
    while ((status = ia_cursor_next(cursor, &batch, &count, NULL)) == IA_OK && count > 0) {
        for (size_t i = 0; i < count; i++) {
            check_extent(&batch[i], end, ia_min(to, ia_image_mapping_size(image, mapping)));
            end = batch[i].start + batch[i].length;
            FUZZ_CHECK(ia_vec_push(&out->extents, batch[i]));
        }
    }
    FUZZ_CHECK(status != IA_BUG && (int64_t)out->extents.len <= limits.max_extents);
    out->complete = status == IA_OK;
    ia_cursor_close(cursor);
}

/* Cuts the list to [from, to). */
static void clip(struct list *list, int64_t from, int64_t to)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->extents.len; i++) {
        struct ia_extent e = list->extents.items[i];
        int64_t start = ia_max(e.start, from);
        int64_t end = ia_min(e.start + e.length, to);
        if (start >= end)
            continue;
        if (e.offset != IA_NO_OFFSET)
            e.offset += start - e.start;
        e.start = start;
        e.length = end - start;
        list->extents.items[kept++] = e;
    }
    list->extents.len = kept;
}

static void check_same(const struct list *a, const struct list *b)
{
    FUZZ_CHECK(a->extents.len == b->extents.len);
    for (size_t i = 0; i < a->extents.len; i++) {
        const struct ia_extent *x = &a->extents.items[i];
        const struct ia_extent *y = &b->extents.items[i];
        FUZZ_CHECK(x->start == y->start && x->length == y->length && x->offset == y->offset && x->state == y->state &&
                   x->file == y->file);
    }
}

static void check_mapping(struct ia_image *image, size_t mapping)
{
    struct list whole;
    struct list part;
    int64_t size = ia_image_mapping_size(image, mapping);
    int64_t from = size / 3;
    int64_t to = size / 3 * 2;
    FUZZ_CHECK(size >= 0);
    map(image, mapping, 0, INT64_MAX, &whole);
    map(image, mapping, from, to, &part);
    if (whole.complete && part.complete) { /* a window may pass by what is broken, or fit where the whole does not */
        clip(&whole, from, to);
        clip(&part, from, to);
        check_same(&whole, &part);
    }
    ia_vec_release(&whole.extents);
    ia_vec_release(&part.extents);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ia_source *source = NULL;
    struct ia_image *image = NULL;
    FUZZ_CHECK(ia_source_open_memory(bytes, len, &source, NULL) == IA_OK);
    if (len % 2 == 1) /* an odd length plays a file of holes: metadata counts as preallocated */
        source->allocated = 0;
    if (ia_image_open(&ia_format_qcow2, source, &limits, &image, NULL) != IA_OK) {
        ia_source_close(source);
        return 0;
    }
    if (image->facts.needs_data_file)
        FUZZ_CHECK(ia_source_open_memory(bytes, len, &image->data, NULL) == IA_OK);
    FUZZ_CHECK(image->facts.virtual_size >= 0 && image->facts.virtual_size % 512 == 0);
    FUZZ_CHECK(strnlen(image->facts.variant, sizeof(image->facts.variant)) < sizeof(image->facts.variant));
    FUZZ_CHECK((int64_t)image->facts.snapshots.len <= limits.max_snapshots);
    if (ia_image_measure(image, NULL) == IA_OK)
        FUZZ_CHECK(image->facts.metadata_bytes > 0);
    for (size_t mapping = 0; mapping <= image->facts.snapshots.len; mapping++)
        check_mapping(image, mapping);
    FUZZ_CHECK(image->facts.compressed_host >= 0);
    ia_image_close(image);
    return 0;
}
