/* SPDX-License-Identifier: MIT */
/* --sandbox, and the sandbox of commands that read images and write to their output alone. */
#ifndef IA_CLI_SANDBOX_OPTION_H
#define IA_CLI_SANDBOX_OPTION_H

#include "chain/confine.h"
#include "sandbox/sandbox.h"

/* -1: go on; else the exit code, after a message. */
int ia_cli_parse_sandbox(const char *command, const char *word, enum ia_sandbox_mode *out);

/* A line about what the sandbox lacks. */
void ia_cli_note_sandbox(const char *what);

/* From now on files are read below the confinement (NULL: everywhere), and none is written. -1: go on; else the exit
 * code, after a message. */
int ia_cli_enter_sandbox(enum ia_sandbox_mode mode, const struct ia_confine *confine);

#endif
