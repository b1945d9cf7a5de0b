/* SPDX-License-Identifier: MIT */
/* What the subcommands that read the store share: opening it, writing an answer, exit codes. */
#ifndef IA_CLI_STORE_COMMAND_H
#define IA_CLI_STORE_COMMAND_H

#include "base/status.h"
#include "report/run.h"
#include "store/reader.h"

/* Opens the store named by --db, or the default one where db is NULL, in one state until it is closed. */
IA_MUST_CHECK enum ia_status ia_store_command_open(const char *db, struct ia_reader **reader, struct ia_error *err);

/* The renderer that --format names; NULL after a message, which is a usage error. */
const struct ia_renderer *ia_store_command_format(const char *command, const char *name);

/* --csv-safe goes with CSV alone; false after a message, which is a usage error. */
bool ia_store_command_csv_fits(const char *command, bool csv_safe, const struct ia_renderer *renderer);

/* Runs the report and writes to the file `path`, or to standard output where it is NULL. ^C ends it, where it is
 * caught (cli/interrupt.h): IA_INTERRUPTED. */
IA_MUST_CHECK enum ia_status ia_store_command_answer(struct ia_reader *reader, struct ia_report_request *request,
                                                     const char *path, struct ia_error *err);

/* The exit code for a result, after its message. */
int ia_store_command_exit(const char *command, enum ia_status status, const struct ia_error *err);

#endif
