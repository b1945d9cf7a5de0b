/* SPDX-License-Identifier: MIT */
/* Rows on their way into and out of the store. Columns and units: schema/0001_store.sql. Strings are borrowed by the
 * put functions and owned by the loaded rows. */
#ifndef IA_STORE_ROWS_H
#define IA_STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/extent.h"
#include "model/image.h"

struct ia_file_row {
    int64_t file_id;
    const char *path;
    int64_t dev, inode, size, disk_size, mtime_ns, ctime_ns, checked_ns;
    const char *verdict;
    const char *reason;
    int64_t links, links_met; /* -1: not known */
};

/* A file's part in what files share on the host. Columns: schema/0006_host.sql. */
struct ia_sharing_row {
    int64_t file_id;
    int64_t shared_bytes; /* -1: not known */
    int64_t encoded_bytes;
    int64_t unmatched_bytes; /* -1: not known */
    int64_t saved_bytes;
    int64_t group_id; /* 0: none known */
};

struct ia_shared_run_row {
    int64_t file_id, start, length, volume, physical;
    bool encoded;
};

struct ia_image_row {
    int64_t image_id, file_id;
    const char *path, *format, *format_basis, *variant, *state;
    int64_t virtual_size, cluster_size; /* -1: unknown */
    bool encrypted, dirty, corrupt, truncated, chain_ok;
    int64_t overlapping;                                      /* 1, 0; -1: unknown */
    const char *backing_name, *backing_format, *backing_path; /* NULL: none */
    int64_t backing_id;                                       /* 0: none */
    int64_t map_id;
    int64_t state_bytes[IA_EXTENT_STATES]; /* guest bytes of the active mapping by state */
    int64_t compressed_host;
    int64_t metadata_bytes; /* -1: unknown */
    const char *lock_state;
    const char *is_base_by; /* NULL: nothing says so */
    int64_t first_scan;
    int64_t referenced_scan;     /* 0: never */
    const char *referenced_by;   /* NULL: never */
    const char *problem;         /* why state is not 'ok', NULL: nothing to say */
    int64_t referenced_mtime_ns; /* of the file at that scan; 0: never, or newer than of all that named it */
    const struct ia_image_identity *identity;
    bool backing_by_identity;
    bool is_template;    /* to be kept whole */
    int64_t fingerprint; /* of what may change though the file does not; the scan's own affair */
};

/* A name that an image holds of another file. Columns: schema/0003_formats.sql. */
struct ia_name_row {
    int64_t image_id;
    const char *kind; /* "part", "backing" */
    int64_t number;
    const char *role;
    int64_t place;
    const char *name; /* NULL: not told */
};

/* What bytes of an image's file are used for. Columns: schema/0005_space.sql. */
struct ia_space_row {
    int64_t image_id, file;
    const char *use;
    int64_t bytes, disk_bytes;
    int64_t unwritten_bytes; /* -1: not told */
};

struct ia_mapping_row {
    int64_t map_id, image_id;
    int64_t snapshot; /* -1: the active mapping */
    const char *id, *name;
    int64_t size, vm_state, date_ns, extents;
    bool failed;
};

struct ia_reference_row {
    int64_t image_id;
    const char *kind, *name, *path, *state;
    int64_t target_id; /* file; 0: none */
};

struct ia_finding_row {
    const char *code, *severity, *path, *detail;
    bool hides;
};

struct ia_chain_store_row {
    int64_t image_id, depth, layer_id, map_id, reach;
    int64_t visible_bytes, data_bytes; /* -1: unknown */
};

struct ia_scan_row {
    int64_t scan_id, started_ns, finished_ns;
    bool complete;
    int64_t walked, passed_over, images, parsed, unchanged, added, changed, renamed, vanished, extents, table_bytes,
        errors;
};

#endif
