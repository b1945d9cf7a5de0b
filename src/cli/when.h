/* SPDX-License-Identifier: MIT */
/* A point in the history of scans, as a person writes it. */
#ifndef IA_CLI_WHEN_H
#define IA_CLI_WHEN_H

#include <stdbool.h>
#include <stdint.h>

struct ia_when {
    const char *text; /* of a scan's number the argument itself, else `time` */
    bool number;
    char time[32]; /* UTC, as in v_scan.started */
};

/* "17" is the number of a scan; "2025-01-31", "2025-01-31T03:00", "2025-01-31T03:00:00Z" (a blank for the T, and no Z,
 * will do too) are times in UTC; a span is so long before now. False for any other text. The argument and
 * `when` must outlive the use of when->text, and `when` must not be moved. */
bool ia_cli_parse_when(const char *text, struct ia_when *when);

/* "0", or a number of minutes, hours, days or weeks: "90m", "24h", "7d", "2w". False for any other text. */
bool ia_cli_parse_span(const char *text, int64_t *seconds);

/* A date, with or without a time, as above: nanoseconds since 1970. */
bool ia_cli_parse_date(const char *text, int64_t *ns);

#endif
