/* SPDX-License-Identifier: MIT */
/* Which findings are accepted, and words for what a verdict assumes. */
#include "judge/acceptance.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

void ia_acceptances_release(struct ia_acceptances *acceptances)
{
    ia_vec_release(&acceptances->all);
}

int64_t ia_acceptances_find(const struct ia_acceptances *acceptances, const char *code, const char *path,
                            int64_t now_ns)
{
    for (size_t i = 0; i < acceptances->all.len; i++) {
        const struct ia_acceptance *one = &acceptances->all.items[i];
        bool counts = one->until_ns == 0 || now_ns < one->until_ns;
        if (counts && strcmp(one->code, code) == 0 && ia_path_matches(path, one->glob))
            return one->number;
    }
    return 0;
}

void ia_assumptions_release(struct ia_assumptions *assumptions)
{
    ia_vec_release(&assumptions->all);
}

static int compare(const void *left, const void *right)
{
    const struct ia_assumption *a = left;
    const struct ia_assumption *b = right;
    if (a->number != b->number)
        return (a->number > b->number) - (a->number < b->number);
    int code = strcmp(a->code, b->code);
    return code != 0 ? code : strcmp(a->path, b->path);
}

void ia_assumptions_sort(struct ia_assumptions *assumptions)
{
    if (assumptions->all.len == 0)
        return;
    qsort(assumptions->all.items, assumptions->all.len, sizeof(assumptions->all.items[0]), compare);
    size_t kept = 1;
    for (size_t i = 1; i < assumptions->all.len; i++)
        if (compare(&assumptions->all.items[i], &assumptions->all.items[kept - 1]) != 0)
            assumptions->all.items[kept++] = assumptions->all.items[i];
    assumptions->all.len = kept;
}

/* From `first` on, those of one number and code; returns the place behind them. */
static size_t render_run(struct ia_buf *out, const struct ia_assumptions *assumptions, size_t first)
{
    enum { SHOWN = 3 };
    const struct ia_assumption *items = assumptions->all.items;
    size_t end = first;
    ia_buf_addf(out, "%s ", items[first].code);
    for (; end < assumptions->all.len && items[end].number == items[first].number &&
           strcmp(items[end].code, items[first].code) == 0;
         end++) {
        if (end < first + SHOWN)
            ia_buf_addf(out, "%s%s", end > first ? ", " : "", items[end].path);
    }
    if (end > first + SHOWN)
        ia_buf_addf(out, " and %zu more", end - first - SHOWN);
    ia_buf_addf(out, " (accepted as %jd)", (intmax_t)items[first].number);
    return end;
}

void ia_assumptions_render(struct ia_buf *out, const struct ia_assumptions *assumptions)
{
    for (size_t i = 0; i < assumptions->all.len;) { /* ends: a run has one at least */
        if (i > 0)
            ia_buf_add_str(out, "; ");
        i = render_run(out, assumptions, i);
    }
}
