/* SPDX-License-Identifier: MIT */
/* Any bytes as a report: its header is taken apart in place, and what is found in it lies in it. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/target.h"
#include "report/header.h"

static void check_text(const struct ia_report *report, const char *text, size_t len)
{
    FUZZ_CHECK(text >= report->header && text <= report->header + len);
}

static void check_report(const struct ia_report *report, size_t len)
{
    FUZZ_CHECK(report->title[0] == '\0' || (report->title > report->header && report->title < report->header + len));
    for (size_t i = 0; i < report->about.len; i++)
        check_text(report, report->about.items[i], len);
    for (size_t i = 0; i < report->columns.len; i++) {
        const struct ia_column *column = &report->columns.items[i];
        FUZZ_CHECK(column->name[0] != '\0' && ia_report_column(report, column->name) != NULL);
        check_text(report, column->meaning, len);
    }
    for (size_t i = 0; i < report->parameters.len; i++)
        FUZZ_CHECK(ia_report_has_parameter(report, report->parameters.items[i].name));
    for (size_t i = 0; i < report->includes.len; i++)
        FUZZ_CHECK(report->includes.items[i][0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    IA_AUTO_REPORT struct ia_report report = {.name = strdup("r"), .header = malloc(len + 1)};
    struct ia_error err = {0};
    size_t body = 0;
    FUZZ_CHECK(report.name != NULL && report.header != NULL);
    memcpy(report.header, bytes, len);
    report.header[len] = '\0';
    len = strlen(report.header);
    enum ia_status status = ia_report_header_parse(&report, &body, &err);
    FUZZ_CHECK(status == IA_OK || status == IA_USAGE);
    FUZZ_CHECK(status == err.status && body <= len);
    if (status == IA_OK)
        check_report(&report, len);
    return 0;
}
