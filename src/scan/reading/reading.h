/* SPDX-License-Identifier: MIT */
/* Having files read by workers, and keeping what comes back: extents go to the store at once, facts to the catalog. Who
 * has files open, and which blocks they share on the host. */
#ifndef IA_SCAN_READING_READING_H
#define IA_SCAN_READING_READING_H

#include "chain/resolve.h"
#include "model/lock.h"
#include "scan/catalog/catalog.h"
#include "scan/reading/account.h"
#include "scan/reading/pool.h"
#include "scan/reading/sharing.h"

/* One of the files of an image besides its main one, as parsed.facts.parts. */
struct ia_file_part {
    size_t file;                 /* number of a file; IA_NO_FILE: not found */
    char *path;                  /* owned; NULL: none */
    char *message;               /* owned; why it was not followed */
    enum ia_resolve_state state; /* as its name counts: AMBIGUOUS, or as it was found */
    enum ia_resolve_state found; /* FOLLOWED, MISSING, OUTSIDE; DENIED: any other reason */
};

/* What reading adds to a file. */
struct ia_read {
    bool parsed_now;
    bool written_since_walk; /* it was not, when it was read, as the walk saw it */
    bool unpacked_now;       /* images that are packed in it were looked for */
    bool looks_packed;       /* they were not: it begins as packed files do, and a short look found none */
    enum ia_image_lock lock;
    struct ia_sharing sharing; /* blocks in common with other files */
    struct ia_account account; /* of an image read in this scan */
    IA_VEC(struct ia_file_part) parts;
};
void ia_read_release(struct ia_read *read);
void ia_read_release_parts(struct ia_read *read);

struct ia_reading {
    struct ia_catalog *catalog;
    struct ia_writer *writer; /* borrowed */
    struct ia_limits limits;  /* of the options, and as far as descriptors go round */
    struct ia_parse_env env;
    struct ia_pool *pool;
    int64_t shared_runs; /* kept of all files */
    int64_t extents;     /* stored */
};

/* Starts the workers, with a sandbox in a process of their own: what is open by then may be open there. reading has
 * catalog, and stays where it is until ia_reading_stop. */
IA_MUST_CHECK enum ia_status ia_reading_start(struct ia_reading *reading, struct ia_error *err);
void ia_reading_stop(struct ia_reading *reading);

/* Reads all files that were not taken over from the store. */
IA_MUST_CHECK enum ia_status ia_reading_read_new(struct ia_reading *reading, struct ia_error *err);
/* After that: looks into files that are called after images, which may be packed in them. */
IA_MUST_CHECK enum ia_status ia_reading_read_former(struct ia_reading *reading, struct ia_error *err);
/* How a file is read by what is known of it alone, before others state anything of it. */
struct ia_parse_request ia_reading_request_for(const struct ia_catalog *catalog, const struct ia_file *file);
/* moved.c: the file's name leads to another one since it was seen, or nowhere: what was read is not of this one. */
bool ia_reading_has_moved(const struct ia_file *file, const struct ia_event *event);
enum ia_moved {
    IA_MOVED_NOT,            /* it cannot be opened by the name that it has */
    IA_MOVED_BACK,           /* its name leads to it again; it is unknown, and unreadable */
    IA_MOVED_TO_OTHER_NAMES, /* to be read by one of those that it has left */
    IA_MOVED_AWAY            /* it is gone, or another file has its inode, which is read later */
};
/* Looks where its names lead now. */
IA_MUST_CHECK enum ia_status ia_reading_find_moved(struct ia_catalog *catalog, const struct ia_event *event,
                                                   enum ia_moved *how, struct ia_error *err);

/* take.c: takes what a worker found of a file, unless its name leads to another one now. */
IA_MUST_CHECK enum ia_status ia_reading_take(struct ia_reading *reading, struct ia_event *event, struct ia_error *err);

/* Has one file read, and waits for all that were asked for. */
IA_MUST_CHECK enum ia_status ia_reading_submit(struct ia_reading *reading, size_t number,
                                               const struct ia_parse_request *how, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_reading_drain(struct ia_reading *reading, struct ia_error *err);
/* Drops the stored mappings of a file. */
IA_MUST_CHECK enum ia_status ia_reading_drop_mappings(struct ia_reading *reading, struct ia_file *file,
                                                      struct ia_error *err);

/* How locks and shared blocks of a file are looked at that was not read. */
enum ia_recheck {
    IA_RECHECK_NONE,
    IA_RECHECK_LISTED, /* by the kernel's list of locks, where the file system allows that; else opened */
    IA_RECHECK_OPENED
};
/* Looks at all files, `how` by number. */
IA_MUST_CHECK enum ia_status ia_reading_recheck(struct ia_reading *reading, const enum ia_recheck *how,
                                                struct ia_error *err);

#endif
