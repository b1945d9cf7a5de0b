/* SPDX-License-Identifier: MIT */
/* Running a scan from the command line, with its line of progress. */
#ifndef IA_CLI_SCAN_RUN_H
#define IA_CLI_SCAN_RUN_H

#include "base/status.h"
#include "scan/options.h"
#include "store/rows.h"

/* Scans with these options; workers 0 is the usual number of them. Sets the limits, and the progress where standard
 * error is a terminal. */
IA_MUST_CHECK enum ia_status ia_cli_scan(const struct ia_scan_options *options, struct ia_scan_row *row,
                                         struct ia_error *err);

#endif
