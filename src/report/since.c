/* SPDX-License-Identifier: MIT */
/* Comparing a point in time with the latest scan. */
#include "report/since.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A number that does not fit is larger than that of any scan. */
static enum ia_status check_number(const char *when, int64_t latest, struct ia_error *err)
{
    int64_t number = strtoimax(when, NULL, 10);
    if (number > latest)
        return ia_fail(err, IA_USAGE, "there is no scan %s: the latest is scan %" PRId64, when, latest);
    if (number == latest)
        return ia_fail(err, IA_MISSING, "scan %" PRId64 " is the latest: there is none after it", latest);
    return IA_OK;
}

/* Times of this form are in the order of their texts. */
static enum ia_status check_time(const char *when, int64_t latest, const char *started, struct ia_error *err)
{
    if (strcmp(started, when) > 0)
        return IA_OK;
    return ia_fail(err, IA_MISSING, "no scan was made since %s: the latest, scan %" PRId64 ", began at %s", when,
                   latest, started);
}

enum ia_status ia_since_check(struct ia_reader *reader, const char *when, bool number, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    bool row = false;
    IA_TRY(ia_query_open(reader, "SELECT scan_id, started FROM v_scan ORDER BY scan_id DESC LIMIT 1", &query, err));
    IA_TRY(ia_query_step(query, &row, err));
    if (!row)
        return IA_OK;
    size_t len;
    const char *started = ia_query_text(query, 1, &len);
    return number ? check_number(when, ia_query_int(query, 0), err)
                  : check_time(when, ia_query_int(query, 0), started == NULL ? "" : started, err);
}
