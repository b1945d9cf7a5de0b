/* SPDX-License-Identifier: MIT */
/* Where a report goes: a stream, or a file that appears as a whole or not at all. */
#ifndef IA_REPORT_OUTPUT_H
#define IA_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"

struct ia_output {
    FILE *file;
    bool standard; /* file is not ours to close */
    char *path;    /* of the file that is to be replaced; NULL when `file` is written directly */
    char *temp;    /* the file beside it that is written instead */
};

/* NULL and "-" are `standard`. A regular file is replaced when all is written, through a temporary file in its
 * directory; it keeps its permissions. Anything else (a device, a FIFO) is written directly. Release in any case. */
IA_MUST_CHECK enum ia_status ia_output_open(struct ia_output *output, const char *path, FILE *standard,
                                            struct ia_error *err);
/* Flushes and puts the file in its place. */
IA_MUST_CHECK enum ia_status ia_output_commit(struct ia_output *output, struct ia_error *err);
/* Without a commit before, removes the temporary file. */
void ia_output_release(struct ia_output *output);
#define IA_AUTO_OUTPUT __attribute__((cleanup(ia_output_release)))

#endif
