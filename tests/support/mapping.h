/* SPDX-License-Identifier: MIT */
/* Opening built images from memory, and comparing what a cursor gives with extents written by hand. */
#ifndef IA_TEST_SUPPORT_MAPPING_H
#define IA_TEST_SUPPORT_MAPPING_H

#include "format/format.h"
#include "support/qcow2_image.h"

/* Opens the finished image as qcow2; the bytes stay the builder's. */
enum ia_status try_open_built(const struct qcow2_image *built, const struct ia_limits *limits, struct ia_image **out,
                              struct ia_error *err);
struct ia_image *open_built(const struct qcow2_image *built);

/* All extents of [from, to) of a mapping, through as many batches as it takes. */
struct extent_list {
    struct ia_extent *items;
    size_t len;
};
enum ia_status try_map(struct ia_image *image, size_t mapping, int64_t from, int64_t to, struct extent_list *out,
                       struct ia_error *err);

/* The whole mapping is exactly `count` extents. An offset of 0 in `expected` is an offset; use IA_NO_OFFSET. */
void assert_mapping(struct ia_image *image, size_t mapping, const struct ia_extent *expected, size_t count);
void assert_range(struct ia_image *image, size_t mapping, int64_t from, int64_t to, const struct ia_extent *expected,
                  size_t count);

#define assert_extents(image, mapping, ...)                                                                            \
    assert_mapping((image), (mapping), (const struct ia_extent[]){__VA_ARGS__},                                        \
                   sizeof((const struct ia_extent[]){__VA_ARGS__}) / sizeof(struct ia_extent))

#endif
