/* SPDX-License-Identifier: MIT */
/* What a verdict rests on: files with their names, images, what images name, findings. Plain data, filled by a scan
 * from what it saw, or from the store. Numbers are places in the arrays. All texts are borrowed and outlive the graph.
 */
#ifndef IA_JUDGE_GRAPH_H
#define IA_JUDGE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "judge/doubt.h"
#include "judge/finding_kind.h"
#include "model/lock.h"
#include "model/name_kind.h"
#include "model/resolve_state.h"

#define IA_GRAPH_NONE SIZE_MAX

/* A file system that files lie on. */
struct ia_graph_volume {
    const char *mount, *type; /* "": unknown */
    bool is_shared;           /* other hosts may use it: by its type, and the administrator does not rule it out */
    bool is_twin;             /* another one has the same identity */
};

/* A host file. */
struct ia_graph_file {
    int64_t mtime_ns;
    int64_t ctime_ns;
    int64_t birth_ns;         /* -1: not known */
    size_t volume;            /* place in graph.volumes */
    size_t first_name, names; /* places in graph.names; the names of a file lie together */
    bool is_part;             /* classed as a part of another image */
};

/* A path by which a file was seen, symbolic links included. */
struct ia_graph_name {
    const char *path;
};

struct ia_graph_image {
    const char *path;
    const char *format;
    const char *problem;      /* why it was not understood, one word; NULL: it was */
    size_t file;              /* its main one */
    size_t backing;           /* the backing image, as followed; IA_GRAPH_NONE: none, or not reachable */
    const char *backing_path; /* where its backing name leads, followed or not; NULL: it names none, or none is known */
    const char *backing_format; /* as it states it; NULL: it does not */
    int cross_linked;           /* 1: bytes of its files are used twice; 0: none are; -1: unknown */
    enum ia_image_lock lock;
    const char *identity; /* its own; NULL: it has none */
    const char *expects;  /* its parent's, which a write to that may change; NULL: it states none */
    bool is_nameless;     /* and it has no name of that, which is found by identity alone */
    bool format_stated;   /* its format is what an overlay states, whatever its content looks like */
    bool is_template;     /* to be kept whole */
    bool is_hidden;       /* it is marked as what others are based on */
    bool is_claimed;      /* a machine uses it */
    bool is_disk;         /* as its disk */
    bool has_snapshots;   /* internal ones */
    bool can_be_empty;    /* qemu-img commit empties it: it is written to then. Of a stored graph */
    bool is_gone;         /* deleted by an edit: it and its files are no more */
    bool unsettled;       /* it changed while the scan ran */
    bool lost_overlay;    /* by an edit that is not settled yet, one names it no more */
    /* Of the forest; accounted is false where it is not known. */
    bool accounted;
    int64_t visible_present, masked_bytes;
    /* What the latest scan that saw it named as a backing file left: its number (0: none did), an image that named it
     * then, and when its files had last been written to (-1: after all that named it). */
    int64_t named_scan;
    const char *named_by;
    const char *named_path; /* its own path then */
    int64_t named_mtime_ns;
    bool named_uncertain;    /* what was seen named may have been another file, which had the inode before */
    bool is_below;           /* an inventory has it below a disk of a machine */
    bool parent_differs;     /* its backing file is not the one that it was made on, by their identities */
    bool link_is_newer;      /* a symbolic link in the way of its backing name was made, turned or removed after it was
                              * made */
    bool past_base_is_known; /* what the scan before it had at its backing name, of one that a scan first saw misled */
    size_t past_base;        /* that file, or what a link of that last component led to; IA_GRAPH_NONE: none */
    size_t base_before; /* file that its backing name, the same as now, led to when it was first seen; IA_GRAPH_NONE */
    int64_t base_lost_ns; /* when the last scan ended that had such a file, which is no more; 0: it is there, or unknown
                           */
    int64_t seen_since_ns; /* all scans since then saw this very file; 0: not known */
    int64_t path_since_ns; /* all scans since then saw it by its path, and by no other hard link; 0: not known */
    /* What the scan before, or of a stored graph that scan, called it, and since when: its number, when it began. */
    enum ia_candidate was;
    int64_t was_scan, was_since_ns;
    bool was_meant;       /* some name might mean it then */
    int64_t was_clear_ns; /* when the first scan began in which none did any more; 0: none did, or one does */
};

enum ia_graph_state {
    IA_GRAPH_FOLLOWED,
    IA_GRAPH_MISSING,
    IA_GRAPH_AMBIGUOUS, /* it depends on a working directory */
    IA_GRAPH_REMOTE,
    IA_GRAPH_EARLIER, /* of packed images: the name led there in an earlier scan */
    IA_GRAPH_OTHER,   /* outside, denied, unsupported... */
};
enum ia_graph_state ia_graph_state_of(enum ia_resolve_state state);

/* Somebody has a file open, or uses it otherwise. */
struct ia_graph_holder {
    size_t file; /* IA_GRAPH_NONE: of every file it could not be found out */
    const char *subject;
};

/* One name that an image holds of another file. */
struct ia_graph_reference {
    size_t image;
    enum ia_name_kind kind; /* the first six; of a remote name, NESTED is what is asked for there */
    enum ia_graph_state state;
    const char *name; /* as in the image */
    const char *path; /* where it leads, "" when that is not a path */
    size_t target;    /* file, IA_GRAPH_NONE: not one that is known */
};

/* One more file that an image is made of. */
struct ia_graph_part {
    size_t image;
    size_t file; /* IA_GRAPH_NONE: not identified */
    const char *path;
};

/* What a packed image was made on, where nothing is known of that: what its name led to instead when it was seen first,
 * at `path`, is another file, or none. */
enum ia_graph_unknown { /* the numbers are those of the store */
                        IA_GRAPH_UNKNOWN_NOT = 0,
                        IA_GRAPH_UNKNOWN_NEWER = -1,  /* it is newer than what is packed */
                        IA_GRAPH_UNKNOWN_LINKED = -2, /* a symbolic link that led to it is */
                        IA_GRAPH_UNKNOWN_LOST = -3,   /* there is none, and `path` is "" */
};

/* One name that an image holds of another file, and that is packed itself. */
struct ia_graph_packed {
    const char *archive; /* path of the file that it is packed in */
    const char *member;  /* "": the file is compressed, and no archive */
    enum ia_graph_state state;
    const char *name;              /* as in the image */
    const char *path;              /* where it leads, "" when that is not a path */
    size_t target;                 /* file, IA_GRAPH_NONE: not one that is known */
    bool is_base;                  /* the packed image may have been made on it, whatever it is called */
    enum ia_graph_unknown unknown; /* target is IA_GRAPH_NONE then */
    const char *stated;            /* format that it states of the file; NULL: none */
    int64_t written_ns;            /* when the archive was last written to */
    int64_t made_ns;               /* and when it was made, as ia_graph_made_ns */
};

/* A name that an image had in an earlier scan. */
struct ia_graph_former {
    size_t image;
    const char *path;
    int64_t since_ns, until_ns; /* scans found it by this path alone from then until then; 0: not known */
};

/* A name that the image has now, and that an image had which named it as its backing file in an earlier scan. */
struct ia_graph_overlay_name {
    size_t image;
    const char *path;
};

/* An inventory of machines that was read. */
struct ia_graph_inventory {
    const char *place;
    bool is_of_host;     /* else it has the machines of the directory of `place`, and of what is below that */
    const char *formats; /* then of images of these formats in that very directory; with commas; NULL: of all */
};

/* What a machine uses: what was not found, directories of which it sees all, and, of those that were found, what has a
 * backing file. */
struct ia_graph_claim {
    const char *path;    /* as the inventory has it; of a directory the canonical one */
    const char *machine; /* its name */
    const char *format;  /* as stated; NULL: it is not */
    size_t image;        /* that it leads to; IA_GRAPH_NONE: none */
    bool was_found;      /* in an earlier scan */
    size_t before;       /* file that the path led to then; IA_GRAPH_NONE: it is gone */
    size_t base;         /* file that this was based on; IA_GRAPH_NONE: none, it is gone, or unknown */
    bool is_directory;
    bool is_medium;     /* a CD, a floppy disk, firmware: no file of the machine's own */
    int64_t defined_ns; /* when the inventory's file was written to; 0: unknown */
};

/* A file that the backing name of an image, the same as now, led to in an earlier scan, besides base_before. */
struct ia_graph_former_base {
    size_t image, file;
};

/* The backing name of an image leads nowhere or to another file, and led to one that is no more and was based on this.
 */
struct ia_graph_lost_base {
    size_t image, file;
};

/* A finding of the latest scan that a verdict may rest on. */
struct ia_graph_finding {
    const char *path;
    enum ia_finding_code code;
    enum ia_doubt of_all;     /* the doubt that it raises about every candidate; IA_DOUBT_NONE: none */
    enum ia_doubt of_readers; /* the doubt about what the image at this path could read; IA_DOUBT_NONE: none */
    size_t image;             /* it is no more when this image is gone; IA_GRAPH_NONE: it stays */
    int64_t accepted_by;      /* number of the acceptance: it raises no doubt then; 0: none */
};

struct ia_graph {
    IA_VEC(struct ia_graph_volume) volumes;
    IA_VEC(struct ia_graph_file) files;
    IA_VEC(struct ia_graph_name) names;
    IA_VEC(struct ia_graph_image) images;
    IA_VEC(struct ia_graph_reference) references;
    IA_VEC(struct ia_graph_part) parts;
    IA_VEC(struct ia_graph_packed) packed; /* those of one name together */
    IA_VEC(struct ia_graph_former) former;
    IA_VEC(struct ia_graph_overlay_name) overlay_names;
    IA_VEC(struct ia_graph_former_base) former_bases;
    IA_VEC(struct ia_graph_lost_base) lost_bases;
    IA_VEC(struct ia_graph_holder) holders;
    IA_VEC(struct ia_graph_finding) findings;
    IA_VEC(struct ia_graph_inventory) inventories;
    IA_VEC(struct ia_graph_claim) claims;
    IA_VEC(const char *) backing_globs;
    bool is_vouched;             /* the administrator answers for machines: no inventory is needed */
    IA_VEC(const char *) walked; /* directories: all that is below them was seen */
    int64_t began_ns, now_ns;    /* when the scan began, and when it is judged */
    int64_t min_age_ns;          /* what has been so for less is too recent; 0: nothing is */
};

void ia_graph_release(struct ia_graph *graph);

void ia_graph_set_min_age(struct ia_graph *graph, int64_t seconds);

/* When the file was made, as far as can be known: a copy that keeps the time of the last write is as old as that. -1:
 * not known. */
int64_t ia_graph_made_ns(const struct ia_graph_file *file);

/* When any of the image's files was last written to: a VMDK's writes go to its extents. */
int64_t ia_graph_newest_change(const struct ia_graph *graph, size_t number);

/* graph_delete.c and graph_edit.c: edits, as a deed would leave the graph that the next scan sees. What the forest
 * accounts for is set anew by the caller. */

/* The image is deleted with its main file; what else names it loses it. false: out of memory. */
bool ia_graph_delete(struct ia_graph *graph, size_t number);
/* The image's main file loses this name of several; what names it by that loses it. false: out of memory. */
bool ia_graph_drop_name(struct ia_graph *graph, size_t number, const char *path);
/* The image gets no backing file any more (qemu-img rebase -b ''); it was written to. false: out of memory. */
bool ia_graph_flatten(struct ia_graph *graph, size_t number);
/* The image was committed into (qemu-img commit): it was written to, and its overlays may not be its own any more.
 * false: out of memory. */
bool ia_graph_commit_into(struct ia_graph *graph, size_t number);
/* graph_settle.c. To be called after such edits, for what the next scan finds anew. Where one names an image no more,
 * the format of that is what others state, or else what its content looks like, and so it may be found to name others.
 * Of what is still named it keeps when that was written to, against the overlays that are left. false: out of memory.
 */
bool ia_graph_settle(struct ia_graph *graph);
/* The image's files were written to: they are newer than all that named it, and destroyed as other images. false: out
 * of memory. */
bool ia_graph_write(struct ia_graph *graph, size_t number);

#endif
