/* SPDX-License-Identifier: MIT */
/* Comparing mappings with extents written by hand. */
#include "support/mapping.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/qcow2/qcow2.h"
#include "support/unit.h"

enum ia_status try_open_built(const struct qcow2_image *built, const struct ia_limits *limits, struct ia_image **out,
                              struct ia_error *err)
{
    struct ia_source *source = NULL;
    assert_int_equal(ia_source_open_memory(built->bytes, built->len, &source, err), IA_OK);
    enum ia_status status = ia_image_open(&ia_format_qcow2, source, limits, out, err);
    if (status != IA_OK)
        ia_source_close(source);
    return status;
}

struct ia_image *open_built(const struct qcow2_image *built)
{
    struct ia_image *image = NULL;
    struct ia_error err;
    assert_ok(try_open_built(built, &ia_default_limits, &image, &err));
    return image;
}

enum ia_status try_map(struct ia_image *image, size_t mapping, int64_t from, int64_t to, struct extent_list *out,
                       struct ia_error *err)
{
    *out = (struct extent_list){0};
    struct ia_cursor *cursor = NULL;
    enum ia_status status = ia_cursor_open(image, mapping, from, to, &cursor, err);
    size_t count = 1;
    while (status == IA_OK && count > 0) {
        const struct ia_extent *batch;
        status = ia_cursor_next(cursor, &batch, &count, err);
        if (status != IA_OK || count == 0)
            break;
        out->items = realloc(out->items, (out->len + count) * sizeof(*batch));
        assert_non_null(out->items);
        memcpy(out->items + out->len, batch, count * sizeof(*batch));
        out->len += count;
    }
    ia_cursor_close(cursor);
    return status;
}

static void print_list(const char *title, const struct ia_extent *items, size_t count)
{
    print_error("%s:\n", title);
    for (size_t i = 0; i < count; i++)
        print_error("  %#" PRIx64 "+%#" PRIx64 " %s at %#" PRIx64 " of file %u\n", items[i].start, items[i].length,
                    ia_extent_state_name((enum ia_extent_state)items[i].state), items[i].offset, items[i].file);
}

static bool is_same(const struct ia_extent *a, const struct ia_extent *b)
{
    return a->start == b->start && a->length == b->length && a->offset == b->offset && a->state == b->state &&
           a->file == b->file;
}

void assert_range(struct ia_image *image, size_t mapping, int64_t from, int64_t to, const struct ia_extent *expected,
                  size_t count)
{
    struct ia_error err;
    struct extent_list got;
    assert_ok(try_map(image, mapping, from, to, &got, &err));
    bool same = got.len == count;
    for (size_t i = 0; same && i < count; i++)
        same = is_same(&got.items[i], &expected[i]);
    if (!same) {
        print_list("expected", expected, count);
        print_list("but got", got.items, got.len);
        fail();
    }
    free(got.items);
}

void assert_mapping(struct ia_image *image, size_t mapping, const struct ia_extent *expected, size_t count)
{
    assert_range(image, mapping, 0, INT64_MAX, expected, count);
}
