/* SPDX-License-Identifier: MIT */
/* The codes of findings: stable, for scripts. The manual lists them. What a finding means for verdicts is stated here,
 * too. */
#ifndef IA_JUDGE_FINDING_KIND_H
#define IA_JUDGE_FINDING_KIND_H

#include <stdbool.h>

#include "judge/doubt.h"

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
    IA_FINDING_EMPTY_L2_TABLE,
    IA_FINDING_DIRTY,
    IA_FINDING_ENCRYPTED,
    IA_FINDING_SNAPSHOT_UNREADABLE,
    IA_FINDING_BACKING_MISSING,
    IA_FINDING_BACKING_OUTSIDE,
    IA_FINDING_BACKING_UNREADABLE,
    IA_FINDING_BACKING_REMOTE,
    IA_FINDING_SERVED_LOCALLY,
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
    IA_FINDING_PACKED_UNREADABLE,
    IA_FINDING_BACKING_EXCHANGED,
    IA_FINDING_BACKING_WRITTEN,
    IA_FINDING_PSEUDO,
    IA_FINDING_DIRECTORY_CHANGING,
    IA_FINDING_SOLE_HOST_UNUSED,
    IA_FINDING_IMAGE_LOST,
    IA_FINDING_INVENTORY_UNREADABLE,
    IA_FINDING_CLAIM_MISSING,
    IA_FINDING_CLAIM_OUTSIDE,
    IA_FINDING_CLAIM_UNSCANNED,
    IA_FINDING_POOL_NOT_SCANNED,
    IA_FINDING_DISK_IN_TWO_MACHINES,
    IA_FINDING_COUNT
};

struct ia_finding_kind {
    const char *code;
    const char *severity;     /* "info", "warning" or "error" */
    bool incomplete;          /* something could not be read: the scan's exit status is 3 */
    enum ia_doubt of_all;     /* something may be referenced that is not known: a doubt about every candidate */
    enum ia_doubt of_readers; /* what the image at the finding's path reads of those below it is not certain */
};

extern const struct ia_finding_kind ia_finding_kinds[IA_FINDING_COUNT];

/* A finding of this kind may be why there is such a doubt, about every candidate, about readers, or, where it is about
 * a name that was not followed, about a candidate that the name may mean. */
bool ia_finding_kind_raises(const struct ia_finding_kind *kind, enum ia_doubt doubt);

/* By its word; IA_FINDING_COUNT, or NULL, for one that is none of these. */
enum ia_finding_code ia_finding_by_code(const char *code);
const struct ia_finding_kind *ia_finding_kind_by_code(const char *code);

#endif
