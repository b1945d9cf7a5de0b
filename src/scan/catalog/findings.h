/* SPDX-License-Identifier: MIT */
/* Gathering what an administrator should know. */
#ifndef IA_SCAN_CATALOG_FINDINGS_H
#define IA_SCAN_CATALOG_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/vec.h"
#include "judge/finding_kind.h"

struct ia_finding {
    enum ia_finding_code code;
    enum ia_doubt of_all; /* of this one: a kind that hides something may be known not to in a case */
    char *path;           /* owned */
    char *detail;         /* owned */
    int64_t accepted_by;  /* set when it is published; 0: nobody accepted it */
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

/* There is one of this code about the path. Looks at all of them. */
bool ia_findings_have(const struct ia_findings *findings, enum ia_finding_code code, const char *path);

/* How many findings there are of things that could not be read, without those that were accepted. */
int64_t ia_findings_incomplete(const struct ia_findings *findings);

#endif
