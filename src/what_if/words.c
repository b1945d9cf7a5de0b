/* SPDX-License-Identifier: MIT */
/* Details, doubts and totals. */
#include "what_if/words.h"

#include "base/buf.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "judge/deed.h"
#include "store/what_if_rows.h"
#include "what_if/detail.h"

/* Of several rows. */
struct total {
    struct ia_what_if_total row;
    bool any;
    bool has_own_doubts; /* a row of it has doubts that are not those about everything */
};

struct report {
    struct ia_what_if_rows *rows;
    struct ia_doubts of_all; /* about every image, before the deed */
    struct total of_deed, with_next;
};

static void report_release(struct report *report)
{
    ia_doubts_release(&report->of_all);
    ia_what_if_rows_close(report->rows);
}
#define AUTO_REPORT __attribute__((cleanup(report_release)))

/* The judge's doubts and those of the effect. The judge's about a row of the next scan are stored all together, and so
 * are those about what is deleted, but for what is doubted of all. */
static enum ia_status collect(struct report *report, const struct ia_what_if_fact *fact, enum ia_effect effect,
                              struct ia_doubts *out, struct ia_error *err)
{
    bool is_judged = effect == IA_EFFECT_DELETED || effect == IA_EFFECT_UNREFERENCED || effect == IA_EFFECT_MASKED_MORE;
    IA_TRY(ia_what_if_rows_find_doubts(report->rows, is_judged ? fact->effect : "own", fact->image_id, out, err));
    if (effect == IA_EFFECT_DELETED || effect == IA_EFFECT_COMMITTED)
        IA_TRY(ia_what_if_rows_find_doubts(report->rows, "all", 0, out, err));
    if (!ia_effect_doubts(effect, &fact->of_effect, out))
        return ia_no_memory(err);
    ia_doubts_sort(out);
    return IA_OK;
}

static enum ia_status put_words(const struct report *report, int64_t row, enum ia_effect effect,
                                const struct ia_buf *detail, const struct ia_doubts *doubts, struct ia_error *err)
{
    const struct ia_doubts none = {0};
    IA_AUTO_BUF struct ia_buf why = {0};
    IA_AUTO_BUF struct ia_buf codes = {0};
    ia_doubts_render(&why, &none, doubts);
    ia_doubts_render_codes(&codes, &none, doubts);
    ia_buf_add_char(&why, '\0');
    ia_buf_add_char(&codes, '\0');
    if (detail->failed || why.failed || codes.failed)
        return ia_no_memory(err);
    const struct ia_what_if_words made = {.row_id = row,
                                          .rank = effect,
                                          .detail = detail->data,
                                          .why = doubts->all.len > 0 ? why.data : NULL,
                                          .why_codes = doubts->all.len > 0 ? codes.data : NULL};
    return ia_what_if_rows_put_words(report->rows, &made, err);
}

static void add(int64_t *sum, int64_t bytes)
{
    *sum = *sum < 0 || bytes < 0 ? -1 : *sum + bytes;
}

static void add_figures(struct total *total, const struct ia_what_if_fact *fact)
{
    total->any = true;
    total->row.step = ia_max(total->row.step, fact->step);
    add(&total->row.freed_bytes, fact->freed_bytes);
    add(&total->row.most_bytes, fact->most_bytes);
    add(&total->row.needed_bytes, fact->needed_bytes);
}

/* has_own_doubts: those that are not about everything. */
static void sum_up(struct report *report, const struct ia_what_if_fact *fact, enum ia_effect effect,
                   bool has_own_doubts)
{
    if (effect <= IA_EFFECT_RECEIVES)
        add_figures(&report->of_deed, fact);
    if (effect < IA_EFFECT_UNREFERENCED)
        report->of_deed.has_own_doubts = report->of_deed.has_own_doubts || has_own_doubts;
    if (effect <= IA_EFFECT_RECEIVES || effect == IA_EFFECT_UNREFERENCED)
        add_figures(&report->with_next, fact);
    report->with_next.has_own_doubts = report->with_next.has_own_doubts || has_own_doubts;
}

static enum ia_status put_row(void *ctx, const struct ia_what_if_fact *fact, struct ia_error *err)
{
    struct report *report = ctx;
    enum ia_effect effect = ia_effect_by_word(fact->effect);
    if (effect >= IA_EFFECT_TOTAL)
        return ia_fail(err, IA_BUG, "no effect '%s'", fact->effect);
    IA_AUTO_BUF struct ia_buf detail = {0};
    IA_AUTO_DOUBTS struct ia_doubts doubts = {0};
    ia_what_if_detail(&detail, effect, fact);
    ia_buf_add_char(&detail, '\0');
    IA_TRY(collect(report, fact, effect, &doubts, err));
    IA_TRY(put_words(report, fact->row_id, effect, &detail, &doubts, err));
    ia_doubts_subtract(&doubts, &report->of_all);
    sum_up(report, fact, effect, doubts.all.len > 0);
    return IA_OK;
}

static enum ia_status put_total(struct report *report, const struct total *total, const char *detail_text,
                                struct ia_error *err)
{
    const struct ia_effect_facts facts_of_total = {.rows_have_doubts = total->has_own_doubts};
    enum ia_effect effect = ia_effect_by_word(total->row.effect);
    IA_AUTO_BUF struct ia_buf detail = {0};
    IA_AUTO_DOUBTS struct ia_doubts doubts = {0};
    int64_t row = 0;
    ia_buf_add_str(&detail, detail_text);
    ia_buf_add_char(&detail, '\0');
    IA_TRY(ia_what_if_rows_put_total(report->rows, &total->row, &row, err));
    IA_TRY(ia_what_if_rows_find_doubts(report->rows, "all", 0, &doubts, err));
    if (!ia_effect_doubts(effect, &facts_of_total, &doubts))
        return ia_no_memory(err);
    return put_words(report, row, effect, &detail, &doubts, err);
}

enum ia_status ia_what_if_describe(struct ia_reader *reader, struct ia_error *err)
{
    AUTO_REPORT struct report report = {.of_deed.row.effect = ia_effect_word(IA_EFFECT_TOTAL),
                                        .with_next.row.effect = ia_effect_word(IA_EFFECT_TOTAL_WITH_NEXT)};
    IA_TRY(ia_what_if_rows_open(reader, &report.rows, err));
    IA_TRY(ia_what_if_rows_find_doubts(report.rows, "all", 0, &report.of_all, err));
    IA_TRY(ia_what_if_rows_each(report.rows, put_row, &report, err));
    if (report.of_deed.any)
        IA_TRY(put_total(&report, &report.of_deed, "what the action alone frees and needs", err));
    if (report.with_next.row.step > 0)
        IA_TRY(
            put_total(&report, &report.with_next, "the same, when all that is unreferenced then is deleted too", err));
    return IA_OK;
}
