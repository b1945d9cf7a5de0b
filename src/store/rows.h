/* SPDX-License-Identifier: MIT */
/* Rows on their way into and out of the store. Units: schema/tables.sql. Members are named as their columns; the
 * table of each, and what is NULL there, is in src/store/entities.c. Strings are borrowed by the put
 * functions, and valid during the call in loaded rows. */
#ifndef IA_STORE_ROWS_H
#define IA_STORE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/abilities.h"
#include "model/extent.h"

struct ia_volume_row {
    int64_t volume_id; /* 0: a new one */
    const char *identity;
    int64_t device;
    const char *type, *mount; /* "": not known */
    bool is_shared, is_sole_host, is_twin;
    int64_t size, free; /* -1: not known */
};

struct ia_file_row {
    int64_t file_id; /* 0: a new one */
    const char *path;
    int64_t volume_id, inode;
    int64_t birth_ns; /* -1: not known */
    int64_t size, disk_size, mtime_ns, ctime_ns, checked_ns;
    const char *class;
    const char *reason;
    bool was_image;
    int64_t links, links_found; /* -1: not known */
    bool is_device;
};

struct ia_file_name_row {
    const char *path;
    int64_t file_id;
    const char *kind; /* "file", "symlink" */
};

/* A file's part in what files share on the host. */
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

struct ia_format_row {
    const char *name;
    const char *suffixes; /* separated by spaces */
    bool is_plain;
};

/* The rows of an image in five tables. Members whose columns are only stored (entities.c) are not loaded: 0 or NULL. */
struct ia_image_row {
    int64_t image_id, file_id;
    /* image */
    const char *path, *format, *format_basis, *state;
    const char *problem;      /* why state is not 'ok', in words; NULL: none */
    const char *backing_path; /* NULL: none */
    int64_t backing_id;       /* 0: none */
    int64_t map_id;
    bool chain_ok;
    bool is_template;    /* to be kept whole */
    bool is_claimed;     /* a machine uses it */
    bool parent_differs; /* its backing file is not the one that it was made on */
    bool link_is_newer;  /* a symbolic link in the way of its backing name is newer than the image */
    bool unsettled;      /* it changed while the scan ran */
    const char *lock_state;
    /* image_header */
    const char *variant;
    int64_t version;                    /* -1: none, or unknown */
    int64_t virtual_size, cluster_size; /* -1: unknown */
    bool hidden, kept, encrypted, dirty, corrupt, truncated, has_data_file, extended_l2;
    const char *compression;                   /* NULL: there is no choice */
    const char *backing_name, *backing_format; /* NULL: none */
    bool backing_by_identity;
    const char *identity, *identity_stamp, *parent_identity, *parent_stamp; /* NULL: not stated */
    struct ia_abilities abilities;                                          /* image_ability */
    /* image_account */
    int64_t state_bytes[IA_EXTENT_STATES]; /* guest bytes of the active mapping by state */
    int64_t compressed_host;
    int64_t metadata_bytes; /* -1: unknown */
    int64_t overlapping;    /* 1, 0; -1: unknown */
    /* image_memory */
    int64_t first_scan;
    int64_t referenced_scan;              /* 0: never */
    int64_t seen_scan;                    /* 0: the latest */
    const char *referenced_by;            /* NULL: never */
    const char *referenced_path;          /* its own at that scan; NULL: never */
    int64_t base_id;                      /* 0: none */
    int64_t base_lost_ns;                 /* 0: it is there, or unknown */
    int64_t past_base_id;                 /* 0: not known; negative: of a link's target elsewhere */
    int64_t seen_since_ns, path_since_ns; /* 0: unknown */
    int64_t referenced_mtime_ns;          /* of the file at that scan; 0: never, or newer than of all that named it */
    int64_t fingerprint;                  /* of what may change though the file does not; made by the scan alone */
    bool referenced_uncertain;            /* what was named may have been another file, which had the inode before */

    bool may_be_lost; /* image_account, too: what leaked may be what an empty table named */
    bool incomplete;  /* loaded: one of the tables has no row of it, and the members of that are 0 */
};

struct ia_image_file_row {
    int64_t image_id, number;
    const char *role, *path;
    int64_t file_id; /* 0: not identified */
};

/* What bytes of an image's file are used for. */
struct ia_space_row {
    int64_t image_id, file;
    const char *use;
    int64_t bytes, disk_bytes;
    int64_t unwritten_bytes; /* -1: unknown */
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
    const char *kind;
    int64_t number;
    const char *role;  /* of a part; else NULL */
    int64_t place;     /* of a part, enum ia_part_place; else -1 */
    const char *name;  /* NULL: not stated */
    const char *path;  /* "": none */
    const char *state; /* NULL: not looked for by itself */
    int64_t target_id; /* file; 0: none */
};

struct ia_packed_file_row {
    int64_t file_id;
    const char *problem; /* NULL: none */
};

/* In the place of a base's file_id: the image was made on another file than the one there, that no scan saw there. Of a
 * packed image the number is that of enum ia_graph_unknown. */
enum {
    IA_BASE_UNKNOWN = -1,
    IA_BASE_LINKED = -2, /* its name goes by a symbolic link that was turned since */
    IA_BASE_LOST = -3,   /* its name leads nowhere */
};

struct ia_packed_reference_row {
    int64_t file_id, number;
    const char *member, *format, *kind, *name;
    const char *stated; /* NULL: none */
    const char *path;   /* "": none */
    const char *state;
    int64_t target_id; /* file; 0: none */
    int64_t base_id;   /* the same, of one that may be no more, or one of the above */
};

/* A name that an image has no more. */
struct ia_former_name_row {
    int64_t image_id;
    const char *path;
    int64_t since_ns, until_ns; /* scans found it by this path alone; 0: not known */
};

struct ia_finding_row {
    const char *code, *severity, *path, *detail;
    const char *doubt;             /* NULL: it raises none about every candidate */
    int64_t first_scan, last_scan; /* set by the writer */
    int64_t accepted_by;           /* number of the acceptance; 0: none */
};

struct ia_candidate_row {
    int64_t image_id;
    const char *status;
    int64_t since_scan, since_ns;
    int64_t clear_ns; /* 0: no name has meant it since since_ns, or one does */
    bool is_meant;    /* some name may mean it */
    const char *evidence;
    const char *why, *why_codes; /* NULL: no doubt */
    const char *assumes;         /* NULL: nothing */
};

struct ia_evidence_row {
    int64_t image_id;
    const char *code, *subject;
    int64_t scan_id; /* 0: none */
    const char *sentence;
};

struct ia_holder_row {
    int64_t file_id; /* 0: of every file */
    const char *subject;
};

/* An inventory of machines. */
struct ia_inventory_row {
    int64_t number;
    const char *source, *place;
    bool is_of_host;
    const char *formats; /* NULL: all */
    int64_t newest_ns;   /* 0: unknown */
};

struct ia_machine_row {
    int64_t machine_id, inventory;
    const char *kind, *name;
    const char *uuid; /* NULL: none */
    const char *state, *defined_in;
    int64_t defined_ns; /* 0: unknown */
};

struct ia_claim_row {
    int64_t machine_id, number;
    const char *path;
    const char *format; /* NULL: not stated */
    const char *role;
    bool read_only, shareable, transient;
    const char *state;
    const char *target;                  /* NULL: not found */
    int64_t file_id, before_id, base_id; /* 0: none */
    bool was_outside, is_directory;
};

struct ia_doubt_row {
    int64_t image_id; /* 0: of every candidate */
    const char *code, *subject, *sentence;
    const char *advice; /* ia_doubt_kind.advice */
};

struct ia_chain_store_row {
    int64_t image_id, depth, layer_id, map_id, size;
    int64_t visible_bytes, data_bytes; /* -1: unknown */
};

struct ia_chain_place_row {
    int64_t image_id, top_id, depth;
};

struct ia_chain_change_row {
    int64_t image_id, layer_id, visible_bytes, data_bytes;
};

struct ia_usage_row {
    int64_t image_id;
    int64_t visible_bytes, visible_present, masked_bytes, exclusive_bytes, shared_bytes;
    int64_t dependents, descendants, heads;
};

struct ia_reader_bytes_row {
    int64_t image_id, readers, bytes;
};

struct ia_pair_store_row {
    int64_t image_id, other_id, bytes, others;
};

struct ia_tree_row {
    int64_t root_id, fingerprint;
};

struct ia_scan_row {
    int64_t scan_id, started_ns, finished_ns;
    int64_t walked, passed_over, images, parsed, unchanged, added, changed, renamed, vanished, extents, table_bytes,
        errors, doubts; /* doubts: about every candidate; 0: the scan is complete */
};

struct ia_option_row {
    int64_t scan_id;
    const char *kind, *value;
};

struct ia_passed_row {
    int64_t scan_id;
    const char *reason;
    int64_t files;
};

/* Of absent_mount, and of place. */
struct ia_mount_row {
    const char *path, *identity, *inside;
};

struct ia_vanished_row {
    int64_t file_id;
    int64_t image_id; /* 0: none */
    int64_t gone_scan;
    const char *volume, *path;
    int64_t inode;
    int64_t birth_ns; /* -1: not known */
    int64_t size, mtime_ns, ctime_ns;
    bool was_image, was_packed;
    const char *backing_name;            /* NULL: none */
    int64_t first_scan, referenced_scan; /* 0: none */
    const char *referenced_by;           /* NULL: never */
    int64_t referenced_mtime_ns;         /* as in ia_image_row, like those that follow */
    const char *referenced_path;
    bool referenced_uncertain;
    int64_t base_id, past_base_id;
    bool link_is_newer;
};

struct ia_former_base_row {
    int64_t file_id, base_id;
};

struct ia_setting_row {
    const char *key;
    int64_t value;
};

struct ia_acceptance_row {
    int64_t number; /* 0: a new one */
    const char *code, *glob, *reason;
    int64_t until_ns; /* 0: for good */
    int64_t created_ns;
};

struct ia_template_row {
    const char *glob;
};

#endif
