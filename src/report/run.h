/* SPDX-License-Identifier: MIT */
/* Running a report on a store and rendering what it answers. */
#ifndef IA_REPORT_RUN_H
#define IA_REPORT_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"
#include "report/render.h"
#include "report/report.h"
#include "store/reader.h"

/* A value for a parameter of the statement. */
struct ia_argument {
    const char *name; /* ":image" */
    const char *text; /* NULL: left unbound, which is NULL in SQL */
    bool number;      /* text is decimal and goes in as an integer */
};

struct ia_report_request {
    const struct ia_report *report;
    const struct ia_argument *arguments;
    size_t argument_count;
    const char *columns; /* a list for ia_columns_select, NULL for all */
    const struct ia_renderer *renderer;
    struct ia_render_options options;
};

/* Writes to out and flushes it. On failure out may hold a part. Columns of the same name get the suffixes _2, _3... */
IA_MUST_CHECK enum ia_status ia_report_run(struct ia_reader *reader, const struct ia_report_request *request, FILE *out,
                                           struct ia_error *err);

#endif
