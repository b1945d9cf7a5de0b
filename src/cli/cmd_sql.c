/* SPDX-License-Identifier: MIT */
/* imgaudit sql: a query of the user's own, read-only. */
#include <getopt.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupt.h"
#include "cli/store_command.h"

static const char help[] =
    "Usage: imgaudit sql [OPTION]... 'SELECT ...'\n"
    "Run a query on the store, read-only. The views v_image, v_extent, v_chain, v_map, v_usage... are stable.\n\n"
    "      --db FILE            the store\n"
    "      --format FORMAT      table (default), json, ndjson or csv\n"
    "      --csv-safe           csv for spreadsheets: no text is taken for a formula\n"
    "  -o, --output FILE        write there; FILE is replaced when all is written\n"
    "  -h, --help               print this\n\n"
    "Exit status: 0 done, 1 failed, 2 usage (a wrong query too), 130 interrupted.\n";

struct sql_options {
    const char *db;
    const char *format;
    const char *output;
    const char *sql;
    bool csv_safe;
};

enum { OPTION_DB = 256, OPTION_FORMAT, OPTION_CSV_SAFE };

static const struct option long_options[] = {
    {"db", required_argument, NULL, OPTION_DB},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"csv-safe", no_argument, NULL, OPTION_CSV_SAFE},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* -1: go on; else the exit code. */
static int parse_option(struct sql_options *options, int c)
{
    switch (c) {
    case OPTION_DB:
        options->db = optarg;
        return -1;
    case OPTION_FORMAT:
        options->format = optarg;
        return -1;
    case OPTION_CSV_SAFE:
        options->csv_safe = true;
        return -1;
    case 'o':
        options->output = optarg;
        return -1;
    case 'h':
        fputs(help, stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    default:
        return -1;
    }
}

static int parse(struct sql_options *options, int argc, char **argv)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1) {
        int code = c == '?' ? ia_cli_usage("sql", "bad option or missing argument: '%s'", argv[optind - 1])
                            : parse_option(options, c);
        if (code >= 0)
            return code;
    }
    if (optind != argc - 1)
        return ia_cli_usage("sql", "exactly one statement is needed");
    options->sql = argv[optind];
    return -1;
}

static enum ia_status answer(const struct sql_options *options, const struct ia_renderer *renderer,
                             struct ia_error *err)
{
    /* The statement as it is: what looks like a report's header in it is a comment like any other. */
    struct ia_report report = {.name = (char *)"sql", .sql = (char *)options->sql};
    struct ia_report_request request = {
        .report = &report, .renderer = renderer, .options = {.bytes = true, .csv_safe = options->csv_safe}};
    IA_AUTO_READER struct ia_reader *reader = NULL;
    IA_TRY(ia_store_command_open(options->db, &reader, err));
    return ia_store_command_answer(reader, &request, options->output, err);
}

static int run(const struct sql_options *options)
{
    const struct ia_renderer *renderer = ia_store_command_format("sql", options->format);
    if (renderer == NULL || !ia_store_command_csv_fits("sql", options->csv_safe, renderer))
        return IA_EXIT_USAGE;
    ia_cli_catch_interrupt();
    struct ia_error err;
    enum ia_status status = answer(options, renderer, &err);
    return ia_store_command_exit("sql", status, &err);
}

int ia_cmd_sql(int argc, char **argv)
{
    struct sql_options options = {.format = "table"};
    int code = parse(&options, argc, argv);
    return code >= 0 ? code : run(&options);
}
