/* SPDX-License-Identifier: MIT */
/* Whether a file may be deleted on what the latest scan found: one file, one verdict, and its basis in words. */
#ifndef IA_REPORT_PROOF_H
#define IA_REPORT_PROOF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "store/reader.h"

enum ia_proof_of {
    IA_PROOF_OF_UNREFERENCED,
    IA_PROOF_OF_UNCLAIMED, /* or that: an image that no machine uses may go as well as a base that no image names */
};

/* Appends a line without its end: "proven: PATH: ..." or "unproven: PATH: ...", with bytes as they are. *proven: every
 * image of the latest scan that has the file at `name` as one of its files is unreferenced (or unclaimed), without a
 * doubt, and the file still is as that scan saw it. A file that is none of an image is not proven. */
IA_MUST_CHECK enum ia_status ia_proof_add(struct ia_reader *reader, const char *name, enum ia_proof_of of,
                                          struct ia_buf *line, bool *proven, struct ia_error *err);

#endif
