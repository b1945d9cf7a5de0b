/* SPDX-License-Identifier: MIT */
/* Facts, doubts and totals of the rows of a what-if. */
#include "store/what_if_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "store/connection.h"
#include "store/entity.h"
#include "store/what_if_detail.h"

static const char working[] = "cannot put a what-if into words";

#define OF_EFFECT(member) IA_COLUMN_AS(#member, ia_what_if_fact, of_effect.member, IA_COLUMN_VALUE)
static const struct ia_column_spec fact_columns[] = {
    IA_KEY(ia_what_if_fact, row_id),
    IA_COLUMN(ia_what_if_fact, image_id),
    IA_COLUMN(ia_what_if_fact, step),
    IA_COLUMN(ia_what_if_fact, effect),
    IA_COLUMN(ia_what_if_fact, snapshot),
    IA_NULL_IF_NEGATIVE(ia_what_if_fact, freed_bytes),
    IA_NULL_IF_NEGATIVE(ia_what_if_fact, most_bytes),
    IA_NULL_IF_NEGATIVE(ia_what_if_fact, needed_bytes),
    IA_COLUMN(ia_what_if_fact, keeps_name),
    IA_COLUMN(ia_what_if_fact, is_head),
    IA_COLUMN(ia_what_if_fact, has_backing),
    IA_COLUMN(ia_what_if_fact, names_backing),
    IA_COLUMN(ia_what_if_fact, has_names),
    IA_COLUMN(ia_what_if_fact, can_rebase),
    IA_COLUMN(ia_what_if_fact, can_be_empty),
    IA_COLUMN(ia_what_if_fact, has_other_links),
    IA_COLUMN(ia_what_if_fact, is_shared),
    IA_COLUMN(ia_what_if_fact, is_encoded),
    IA_COLUMN(ia_what_if_fact, is_unread),
    IA_COLUMN(ia_what_if_fact, broken_at),
    IA_COLUMN(ia_what_if_fact, overlay),
    IA_COLUMN(ia_what_if_fact, virtual_size),
    IA_COLUMN(ia_what_if_fact, overlay_size),
    OF_EFFECT(is_flattened),
    OF_EFFECT(is_ok),
    OF_EFFECT(chain_ok),
    OF_EFFECT(has_data_file),
    OF_EFFECT(has_snapshots),
    OF_EFFECT(is_freed_known),
    OF_EFFECT(can_commit),
    OF_EFFECT(can_receive),
    OF_EFFECT(can_grow),
    OF_EFFECT(can_grow_with_snapshots),
    OF_EFFECT(can_grow_over_backing),
    OF_EFFECT(zeroes_are_known),
    OF_EFFECT(grows),
    OF_EFFECT(has_larger_backing),
    OF_EFFECT(names_what_goes),
    OF_EFFECT(is_change_known),
};
static const struct ia_entity facts = {"what_if_fact", fact_columns, sizeof(fact_columns) / sizeof(fact_columns[0]),
                                       "ORDER BY row_id"};

/* A row of what_if_words. */
struct words {
    int64_t row_id, rank;
    const char *detail, *why, *why_codes; /* why: NULL: proven */
};
static const struct ia_column_spec word_columns[] = {
    IA_KEY(words, row_id), IA_COLUMN(words, rank),      IA_COLUMN(words, detail),
    IA_COLUMN(words, why), IA_COLUMN(words, why_codes),
};
static const struct ia_entity words = {"what_if_words", word_columns, sizeof(word_columns) / sizeof(word_columns[0]),
                                       NULL};

/* A row of what_if_row that sums up others. */
struct total {
    const char *effect;
    int64_t step;                                  /* 0: NULL */
    int64_t freed_bytes, most_bytes, needed_bytes; /* -1: not known */
    bool any;
    bool says_more; /* a row of it has doubts that are not those about everything */
};
static const struct ia_column_spec total_columns[] = {
    IA_COLUMN(total, effect),
    IA_NULL_IF_ZERO(total, step),
    IA_NULL_IF_NEGATIVE(total, freed_bytes),
    IA_NULL_IF_NEGATIVE(total, most_bytes),
    IA_NULL_IF_NEGATIVE(total, needed_bytes),
};
static const struct ia_entity totals = {"what_if_row", total_columns, sizeof(total_columns) / sizeof(total_columns[0]),
                                        NULL};

struct teller {
    sqlite3 *db;
    sqlite3_stmt *find_doubts;
    sqlite3_stmt *put_words;
    IA_VEC(char *) texts;    /* owned; the subjects of doubts */
    struct ia_doubts of_all; /* about every image, before the deed */
    struct total of_deed, with_next;
};

static void teller_release(struct teller *teller)
{
    sqlite3_finalize(teller->find_doubts);
    sqlite3_finalize(teller->put_words);
    ia_doubts_release(&teller->of_all);
    for (size_t i = 0; i < teller->texts.len; i++)
        free(teller->texts.items[i]);
    ia_vec_release(&teller->texts);
}
#define AUTO_TELLER __attribute__((cleanup(teller_release)))

/* A statement that is made of a description. */
static enum ia_status prepare_made(const struct teller *teller,
                                   void make(const struct ia_entity *entity, struct ia_buf *out),
                                   const struct ia_entity *entity, sqlite3_stmt **out, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf sql = {0};
    make(entity, &sql);
    ia_buf_add_char(&sql, '\0');
    return sql.failed ? ia_no_memory(err) : ia_connection_prepare(teller->db, sql.data, working, out, err);
}

/* -- Doubts -------------------------------------------------------------------------------------------------------- */

/* Appends those that the judge had, as what_if_doubt has them. */
static enum ia_status find_doubts(struct teller *teller, const char *effect, int64_t image, struct ia_doubts *out,
                                  struct ia_error *err)
{
    sqlite3_stmt *stmt = teller->find_doubts;
    int code = SQLITE_ROW;
    sqlite3_reset(stmt);
    if (sqlite3_bind_text(stmt, 1, effect, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_int64(stmt, 2, image) != SQLITE_OK)
        return ia_connection_fail(teller->db, err, "%s", working);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 1);
        char *subject = strdup(text == NULL ? "" : text);
        if (subject == NULL || !ia_vec_push(&teller->texts, subject)) {
            free(subject);
            return ia_no_memory(err);
        }
        enum ia_doubt doubt = (enum ia_doubt)sqlite3_column_int(stmt, 0);
        if (!ia_vec_push(&out->all, ((struct ia_candidate_doubt){doubt, subject})))
            return ia_no_memory(err);
    }
    return ia_connection_check(teller->db, code, working, err);
}

/* The judge's and those of the effect. Only of what the next scan says of an image is all said together. */
static enum ia_status collect(struct teller *teller, const struct ia_what_if_fact *fact, enum ia_effect effect,
                              struct ia_doubts *out, struct ia_error *err)
{
    bool is_next = effect == IA_EFFECT_UNREFERENCED || effect == IA_EFFECT_MASKED_MORE;
    IA_TRY(find_doubts(teller, is_next ? fact->effect : "own", fact->image_id, out, err));
    if (effect == IA_EFFECT_DELETED || effect == IA_EFFECT_COMMITTED)
        IA_TRY(find_doubts(teller, "all", 0, out, err));
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
    const struct words made = {.row_id = row,
                               .rank = effect,
                               .detail = detail->data,
                               .why = doubts->all.len > 0 ? why.data : NULL,
                               .why_codes = doubts->all.len > 0 ? codes.data : NULL};
    sqlite3_reset(teller->put_words);
    if (ia_entity_bind(&words, teller->put_words, &made) != SQLITE_OK || sqlite3_step(teller->put_words) != SQLITE_DONE)
        return ia_connection_fail(teller->db, err, "%s", working);
    return IA_OK;
}

/* -- Rows ---------------------------------------------------------------------------------------------------------- */

static void add(int64_t *sum, int64_t bytes)
{
    *sum = *sum < 0 || bytes < 0 ? -1 : *sum + bytes;
}

static void add_figures(struct total *total, const struct ia_what_if_fact *fact)
{
    total->any = true;
    total->step = ia_max(total->step, fact->step);
    add(&total->freed_bytes, fact->freed_bytes);
    add(&total->most_bytes, fact->most_bytes);
    add(&total->needed_bytes, fact->needed_bytes);
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

static enum ia_status tell_row(struct teller *teller, const struct ia_what_if_fact *fact, struct ia_error *err)
{
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

static enum ia_status tell_rows(struct teller *teller, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(prepare_made(teller, ia_entity_load_sql, &facts, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ia_what_if_fact fact = {0};
        ia_entity_decode(&facts, stmt, &fact);
        IA_TRY(tell_row(teller, &fact, err));
    }
    return ia_connection_check(teller->db, code, working, err);
}

static enum ia_status insert_total(const struct teller *teller, const struct total *total, int64_t *row,
                                   struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(prepare_made(teller, ia_entity_insert_sql, &totals, &stmt, err));
    if (ia_entity_bind(&totals, stmt, total) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE)
        return ia_connection_fail(teller->db, err, "%s", working);
    *row = sqlite3_last_insert_rowid(teller->db);
    return IA_OK;
}

static enum ia_status put_total(struct teller *teller, const struct total *total, const char *detail_text,
                                struct ia_error *err)
{
    const struct ia_effect_facts facts_of_total = {.rows_say_more = total->says_more};
    enum ia_effect effect = ia_effect_by_word(total->effect);
    IA_AUTO_BUF struct ia_buf detail = {0};
    IA_AUTO_DOUBTS struct ia_doubts doubts = {0};
    int64_t row = 0;
    ia_buf_add_str(&detail, detail_text);
    ia_buf_add_char(&detail, '\0');
    IA_TRY(insert_total(teller, total, &row, err));
    IA_TRY(find_doubts(teller, "all", 0, &doubts, err));
    if (!ia_effect_doubts(effect, &facts_of_total, &doubts))
        return ia_no_memory(err);
    return put_words(teller, row, effect, &detail, &doubts, err);
}

static enum ia_status prepare(struct teller *teller, struct ia_error *err)
{
    static const char find[] = "SELECT code, subject FROM what_if_doubt WHERE effect = ? AND image_id = ?";
    IA_TRY(ia_connection_prepare(teller->db, find, working, &teller->find_doubts, err));
    IA_TRY(prepare_made(teller, ia_entity_insert_sql, &words, &teller->put_words, err));
    return find_doubts(teller, "all", 0, &teller->of_all, err);
}

enum ia_status ia_what_if_tell(sqlite3 *db, struct ia_error *err)
{
    AUTO_TELLER struct teller teller = {.db = db,
                                        .of_deed = {.effect = ia_effect_word(IA_EFFECT_TOTAL)},
                                        .with_next = {.effect = ia_effect_word(IA_EFFECT_TOTAL_WITH_NEXT)}};
    IA_TRY(prepare(&teller, err));
    IA_TRY(tell_rows(&teller, err));
    if (teller.of_deed.any)
        IA_TRY(put_total(&teller, &teller.of_deed, "what the action alone frees and needs", err));
    if (teller.with_next.step > 0)
        IA_TRY(
            put_total(&teller, &teller.with_next, "the same, when all that is unreferenced then is deleted too", err));
    return IA_OK;
}
