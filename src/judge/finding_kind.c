/* SPDX-License-Identifier: MIT */
/* The table of findings. */
#include "judge/finding_kind.h"

#include <string.h>

const struct ia_finding_kind ia_finding_kinds[IA_FINDING_COUNT] = {
    [IA_FINDING_UNREADABLE] = {"unreadable", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_UNREADABLE_DIRECTORY] = {"unreadable-directory", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_UNSUPPORTED] = {"unsupported-format", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_CORRUPT] = {"corrupt", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_LIMIT] = {"limit", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_CHANGED_WHILE_READ] = {"changed-while-read", "warning", true, IA_DOUBT_CHANGED_DURING_SCAN,
                                       IA_DOUBT_NONE},
    [IA_FINDING_TRUNCATED] = {"truncated", "error", true, IA_DOUBT_NONE, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_UNRECOGNISED] = {"unrecognised", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_EMPTY] = {"empty-image", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_NOT_REGULAR] = {"not-a-regular-file", "warning", true, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_MARKED_CORRUPT] = {"marked-corrupt", "error", false, IA_DOUBT_NONE, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_OVERLAP] = {"clusters-overlap", "error", false, IA_DOUBT_NONE, IA_DOUBT_CROSS_LINKED},
    [IA_FINDING_EMPTY_L2_TABLE] = {"empty-l2-table", "warning", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_DIRTY] = {"dirty", "warning", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_ENCRYPTED] = {"encrypted", "info", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_SNAPSHOT_UNREADABLE] = {"snapshot-unreadable", "error", true, IA_DOUBT_NONE, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_BACKING_MISSING] = {"backing-missing", "error", true, IA_DOUBT_NONE, IA_DOUBT_CHAIN_BROKEN},
    [IA_FINDING_BACKING_OUTSIDE] = {"backing-outside", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_BACKING_UNREADABLE] = {"backing-unreadable", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_CHAIN_BROKEN},
    [IA_FINDING_BACKING_REMOTE] = {"backing-remote", "info", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_SERVED_LOCALLY] = {"served-locally", "warning", false, IA_DOUBT_LOCAL_SERVICE, IA_DOUBT_NONE},
    [IA_FINDING_BACKING_UNSUPPORTED] = {"backing-unsupported", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_BACKING_AMBIGUOUS] = {"backing-depends-on-directory", "warning", true, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_BACKING_LOOP] = {"backing-loop", "error", true, IA_DOUBT_NONE, IA_DOUBT_CHAIN_BROKEN},
    [IA_FINDING_BACKING_FORMAT_GUESSED] = {"backing-format-guessed", "warning", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_CHAIN_TOO_DEEP] = {"chain-too-deep", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_CHAIN_BROKEN},
    [IA_FINDING_FORMAT_CONFLICT] = {"format-conflict", "warning", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_DATA_FILE_MISSING] = {"data-file-missing", "error", true, IA_DOUBT_NONE, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_DATA_FILE_UNREADABLE] = {"data-file-unreadable", "error", true, IA_DOUBT_UNREAD,
                                         IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_DATA_FILE_OUTSIDE] = {"data-file-outside", "warning", true, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_DATA_FILE_AMBIGUOUS] = {"data-file-depends-on-directory", "info", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_EXTENT_MISSING] = {"extent-missing", "error", true, IA_DOUBT_NONE, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_EXTENT_UNREADABLE] = {"extent-unreadable", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_NOT_UNDERSTOOD},
    [IA_FINDING_EXTENT_OUTSIDE] = {"extent-outside", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_PARENT_MISMATCH] = {"parent-mismatch", "error", false, IA_DOUBT_NONE, IA_DOUBT_CHAIN_BROKEN},
    [IA_FINDING_PARENT_SEVERAL] = {"parent-ambiguous", "error", true, IA_DOUBT_NONE, IA_DOUBT_CHAIN_BROKEN},
    [IA_FINDING_SYMLINK_OUTSIDE] = {"symlink-outside", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_SYMLINK_DANGLING] = {"symlink-dangling", "info", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_EXCLUDED] = {"excluded", "info", false, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_MOUNT_MISSING] = {"mount-missing", "warning", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_NOT_SCANNED] = {"no-longer-scanned", "warning", false, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_PACKED_UNREADABLE] = {"packed-unreadable", "warning", true, IA_DOUBT_PACKED_REFERENCE, IA_DOUBT_NONE},
    [IA_FINDING_BACKING_EXCHANGED] = {"backing-exchanged", "error", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_BACKING_WRITTEN] = {"backing-written", "error", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_PSEUDO] = {"pseudo-file-system", "info", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_DIRECTORY_CHANGING] = {"directory-changing", "warning", true, IA_DOUBT_CHANGED_DURING_SCAN,
                                       IA_DOUBT_NONE},
    [IA_FINDING_SOLE_HOST_UNUSED] = {"sole-host-unused", "warning", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_IMAGE_LOST] = {"image-lost", "error", true, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_INVENTORY_UNREADABLE] = {"inventory-unreadable", "error", true, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_CLAIM_MISSING] = {"claim-missing", "warning", false, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_CLAIM_OUTSIDE] = {"claim-outside", "warning", false, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_CLAIM_UNSCANNED] = {"claim-unscanned", "warning", false, IA_DOUBT_UNREAD, IA_DOUBT_NONE},
    [IA_FINDING_POOL_NOT_SCANNED] = {"pool-not-scanned", "warning", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
    [IA_FINDING_DISK_IN_TWO_MACHINES] = {"disk-in-two-machines", "error", false, IA_DOUBT_NONE, IA_DOUBT_NONE},
};

/* A name was not followed, or may lead elsewhere too: the judge finds what it may mean by the reference. */
static bool is_about_a_name(const struct ia_finding_kind *kind)
{
    static const enum ia_finding_code codes[] = {
        IA_FINDING_BACKING_MISSING,      IA_FINDING_BACKING_OUTSIDE,   IA_FINDING_BACKING_UNREADABLE,
        IA_FINDING_BACKING_UNSUPPORTED,  IA_FINDING_BACKING_AMBIGUOUS, IA_FINDING_DATA_FILE_MISSING,
        IA_FINDING_DATA_FILE_UNREADABLE, IA_FINDING_DATA_FILE_OUTSIDE, IA_FINDING_DATA_FILE_AMBIGUOUS,
        IA_FINDING_EXTENT_MISSING,       IA_FINDING_EXTENT_UNREADABLE, IA_FINDING_EXTENT_OUTSIDE,
        IA_FINDING_BACKING_EXCHANGED,    IA_FINDING_PARENT_SEVERAL,    IA_FINDING_PARENT_MISMATCH,
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (kind == &ia_finding_kinds[codes[i]])
            return true;
    return false;
}

bool ia_finding_kind_raises(const struct ia_finding_kind *kind, enum ia_doubt doubt)
{
    if (doubt == IA_DOUBT_EXCHANGED && kind == &ia_finding_kinds[IA_FINDING_BACKING_EXCHANGED])
        return true;
    if (doubt == IA_DOUBT_INVENTORY_INCOMPLETE && (kind == &ia_finding_kinds[IA_FINDING_INVENTORY_UNREADABLE] ||
                                                   kind == &ia_finding_kinds[IA_FINDING_CLAIM_MISSING]))
        return true;
    return doubt != IA_DOUBT_NONE && (kind->of_all == doubt || kind->of_readers == doubt ||
                                      (doubt == IA_DOUBT_BROKEN_REFERENCE && is_about_a_name(kind)));
}

enum ia_finding_code ia_finding_by_code(const char *code)
{
    enum ia_finding_code number = IA_FINDING_UNREADABLE;
    while (number < IA_FINDING_COUNT && strcmp(ia_finding_kinds[number].code, code) != 0)
        number++;
    return number;
}

const struct ia_finding_kind *ia_finding_kind_by_code(const char *code)
{
    enum ia_finding_code number = ia_finding_by_code(code);
    return number == IA_FINDING_COUNT ? NULL : &ia_finding_kinds[number];
}
