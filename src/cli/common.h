/* SPDX-License-Identifier: MIT */
/* What the subcommands share: exit codes, messages, the default store, sizes on the command line. */
#ifndef IA_CLI_COMMON_H
#define IA_CLI_COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/status.h"
#include "chain/chain.h"

enum ia_exit {
    IA_EXIT_DONE = 0,
    IA_EXIT_FAILED = 1, /* nothing recorded */
    IA_EXIT_USAGE = 2,
    IA_EXIT_INCOMPLETE = 3, /* done, but something could not be read: see the findings */
    IA_EXIT_FINDINGS = 4,   /* --fail-on: findings reach the severity */
    IA_EXIT_NOT_PROVEN = 5, /* prove: a file is not */
};

/* "imgaudit: ..." on stderr, control characters of names made visible. */
IA_PRINTF(1, 2) void ia_cli_error(const char *format, ...);

/* Warns on stderr where in a chain a parent is not the one that its child was made on. */
void ia_cli_warn_of_parents(const struct ia_chain *chain);

/* The same and a hint to --help; returns IA_EXIT_USAGE. */
IA_PRINTF(2, 3) int ia_cli_usage(const char *command, const char *format, ...);

/* $IMGAUDIT_DB, else the system's store for root, else the user's. out holds the text; NULL: there is none, or out has
 * failed. */
const char *ia_cli_default_db(struct ia_buf *out);

/* Adds --confine's directory. -1: go on; else the exit code, after a message. */
int ia_cli_add_confine(struct ia_confine *confine, const char *dir);

/* Everything written to `out` arrived; false, after a message, where not. */
bool ia_cli_flush(FILE *out);

#endif
