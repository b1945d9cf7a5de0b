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
    bool says_more; /* a row of it has doubts that are not those about everything */
};

struct teller {
    struct ia_what_if_rows *rows;
    struct ia_doubts of_all; /* about every image, before the deed */
    struct total of_deed, with_next;
};

static void teller_release(struct teller *teller)
{
    ia_doubts_release(&teller->of_all);
    ia_what_if_rows_close(teller->rows);
}
#define AUTO_TELLER __attribute__((cleanup(teller_release)))

/* The judge's and those of the effect. Only of what the next scan says of an image is all said together. */
static enum ia_status collect(struct teller *teller, const struct ia_what_if_fact *fact, enum ia_effect effect,
                              struct ia_doubts *out, struct ia_error *err)
{
    bool is_next = effect == IA_EFFECT_UNREFERENCED || effect == IA_EFFECT_MASKED_MORE;
    IA_TRY(ia_what_if_rows_find_doubts(teller->rows, is_next ? fact->effect : "own", fact->image_id, out, err));
    if (effect == IA_EFFECT_DELETED || effect == IA_EFFECT_COMMITTED)
        IA_TRY(ia_what_if_rows_find_doubts(teller->rows, "all", 0, out, err));
    if (!ia_effect_doubts(effect, &fact->of_effect, out))
        return ia_no_memory(err);
    ia_doubts_sort(out);
    return IA_OK;
}

static enum ia_status put_words(const struct teller *teller, int64_t row, enum ia_effect effect,
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
    return ia_what_if_rows_put_words(teller->rows, &made, err);
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

/* says_more: than what is said of everything. */
static void sum_up(struct teller *teller, const struct ia_what_if_fact *fact, enum ia_effect effect, bool says_more)
{
    if (effect <= IA_EFFECT_RECEIVES)
        add_figures(&teller->of_deed, fact);
    if (effect < IA_EFFECT_UNREFERENCED)
        teller->of_deed.says_more = teller->of_deed.says_more || says_more;
    if (effect <= IA_EFFECT_RECEIVES || effect == IA_EFFECT_UNREFERENCED)
        add_figures(&teller->with_next, fact);
    teller->with_next.says_more = teller->with_next.says_more || says_more;
}

static enum ia_status tell_row(void *ctx, const struct ia_what_if_fact *fact, struct ia_error *err)
{
    struct teller *teller = ctx;
    enum ia_effect effect = ia_effect_by_word(fact->effect);
    if (effect >= IA_EFFECT_TOTAL)
        return ia_fail(err, IA_BUG, "no effect '%s'", fact->effect);
    IA_AUTO_BUF struct ia_buf detail = {0};
    IA_AUTO_DOUBTS struct ia_doubts doubts = {0};
    ia_what_if_detail(&detail, effect, fact);
    ia_buf_add_char(&detail, '\0');
    IA_TRY(collect(teller, fact, effect, &doubts, err));
    IA_TRY(put_words(teller, fact->row_id, effect, &detail, &doubts, err));
    ia_doubts_subtract(&doubts, &teller->of_all);
    sum_up(teller, fact, effect, doubts.all.len > 0);
    return IA_OK;
}

static enum ia_status put_total(struct teller *teller, const struct total *total, const char *detail_text,
                                struct ia_error *err)
{
    const struct ia_effect_facts facts_of_total = {.rows_say_more = total->says_more};
    enum ia_effect effect = ia_effect_by_word(total->row.effect);
    IA_AUTO_BUF struct ia_buf detail = {0};
    IA_AUTO_DOUBTS struct ia_doubts doubts = {0};
    int64_t row = 0;
    ia_buf_add_str(&detail, detail_text);
    ia_buf_add_char(&detail, '\0');
    IA_TRY(ia_what_if_rows_put_total(teller->rows, &total->row, &row, err));
    IA_TRY(ia_what_if_rows_find_doubts(teller->rows, "all", 0, &doubts, err));
    if (!ia_effect_doubts(effect, &facts_of_total, &doubts))
        return ia_no_memory(err);
    return put_words(teller, row, effect, &detail, &doubts, err);
}

enum ia_status ia_what_if_tell(struct ia_reader *reader, struct ia_error *err)
{
    AUTO_TELLER struct teller teller = {.of_deed.row.effect = ia_effect_word(IA_EFFECT_TOTAL),
                                        .with_next.row.effect = ia_effect_word(IA_EFFECT_TOTAL_WITH_NEXT)};
    IA_TRY(ia_what_if_rows_open(reader, &teller.rows, err));
    IA_TRY(ia_what_if_rows_find_doubts(teller.rows, "all", 0, &teller.of_all, err));
    IA_TRY(ia_what_if_rows_each(teller.rows, tell_row, &teller, err));
    if (teller.of_deed.any)
        IA_TRY(put_total(&teller, &teller.of_deed, "what the action alone frees and needs", err));
    if (teller.with_next.row.step > 0)
        IA_TRY(
            put_total(&teller, &teller.with_next, "the same, when all that is unreferenced then is deleted too", err));
    return IA_OK;
}
