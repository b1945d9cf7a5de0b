/* SPDX-License-Identifier: MIT */
/* A report: one SQL statement with a header of comments that describes its columns. Embedded from reports/, or a
 * user's own file. The header is the comment lines before the statement; a line that is none of these is a plain
 * comment:
 *   -- title: WORDS                        one line for a list of reports
 *   -- about: WORDS                        meaning, source, caveats; may be repeated
 *   -- column: NAME | TYPE | MEANING       TYPE: bytes count text path ratio flag time, any (as each value is), unit
 *                                          (each row's is in its column `unit`), or advice (see report/advice.h)
 *   -- parameter: :NAME | MEANING
 *   -- include: REPORT                     the embedded report REPORT, which includes nothing itself, can be read as a
 * table of that name with _ for - */
#ifndef IA_REPORT_REPORT_H
#define IA_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/vec.h"
#include "report/column.h"

struct ia_parameter {
    const char *name; /* ":image" */
    const char *meaning;
};

struct ia_report {
    char *name;
    char *header;      /* the text that the strings below are pieces of */
    const char *title; /* "" when there is none */
    IA_VEC(const char *) about;
    IA_VEC(struct ia_column) columns;
    IA_VEC(struct ia_parameter) parameters;
    IA_VEC(const char *) includes;
    char *sql; /* ready to be prepared */
};

/* Each fills *report, which is to be released in any case. IA_USAGE for a header that makes no sense, with its line. */
IA_MUST_CHECK enum ia_status ia_report_parse(const char *name, const char *text, struct ia_report *report,
                                             struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_report_embedded(const char *name, struct ia_report *report, struct ia_error *err);
/* Named after the file, without folder and suffix. */
IA_MUST_CHECK enum ia_status ia_report_load(const char *path, struct ia_report *report, struct ia_error *err);
void ia_report_release(struct ia_report *report);
#define IA_AUTO_REPORT __attribute__((cleanup(ia_report_release)))

/* The names of the embedded reports, in order; NULL past the last. */
const char *ia_report_embedded_name(size_t index);

bool ia_report_has_parameter(const struct ia_report *report, const char *name);

/* The header's entry of a column; NULL when it has none. */
const struct ia_column *ia_report_column(const struct ia_report *report, const char *name);

#endif
