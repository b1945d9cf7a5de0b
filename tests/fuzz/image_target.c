/* SPDX-License-Identifier: MIT */
/* Properties of any image, checked on any bytes. */
#include "fuzz/image_target.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Small enough that hitting each of them is quick. */
static const struct ia_limits limits = {
    .max_table_bytes = 1 << 20,
    .max_extents = 5000,
    .max_chain_depth = 4,
    .max_snapshots = 8,
    .max_parts = 64,
};

struct list {
    IA_VEC(struct ia_extent) extents;
    bool complete; /* the cursor came to its end without an error */
};

static void check_extent(const struct ia_extent *e, size_t parts, int64_t end, int64_t to)
{
    FUZZ_CHECK(e->start >= end && e->length > 0);
    FUZZ_CHECK(ia_range_inside(e->start, e->length, to));
    FUZZ_CHECK(e->offset >= IA_NO_OFFSET);
    FUZZ_CHECK(e->state < IA_EXTENT_STATES && e->file <= parts);
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
        ia_image_account_extents(image, mapping, batch, count);
        for (size_t i = 0; i < count; i++) {
            check_extent(&batch[i], image->facts.parts.len, end, ia_min(to, ia_image_mapping_size(image, mapping)));
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

/* Where compressed bytes are is the driver's word: it need not be inside the file, but it has to make sense. */
static void check_units(struct ia_image *image, size_t mapping)
{
    enum { MOST = 64 };
    struct list whole;
    map(image, mapping, 0, INT64_MAX, &whole);
    int asked = 0;
    for (size_t i = 0; i < whole.extents.len && asked < MOST; i++) {
        const struct ia_extent *e = &whole.extents.items[i];
        int64_t at = e->start;
        while (e->state == IA_EXTENT_COMPRESSED && at < e->start + e->length && asked++ < MOST) {
            struct ia_compressed_cluster cluster;
            if (ia_image_find_compressed(image, mapping, at, &cluster, NULL) != IA_OK)
                break;
            FUZZ_CHECK(cluster.length > 0 && cluster.start <= at && at - cluster.start < cluster.length);
            FUZZ_CHECK(cluster.offset >= 0 && cluster.host_length >= 0 && cluster.file <= image->facts.parts.len);
            at = cluster.start + cluster.length;
        }
    }
    ia_vec_release(&whole.extents);
}

static void check_facts(const struct ia_image *image)
{
    const struct ia_image_facts *facts = &image->facts;
    FUZZ_CHECK(facts->virtual_size >= 0 && facts->virtual_size % 512 == 0);
    FUZZ_CHECK(strnlen(facts->variant, sizeof(facts->variant)) < sizeof(facts->variant));
    FUZZ_CHECK((int64_t)facts->snapshots.len <= limits.max_snapshots);
    FUZZ_CHECK(!facts->backing_by_identity || (facts->backing_name != NULL && image->identity.parent[0] != '\0'));
    FUZZ_CHECK(facts->backing_paths.len == 0 || facts->backing_name != NULL);
}

/* Runs follow one another, each of another use than the one before, and none is used behind the end. */
static void check_space(const struct ia_space *space, size_t files)
{
    for (uint32_t file = 0; file < files; file++) {
        int64_t last = -1;
        int64_t until;
        for (int64_t at = 0; at < INT64_MAX; at = until) {
            enum ia_space_use use = ia_space_at(space, file, at, &until);
            FUZZ_CHECK(until > at && (int64_t)use != last);
            FUZZ_CHECK(use <= IA_SPACE_LEAKED || at < ia_space_end(space, file));
            last = (int64_t)use;
        }
    }
}

static bool attach_parts(struct ia_image *image, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < image->facts.parts.len; i++) {
        struct ia_source *part = NULL;
        FUZZ_CHECK(ia_source_open_memory(bytes, len, &part, NULL) == IA_OK);
        FUZZ_CHECK(ia_image_attach(image, i, part, NULL) == IA_OK);
    }
    enum ia_status status = ia_image_assemble(image, NULL);
    FUZZ_CHECK(status != IA_BUG);
    return status == IA_OK;
}

void fuzz_image_source(const struct ia_format *format, struct ia_source *source, const uint8_t *bytes, size_t len)
{
    struct ia_image *image = NULL;
    enum ia_status status = ia_image_open(format, source, &limits, &image, NULL);
    FUZZ_CHECK(status != IA_BUG);
    if (status != IA_OK) {
        ia_source_close(source);
        return;
    }
    check_facts(image);
    if (attach_parts(image, bytes, len)) {
        check_facts(image);
        image->space = ia_space_new(1 + image->facts.parts.len);
        FUZZ_CHECK(image->space != NULL);
        for (size_t mapping = 0; mapping <= image->facts.snapshots.len; mapping++) {
            check_mapping(image, mapping);
            check_units(image, mapping);
        }
        FUZZ_CHECK(image->facts.compressed_host >= 0);
        FUZZ_CHECK(ia_image_account(image, NULL) == IA_OK || ia_space_failed(image->space));
        FUZZ_CHECK(image->facts.metadata_bytes >= -1);
        check_space(image->space, 1 + image->facts.parts.len);
        ia_space_free(image->space);
    }
    ia_image_close(image);
}

void fuzz_image(const struct ia_format *format, const uint8_t *bytes, size_t len)
{
    struct ia_source *source = NULL;
    FUZZ_CHECK(ia_source_open_memory(bytes, len, &source, NULL) == IA_OK);
    if (len % 2 == 1) /* an odd length plays a file of holes: metadata counts as preallocated */
        source->allocated = 0;
    fuzz_image_source(format, source, bytes, len);
}
