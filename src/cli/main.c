/* SPDX-License-Identifier: MIT */
/* imgaudit: picks the subcommand. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupt.h"

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
    bool writes; /* the store: it goes on when nobody reads its output any more */
} commands[] = {
    {"scan", ia_cmd_scan, "read directories of disk images into the store", true},
    {"report", ia_cmd_report, "answer from the store: summary, unused backing files, sharing...", false},
    {"prove", ia_cmd_prove, "scan again, and answer whether files may be deleted", true},
    {"accept", ia_cmd_accept, "accept findings, so that they block no verdict", true},
    {"map", ia_cmd_map, "print the map of one image, as 'qemu-img map' does", false},
    {"chain", ia_cmd_chain, "draw the tree of an image", false},
    {"sql", ia_cmd_sql, "run a query of your own on the store, read-only", false},
    {"db", ia_cmd_db, "look after the store: check, migrate, prune, templates, backup", true},
};

static void print_help(FILE *out)
{
    fputs("Usage: imgaudit COMMAND [ARGUMENT]...\n"
          "Audit disk images: what they share, what nothing uses, where the space goes.\n\n",
          out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("\nFor details see 'imgaudit COMMAND --help' and the manual, imgaudit(1).\n", out);
}

/* A chain hundreds deep needs a descriptor for each image. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* What is opened later has none of their numbers, where they were closed by who started us: a directory of images in
 * the place of the output would be written to. To read or write them fails as before. */
static void keep_standard_descriptors(void)
{
    int fd;
    do /* ends: each takes the lowest number that is free */
        fd = open("/dev/null", O_PATH | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    keep_standard_descriptors();
    if (argc < 2) {
        print_help(stderr);
        return IA_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("imgaudit " IA_VERSION);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    }
    setlocale(LC_CTYPE, ""); /* tables and trees are drawn in the terminal's characters */
    ia_cli_end_at_signals();
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is a failed write, with a message */
    raise_descriptor_limit();
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        if (commands[i].writes)
            signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, with a message */
        return commands[i].run(argc - 1, argv + 1);
    }
    ia_cli_error("no command '%s'", argv[1]);
    print_help(stderr);
    return IA_EXIT_USAGE;
}
