/* SPDX-License-Identifier: MIT */
/* Gathering findings. */
#include "scan/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ia_finding_kind ia_finding_kinds[IA_FINDING_COUNT] = {
    [IA_FINDING_UNREADABLE] = {"unreadable", "error", true, true},
    [IA_FINDING_UNREADABLE_DIRECTORY] = {"unreadable-directory", "error", true, true},
    [IA_FINDING_UNSUPPORTED] = {"unsupported-format", "warning", true, true},
    [IA_FINDING_CORRUPT] = {"corrupt", "error", true, true},
    [IA_FINDING_LIMIT] = {"limit", "error", true, true},
    [IA_FINDING_CHANGED_WHILE_READ] = {"changed-while-read", "warning", true, true},
    [IA_FINDING_TRUNCATED] = {"truncated", "error", true, true},
    [IA_FINDING_UNRECOGNISED] = {"unrecognised", "warning", true, true},
    [IA_FINDING_EMPTY] = {"empty-image", "warning", true, true},
    [IA_FINDING_NOT_REGULAR] = {"not-a-regular-file", "warning", true, false},
    [IA_FINDING_MARKED_CORRUPT] = {"marked-corrupt", "error", false, false},
    [IA_FINDING_OVERLAP] = {"clusters-overlap", "error", false, false},
    [IA_FINDING_DIRTY] = {"dirty", "warning", false, false},
    [IA_FINDING_ENCRYPTED] = {"encrypted", "info", false, false},
    [IA_FINDING_SNAPSHOT_UNREADABLE] = {"snapshot-unreadable", "error", true, false},
    [IA_FINDING_BACKING_MISSING] = {"backing-missing", "error", true, true},
    [IA_FINDING_BACKING_OUTSIDE] = {"backing-outside", "warning", true, true},
    [IA_FINDING_BACKING_UNREADABLE] = {"backing-unreadable", "error", true, true},
    [IA_FINDING_BACKING_REMOTE] = {"backing-remote", "info", false, false},
    [IA_FINDING_BACKING_UNSUPPORTED] = {"backing-unsupported", "warning", true, true},
    [IA_FINDING_BACKING_AMBIGUOUS] = {"backing-depends-on-directory", "warning", true, true},
    [IA_FINDING_BACKING_LOOP] = {"backing-loop", "error", true, false},
    [IA_FINDING_BACKING_FORMAT_GUESSED] = {"backing-format-guessed", "warning", false, false},
    [IA_FINDING_CHAIN_TOO_DEEP] = {"chain-too-deep", "error", true, true},
    [IA_FINDING_FORMAT_CONFLICT] = {"format-conflict", "warning", false, false},
    [IA_FINDING_DATA_FILE_MISSING] = {"data-file-missing", "error", true, false},
    [IA_FINDING_DATA_FILE_UNREADABLE] = {"data-file-unreadable", "error", true, true},
    [IA_FINDING_DATA_FILE_OUTSIDE] = {"data-file-outside", "warning", true, false},
    [IA_FINDING_DATA_FILE_AMBIGUOUS] = {"data-file-depends-on-directory", "info", false, false},
    [IA_FINDING_EXTENT_MISSING] = {"extent-missing", "error", true, false},
    [IA_FINDING_EXTENT_UNREADABLE] = {"extent-unreadable", "error", true, true},
    [IA_FINDING_EXTENT_OUTSIDE] = {"extent-outside", "warning", true, true},
    [IA_FINDING_PARENT_MISMATCH] = {"parent-mismatch", "error", false, true},
    [IA_FINDING_PARENT_SEVERAL] = {"parent-ambiguous", "error", true, true},
    [IA_FINDING_SYMLINK_OUTSIDE] = {"symlink-outside", "warning", true, true},
    [IA_FINDING_SYMLINK_DANGLING] = {"symlink-dangling", "info", false, false},
    [IA_FINDING_EXCLUDED] = {"excluded", "info", false, true},
    [IA_FINDING_MOUNT_MISSING] = {"mount-missing", "warning", true, true},
    [IA_FINDING_NOT_SCANNED] = {"no-longer-scanned", "warning", false, true},
};

void ia_findings_release(struct ia_findings *findings)
{
    for (size_t i = 0; i < findings->all.len; i++) {
        free(findings->all.items[i].path);
        free(findings->all.items[i].detail);
    }
    ia_vec_release(&findings->all);
}

static void add(struct ia_findings *findings, enum ia_finding_code code, bool hides, const char *path,
                const char *format, va_list args)
{
    struct ia_finding finding = {.code = code, .hides = hides, .path = strdup(path)};
    if (vasprintf(&finding.detail, format, args) < 0)
        finding.detail = NULL;
    if (finding.path != NULL && finding.detail != NULL && ia_vec_push(&findings->all, finding))
        return;
    free(finding.path);
    free(finding.detail);
    findings->failed = true;
}

void ia_findings_add(struct ia_findings *findings, enum ia_finding_code code, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(findings, code, ia_finding_kinds[code].hides, path, format, args);
    va_end(args);
}

void ia_findings_add_open(struct ia_findings *findings, enum ia_finding_code code, const char *path, const char *format,
                          ...)
{
    va_list args;
    va_start(args, format);
    add(findings, code, false, path, format, args);
    va_end(args);
}

int64_t ia_findings_incomplete(const struct ia_findings *findings)
{
    int64_t count = 0;
    for (size_t i = 0; i < findings->all.len; i++)
        count += ia_finding_kinds[findings->all.items[i].code].incomplete;
    return count;
}

bool ia_findings_hide(const struct ia_findings *findings)
{
    for (size_t i = 0; i < findings->all.len; i++)
        if (findings->all.items[i].hides)
            return true;
    return false;
}
