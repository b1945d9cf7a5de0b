/* SPDX-License-Identifier: MIT */
/* What files there are, and what an earlier scan left of them: the walk, the store's rows, and which of them are of the
 * same file, changed or not. One entry for each (device, inode), whatever its names. Nothing of what images name. */
#ifndef IA_SCAN_CATALOG_CATALOG_H
#define IA_SCAN_CATALOG_CATALOG_H

#include "chain/confine.h"
#include "inventory/inventory.h"
#include "io/volume.h"
#include "scan/catalog/file.h"
#include "scan/catalog/findings.h"
#include "scan/options.h"
#include "store/writer.h"

/* A VHD as a directory of files, and a text file that names such a directory, as Xen Orchestra keeps them. */
struct ia_vhd_alias {
    char *path;   /* owned */
    char *target; /* owned; canonical; NULL: nothing was found there */
};
struct ia_vhd_directories {
    IA_VEC(char *) paths;                /* owned; in the order of the walk, and sorted after it */
    IA_VEC(struct ia_vhd_alias) aliases; /* after the walk by target */
    IA_VEC(const char *) known;          /* of both, after the walk and sorted */
};

struct ia_absent {
    char *path;     /* owned; a directory, or an image that was a mount point */
    char *identity; /* owned; of the volume that it lay on */
    char *inside;   /* owned; which directory of that it was, "": unknown */
    bool unmounted; /* that is not where it was; else the directory is not to be read any more */
};

/* What the scan before found that might hide references. */
struct ia_past_finding {
    char *path; /* owned */
    enum ia_finding_code code;
    bool is_accepted;
};

/* A root, or a mount point below one. */
struct ia_place {
    char *path;     /* owned */
    char *identity; /* owned; of the volume there */
    char *inside;   /* owned; which directory or file of that it is, "": unknown */
    int64_t dev;    /* st_dev; of one of the scan before 0 */
};

struct ia_places {
    IA_VEC(struct ia_place) all;
};
void ia_place_release(struct ia_place *place);

/* A file system that files lie on. */
struct ia_catalog_volume {
    struct ia_volume about; /* of a new one dev alone */
    bool is_described;
    bool is_sole_host;   /* --sole-host vouches that no other host uses it */
    bool is_twin;        /* another one of this scan has the same identity */
    bool is_absent;      /* it was not met: the store keeps its row as it is */
    int64_t previous_id; /* its number in the scan before; 0: that had none */
    int64_t volume_id;   /* of its row; 0: none yet */
};

/* One that the scan before saw. */
struct ia_previous_volume {
    int64_t volume_id;
    int64_t dev;
    char *identity, *mount; /* owned */
    bool is_taken;          /* a volume of this scan is this one */
};

/* A directory that was walked, as it was just before it was listed. */
struct ia_directory {
    struct ia_file_key key;
    char *path;    /* owned */
    bool is_fresh; /* it had changed so shortly before that it might have changed again without a trace */
    bool is_gone;
};

struct ia_index { /* (device, inode), or (volume_id, inode), to number */
    size_t *slots;
    size_t cap, used;
};

/* Makes an empty file with all that a scan adds to it (NULL: out of memory), and releases what it has. The file itself
 * stays until the scan ends. */
struct ia_file_maker {
    struct ia_file *(*make)(void *ctx);
    void (*release)(struct ia_file *file);
    void *ctx;
};

struct ia_catalog {
    const struct ia_scan_options *options;
    struct ia_file_maker maker;
    struct ia_writer *writer;  /* borrowed: rows of the scan before are loaded through it */
    struct ia_confine confine; /* roots and --allow */
    struct ia_findings findings;
    struct ia_scan_progress progress;
    IA_VEC(struct ia_file *) files; /* owned; a file stays where it is */
    struct ia_index index;
    IA_VEC(struct ia_previous) previous; /* those that the scan before saw, by file_id, then those that came back */
    size_t previous_stored;              /* how many of them the scan before saw */
    struct ia_index previous_index;
    IA_VEC(struct ia_vanished) vanished; /* by file_id */
    IA_VEC(size_t) vanished_by_inode;
    IA_VEC(size_t) vanished_by_path;
    IA_VEC(struct ia_catalog_volume) volumes; /* each with a st_dev of its own */
    IA_VEC(struct ia_previous_volume) previous_volumes;
    size_t last_volume;              /* the one that was seen last */
    struct ia_mounts mounts;         /* of this host, once a volume was looked at */
    int64_t skipped[IA_REASONS];     /* entries */
    IA_VEC(struct ia_absent) absent; /* mounts that are gone */
    struct ia_places places;         /* of this scan */
    struct ia_places previous_places;
    IA_VEC(struct ia_past_finding) past_findings; /* by path */
    IA_VEC(char *) symlinks;                      /* owned; found by the walk */
    IA_VEC(char *) dangling; /* owned; of these, those that lead to nothing that can be looked at */
    struct ia_beside_walk beside_walk;
    IA_VEC(char *) beside;          /* owned; files that platforms keep beside images, to be read as inventories */
    struct ia_vhd_directories vhds; /* the same */
    IA_VEC(struct ia_directory) directories;
    struct ia_index directory_index;
    bool moved; /* files came, went or have other names since the walk: names are to be followed anew */
    int64_t walked, skipped_files;
};

void ia_catalog_release(struct ia_catalog *catalog);

/* The file of an identity, IA_NO_FILE when there is none. */
size_t ia_catalog_find(const struct ia_catalog *catalog, int64_t dev, int64_t inode);
size_t ia_catalog_find_previous(const struct ia_catalog *catalog, int64_t volume_id, int64_t inode);
size_t ia_catalog_find_directory(const struct ia_catalog *catalog, int64_t dev, int64_t inode);
/* Makes a directory known by its identity; false: out of memory. */
bool ia_catalog_index_directory(struct ia_catalog *catalog, size_t number);

/* The file with this identity, new or known, with one more name unless it has that. Takes a copy of path. */
IA_MUST_CHECK enum ia_status ia_catalog_add(struct ia_catalog *catalog, const char *path, const struct stat *st,
                                            bool symlink, size_t *number, struct ia_error *err);

/* Takes over what previous owns. */
IA_MUST_CHECK enum ia_status ia_catalog_add_previous(struct ia_catalog *catalog, struct ia_previous *previous,
                                                     struct ia_error *err);

/* The file of the scan before, by the path that it had, and as it was: nothing on the host is looked at for it, and no
 * identity leads to it. */
/* link: a symbolic link that led to it, and a name of it still; NULL: none. */
IA_MUST_CHECK enum ia_status ia_catalog_add_unseen(struct ia_catalog *catalog, size_t previous, const char *link,
                                                   struct ia_error *err);

/* unseen.c: keeps what the scan before had, and what lies where the walk could not look. After ia_catalog_match. */
IA_MUST_CHECK enum ia_status ia_catalog_keep_hidden(struct ia_catalog *catalog, struct ia_error *err);
/* And what lies on a file system that is not mounted. After ia_catalog_find_absent. */
IA_MUST_CHECK enum ia_status ia_catalog_keep_unmounted(struct ia_catalog *catalog, struct ia_error *err);
/* And what a symbolic link led to, which leads nowhere now. *kept: there was such an image, or what may hold some. */
IA_MUST_CHECK enum ia_status ia_catalog_keep_behind(struct ia_catalog *catalog, const char *link, bool *kept,
                                                    struct ia_error *err);
/* dangling.c: the same for all such links. Those that led outside, or to what was kept, are findings. */
IA_MUST_CHECK enum ia_status ia_catalog_keep_linked(struct ia_catalog *catalog, struct ia_error *err);
/* The same of images that are there and could not be read. After they were tried. */
IA_MUST_CHECK enum ia_status ia_catalog_keep_unreadable(struct ia_catalog *catalog, struct ia_error *err);
/* The same of what was packed in files. */
void ia_catalog_keep_packed(struct ia_catalog *catalog);

/* What the scan before left of the file; NULL: nothing. */
static inline const struct ia_previous *ia_catalog_previous(const struct ia_catalog *catalog,
                                                            const struct ia_file *file)
{
    return file->previous == IA_NO_FILE ? NULL : &catalog->previous.items[file->previous];
}

/* An earlier scan saw an image name the file as its backing file. */
static inline bool ia_catalog_was_named(const struct ia_catalog *catalog, const struct ia_file *file)
{
    const struct ia_previous *previous = ia_catalog_previous(catalog, file);
    return previous != NULL && previous->referenced_scan != 0;
}

/* What an earlier scan saw named may have been another file. */
static inline bool ia_catalog_memory_is_uncertain(const struct ia_catalog *catalog, const struct ia_file *file)
{
    const struct ia_previous *previous = ia_catalog_previous(catalog, file);
    return previous != NULL && previous->referenced_scan != 0 &&
           (previous->referenced_uncertain || file->may_be_another);
}

/* The store's row is of this very file: same volume, same inode, and not made at another time. */
bool ia_catalog_is_row_of(const struct ia_catalog *catalog, const struct ia_previous *previous,
                          const struct ia_file *file);
/* That, or the file is the same again: one that came back, a faithful copy in its place. Its number and its past are
 * the file's. */
bool ia_catalog_is_same_file(const struct ia_catalog *catalog, const struct ia_previous *previous,
                             const struct ia_file *file);

/* Reports that the scan is in this phase, with what is done. */
void ia_catalog_report(const struct ia_catalog *catalog, const char *phase);
/* Counts a file as skipped. */
void ia_catalog_skip(struct ia_catalog *catalog, enum ia_skip_reason reason);

/* vhd_directories.c. The directory that the walk enters may be a VHD: it is kept then. */
IA_MUST_CHECK enum ia_status ia_catalog_note_directory(struct ia_catalog *catalog, const char *path,
                                                       struct ia_error *err);
/* The file at a canonical path may be the name of another VHD: *alias is that until the next one is found, NULL if not.
 */
IA_MUST_CHECK enum ia_status ia_catalog_find_alias(struct ia_catalog *catalog, const char *path, const struct stat *st,
                                                   const struct ia_vhd_alias **alias, struct ia_error *err);
/* *is: the file is a piece of a VHD directory, or a name of one: no image, and counted as skipped. */
IA_MUST_CHECK enum ia_status ia_catalog_is_vhd_piece(struct ia_catalog *catalog, const char *path,
                                                     const struct stat *st, bool *is, struct ia_error *err);
/* vhd_parents.c: the findings about all of them, after the second look at directories. */
IA_MUST_CHECK enum ia_status ia_catalog_judge_vhds(struct ia_catalog *catalog, struct ia_error *err);
/* After that: the path is that of a VHD directory, or of a file that names a VHD. */
bool ia_catalog_is_vhd(const struct ia_catalog *catalog, const char *path);

/* walk.c: adds what is below the roots. */
IA_MUST_CHECK enum ia_status ia_catalog_walk(struct ia_catalog *catalog, struct ia_error *err);
/* Lists a directory again: adds what came. */
IA_MUST_CHECK enum ia_status ia_catalog_list_again(struct ia_catalog *catalog, char *directory, struct ia_error *err);

/* directories.c: one that is about to be listed. */
IA_MUST_CHECK enum ia_status ia_catalog_add_directory(struct ia_catalog *catalog, const char *path,
                                                      const struct stat *st, struct ia_error *err);
bool ia_catalog_was_walked(const struct ia_catalog *catalog, const char *path, const struct stat *st);
/* As ia_catalog_add, after the walk: sets look_again and moved where the file, its name or its content is new. */
IA_MUST_CHECK enum ia_status ia_catalog_add_late(struct ia_catalog *catalog, const char *path, const struct stat *st,
                                                 bool symlink, struct ia_error *err);
/* The file is gone: as if it had never been there. */
void ia_catalog_lose(struct ia_catalog *catalog, struct ia_file *file);
/* again.c: looks where the file's names lead now. It loses those that lead elsewhere or nowhere; what they lead to is
 * added, and a file without a name is gone. Where what they lead to has its inode, it is that file from then on, which
 * is to be looked at again. */
IA_MUST_CHECK enum ia_status ia_catalog_check_names(struct ia_catalog *catalog, size_t number, struct ia_error *err);
/* Lists the directories again that changed since they were listed. *any: files came, went, changed or have other names,
 * here or since the walk. */
IA_MUST_CHECK enum ia_status ia_catalog_look_again(struct ia_catalog *catalog, bool *any, struct ia_error *err);
/* Adds findings about directories that have changed again. */
void ia_catalog_report_changing(struct ia_catalog *catalog);
/* load.c: what the scan before left. */
IA_MUST_CHECK enum ia_status ia_catalog_load(struct ia_catalog *catalog, struct ia_error *err);
/* previous.c: what of it is still true. */
IA_MUST_CHECK enum ia_status ia_catalog_match(struct ia_catalog *catalog, struct ia_error *err);
/* The same for a file that came later, by a reference. */
IA_MUST_CHECK enum ia_status ia_catalog_match_late(struct ia_catalog *catalog, size_t number, struct ia_error *err);
/* vanished.c: what came back is what it was. By its identity: *found is whether the file is one that vanished. */
IA_MUST_CHECK enum ia_status ia_catalog_recall(struct ia_catalog *catalog, struct ia_file *file, bool *found,
                                               struct ia_error *err);
/* The same of a copy at its place. */
IA_MUST_CHECK enum ia_status ia_catalog_recall_copy(struct ia_catalog *catalog, struct ia_file *file, bool *found,
                                                    struct ia_error *err);
/* The place in catalog.previous of what the scan before saw under this number; IA_NO_FILE: nothing. */
size_t ia_catalog_find_stored(const struct ia_catalog *catalog, int64_t file_id);
/* That has this number; NULL: none. */
const struct ia_vanished *ia_catalog_find_vanished(const struct ia_catalog *catalog, int64_t file_id);
/* How the file of this number was that may be no more: in the scan before, or before it vanished. NULL: nothing is
 * remembered of it. */
const struct ia_file_key *ia_catalog_key_of(const struct ia_catalog *catalog, int64_t file_id);
/* The file_id of what it was based on then; 0: unknown, or nothing. */
int64_t ia_catalog_base_of(const struct ia_catalog *catalog, int64_t file_id);
/* Gives what is remembered to the row of the same file. false: out of memory. */
bool ia_catalog_remind(struct ia_previous *previous, struct ia_vanished *vanished);
/* After all were loaded; false: out of memory. */
bool ia_catalog_index_vanished(struct ia_catalog *catalog);
/* Images that an earlier scan found through --allow stay watched: adds those that still exist, or do again. */
IA_MUST_CHECK enum ia_status ia_catalog_add_allowed(struct ia_catalog *catalog, struct ia_error *err);
/* absent.c: images that vanished with a mount. */
IA_MUST_CHECK enum ia_status ia_catalog_find_absent(struct ia_catalog *catalog, struct ia_error *err);

/* lost.c: images of an earlier scan that are none now, once it is known what is one. */
void ia_catalog_find_lost(struct ia_catalog *catalog);

/* names.c: what paths are, by the options. */
bool ia_catalog_is_below_a_root(const struct ia_catalog *catalog, const char *path);
bool ia_catalog_excludes(const struct ia_catalog *catalog, const char *path);
/* The suffix is one of --raw-suffix; is that of an image format other than raw. */
bool ia_catalog_has_raw_suffix(const struct ia_catalog *catalog, const char *path);
bool ia_name_claims_image(const char *path);
/* The same of any of the file's names. */
bool ia_catalog_any_raw_suffix(const struct ia_catalog *catalog, const struct ia_file *file);
bool ia_file_claims_image(const struct ia_file *file);
struct ia_format;
/* That of its names by which a file beside it describes it, and the format of what is described so; NULL: none does. */
const char *ia_file_described_name(const struct ia_file *file, const struct ia_format **format);
/* The name from which parts of what it was read to be are looked for. */
const char *ia_file_part_name(const struct ia_file *file);
/* The user named this very file as a root. */
bool ia_catalog_is_root(const struct ia_catalog *catalog, const struct ia_file *file);
/* Raw for want of a magic: by suffix, or because it is a root. */
bool ia_catalog_is_raw_by_name(const struct ia_catalog *catalog, const struct ia_file *file);

#endif
