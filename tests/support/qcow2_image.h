/* SPDX-License-Identifier: MIT */
/* Builds qcow2 images in memory, from the specification alone (QEMU's docs/interop/qcow2): nothing of src/format is
 * used, so that a misreading there is not repeated here.
 *
 * qcow2_image_start, then clusters and snapshots, then qcow2_image_finish; qcow2_image_patch breaks the result on
 * purpose. */
#ifndef IA_TEST_SUPPORT_QCOW2_IMAGE_H
#define IA_TEST_SUPPORT_QCOW2_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "Header": where each field stands. */
enum qcow2_field {
    FIELD_MAGIC = 0,
    FIELD_VERSION = 4,
    FIELD_BACKING_OFFSET = 8,
    FIELD_BACKING_LENGTH = 16,
    FIELD_CLUSTER_BITS = 20,
    FIELD_SIZE = 24,
    FIELD_CRYPT_METHOD = 32,
    FIELD_L1_ENTRIES = 36,
    FIELD_L1_OFFSET = 40,
    FIELD_REFTABLE_OFFSET = 48,
    FIELD_REFTABLE_CLUSTERS = 56,
    FIELD_SNAPSHOTS = 60,
    FIELD_SNAPSHOTS_OFFSET = 64,
    FIELD_INCOMPATIBLE = 72,
    FIELD_COMPATIBLE = 80,
    FIELD_AUTOCLEAR = 88,
    FIELD_REFCOUNT_ORDER = 96,
    FIELD_HEADER_LENGTH = 100,
    FIELD_COMPRESSION_TYPE = 104,
};

/* Bits of L2 entries. */
#define ENTRY_COPIED (UINT64_C(1) << 63)
#define ENTRY_COMPRESSED (UINT64_C(1) << 62)
#define ENTRY_ZERO UINT64_C(1)

/* What is zero takes the default. */
struct qcow2_options {
    uint64_t size;
    uint32_t version;      /* 3 */
    uint32_t cluster_bits; /* 16 */
    uint32_t refcount_order;
    bool refcount_order_0; /* refcounts of one bit: 0 would be the default of 16 bits */
    bool extended_l2;
    bool data_file;
    bool data_file_raw;
    uint32_t crypt_method;
    uint32_t compression_type;
    const char *backing;
    const char *backing_format;
    const char *data_file_name;
};

enum { QCOW2_MAX_MAPPINGS = 8, QCOW2_NO_EXTRA = 0, QCOW2_EXTRA = 24 };

struct qcow2_mapping {
    uint64_t l1_offset;
    uint32_t l1_entries;
    const char *id, *name; /* of snapshots */
    uint64_t size, vm_state;
    uint32_t extra; /* bytes of extra data in the snapshot's entry */
};

struct qcow2_image {
    struct qcow2_options options;
    uint8_t *bytes;
    size_t len; /* a multiple of the cluster size */
    size_t cap;
    size_t cluster;
    struct qcow2_mapping mappings[QCOW2_MAX_MAPPINGS]; /* 0 is the active one */
    size_t mapping_count;
    size_t extensions_end; /* where the next header extension goes */
    uint64_t reftable_offset;
};

void qcow2_image_start(struct qcow2_image *image, const struct qcow2_options *options);

/* Adds clusters at the end of the file; their offset. */
uint64_t qcow2_image_allocate(struct qcow2_image *image, size_t clusters);

/* Adds a snapshot with an empty L1 table of its own; its mapping number. The texts are kept by the caller. */
size_t qcow2_image_snapshot(struct qcow2_image *image, const char *id, const char *name, uint64_t size, uint32_t extra);

/* Sets the L2 entry of a guest cluster, in a new L2 table where there was none. */
void qcow2_image_map(struct qcow2_image *image, size_t mapping, uint64_t guest_cluster, uint64_t entry);
/* The same with the second half of an extended entry. */
void qcow2_image_map_extended(struct qcow2_image *image, size_t mapping, uint64_t guest_cluster, uint64_t entry,
                              uint64_t bitmap);
/* Maps a guest cluster to a new cluster at the end of the file; its offset. */
uint64_t qcow2_image_add_data(struct qcow2_image *image, uint64_t guest_cluster);

/* Where the L2 table of a guest cluster lies; 0: nowhere. */
uint64_t qcow2_image_l2_offset(const struct qcow2_image *image, size_t mapping, uint64_t guest_cluster);

/* "Compressed Clusters Descriptor" for bytes [offset, ...) that reach into `more` sectors after the first. */
uint64_t qcow2_compressed_entry(const struct qcow2_image *image, uint64_t offset, uint64_t more);

void qcow2_image_extension(struct qcow2_image *image, uint32_t type, const void *bytes, uint32_t len);

/* Writes header, snapshot table and refcounts: one for every cluster of the file. */
void qcow2_image_finish(struct qcow2_image *image);

/* Big-endian, width 1, 2, 4 or 8 bytes. */
void qcow2_image_patch(struct qcow2_image *image, uint64_t offset, unsigned width, uint64_t value);
uint64_t qcow2_image_peek(const struct qcow2_image *image, uint64_t offset, unsigned width);

void qcow2_image_save(const struct qcow2_image *image, const char *name);
void qcow2_image_release(struct qcow2_image *image);

#endif
