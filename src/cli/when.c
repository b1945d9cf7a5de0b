/* SPDX-License-Identifier: MIT */
/* Numbers of scans, dates and spans before now. */
#include "cli/when.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/checked.h"

static bool set_time(struct ia_when *when, const struct tm *utc)
{
    when->text = when->time;
    return strftime(when->time, sizeof(when->time), "%Y-%m-%dT%H:%M:%SZ", utc) > 0;
}

/* strptime takes days that no month has, and fewer digits than these. */
static bool is_calendar_day(const char *text, const struct tm *utc)
{
    struct tm again = *utc;
    char day[16];
    return timegm(&again) != -1 && strftime(day, sizeof(day), "%Y-%m-%d", &again) > 0 &&
           strncmp(text, day, strlen(day)) == 0;
}

static bool read_date(const char *text, struct tm *utc)
{
    static const char *const forms[] = {"%Y-%m-%d",           "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ",  "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        *utc = (struct tm){0};
        const char *end = strptime(text, forms[i], utc);
        if (end != NULL && *end == '\0')
            return is_calendar_day(text, utc);
    }
    return false;
}

static bool parse_date(const char *text, struct ia_when *when)
{
    struct tm utc;
    return read_date(text, &utc) && set_time(when, &utc);
}

bool ia_cli_parse_date(const char *text, int64_t *ns)
{
    struct tm utc;
    return read_date(text, &utc) && ia_mul((int64_t)timegm(&utc), 1000000000, ns);
}

bool ia_cli_parse_span(const char *text, int64_t *seconds)
{
    enum { MOST_DIGITS = 5 };
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
    size_t digits = strspn(text, "0123456789");
    if (strcmp(text, "0") == 0) {
        *seconds = 0;
        return true;
    }
    if (digits == 0 || digits > MOST_DIGITS || text[digits] == '\0' || text[digits + 1] != '\0')
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (text[digits] != units[i].unit)
            continue;
        *seconds = strtol(text, NULL, 10) * units[i].seconds;
        return true;
    }
    return false;
}

static bool parse_before_now(const char *text, struct ia_when *when)
{
    int64_t seconds;
    if (!ia_cli_parse_span(text, &seconds))
        return false;
    time_t then = time(NULL) - (time_t)seconds;
    struct tm utc;
    return gmtime_r(&then, &utc) != NULL && set_time(when, &utc);
}

bool ia_cli_parse_when(const char *text, struct ia_when *when)
{
    when->number = *text != '\0' && text[strspn(text, "0123456789")] == '\0';
    when->text = text;
    return when->number || parse_date(text, when) || parse_before_now(text, when);
}
