/* SPDX-License-Identifier: MIT */
/* The subcommands. argv[0] is the subcommand's name; the result is the exit code. */
#ifndef IA_CLI_COMMANDS_H
#define IA_CLI_COMMANDS_H

int ia_cmd_scan(int argc, char **argv);
int ia_cmd_report(int argc, char **argv);
int ia_cmd_prove(int argc, char **argv);
int ia_cmd_accept(int argc, char **argv);
int ia_cmd_map(int argc, char **argv);
int ia_cmd_chain(int argc, char **argv);
int ia_cmd_sql(int argc, char **argv);
int ia_cmd_db(int argc, char **argv);

#endif
