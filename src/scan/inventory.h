/* SPDX-License-Identifier: MIT */
/* Everything a scan knows of host files, one item for each (device, inode), whatever its names. */
#ifndef IA_SCAN_INVENTORY_H
#define IA_SCAN_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/status.h"
#include "base/vec.h"
#include "model/extent.h"
#include "model/image.h"
#include "scan/account.h"
#include "scan/sharing.h"
#include "store/rows.h"

#define IA_NO_ITEM SIZE_MAX

enum ia_verdict {
    IA_VERDICT_NONE, /* not looked at yet */
    IA_VERDICT_IMAGE,
    IA_VERDICT_PART,    /* of an image: an external data file */
    IA_VERDICT_PASSED,  /* no image */
    IA_VERDICT_UNKNOWN, /* may be an image, could not be understood */
};
const char *ia_verdict_word(enum ia_verdict verdict);

/* The identity of a file's content without reading it: git's rule for "has not changed". */
struct ia_file_key {
    int64_t dev, inode, size, mtime_ns, ctime_ns;
};
void ia_file_key_from_stat(struct ia_file_key *key, const struct stat *st);

struct ia_mapping {
    int64_t map_id;
    int64_t size; /* guest bytes */
    int64_t extents;
    bool failed; /* its tables could not be read */
};

/* What reading an image gave, or what the store remembers of it. */
struct ia_parsed {
    enum ia_status status;
    char *message;     /* owned; why status is not IA_OK */
    char *format;      /* owned */
    const char *basis; /* "content", "footer", "stated", "suffix", "guessed", "named" */
    struct ia_image_facts facts;
    struct ia_image_identity *identity;    /* owned; NULL: the image does not tell any */
    int64_t state_bytes[IA_EXTENT_STATES]; /* guest bytes of the active mapping by state */
    int64_t image_id_of_mappings;          /* 0, or the image whose stored mappings these are (unchanged) */
    IA_VEC(struct ia_mapping) mappings;    /* the active one first, then the snapshots */
    struct ia_account account;             /* of an image read in this scan */
    bool changed_while_read;
    bool references_changed; /* between the two attempts */
};
void ia_parsed_release(struct ia_parsed *parsed);
/* Takes a copy, of one that tells anything; false: out of memory. */
bool ia_parsed_set_identity(struct ia_parsed *parsed, const struct ia_image_identity *identity);
/* Never NULL. */
const struct ia_image_identity *ia_parsed_identity(const struct ia_parsed *parsed);

/* One name of a file. */
struct ia_name {
    char *path; /* owned, absolute */
    bool symlink;
};

/* The row that an earlier scan left. */
struct ia_previous {
    int64_t file_id; /* 0: none */
    int64_t image_id;
    int64_t map_id;
    char *path; /* owned */
    struct ia_file_key key;
    int64_t disk_size;
    int64_t links, links_met; /* -1: not known */
    int64_t checked_ns;
    int64_t first_scan, referenced_scan;
    char *referenced_by; /* owned */
    int64_t referenced_mtime_ns;
    int64_t row_fingerprint; /* of the image's row as it stands in the store */
    const char *reason;      /* why it was passed over, where that depends on the content alone; else NULL */
    enum ia_verdict verdict;
    struct ia_parsed parsed;
    bool taken; /* an item of this scan has its place */
};

/* One of the files of an image besides its main one, as parsed.facts.parts. */
struct ia_item_part {
    size_t item;   /* IA_NO_ITEM: not found */
    char *path;    /* owned; NULL: none */
    char *message; /* owned; why status is not IA_OK */
    enum ia_status status;
    bool ambiguous; /* its name is relative: QEMU takes it from a working directory */
};

struct ia_item {
    struct ia_file_key key;
    int64_t disk_size;
    int64_t links;                /* names that the file system counts */
    int64_t links_met;            /* of these, how many are among `names` */
    struct ia_sharing sharing;    /* blocks in common with other files */
    IA_VEC(struct ia_name) names; /* sorted: files before symlinks, then by bytes */
    IA_VEC(char *) via; /* owned, canonical directories from which other images name it, besides those of its names */
    int64_t checked_ns; /* when its content was read; 0: must be read again next time */
    enum ia_verdict verdict;
    const char *reason; /* why it was passed over or is unknown, one word */
    bool from_store;    /* unchanged: `parsed` is what the store remembers */
    bool parsed_now;
    bool reread; /* already read a second time because of its stated format */
    bool has_parsed;
    bool block_device;
    struct ia_parsed parsed;
    char *stated_format; /* owned; what an overlay says it is */
    const char *lock_state;
    size_t previous; /* index into inventory->previous, IA_NO_ITEM: new */

    /* The graph */
    size_t backing;            /* item, IA_NO_ITEM: none or not reachable */
    size_t backing_target;     /* the same, and kept where the link was cut: what it names is not unused */
    const char *backing_state; /* "followed"..., NULL: no backing file */
    char *backing_path;        /* owned */
    char *parent_mismatch;     /* owned; in what the backing image is not the one it was made on, NULL: in nothing */
    IA_VEC(struct ia_item_part) parts;
    bool is_referenced;    /* some image names it as its backing file */
    bool is_part;          /* some image keeps its data in it */
    bool stale;            /* unchanged, but one of its parts is not: to be read again */
    bool resolved;         /* its own references were followed */
    bool chain_ok;         /* the image and all below it could be read */
    bool is_template;      /* to be kept whole */
    size_t referenced_by;  /* an item that names it as its backing file */
    int64_t overlaid_ns;   /* when the last of those that name it was written to; 0: none does */
    char *content_backing; /* owned; backing name of a content that the stated format overrides */

    int64_t file_id, image_id;
    bool new_row; /* the file's row is new: what other tables had of it is gone, even under the same number */
};

struct ia_index { /* (device, inode) to number */
    size_t *slots;
    size_t cap, used;
};

struct ia_inventory {
    IA_VEC(struct ia_item) items;
    struct ia_index index;
    IA_VEC(struct ia_previous) previous;
    struct ia_index previous_index;
};

void ia_inventory_release(struct ia_inventory *inventory);
void ia_item_release_parts(struct ia_item *item);

/* The item of an identity, IA_NO_ITEM when there is none. */
size_t ia_inventory_find(const struct ia_inventory *inventory, int64_t dev, int64_t inode);
size_t ia_inventory_find_previous(const struct ia_inventory *inventory, int64_t dev, int64_t inode);

/* The item with this identity, new or known, with one more name. Takes a copy of path. */
IA_MUST_CHECK enum ia_status ia_inventory_add(struct ia_inventory *inventory, const char *path, const struct stat *st,
                                              bool symlink, size_t *number, struct ia_error *err);

/* Takes over what previous owns. */
IA_MUST_CHECK enum ia_status ia_inventory_add_previous(struct ia_inventory *inventory, struct ia_previous *previous,
                                                       struct ia_error *err);

static inline const char *ia_item_path(const struct ia_item *item)
{
    return item->names.items[0].path;
}

static inline bool ia_item_is_image(const struct ia_item *item)
{
    return item->verdict == IA_VERDICT_IMAGE;
}

/* An image whose header and tables were understood. */
static inline bool ia_item_is_sound(const struct ia_item *item)
{
    return ia_item_is_image(item) && item->has_parsed && item->parsed.status == IA_OK;
}

#endif
