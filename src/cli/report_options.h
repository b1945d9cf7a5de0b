/* SPDX-License-Identifier: MIT */
/* The options of imgaudit report. */
#ifndef IA_CLI_REPORT_OPTIONS_H
#define IA_CLI_REPORT_OPTIONS_H

#include <stdbool.h>

#include "base/vec.h"
#include "cli/when.h"
#include "what_if/what_if.h"

/* Texts are those of the command line. */
struct ia_report_options {
    const char *db;
    const char *format;
    const char *output;
    const char *columns;
    const char *name; /* of an embedded report; NULL: none was chosen */
    const char *file; /* a report in a file */
    const char *image;
    const char *machine;
    struct ia_when since;
    bool has_since;
    const char *fail_on;
    bool bytes;
    bool csv_safe;
    bool asks_what_if;
    enum ia_what_if_action what_if;
    IA_VEC(const char *) set; /* the images of a what-if */
};

/* Fills options, whose defaults are set; also does what --list and --help ask for. -1: go on; else the exit code. The
 * caller releases the set, whatever is returned. */
int ia_report_options_parse(struct ia_report_options *options, int argc, char **argv);

#endif
