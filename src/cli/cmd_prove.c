/* SPDX-License-Identifier: MIT */
/* imgaudit prove: scans again as the latest scan did, and answers whether files may be deleted now. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/sandbox_option.h"
#include "cli/scan_run.h"
#include "cli/store_command.h"
#include "report/proof.h"
#include "report/render.h"
#include "report/text.h"
#include "scan/scan.h"
#include "scan/stored_options.h"

static const char help[] =
    "Usage: imgaudit prove [OPTION]... FILE...\n"
    "Scan again with the options of the latest scan, and print for each FILE whether it may be deleted:\n"
    "whether the image that it belongs to is unreferenced, and proven so. To be used as\n"
    "'imgaudit prove FILE && rm -- FILE'. See imgaudit-before-you-delete(7).\n\n"
    "      --db FILE    the store ($IMGAUDIT_DB)\n"
    "      --unclaimed  prove as well what no machine of an inventory uses (report --unclaimed)\n"
    "      --sandbox MODE  give up what reading does not need: auto (what the kernel has), require, off (auto)\n"
    "  -h, --help       print this\n\n"
    "Exit status: 0 each FILE is unreferenced (or unclaimed) and proven, 1 failed, 2 usage, 5 a FILE is not.\n";

static const struct option long_options[] = {
    {"db", required_argument, NULL, 'd'},
    {"unclaimed", no_argument, NULL, 'u'},
    {"sandbox", required_argument, NULL, 's'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static enum ia_status load_options(const char *db, struct ia_stored_options *out, struct ia_error *err)
{
    IA_AUTO_READER struct ia_reader *reader = NULL;
    IA_TRY(ia_store_command_open(db, &reader, err));
    return ia_stored_options_load(reader, out, err);
}

struct prove_command {
    const char *db;
    enum ia_proof_of of;
    enum ia_sandbox_mode sandbox;
};

static enum ia_status scan_again(const struct prove_command *command, struct ia_scan_row *row, struct ia_error *err)
{
    IA_AUTO_STORED_OPTIONS struct ia_stored_options stored = {0};
    IA_TRY(load_options(command->db, &stored, err));
    stored.options.db = command->db;
    stored.options.sandbox = command->sandbox;
    stored.options.without_stdin = true;
    return ia_cli_scan(&stored.options, row, err);
}

/* One line, whatever bytes are in it. */
static enum ia_status print_line(const struct ia_buf *line, struct ia_error *err)
{
    struct ia_render_options locale = {0};
    IA_AUTO_BUF struct ia_buf shown = {0};
    ia_render_locale(&locale, stdout);
    ia_text_show(&shown, line->data, line->len, locale.utf8);
    if (shown.failed)
        return ia_no_memory(err);
    puts(shown.data);
    return IA_OK;
}

static enum ia_status expect_scan(struct ia_reader *reader, int64_t scan_id, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    bool row = false;
    IA_TRY(ia_query_open(reader, "SELECT max(scan_id) FROM scan", &query, err));
    IA_TRY(ia_query_step(query, &row, err));
    if (!row || ia_query_int(query, 0) != scan_id)
        return ia_fail(err, IA_BUSY, "another scan was published meanwhile: run it again");
    return IA_OK;
}

static enum ia_status prove(const struct prove_command *command, char **files, int count, bool *all,
                            struct ia_error *err)
{
    struct ia_scan_row row = {0};
    IA_AUTO_READER struct ia_reader *reader = NULL;
    *all = true;
    IA_TRY(scan_again(command, &row, err));
    IA_TRY(ia_store_command_open(command->db, &reader, err));
    IA_TRY(expect_scan(reader, row.scan_id, err));
    for (int i = 0; i < count; i++) {
        bool proven = false;
        IA_AUTO_BUF struct ia_buf line = {0};
        IA_TRY(ia_proof_add(reader, files[i], command->of, &line, &proven, err));
        IA_TRY(print_line(&line, err));
        *all = *all && proven;
    }
    return IA_OK;
}

static int run(struct prove_command *command, char **files, int count)
{
    IA_AUTO_BUF struct ia_buf place = {0};
    struct ia_error err = {0};
    bool all = false;
    if (command->db == NULL)
        command->db = ia_cli_default_db(&place);
    enum ia_status status = place.failed          ? ia_no_memory(&err)
                            : command->db == NULL ? ia_fail(&err, IA_USAGE, "no path for the store: name one with --db")
                                                  : prove(command, files, count, &all, &err);
    if (status != IA_OK)
        return ia_store_command_exit("prove", status, &err);
    if (!ia_cli_flush(stdout))
        return IA_EXIT_FAILED;
    return all ? IA_EXIT_DONE : IA_EXIT_NOT_PROVEN;
}

int ia_cmd_prove(int argc, char **argv)
{
    struct prove_command command = {.of = IA_PROOF_OF_UNREFERENCED, .sandbox = IA_SANDBOX_AUTO};
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (c == 'd') {
            command.db = optarg;
        } else if (c == 'u') {
            command.of = IA_PROOF_OF_UNCLAIMED;
        } else if (c == 's') {
            int code = ia_cli_parse_sandbox("prove", optarg, &command.sandbox);
            if (code >= 0)
                return code;
        } else if (c == 'h') {
            fputs(help, stdout);
            return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
        } else {
            return ia_cli_usage("prove", "bad option or missing argument: '%s'", argv[optind - 1]);
        }
    }
    if (optind == argc)
        return ia_cli_usage("prove", "no FILE given");
    return run(&command, argv + optind, argc - optind);
}
