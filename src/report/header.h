/* SPDX-License-Identifier: MIT */
/* Reading the header of a report. Private to src/report. */
#ifndef IA_REPORT_HEADER_H
#define IA_REPORT_HEADER_H

#include "base/status.h"
#include "report/report.h"

/* Cuts report->header (a copy of the report's whole text) into report's strings and lists. *body is the offset of the
 * first line after the header. */
IA_MUST_CHECK enum ia_status ia_report_header_parse(struct ia_report *report, size_t *body, struct ia_error *err);

#endif
