/* SPDX-License-Identifier: MIT */
/* A host file, as the walk found it and as an earlier scan left it, and what its content was read to be. */
#ifndef IA_SCAN_CATALOG_FILE_H
#define IA_SCAN_CATALOG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/status.h"
#include "base/vec.h"
#include "model/extent.h"
#include "model/image.h"
#include "model/image_state.h"
#include "scan/catalog/packed.h"

#define IA_NO_FILE SIZE_MAX

enum ia_file_class {
    IA_CLASS_NONE, /* not read yet */
    IA_CLASS_IMAGE,
    IA_CLASS_PART,    /* of an image: an external data file */
    IA_CLASS_SKIPPED, /* no image */
    IA_CLASS_PACKED,  /* no image, but images may be packed in it */
    IA_CLASS_UNKNOWN, /* may be an image, could not be understood */
};
const char *ia_file_class_word(enum ia_file_class class);

/* How an image's format is known. */
enum ia_format_basis {
    IA_BASIS_CONTENT,
    IA_BASIS_FOOTER,  /* by the last 512 bytes alone */
    IA_BASIS_STATED,  /* by an overlay */
    IA_BASIS_SUFFIX,  /* raw, by its suffix */
    IA_BASIS_GUESSED, /* raw, for want of a magic */
    IA_BASIS_NAMED,   /* raw, because the file itself is a root */
    IA_BASIS_BESIDE,  /* by a file beside it */
    IA_BASIS_COUNT
};
/* The word of stores: "content", "footer"... */
const char *ia_format_basis_word(enum ia_format_basis basis);

/* The identity of a file's content without reading it: git's rule for "has not changed". */
struct ia_file_key {
    int64_t dev; /* 0 in what an earlier scan left: see volume_id there */
    int64_t inode, size, mtime_ns, ctime_ns;
};
/* The same file, and not written to in between. */
bool ia_file_key_same_content(const struct ia_file_key *a, const struct ia_file_key *b);
/* All but dev is the same. */
bool ia_file_key_same_stamps(const struct ia_file_key *a, const struct ia_file_key *b);
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
    char *message; /* owned; why status is not IA_OK */
    char *format;  /* owned */
    enum ia_format_basis basis;
    struct ia_image_facts facts;
    struct ia_image_identity *identity;    /* owned; NULL: the image has none */
    int64_t state_bytes[IA_EXTENT_STATES]; /* guest bytes of the active mapping by state */
    IA_VEC(struct ia_mapping) mappings;    /* the active one first, then the snapshots */
    bool changed_while_read;
    bool references_changed; /* between the two attempts */
};
void ia_parsed_release(struct ia_parsed *parsed);
/* Of files of which nothing was read: most are no images. Shared, and not to be freed. */
extern const struct ia_parsed ia_parsed_nothing;
/* What can be written to where there was nothing yet; *parsed then. NULL: out of memory. */
struct ia_parsed *ia_parsed_own(const struct ia_parsed **parsed);
/* *parsed is nothing then. */
void ia_parsed_drop(const struct ia_parsed **parsed);
/* Takes a copy, of one that is not empty; false: out of memory. */
bool ia_parsed_set_identity(struct ia_parsed *parsed, const struct ia_image_identity *identity);
/* It did not hold still, and what is wrong with it may be so because of that alone: one table of before, one of after.
 */
bool ia_parsed_is_half_read(const struct ia_parsed *parsed);
/* Never NULL. */
const struct ia_image_identity *ia_parsed_identity(const struct ia_parsed *parsed);

/* One name of a file. */
struct ia_name {
    char *path; /* owned, absolute */
    bool symlink;
};

/* Why a file or another entry was skipped, or is unknown. */
enum ia_skip_reason {
    IA_REASON_NONE,
    IA_REASON_CHANGE_TRACKING,
    IA_REASON_EMPTY,
    IA_REASON_FILE_SYSTEM, /* no image by itself, and one where others lie beside it */
    IA_REASON_NO_MAGIC,
    IA_REASON_UNREADABLE,
    IA_REASON_UNRECOGNISED,
    /* Of entries that are no files of the catalog, and of packed files. */
    IA_REASON_BLOCK_DEVICE,
    IA_REASON_SPECIAL_FILE,
    IA_REASON_EXCLUDED,
    IA_REASON_SYMLINK,
    IA_REASON_VHD_PIECE,
    IA_REASON_VHD_ALIAS,
    IA_REASON_PACKED,
    IA_REASONS
};
const char *ia_skip_reason_word(enum ia_skip_reason reason);
/* IA_REASON_UNREADABLE for a word that is none: the file is read again. */
enum ia_skip_reason ia_skip_reason_by_word(const char *word);

/* The row that an earlier scan left. */
struct ia_previous {
    int64_t file_id; /* 0: none */
    int64_t image_id;
    char *path; /* owned */
    int64_t volume_id;
    struct ia_file_key key;
    int64_t birth_ns; /* as in struct ia_file */
    int64_t disk_size;
    int64_t links, links_found; /* -1: not known */
    int64_t checked_ns;
    int64_t first_scan, referenced_scan;
    char *referenced_by;   /* owned */
    char *referenced_path; /* owned */
    int64_t referenced_mtime_ns;
    bool referenced_uncertain; /* that may have been another file, which had the inode before */
    int64_t base_id;           /* file_id of the file that its backing name led to at first; 0: none */
    int64_t row_fingerprint;   /* of the image's row in the store */
    int64_t backing_id;        /* image_id of its backing image, as it was followed then; 0: none was */
    int64_t base_lost_ns, seen_since_ns, path_since_ns, past_base_id; /* as in struct ia_node */
    bool link_is_newer;                                               /* the same */
    int64_t seen_scan; /* the last scan that saw it, where the one before this did not; else 0 */
    enum ia_skip_reason reason;
    enum ia_file_class class;
    const struct ia_parsed *parsed;   /* owned; never NULL */
    struct ia_packed_content *packed; /* owned; NULL: nothing was looked for in it */
    bool was_packed;                  /* packed was not NULL when it was loaded */
    bool is_forgotten;                /* the administrator does not wait for it any more */
    bool taken;                       /* a file of this scan has its place */
    bool is_back;                     /* it had vanished before: the scan before has no row of it */
    int64_t gone_scan;                /* the first scan that missed it as the image that it was; 0: none has */
    bool was_lost;                    /* an image before that scan, and none in it */
    bool was_image;                   /* that, or an image that may name others */
};
void ia_previous_release(struct ia_previous *previous);

/* What earlier scans found out about a file that the scan before did not see, as the store has it; see the table
 * vanished. */
struct ia_vanished {
    int64_t file_id, image_id, gone_scan;
    char *volume, *path; /* owned */
    char *backing_name;  /* owned; NULL: none */
    struct ia_file_key key;
    int64_t birth_ns;
    bool was_image, was_packed;
    int64_t first_scan, referenced_scan, referenced_mtime_ns, base_id, past_base_id;
    char *referenced_by, *referenced_path; /* owned; NULL: never */
    bool referenced_uncertain, link_is_newer;
    bool is_back; /* a file of this scan is it; what is remembered went to that */
};
void ia_vanished_release(struct ia_vanished *vanished);

struct ia_read;
struct ia_node;

struct ia_file {
    struct ia_file_key key;
    size_t volume;    /* place in ia_catalog.volumes */
    int64_t birth_ns; /* when its inode became this file; -1: unknown, or not looked at */
    int64_t disk_size;
    int64_t links;                /* names that the file system counts */
    int64_t links_found;          /* of these, how many are among `names` */
    IA_VEC(struct ia_name) names; /* sorted: files before symlinks, then by bytes */
    int64_t checked_ns;           /* when its content was read; 0: must be read again next time */
    enum ia_file_class class;
    enum ia_skip_reason reason;
    bool from_store; /* unchanged: `parsed` is what the store remembers */
    bool has_parsed;
    bool block_device;
    bool look_again; /* it came or changed after the walk: to be read */
    bool not_seen;   /* it cannot be looked at now: from_store, and all of it is as the last scan saw it that could */
    bool unreadable; /* the same of one that is there, and cannot be read: `parsed.message` is why */
    bool gone;       /* it has no name any more: as if it had never been there. Its last name is kept for messages */
    const struct ia_parsed *parsed;   /* owned; never NULL */
    struct ia_packed_content *packed; /* owned; what was found packed in it; NULL: nothing was looked for */
    bool may_be_another;              /* than the one at `previous`, which had the inode before */
    size_t previous;                  /* place in ia_catalog.previous, IA_NO_FILE: new */
    int64_t file_id, image_id;        /* of its rows; 0: none yet */
    bool was_image;                   /* an earlier scan read an image here, and it is none now */
    bool new_row;         /* the file's row is new: what other tables had of it is gone, even under the same number */
    struct ia_read *read; /* what reading added: reading/reading.h */
    struct ia_node *node; /* its place among what images name: graph/links.h */
};
/* What the store has of it is what it is. */
void ia_file_take_over(struct ia_file *file, struct ia_previous *previous);
/* It is to be read again after all, or is gone: what it was when it was seen last is remembered. */
void ia_file_give_back(struct ia_file *file, struct ia_previous *previous);
/* What it owns itself; read and node are the caller's. */
void ia_file_release(struct ia_file *file);

static inline bool ia_file_is_of(const struct ia_file *file, const struct stat *st)
{
    return file->key.dev == (int64_t)st->st_dev && file->key.inode == (int64_t)st->st_ino;
}

/* The first of its names. */
static inline const char *ia_file_path(const struct ia_file *file)
{
    return file->names.items[0].path;
}

static inline bool ia_file_is_image(const struct ia_file *file)
{
    return file->class == IA_CLASS_IMAGE;
}

/* An image, or a file that holds data of one. */
static inline bool ia_file_is_image_or_part(const struct ia_file *file)
{
    return file->class == IA_CLASS_IMAGE || file->class == IA_CLASS_PART;
}

/* An image whose header and tables were understood. */
static inline bool ia_file_is_sound(const struct ia_file *file)
{
    return ia_file_is_image(file) && file->has_parsed && file->parsed->status == IA_OK;
}

/* One of its names. */
bool ia_file_has_path(const struct ia_file *file, const char *path);
/* Looks at when it was made, if it is there still. */
void ia_file_find_birth(struct ia_file *file);
/* The path leads to a file that was made since, and has the inode of this one, which is no more. */
bool ia_file_is_reused(const struct ia_file *file, const char *path);
/* Both births are known, and are the same. */
static inline bool ia_file_is_born_with(const struct ia_file *file, int64_t birth_ns)
{
    return birth_ns >= 0 && birth_ns == file->birth_ns;
}
/* Both are known, and are not. */
static inline bool ia_file_is_born_apart(const struct ia_file *file, int64_t birth_ns)
{
    return birth_ns >= 0 && file->birth_ns >= 0 && birth_ns != file->birth_ns;
}
/* Size and time stamp are those of an earlier scan. */
static inline bool ia_file_has_content(const struct ia_file *file, const struct ia_file_key *key)
{
    return key->size == file->key.size && key->mtime_ns == file->key.mtime_ns;
}
/* A time stamp is what it was, or what an archive without fractions of a second leaves of that. */
bool ia_time_is_restored(int64_t now_ns, int64_t before_ns);
/* It has the path of another inode, its size, and its time stamp or what an archive without fractions of a second
 * leaves of that: the same again. */
bool ia_file_is_faithful_copy(const struct ia_file *file, const char *path, const struct ia_file_key *key);

/* Of the links that the file system counts, those that are among its names, each once however many mounts show it. */
int64_t ia_file_count_links(const struct ia_file *file);

/* What became of reading the image, now or in an earlier scan. */
enum ia_image_state ia_file_image_state(const struct ia_file *file);
/* 1: bytes of its files are used twice; 0: none are; -1: unknown. */
int ia_file_cross_linked(const struct ia_file *file);

#endif
