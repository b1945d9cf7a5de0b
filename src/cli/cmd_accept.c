/* SPDX-License-Identifier: MIT */
/* imgaudit accept: findings that an administrator looked at, and that are to block no verdict any more. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/store_command.h"
#include "cli/when.h"
#include "judge/finding_kind.h"
#include "scan/publish/accept.h"

static const char help[] =
    "Usage: imgaudit accept [--db FILE] CODE GLOB --reason TEXT [--until DATE]\n"
    "       imgaudit accept [--db FILE] --list [--format FORMAT]\n"
    "       imgaudit accept [--db FILE] --remove N\n"
    "Accept the findings CODE of paths that match GLOB, by path or last component: they block no verdict any more,\n"
    "count as no error of a scan, and are listed apart. Verdicts that rest on it mention it.\n\n"
    "      --db FILE        the store ($IMGAUDIT_DB)\n"
    "      --reason TEXT    why, for whoever reads the list\n"
    "      --until DATE     accepted until then, in UTC (2025-01-31, or with a time); for good without it\n"
    "      --list           print what is accepted\n"
    "      --format FORMAT  of the list: table (default), json, ndjson or csv\n"
    "      --remove N       accept no more what has this number in the list\n"
    "  -h, --help           print this\n\n"
    "Exit status: 0 done, 1 failed, nothing was changed, 2 usage.\n";

enum { OPTION_DB = 256, OPTION_REASON, OPTION_UNTIL, OPTION_LIST, OPTION_FORMAT, OPTION_REMOVE };

static const struct option long_options[] = {
    {"db", required_argument, NULL, OPTION_DB},
    {"reason", required_argument, NULL, OPTION_REASON},
    {"until", required_argument, NULL, OPTION_UNTIL},
    {"list", no_argument, NULL, OPTION_LIST},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"remove", required_argument, NULL, OPTION_REMOVE},
    {"help", no_argument, NULL, 'h'},
    {0},
};

struct accept_options {
    const char *db, *reason, *format;
    int64_t until_ns; /* 0: for good */
    int64_t remove;   /* 0: nothing */
    bool list, help;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* -1: go on; else the exit code. */
static int set_until(struct accept_options *options, const char *date)
{
    if (!ia_cli_parse_date(date, &options->until_ns))
        return ia_cli_usage("accept", "--until takes a date, not '%s'", date);
    if (options->until_ns <= now_ns())
        return ia_cli_usage("accept", "--until '%s' is over", date);
    return -1;
}

static int set_remove(struct accept_options *options, const char *number)
{
    if (!ia_size_parse(number, &options->remove) || options->remove < 1)
        return ia_cli_usage("accept", "--remove takes a number of the list, not '%s'", number);
    return -1;
}

static int parse_option(struct accept_options *options, int c, const char *word)
{
    switch (c) {
    case OPTION_DB:
        options->db = optarg;
        return -1;
    case OPTION_REASON:
        options->reason = optarg;
        return -1;
    case OPTION_UNTIL:
        return set_until(options, optarg);
    case OPTION_LIST:
        options->list = true;
        return -1;
    case OPTION_FORMAT:
        options->format = optarg;
        return -1;
    case OPTION_REMOVE:
        return set_remove(options, optarg);
    case 'h':
        options->help = true;
        return -1;
    default:
        return ia_cli_usage("accept", "bad option or missing argument: '%s'", word);
    }
}

static enum ia_status print_list(const struct accept_options *options, const struct ia_renderer *renderer,
                                 struct ia_error *err)
{
    IA_AUTO_REPORT struct ia_report report = {0};
    IA_AUTO_READER struct ia_reader *reader = NULL;
    struct ia_report_request request = {.report = &report, .renderer = renderer};
    IA_TRY(ia_report_embedded("accepted", &report, err));
    IA_TRY(ia_store_command_open(options->db, &reader, err));
    return ia_store_command_answer(reader, &request, NULL, err);
}

static int list(const struct accept_options *options)
{
    struct ia_error err = {0};
    const struct ia_renderer *renderer =
        ia_store_command_format("accept", options->format == NULL ? "table" : options->format);
    return renderer == NULL ? IA_EXIT_USAGE
                            : ia_store_command_exit("accept", print_list(options, renderer, &err), &err);
}

/* Only a store that is there: one is made by a scan alone. */
static enum ia_status expect_store(const char *db, struct ia_error *err)
{
    IA_AUTO_READER struct ia_reader *reader = NULL;
    return ia_store_command_open(db, &reader, err);
}

static enum ia_status change(const struct accept_options *options, const char *const *words, struct ia_error *err)
{
    struct ia_acceptance_row row = {.code = words[0],
                                    .glob = words[1],
                                    .reason = options->reason,
                                    .until_ns = options->until_ns,
                                    .created_ns = now_ns()};
    int64_t matches = 0;
    IA_TRY(expect_store(options->db, err));
    if (options->remove > 0)
        return ia_accept_no_more(options->db, options->remove, err);
    IA_TRY(ia_accept(options->db, &row, &matches, err));
    printf("accepted as %jd: %jd findings of the latest scan\n", (intmax_t)row.number, (intmax_t)matches);
    return IA_OK;
}

/* Whether the words fit each other. -1: they do; else the exit code. */
static int check_words(const struct accept_options *options, const char *const *words, int count)
{
    bool changes = options->reason != NULL || options->until_ns != 0 || count > 0;
    if (options->list || options->remove > 0)
        return (options->list && options->remove > 0) || changes || (options->remove > 0 && options->format != NULL)
                   ? ia_cli_usage("accept", "--list and --remove are each for themselves")
                   : -1;
    if (options->format != NULL)
        return ia_cli_usage("accept", "--format is for --list");
    if (count != 2)
        return ia_cli_usage("accept", "a CODE and a GLOB, please");
    if (ia_finding_kind_by_code(words[0]) == NULL)
        return ia_cli_usage("accept", "there are no findings '%s': see imgaudit(1), FINDINGS", words[0]);
    if (words[1][0] == '\0')
        return ia_cli_usage("accept", "an empty GLOB matches nothing");
    if (options->reason == NULL || options->reason[strspn(options->reason, " \t\r\n")] == '\0')
        return ia_cli_usage("accept", "give the reason: --reason TEXT");
    return -1;
}

static int run(struct accept_options *options, const char *const *words, int count)
{
    IA_AUTO_BUF struct ia_buf place = {0};
    struct ia_error err = {0};
    int code = check_words(options, words, count);
    if (code >= 0)
        return code;
    if (options->db == NULL)
        options->db = ia_cli_default_db(&place);
    if (place.failed)
        return ia_store_command_exit("accept", ia_no_memory(&err), &err);
    if (options->db == NULL)
        return ia_cli_usage("accept", "no path for the store: name one with --db");
    if (options->list)
        return list(options);
    code = ia_store_command_exit("accept", change(options, words, &err), &err);
    return code == IA_EXIT_DONE && !ia_cli_flush(stdout) ? IA_EXIT_FAILED : code;
}

int ia_cmd_accept(int argc, char **argv)
{
    struct accept_options options = {0};
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        int code = parse_option(&options, c, argv[optind - 1]);
        if (code >= 0)
            return code;
    }
    if (options.help) {
        fputs(help, stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    }
    return run(&options, (const char *const *)argv + optind, argc - optind);
}
