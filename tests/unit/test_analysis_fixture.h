/* SPDX-License-Identifier: MIT */
/* Forests for the tests of src/analysis: mappings are written as text, one character per guest byte, and everything
 * that the analysis says is kept. */
#ifndef IA_TEST_ANALYSIS_FIXTURE_H
#define IA_TEST_ANALYSIS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/forest.h"
#include "base/vec.h"

/* D data, C compressed, E encrypted, Z zero, A zero-allocated, S sparse, R reserved; '.' is unallocated. */
static const char state_letters[] = "DCEZASR";

struct mapping {
    int64_t size;
    IA_VEC(struct ia_extent) extents;
    size_t handed; /* extents given to the analysis */
    /* Where the last read began looking: all extents before `first` start before `from`. */
    size_t first;
    int64_t from;
};

struct seen {
    uint32_t readers;
    int64_t bytes;
};

struct image {
    IA_VEC(struct mapping) mappings; /* 0 is the active one */
    IA_VEC(int64_t) snapshot_sizes;
    int64_t state_bytes[IA_EXTENT_STATES]; /* of the active mapping */
    int64_t next_host; /* where add_ puts the next mapping's host bytes: nothing is shared unless a test says so */
    /* What the analysis said. */
    int usages;
    struct ia_usage usage;
    IA_VEC(struct ia_extent) masked;
    IA_VEC(struct seen) seen;
    IA_VEC(struct ia_chain_row) rows;    /* of one at the top of a chain */
    IA_VEC(struct ia_chain_row) changes; /* of others */
    IA_VEC(struct ia_chain_row) chain;   /* what these mean */
    size_t top, depth;                   /* where its chain is; IA_NO_PARENT: nowhere */
};

struct fixture {
    IA_VEC(struct ia_forest_node) nodes;
    IA_VEC(struct image) images;
    IA_VEC(struct ia_pair_row) pairs; /* what the analysis said of them */
    size_t batch;                     /* extents per batch */
    size_t max_chain;                 /* 0: no limit */
    bool tell_states;                 /* the analysis is told what it would count */
};

/* Behind what is handed out, as many are spoiled: who reads past the end comes there first. */
enum { SPOILED_EXTENTS = 64 };

/* At most `batch` extents at a time, in a buffer that the sanitizer and the reader find spoiled behind them. */
static inline enum ia_status memory_read(void *ctx, size_t node, size_t mapping, int64_t from, struct ia_extent *out,
                                         size_t capacity, size_t *count, struct ia_error *err)
{
    (void)err;
    struct fixture *fixture = ctx;
    assert_true(node < fixture->images.len && mapping < fixture->images.items[node].mappings.len);
    assert_true(capacity > 0);
    struct mapping *of = &fixture->images.items[node].mappings.items[mapping];
    size_t most = capacity < fixture->batch ? capacity : fixture->batch;
    size_t spoiled = most + SPOILED_EXTENTS;
    memset(out, 0xa5, (capacity < spoiled ? capacity : spoiled) * sizeof(*out));
    *count = 0;
    if (from < of->from)
        of->first = 0;
    of->from = from;
    while (of->first < of->extents.len && of->extents.items[of->first].start < from)
        of->first++;
    for (size_t i = of->first; i < of->extents.len && *count < most; i++)
        if (of->extents.items[i].start >= from)
            out[(*count)++] = of->extents.items[i];
    of->handed += *count;
    return IA_OK;
}

static inline enum ia_status keep_seen(void *ctx, size_t node, uint32_t readers, int64_t bytes, struct ia_error *err)
{
    (void)err;
    struct image *image = &((struct fixture *)ctx)->images.items[node];
    struct seen seen = {readers, bytes};
    assert_int_equal(image->usages, 0);
    assert_true(image->seen.len == 0 || image->seen.items[image->seen.len - 1].readers < readers);
    assert_true(readers > 0 && bytes > 0);
    assert_true(ia_vec_push(&image->seen, seen));
    return IA_OK;
}

static inline enum ia_status keep_usage(void *ctx, size_t node, const struct ia_usage *usage, struct ia_error *err)
{
    (void)err;
    struct image *image = &((struct fixture *)ctx)->images.items[node];
    image->usages++;
    image->usage = *usage;
    return IA_OK;
}

static inline enum ia_status keep_masked(void *ctx, size_t node, const struct ia_extent *piece, struct ia_error *err)
{
    (void)err;
    struct image *image = &((struct fixture *)ctx)->images.items[node];
    assert_int_equal(image->usages, 0);
    assert_true(ia_vec_push(&image->masked, *piece));
    return IA_OK;
}

static inline enum ia_status keep_chain(void *ctx, const struct ia_chain_row *row, struct ia_error *err)
{
    (void)err;
    struct image *image = &((struct fixture *)ctx)->images.items[row->node];
    assert_int_equal(row->depth, image->rows.len);
    assert_true(ia_vec_push(&image->rows, *row));
    return IA_OK;
}

static inline enum ia_status keep_place(void *ctx, size_t node, size_t top, size_t depth, struct ia_error *err)
{
    (void)err;
    struct image *image = &((struct fixture *)ctx)->images.items[node];
    assert_int_equal(image->top, IA_NO_PARENT);
    image->top = top;
    image->depth = depth;
    return IA_OK;
}

static inline enum ia_status keep_change(void *ctx, const struct ia_chain_row *row, struct ia_error *err)
{
    (void)err;
    assert_true(ia_vec_push(&((struct fixture *)ctx)->images.items[row->node].changes, *row));
    return IA_OK;
}

static inline const struct ia_chain_row *find_change(const struct image *image, size_t layer)
{
    for (size_t i = 0; i < image->changes.len; i++)
        if (image->changes.items[i].layer == layer)
            return &image->changes.items[i];
    return NULL;
}

/* The chain of each image, as the view v_layer has it. */
static inline void lay_out_chains(struct fixture *fixture)
{
    for (size_t node = 0; node < fixture->images.len; node++) {
        struct image *image = &fixture->images.items[node];
        const struct image *top = image->top != IA_NO_PARENT ? &fixture->images.items[image->top] : NULL;
        for (size_t depth = image->depth; top != NULL && depth < top->rows.len; depth++) {
            struct ia_chain_row row = top->rows.items[depth];
            const struct ia_chain_row *change = NULL;
            for (size_t on_way = image->depth; image->depth > 0 && change == NULL; on_way++) {
                assert_true(on_way <= depth);
                change = find_change(&fixture->images.items[top->rows.items[on_way].layer], row.layer);
            }
            if (change != NULL) {
                row.visible_bytes = change->visible_bytes;
                row.data_bytes = change->data_bytes;
            }
            row.node = node;
            row.depth = depth - image->depth;
            assert_true(ia_vec_push(&image->chain, row));
        }
    }
}

static inline enum ia_status keep_pair(void *ctx, const struct ia_pair_row *row, struct ia_error *err)
{
    (void)err;
    struct fixture *fixture = ctx;
    assert_true(ia_vec_push(&fixture->pairs, *row));
    return IA_OK;
}

static inline void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.batch = 3};
}

static inline void forget_results(struct fixture *fixture)
{
    fixture->pairs.len = 0;
    for (size_t i = 0; i < fixture->images.len; i++) {
        struct image *image = &fixture->images.items[i];
        image->usages = 0;
        image->usage = (struct ia_usage){0};
        image->masked.len = 0;
        image->seen.len = 0;
        image->chain.len = image->rows.len = image->changes.len = 0;
        image->top = IA_NO_PARENT;
        for (size_t m = 0; m < image->mappings.len; m++)
            image->mappings.items[m].handed = 0;
    }
}

static inline void fixture_release(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->images.len; i++) {
        struct image *image = &fixture->images.items[i];
        for (size_t m = 0; m < image->mappings.len; m++)
            ia_vec_release(&image->mappings.items[m].extents);
        ia_vec_release(&image->mappings);
        ia_vec_release(&image->snapshot_sizes);
        ia_vec_release(&image->masked);
        ia_vec_release(&image->seen);
        ia_vec_release(&image->chain);
        ia_vec_release(&image->rows);
        ia_vec_release(&image->changes);
    }
    ia_vec_release(&fixture->images);
    ia_vec_release(&fixture->nodes);
    ia_vec_release(&fixture->pairs);
}

static inline struct mapping *add_mapping(struct image *image, int64_t size)
{
    struct mapping mapping = {.size = size};
    assert_true(ia_vec_push(&image->mappings, mapping));
    return &image->mappings.items[image->mappings.len - 1];
}

static inline void add_extent(struct mapping *mapping, int64_t start, int64_t length, uint32_t state, int64_t offset)
{
    struct ia_extent extent = {.start = start, .length = length, .offset = offset, .state = state};
    assert_true(ia_vec_push(&mapping->extents, extent));
}

static inline size_t add_empty_image(struct fixture *fixture, size_t parent, int64_t size)
{
    struct ia_forest_node node = {.parent = parent, .size = size};
    struct image image = {0};
    assert_true(ia_vec_push(&fixture->nodes, node));
    assert_true(ia_vec_push(&fixture->images, image));
    add_mapping(&fixture->images.items[fixture->images.len - 1], size);
    return fixture->images.len - 1;
}

static inline void draw(struct image *image, struct mapping *mapping, const char *map)
{
    for (int64_t start = 0; start < mapping->size;) {
        int64_t end = start + 1;
        while (map[end] == map[start])
            end++;
        if (map[start] != '.') {
            uint32_t state = (uint32_t)(strchr(state_letters, map[start]) - state_letters);
            bool located = state != IA_EXTENT_COMPRESSED && state != IA_EXTENT_ZERO;
            add_extent(mapping, start, end - start, state, located ? image->next_host + start : IA_NO_OFFSET);
        }
        start = end;
    }
    image->next_host += mapping->size;
}

static inline size_t add_image(struct fixture *fixture, size_t parent, const char *map)
{
    size_t node = add_empty_image(fixture, parent, (int64_t)strlen(map));
    struct image *image = &fixture->images.items[node];
    draw(image, &image->mappings.items[0], map);
    return node;
}

static inline struct mapping *add_empty_snapshot(struct fixture *fixture, size_t node, int64_t size)
{
    struct image *image = &fixture->images.items[node];
    assert_true(ia_vec_push(&image->snapshot_sizes, size));
    return add_mapping(image, size);
}

/* A snapshot with host bytes of its own. */
static inline void add_snapshot(struct fixture *fixture, size_t node, const char *map)
{
    struct mapping *mapping = add_empty_snapshot(fixture, node, (int64_t)strlen(map));
    draw(&fixture->images.items[node], mapping, map);
}

static const struct ia_forest_sinks keep_all = {.usage = keep_usage,
                                                .seen = keep_seen,
                                                .masked = keep_masked,
                                                .chain = keep_chain,
                                                .place = keep_place,
                                                .change = keep_change,
                                                .pair = keep_pair};

/* Cut at the image's size. */
static inline void add_up_states(struct image *image)
{
    const struct mapping *active = &image->mappings.items[0];
    memset(image->state_bytes, 0, sizeof(image->state_bytes));
    for (size_t i = 0; i < active->extents.len; i++) {
        const struct ia_extent *extent = &active->extents.items[i];
        int64_t end = extent->start + extent->length < active->size ? extent->start + extent->length : active->size;
        if (end > extent->start && extent->state < IA_EXTENT_STATES)
            image->state_bytes[extent->state] += end - extent->start;
    }
}

static inline enum ia_status try_analyse(struct fixture *fixture, struct ia_forest_sinks sinks, struct ia_error *err)
{
    for (size_t i = 0; i < fixture->nodes.len; i++) { /* only now: the vectors have stopped moving */
        fixture->nodes.items[i].snapshot_sizes = fixture->images.items[i].snapshot_sizes.items;
        fixture->nodes.items[i].snapshots = fixture->images.items[i].snapshot_sizes.len;
        add_up_states(&fixture->images.items[i]);
        if (fixture->tell_states)
            fixture->nodes.items[i].state_bytes = fixture->images.items[i].state_bytes;
    }
    struct ia_forest forest = {.nodes = fixture->nodes.items,
                               .count = fixture->nodes.len,
                               .max_chain = fixture->max_chain,
                               .read = memory_read,
                               .ctx = fixture};
    sinks.ctx = fixture;
    forget_results(fixture);
    enum ia_status status = ia_forest_analyse(&forest, &sinks, err);
    if (status == IA_OK)
        lay_out_chains(fixture);
    return status;
}

static inline void analyse(struct fixture *fixture)
{
    struct ia_error err = {0};
    enum ia_status status = try_analyse(fixture, keep_all, &err);
    if (status != IA_OK)
        fail_msg("%s: %s", ia_status_word(status), err.message);
}

#endif
