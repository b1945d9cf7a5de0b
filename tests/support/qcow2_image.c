/* SPDX-License-Identifier: MIT */
/* Building qcow2 images from the specification. The layout is the simplest one: what is asked for next lies next. */
#include "support/qcow2_image.h"

#include <stdlib.h>
#include <string.h>

#include "support/temp_dir.h"
#include "support/unit.h"

/* "Header extensions" */
enum { EXTENSION_BACKING_FORMAT = 0xe2792aca, EXTENSION_DATA_FILE = 0x44415441 };

void qcow2_image_patch(struct qcow2_image *image, uint64_t offset, unsigned width, uint64_t value)
{
    assert_true(offset + width <= image->len);
    for (unsigned i = 0; i < width; i++)
        image->bytes[offset + i] = (uint8_t)(value >> 8 * (width - 1 - i));
}

uint64_t qcow2_image_peek(const struct qcow2_image *image, uint64_t offset, unsigned width)
{
    assert_true(offset + width <= image->len);
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | image->bytes[offset + i];
    return value;
}

uint64_t qcow2_image_allocate(struct qcow2_image *image, size_t clusters)
{
    uint64_t offset = image->len;
    size_t len = image->len + clusters * image->cluster;
    if (len > image->cap) {
        image->cap = 2 * len;
        image->bytes = realloc(image->bytes, image->cap);
        assert_non_null(image->bytes);
    }
    memset(image->bytes + image->len, 0, len - image->len);
    image->len = len;
    return offset;
}

static size_t clusters_of(const struct qcow2_image *image, uint64_t bytes)
{
    return (size_t)((bytes + image->cluster - 1) / image->cluster);
}

static uint64_t l2_entries(const struct qcow2_image *image)
{
    return image->cluster / (image->options.extended_l2 ? 16 : 8);
}

static size_t add_mapping(struct qcow2_image *image, uint64_t size)
{
    assert_true(image->mapping_count < QCOW2_MAX_MAPPINGS);
    uint64_t span = l2_entries(image) * image->cluster;
    struct qcow2_mapping *mapping = &image->mappings[image->mapping_count];
    *mapping = (struct qcow2_mapping){.size = size, .l1_entries = (uint32_t)((size + span - 1) / span)};
    mapping->l1_offset = qcow2_image_allocate(image, clusters_of(image, 8 * (uint64_t)mapping->l1_entries));
    return image->mapping_count++;
}

static void set_defaults(struct qcow2_options *options)
{
    if (options->version == 0)
        options->version = 3;
    if (options->cluster_bits == 0)
        options->cluster_bits = 16;
    if (options->refcount_order == 0 && !options->refcount_order_0)
        options->refcount_order = 4;
}

static uint32_t header_length(const struct qcow2_options *options)
{
    return options->version == 2 ? 72 : options->compression_type != 0 ? 112 : 104;
}

void qcow2_image_start(struct qcow2_image *image, const struct qcow2_options *options)
{
    *image = (struct qcow2_image){.options = *options};
    set_defaults(&image->options);
    image->cluster = (size_t)1 << image->options.cluster_bits;
    image->extensions_end = header_length(&image->options);
    qcow2_image_allocate(image, 1);
    add_mapping(image, options->size);
    if (options->backing_format != NULL)
        qcow2_image_extension(image, EXTENSION_BACKING_FORMAT, options->backing_format,
                              (uint32_t)strlen(options->backing_format));
    if (options->data_file_name != NULL)
        qcow2_image_extension(image, EXTENSION_DATA_FILE, options->data_file_name,
                              (uint32_t)strlen(options->data_file_name));
}

size_t qcow2_image_snapshot(struct qcow2_image *image, const char *id, const char *name, uint64_t size, uint32_t extra)
{
    size_t number = add_mapping(image, size);
    image->mappings[number].id = id;
    image->mappings[number].name = name;
    image->mappings[number].extra = extra;
    return number;
}

uint64_t qcow2_image_l2_offset(const struct qcow2_image *image, size_t mapping, uint64_t guest_cluster)
{
    uint64_t index = guest_cluster / l2_entries(image);
    assert_true(index < image->mappings[mapping].l1_entries);
    return qcow2_image_peek(image, image->mappings[mapping].l1_offset + 8 * index, 8) & ~ENTRY_COPIED;
}

static uint64_t make_l2(struct qcow2_image *image, size_t mapping, uint64_t guest_cluster)
{
    uint64_t l2 = qcow2_image_l2_offset(image, mapping, guest_cluster);
    if (l2 == 0) {
        l2 = qcow2_image_allocate(image, 1);
        uint64_t index = guest_cluster / l2_entries(image);
        qcow2_image_patch(image, image->mappings[mapping].l1_offset + 8 * index, 8, l2 | ENTRY_COPIED);
    }
    return l2;
}

void qcow2_image_map(struct qcow2_image *image, size_t mapping, uint64_t guest_cluster, uint64_t entry)
{
    assert_false(image->options.extended_l2);
    uint64_t l2 = make_l2(image, mapping, guest_cluster);
    qcow2_image_patch(image, l2 + 8 * (guest_cluster % l2_entries(image)), 8, entry);
}

void qcow2_image_map_extended(struct qcow2_image *image, size_t mapping, uint64_t guest_cluster, uint64_t entry,
                              uint64_t bitmap)
{
    assert_true(image->options.extended_l2);
    uint64_t at = make_l2(image, mapping, guest_cluster) + 16 * (guest_cluster % l2_entries(image));
    qcow2_image_patch(image, at, 8, entry);
    qcow2_image_patch(image, at + 8, 8, bitmap);
}

uint64_t qcow2_image_add_data(struct qcow2_image *image, uint64_t guest_cluster)
{
    uint64_t l2 = make_l2(image, 0, guest_cluster); /* first, so that neighbouring data stays together */
    uint64_t host = qcow2_image_allocate(image, 1);
    uint64_t width = image->options.extended_l2 ? 16 : 8;
    uint64_t at = l2 + width * (guest_cluster % l2_entries(image));
    qcow2_image_patch(image, at, 8, host | ENTRY_COPIED);
    if (image->options.extended_l2)
        qcow2_image_patch(image, at + 8, 8, UINT32_MAX);
    return host;
}

uint64_t qcow2_compressed_entry(const struct qcow2_image *image, uint64_t offset, uint64_t more)
{
    unsigned x = 62 - (image->options.cluster_bits - 8);
    assert_true(offset < UINT64_C(1) << x);
    return ENTRY_COMPRESSED | more << x | offset;
}

void qcow2_image_extension(struct qcow2_image *image, uint32_t type, const void *bytes, uint32_t len)
{
    size_t at = image->extensions_end;
    qcow2_image_patch(image, at, 4, type);
    qcow2_image_patch(image, at + 4, 4, len);
    assert_true(at + 8 + len <= image->cluster);
    memcpy(image->bytes + at + 8, bytes, len);
    image->extensions_end = at + 8 + (len + 7) / 8 * 8;
}

/* "Snapshots": entries of any length, each beginning at a multiple of 8. */
static void write_snapshots(struct qcow2_image *image)
{
    if (image->mapping_count == 1)
        return;
    uint64_t table = image->len;
    uint64_t at = table;
    for (size_t i = 1; i < image->mapping_count; i++) {
        const struct qcow2_mapping *m = &image->mappings[i];
        size_t id = strlen(m->id);
        size_t name = strlen(m->name);
        uint64_t end = at + 40 + m->extra + id + name;
        if (end > image->len)
            qcow2_image_allocate(image, clusters_of(image, end - image->len));
        qcow2_image_patch(image, at, 8, m->l1_offset);
        qcow2_image_patch(image, at + 8, 4, m->l1_entries);
        qcow2_image_patch(image, at + 12, 2, id);
        qcow2_image_patch(image, at + 14, 2, name);
        qcow2_image_patch(image, at + 32, 4, m->vm_state);
        qcow2_image_patch(image, at + 36, 4, m->extra);
        if (m->extra >= 16) {
            qcow2_image_patch(image, at + 40, 8, m->vm_state);
            qcow2_image_patch(image, at + 48, 8, m->size);
        }
        memcpy(image->bytes + at + 40 + m->extra, m->id, id);
        memcpy(image->bytes + at + 40 + m->extra + id, m->name, name);
        at = (end + 7) / 8 * 8;
    }
    qcow2_image_patch(image, FIELD_SNAPSHOTS, 4, image->mapping_count - 1);
    qcow2_image_patch(image, FIELD_SNAPSHOTS_OFFSET, 8, table);
}

/* Refcount 1 for the cluster: one bit, as bit 0 of a refcount is its least significant one. */
static void count_cluster(struct qcow2_image *image, uint64_t block, uint64_t index)
{
    unsigned order = image->options.refcount_order;
    if (order >= 3)
        qcow2_image_patch(image, block + (index << (order - 3)), 1U << (order - 3), 1);
    else
        image->bytes[block + (index << order) / 8] |= (uint8_t)(1 << (index << order) % 8);
}

/* "Host cluster management": table and blocks lie at the end of the file and count themselves too. */
static void write_refcounts(struct qcow2_image *image)
{
    uint64_t per_block = (uint64_t)image->cluster * 8 >> image->options.refcount_order;
    image->reftable_offset = qcow2_image_allocate(image, 1);
    uint64_t blocks = 0;
    while (blocks * per_block < image->len / image->cluster) {
        assert_true(blocks < image->cluster / 8);
        uint64_t block = qcow2_image_allocate(image, 1);
        qcow2_image_patch(image, image->reftable_offset + 8 * blocks++, 8, block);
    }
    for (uint64_t i = 0; i < image->len / image->cluster; i++)
        count_cluster(image, qcow2_image_peek(image, image->reftable_offset + 8 * (i / per_block), 8), i % per_block);
}

static void write_backing_name(struct qcow2_image *image)
{
    const char *name = image->options.backing;
    if (name == NULL)
        return;
    uint64_t at = image->extensions_end + 8; /* after the end marker */
    assert_true(at + strlen(name) <= image->cluster);
    memcpy(image->bytes + at, name, strlen(name));
    qcow2_image_patch(image, FIELD_BACKING_OFFSET, 8, at);
    qcow2_image_patch(image, FIELD_BACKING_LENGTH, 4, strlen(name));
}

static void write_version_3_fields(struct qcow2_image *image)
{
    const struct qcow2_options *o = &image->options;
    uint64_t incompatible = (o->data_file ? 4 : 0) | (o->compression_type != 0 ? 8 : 0) | (o->extended_l2 ? 16 : 0);
    qcow2_image_patch(image, FIELD_INCOMPATIBLE, 8, incompatible);
    qcow2_image_patch(image, FIELD_AUTOCLEAR, 8, o->data_file_raw ? 2 : 0);
    qcow2_image_patch(image, FIELD_REFCOUNT_ORDER, 4, o->refcount_order);
    qcow2_image_patch(image, FIELD_HEADER_LENGTH, 4, header_length(o));
    if (o->compression_type != 0)
        qcow2_image_patch(image, FIELD_COMPRESSION_TYPE, 1, o->compression_type);
}

void qcow2_image_finish(struct qcow2_image *image)
{
    const struct qcow2_options *o = &image->options;
    write_snapshots(image);
    write_refcounts(image);
    write_backing_name(image);
    memcpy(image->bytes, "QFI\xfb", 4);
    qcow2_image_patch(image, FIELD_VERSION, 4, o->version);
    qcow2_image_patch(image, FIELD_CLUSTER_BITS, 4, o->cluster_bits);
    qcow2_image_patch(image, FIELD_SIZE, 8, o->size);
    qcow2_image_patch(image, FIELD_CRYPT_METHOD, 4, o->crypt_method);
    qcow2_image_patch(image, FIELD_L1_ENTRIES, 4, image->mappings[0].l1_entries);
    qcow2_image_patch(image, FIELD_L1_OFFSET, 8, image->mappings[0].l1_offset);
    qcow2_image_patch(image, FIELD_REFTABLE_OFFSET, 8, image->reftable_offset);
    qcow2_image_patch(image, FIELD_REFTABLE_CLUSTERS, 4, 1);
    if (o->version >= 3)
        write_version_3_fields(image);
}

void qcow2_image_save(const struct qcow2_image *image, const char *name)
{
    write_file(name, image->bytes, image->len);
}

void qcow2_image_release(struct qcow2_image *image)
{
    free(image->bytes);
    *image = (struct qcow2_image){0};
}
