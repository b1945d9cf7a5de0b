/* SPDX-License-Identifier: MIT */
/* From rows of scan_option to options. */
#include "scan/stored_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void ia_stored_options_release(struct ia_stored_options *stored)
{
    for (size_t i = 0; i < IA_SCAN_LISTS; i++)
        ia_vec_release(&stored->lists[i].all);
    for (size_t i = 0; i < stored->texts.len; i++)
        free(stored->texts.items[i]);
    ia_vec_release(&stored->texts);
}

/* A copy that lives as long as the options; NULL: out of memory. */
static const char *keep(struct ia_stored_options *stored, const char *text)
{
    char *copy = strdup(text);
    if (copy != NULL && ia_vec_push(&stored->texts, copy))
        return copy;
    free(copy);
    return NULL;
}

static bool add_number(struct ia_stored_options *stored, const char *kind, const char *value)
{
    for (size_t i = 0; i < IA_SCAN_NUMBERS; i++) {
        if (strcmp(ia_scan_numbers[i].kind, kind) != 0)
            continue;
        ia_scan_numbers[i].set(&stored->options, strtoll(value, NULL, 10));
        return true;
    }
    return false;
}

static enum ia_status add(struct ia_stored_options *stored, const char *kind, const char *value, struct ia_error *err)
{
    size_t list = 0;
    if (strcmp(kind, "walked") == 0 || add_number(stored, kind, value)) /* walked: what the roots were */
        return IA_OK;
    while (list < IA_SCAN_LISTS && strcmp(ia_scan_lists[list].kind, kind) != 0)
        list++;
    if (list == IA_SCAN_LISTS)
        return ia_fail(err, IA_UNSUPPORTED, "the latest scan had an option '%s', which this version does not have",
                       kind);
    const char *kept = keep(stored, value);
    return kept != NULL && ia_vec_push(&stored->lists[list].all, kept) ? IA_OK : ia_no_memory(err);
}

static enum ia_status load(struct ia_reader *reader, struct ia_stored_options *out, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    IA_TRY(ia_query_open(reader,
                         "SELECT kind, value FROM scan_option WHERE scan_id = (SELECT max(scan_id) FROM scan)"
                         " ORDER BY kind, value",
                         &query, err));
    for (;;) { /* ends: the query has an end */
        bool row = false;
        size_t len;
        IA_TRY(ia_query_step(query, &row, err));
        if (!row)
            return IA_OK;
        const char *kind = ia_query_text(query, 0, &len);
        const char *value = ia_query_text(query, 1, &len);
        if (kind == NULL || value == NULL)
            return ia_no_memory(err);
        IA_TRY(add(out, kind, value, err));
    }
}

enum ia_status ia_stored_options_load(struct ia_reader *reader, struct ia_stored_options *out, struct ia_error *err)
{
    IA_TRY(load(reader, out, err));
    for (size_t i = 0; i < IA_SCAN_LISTS; i++)
        ia_scan_lists[i].set(&out->options, out->lists[i].all.items, out->lists[i].all.len);
    if (out->options.root_count == 0)
        return ia_fail(err, IA_MISSING, "the store has no scan yet: run 'imgaudit scan' first");
    return IA_OK;
}
