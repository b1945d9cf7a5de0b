/* SPDX-License-Identifier: MIT */
/* ^C while the store is asked: a query ends, what was written beside an output file goes, and a line says so. */
#ifndef IA_CLI_INTERRUPT_H
#define IA_CLI_INTERRUPT_H

#include <stdbool.h>

/* From here on SIGINT ends a query, and the program half a second later where it is busy otherwise. Not where SIGINT is
 * ignored, as after nohup. */
void ia_cli_catch_interrupt(void);

/* There was one. For ia_reader_stop_when. */
bool ia_cli_is_interrupted(void *ctx);

/* The exit code after it, after a line. */
int ia_cli_exit_interrupted(void);

#endif
