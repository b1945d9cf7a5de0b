/* SPDX-License-Identifier: MIT */
/* imgaudit report: answers from the store. */

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/image_set.h"
#include "cli/interrupt.h"
#include "cli/report_options.h"
#include "cli/store_command.h"
#include "report/facts.h"
#include "report/lookup.h"
#include "report/since.h"
#include "what_if/what_if.h"

static enum ia_status expect_argument(const struct ia_report *report, const char *parameter, const char *option,
                                      bool given, bool needed, struct ia_error *err)
{
    bool takes = ia_report_has_parameter(report, parameter);
    if (given && !takes)
        return ia_fail(err, IA_USAGE, "the report '%s' takes no %s", report->name, option);
    if (takes && needed && !given)
        return ia_fail(err, IA_USAGE, "the report '%s' needs %s", report->name, option);
    return IA_OK;
}

static enum ia_status load(const struct ia_report_options *options, struct ia_report *report, struct ia_error *err)
{
    IA_TRY(options->file != NULL ? ia_report_load(options->file, report, err)
                                 : ia_report_embedded(options->name, report, err));
    IA_TRY(expect_argument(report, ":image", "--image", options->image != NULL, true, err));
    IA_TRY(expect_argument(report, ":machine", "--machine", options->machine != NULL, true, err));
    IA_TRY(expect_argument(report, ":since", "--since", options->has_since, false, err));
    return expect_argument(report, ":action", "--what-if-delete, --what-if-flatten or --what-if-commit",
                           options->asks_what_if, true, err);
}

static enum ia_status answer(struct ia_reader *reader, const struct ia_report_options *options,
                             const struct ia_renderer *renderer, const struct ia_report *report, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf image = {0};
    if (options->image != NULL)
        IA_TRY(ia_image_lookup(reader, options->image, &image, err));
    if (options->has_since)
        IA_TRY(ia_since_check(reader, options->since.text, options->since.number, err));
    if (options->asks_what_if)
        IA_TRY(ia_cli_what_if(reader, options->what_if, options->set.items, options->set.len, err));
    const struct ia_argument arguments[] = {
        {.name = ":image", .text = image.data},
        {.name = ":machine", .text = options->machine},
        {.name = ":since", .text = options->since.text, .number = options->since.number},
        {.name = ":action", .text = options->asks_what_if ? ia_what_if_word(options->what_if) : NULL},
    };
    struct ia_report_request request = {
        .report = report,
        .arguments = arguments,
        .argument_count = sizeof(arguments) / sizeof(arguments[0]),
        .columns = options->columns,
        .renderer = renderer,
        .options = {.bytes = options->bytes, .caption = true, .csv_safe = options->csv_safe},
    };
    return ia_store_command_answer(reader, &request, options->output, err);
}

/* *reached: there is a finding that --fail-on selects. */
static enum ia_status make_report(const struct ia_report_options *options, const struct ia_renderer *renderer,
                                  bool *reached, struct ia_error *err)
{
    IA_AUTO_REPORT struct ia_report report = {0};
    IA_AUTO_READER struct ia_reader *reader = NULL;
    IA_TRY(load(options, &report, err));
    IA_TRY(ia_store_command_open(options->db, &reader, err));
    IA_TRY(answer(reader, options, renderer, &report, err));
    return options->fail_on == NULL ? IA_OK : ia_findings_reach(reader, options->fail_on, reached, err);
}

static int run(const struct ia_report_options *options)
{
    const struct ia_renderer *renderer = ia_store_command_format("report", options->format);
    if (renderer == NULL || !ia_store_command_csv_fits("report", options->csv_safe, renderer))
        return IA_EXIT_USAGE;
    ia_cli_catch_interrupt();
    struct ia_error err;
    bool reached = false;
    enum ia_status status = make_report(options, renderer, &reached, &err);
    return reached ? IA_EXIT_FINDINGS : ia_store_command_exit("report", status, &err);
}

int ia_cmd_report(int argc, char **argv)
{
    struct ia_report_options options = {.format = "table"};
    int code = ia_report_options_parse(&options, argc, argv);
    if (code < 0)
        code = run(&options);
    ia_vec_release(&options.set);
    return code;
}
