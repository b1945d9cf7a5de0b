/* SPDX-License-Identifier: MIT */
/* Gathering findings. */
#include "scan/catalog/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ia_findings_release(struct ia_findings *findings)
{
    for (size_t i = 0; i < findings->all.len; i++) {
        free(findings->all.items[i].path);
        free(findings->all.items[i].detail);
    }
    ia_vec_release(&findings->all);
}

static void add(struct ia_findings *findings, enum ia_finding_code code, enum ia_doubt of_all, const char *path,
                const char *format, va_list args)
{
    struct ia_finding finding = {.code = code, .of_all = of_all, .path = strdup(path)};
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
    add(findings, code, ia_finding_kinds[code].of_all, path, format, args);
    va_end(args);
}

void ia_findings_add_open(struct ia_findings *findings, enum ia_finding_code code, const char *path, const char *format,
                          ...)
{
    va_list args;
    va_start(args, format);
    add(findings, code, IA_DOUBT_NONE, path, format, args);
    va_end(args);
}

bool ia_findings_have(const struct ia_findings *findings, enum ia_finding_code code, const char *path)
{
    for (size_t i = 0; i < findings->all.len; i++)
        if (findings->all.items[i].code == code && strcmp(findings->all.items[i].path, path) == 0)
            return true;
    return false;
}

int64_t ia_findings_incomplete(const struct ia_findings *findings)
{
    int64_t count = 0;
    for (size_t i = 0; i < findings->all.len; i++)
        count += findings->all.items[i].accepted_by == 0 && ia_finding_kinds[findings->all.items[i].code].incomplete;
    return count;
}
