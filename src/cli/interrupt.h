/* SPDX-License-Identifier: MIT */
/* What signals do. */
#ifndef IA_CLI_INTERRUPT_H
#define IA_CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT, SIGTERM and SIGHUP end the program at once, with a line and 128 more than their number; not
 * where they are ignored, as after nohup. The store is as it was: SQLite leaves out what was not committed. */
void ia_cli_end_at_signals(void);

/* While the store is asked, SIGINT ends a query, and the program half a second later where it is busy otherwise; what
 * was written beside an output file goes, and a line shows it. Not where SIGINT is ignored. */
void ia_cli_catch_interrupt(void);

/* There was one. For ia_reader_stop_when. */
bool ia_cli_is_interrupted(void *ctx);

/* The exit code after it, after a line. */
int ia_cli_exit_interrupted(void);

#endif
