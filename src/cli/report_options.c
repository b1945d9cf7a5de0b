/* SPDX-License-Identifier: MIT */
/* Parsing what imgaudit report is asked. */
#include "cli/report_options.h"

#include <getopt.h>
#include <stdio.h>

#include "cli/common.h"
#include "cli/store_command.h"
#include "report/facts.h"

static const char help[] =
    "Usage: imgaudit report [OPTION]... [--REPORT]\n"
    "Answer from what the latest scan stored.\n\n"
    "Reports, one at a time:\n"
    "      --summary            the store at a glance (this is the default)\n"
    "      --backing            backing files and who uses them\n"
    "      --unused-backing     backing files that nothing uses, wholly or in part\n"
    "      --unclaimed          images that no machine of an inventory uses\n"
    "      --machines           machines and the space that they take\n"
    "      --machine NAME       what a machine uses\n"
    "      --sharing            what heads share through their backing files\n"
    "      --histogram          how many readers see how much of each backing file\n"
    "      --groups             the groups of heads that share most, and what that saves\n"
    "      --pairs              the pairs of heads that share most\n"
    "      --sparse             where the space of each image goes\n"
    "      --host               what files share on the host, and what deleting them frees\n"
    "      --findings           what is broken, unsafe or could not be read\n"
    "      --growth             what changed since the previous scan, or since --since\n"
    "      --dependents IMAGE   every image that reaches IMAGE\n"
    "      --what-if-delete IMAGE...   what deleting all of them would free and break\n"
    "      --what-if-flatten IMAGE...  what making them independent would cost and free\n"
    "      --what-if-commit IMAGE      what committing it into its backing file would do\n"
    "      --name REPORT        a report by its name\n"
    "      --file FILE.sql      a report of your own\n"
    "      --list               list the reports by name, and do nothing else\n\n"
    "Options:\n"
    "      --db FILE            the store\n"
    "      --format FORMAT      table (default), json, ndjson or csv\n"
    "      --csv-safe           csv for spreadsheets: no text is taken for a formula\n"
    "  -o, --output FILE        write there; FILE is replaced when all is written\n"
    "      --bytes              sizes in tables as plain numbers of bytes\n"
    "      --columns A,B,...    these columns, in this order\n"
    "      --image IMAGE        the image, for a report by --name or --file that takes one\n"
    "      --since WHEN         the number of a scan, a date (2025-01-31, or with a time as in v_scan),\n"
    "                           or a span before now: 90m, 12h, 7d, 4w\n"
    "      --fail-on SEVERITY   exit 4 when a finding is info, warning or error, or worse\n"
    "  -h, --help               print this\n\n"
    "Exit status: 0 done, 1 failed, 2 usage, 4 findings reach --fail-on, 130 interrupted.\n";

enum {
    OPTION_REPORT = 256, /* the option's name is the report's */
    OPTION_DEPENDENTS,
    OPTION_MACHINE,
    OPTION_WHAT_IF_DELETE,
    OPTION_WHAT_IF_FLATTEN,
    OPTION_WHAT_IF_COMMIT,
    OPTION_NAME,
    OPTION_FILE,
    OPTION_LIST,
    OPTION_DB,
    OPTION_FORMAT,
    OPTION_BYTES,
    OPTION_CSV_SAFE,
    OPTION_COLUMNS,
    OPTION_IMAGE,
    OPTION_SINCE,
    OPTION_FAIL_ON,
};

static const struct option long_options[] = {
    {"summary", no_argument, NULL, OPTION_REPORT},
    {"backing", no_argument, NULL, OPTION_REPORT},
    {"unused-backing", no_argument, NULL, OPTION_REPORT},
    {"sharing", no_argument, NULL, OPTION_REPORT},
    {"histogram", no_argument, NULL, OPTION_REPORT},
    {"groups", no_argument, NULL, OPTION_REPORT},
    {"pairs", no_argument, NULL, OPTION_REPORT},
    {"sparse", no_argument, NULL, OPTION_REPORT},
    {"host", no_argument, NULL, OPTION_REPORT},
    {"findings", no_argument, NULL, OPTION_REPORT},
    {"growth", no_argument, NULL, OPTION_REPORT},
    {"dependents", required_argument, NULL, OPTION_DEPENDENTS},
    {"unclaimed", no_argument, NULL, OPTION_REPORT},
    {"machines", no_argument, NULL, OPTION_REPORT},
    {"machine", required_argument, NULL, OPTION_MACHINE},
    {"what-if-delete", required_argument, NULL, OPTION_WHAT_IF_DELETE},
    {"what-if-flatten", required_argument, NULL, OPTION_WHAT_IF_FLATTEN},
    {"what-if-commit", required_argument, NULL, OPTION_WHAT_IF_COMMIT},
    {"name", required_argument, NULL, OPTION_NAME},
    {"file", required_argument, NULL, OPTION_FILE},
    {"list", no_argument, NULL, OPTION_LIST},
    {"db", required_argument, NULL, OPTION_DB},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"output", required_argument, NULL, 'o'},
    {"bytes", no_argument, NULL, OPTION_BYTES},
    {"csv-safe", no_argument, NULL, OPTION_CSV_SAFE},
    {"columns", required_argument, NULL, OPTION_COLUMNS},
    {"image", required_argument, NULL, OPTION_IMAGE},
    {"since", required_argument, NULL, OPTION_SINCE},
    {"fail-on", required_argument, NULL, OPTION_FAIL_ON},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static enum ia_status print_title(const char *name, struct ia_error *err)
{
    IA_AUTO_REPORT struct ia_report report = {0};
    IA_TRY(ia_report_embedded(name, &report, err));
    printf("%-16s %s\n", report.name, report.title);
    return IA_OK;
}

static int print_list(void)
{
    struct ia_error err;
    for (size_t i = 0; ia_report_embedded_name(i) != NULL; i++) {
        enum ia_status status = print_title(ia_report_embedded_name(i), &err);
        if (status != IA_OK)
            return ia_store_command_exit("report", status, &err);
    }
    return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
}

/* -1: go on; else the exit code. */
static int choose(struct ia_report_options *options, const char *name, const char *file)
{
    if (options->name != NULL || options->file != NULL)
        return ia_cli_usage("report", "one report at a time");
    options->name = name;
    options->file = file;
    return -1;
}

static int set_image(struct ia_report_options *options, const char *image)
{
    if (options->image != NULL)
        return ia_cli_usage("report", "one image at a time");
    options->image = image;
    return -1;
}

static int add_to_set(struct ia_report_options *options, const char *image)
{
    if (ia_vec_push(&options->set, image))
        return -1;
    ia_cli_error("out of memory");
    return IA_EXIT_FAILED;
}

/* The option may be given again, for further images of the set. */
static int set_what_if(struct ia_report_options *options, enum ia_what_if_action action, const char *image)
{
    if (options->asks_what_if && options->what_if != action)
        return ia_cli_usage("report", "one what-if at a time");
    options->asks_what_if = true;
    options->what_if = action;
    return add_to_set(options, image);
}

static int set_since(struct ia_report_options *options, const char *when)
{
    options->has_since = true;
    if (!ia_cli_parse_when(when, &options->since))
        return ia_cli_usage("report", "--since takes the number of a scan, a date, or a span as 7d, not '%s'", when);
    return -1;
}

static int set_fail_on(struct ia_report_options *options, const char *severity)
{
    if (!ia_severity_is_known(severity))
        return ia_cli_usage("report", "--fail-on takes info, warning or error, not '%s'", severity);
    options->fail_on = severity;
    return -1;
}

static int parse_choice(struct ia_report_options *options, int c, const char *long_name)
{
    int code;
    switch (c) {
    case OPTION_REPORT:
        return choose(options, long_name, NULL);
    case OPTION_DEPENDENTS:
        code = choose(options, "dependents", NULL);
        return code >= 0 ? code : set_image(options, optarg);
    case OPTION_MACHINE:
        code = choose(options, "machine", NULL);
        options->machine = optarg;
        return code;
    case OPTION_WHAT_IF_DELETE:
        return set_what_if(options, IA_WHAT_IF_DELETE, optarg);
    case OPTION_WHAT_IF_FLATTEN:
        return set_what_if(options, IA_WHAT_IF_FLATTEN, optarg);
    case OPTION_WHAT_IF_COMMIT:
        return set_what_if(options, IA_WHAT_IF_COMMIT, optarg);
    case OPTION_NAME:
        return choose(options, optarg, NULL);
    case OPTION_FILE:
        return choose(options, NULL, optarg);
    case OPTION_LIST:
        return print_list();
    case 'h':
        fputs(help, stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    default:
        return -1;
    }
}

static int parse_option(struct ia_report_options *options, int c, const char *long_name)
{
    switch (c) {
    case OPTION_DB:
        options->db = optarg;
        return -1;
    case OPTION_FORMAT:
        options->format = optarg;
        return -1;
    case 'o':
        options->output = optarg;
        return -1;
    case OPTION_BYTES:
        options->bytes = true;
        return -1;
    case OPTION_CSV_SAFE:
        options->csv_safe = true;
        return -1;
    case OPTION_COLUMNS:
        options->columns = optarg;
        return -1;
    case OPTION_IMAGE:
        return set_image(options, optarg);
    case OPTION_SINCE:
        return set_since(options, optarg);
    case OPTION_FAIL_ON:
        return set_fail_on(options, optarg);
    default:
        return parse_choice(options, c, long_name);
    }
}

int ia_report_options_parse(struct ia_report_options *options, int argc, char **argv)
{
    int c;
    int place = 0;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "o:h", long_options, &place)) != -1) {
        int code = c == '?' ? ia_cli_usage("report", "bad option or missing argument: '%s'", argv[optind - 1])
                            : parse_option(options, c, long_options[place].name);
        if (code >= 0)
            return code;
    }
    if (optind != argc && !options->asks_what_if)
        return ia_cli_usage("report", "not an option: '%s'", argv[optind]);
    for (int i = optind; i < argc; i++) {
        int code = add_to_set(options, argv[i]);
        if (code >= 0)
            return code;
    }
    if (options->name == NULL && options->file == NULL)
        options->name = options->asks_what_if ? "what-if" : "summary";
    return -1;
}
