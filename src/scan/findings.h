/* SPDX-License-Identifier: MIT */
/* The codes of findings: stable, for scripts. The manual lists them. */
#ifndef IA_SCAN_FINDINGS_H
#define IA_SCAN_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"

enum ia_finding_code {
    IA_FINDING_UNREADABLE,
    IA_FINDING_UNREADABLE_DIRECTORY,
    IA_FINDING_UNSUPPORTED,
    IA_FINDING_CORRUPT,
    IA_FINDING_LIMIT,
    IA_FINDING_CHANGED_WHILE_READ,
    IA_FINDING_TRUNCATED,
    IA_FINDING_UNRECOGNISED,
    IA_FINDING_EMPTY,
    IA_FINDING_NOT_REGULAR,
    IA_FINDING_MARKED_CORRUPT,
    IA_FINDING_OVERLAP,
    IA_FINDING_DIRTY,
    IA_FINDING_ENCRYPTED,
    IA_FINDING_SNAPSHOT_UNREADABLE,
    IA_FINDING_BACKING_MISSING,
    IA_FINDING_BACKING_OUTSIDE,
    IA_FINDING_BACKING_UNREADABLE,
    IA_FINDING_BACKING_REMOTE,
    IA_FINDING_BACKING_UNSUPPORTED,
    IA_FINDING_BACKING_AMBIGUOUS,
    IA_FINDING_BACKING_LOOP,
    IA_FINDING_BACKING_FORMAT_GUESSED,
    IA_FINDING_CHAIN_TOO_DEEP,
    IA_FINDING_FORMAT_CONFLICT,
    IA_FINDING_DATA_FILE_MISSING,
    IA_FINDING_DATA_FILE_UNREADABLE,
    IA_FINDING_DATA_FILE_OUTSIDE,
    IA_FINDING_DATA_FILE_AMBIGUOUS,
    IA_FINDING_EXTENT_MISSING,
    IA_FINDING_EXTENT_UNREADABLE,
    IA_FINDING_EXTENT_OUTSIDE,
    IA_FINDING_PARENT_MISMATCH,
    IA_FINDING_PARENT_SEVERAL,
    IA_FINDING_SYMLINK_OUTSIDE,
    IA_FINDING_SYMLINK_DANGLING,
    IA_FINDING_EXCLUDED,
    IA_FINDING_MOUNT_MISSING,
    IA_FINDING_NOT_SCANNED,
    IA_FINDING_COUNT
};

struct ia_finding_kind {
    const char *code;
    const char *severity;
    bool incomplete; /* something could not be read: the scan's exit status is 3 */
    bool hides;      /* something may be referenced that we do not know: nothing is proven unused */
};

extern const struct ia_finding_kind ia_finding_kinds[IA_FINDING_COUNT];

struct ia_finding {
    enum ia_finding_code code;
    bool hides;   /* of this one: a kind that hides may be known not to in a case */
    char *path;   /* owned */
    char *detail; /* owned */
};

struct ia_findings {
    IA_VEC(struct ia_finding) all;
    bool failed; /* an addition ran out of memory */
};

void ia_findings_release(struct ia_findings *findings);
IA_PRINTF(4, 5)
void ia_findings_add(struct ia_findings *findings, enum ia_finding_code code, const char *path, const char *format,
                     ...);
/* The same for a case in which nothing can be hidden. */
IA_PRINTF(4, 5)
void ia_findings_add_open(struct ia_findings *findings, enum ia_finding_code code, const char *path, const char *format,
                          ...);

/* How many findings there are of things that could not be read; whether one hides references. */
int64_t ia_findings_incomplete(const struct ia_findings *findings);
bool ia_findings_hide(const struct ia_findings *findings);

#endif
