/* SPDX-License-Identifier: MIT */
/* Rows of the report by descriptions of their columns. */
#include "store/what_if_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"
#include "store/connection.h"
#include "store/entity.h"
#include "store/reader_internal.h"

static const char working[] = "cannot put a what-if into words";

#define OF_EFFECT(member) IA_COLUMN_AS(#member, ia_what_if_fact, of_effect.member, IA_COLUMN_VALUE)
static const struct ia_column_spec fact_columns[] = {
    IA_KEY(ia_what_if_fact, row_id),
    IA_COLUMN(ia_what_if_fact, image_id),
    IA_COLUMN(ia_what_if_fact, step),
    IA_COLUMN(ia_what_if_fact, effect),
    IA_TEXT_OR_NULL(ia_what_if_fact, snapshot),
    IA_NULL_IF_NEGATIVE(ia_what_if_fact, freed_bytes),
    IA_NULL_IF_NEGATIVE(ia_what_if_fact, most_bytes),
    IA_NULL_IF_NEGATIVE(ia_what_if_fact, needed_bytes),
    IA_COLUMN(ia_what_if_fact, keeps_name),
    IA_COLUMN(ia_what_if_fact, is_head),
    IA_COLUMN(ia_what_if_fact, is_template),
    IA_COLUMN(ia_what_if_fact, has_backing),
    IA_COLUMN(ia_what_if_fact, names_backing),
    IA_COLUMN(ia_what_if_fact, has_names),
    IA_COLUMN(ia_what_if_fact, is_foreign),
    IA_COLUMN(ia_what_if_fact, can_rebase),
    IA_COLUMN(ia_what_if_fact, can_be_empty),
    IA_COLUMN(ia_what_if_fact, has_other_links),
    IA_COLUMN(ia_what_if_fact, is_shared),
    IA_COLUMN(ia_what_if_fact, is_encoded),
    IA_COLUMN(ia_what_if_fact, is_unread),
    IA_TEXT_OR_NULL(ia_what_if_fact, broken_at),
    IA_TEXT_OR_NULL(ia_what_if_fact, overlay),
    IA_TEXT_OR_NULL(ia_what_if_fact, machines),
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

static const struct ia_column_spec word_columns[] = {
    IA_KEY(ia_what_if_words, row_id), IA_COLUMN(ia_what_if_words, rank),      IA_COLUMN(ia_what_if_words, detail),
    IA_COLUMN(ia_what_if_words, why), IA_COLUMN(ia_what_if_words, why_codes),
};
static const struct ia_entity words = {"what_if_words", word_columns, sizeof(word_columns) / sizeof(word_columns[0]),
                                       NULL};

static const struct ia_column_spec total_columns[] = {
    IA_COLUMN(ia_what_if_total, effect),
    IA_NULL_IF_ZERO(ia_what_if_total, step),
    IA_NULL_IF_NEGATIVE(ia_what_if_total, freed_bytes),
    IA_NULL_IF_NEGATIVE(ia_what_if_total, most_bytes),
    IA_NULL_IF_NEGATIVE(ia_what_if_total, needed_bytes),
};
static const struct ia_entity totals = {"what_if_row", total_columns, sizeof(total_columns) / sizeof(total_columns[0]),
                                        NULL};

struct ia_what_if_rows {
    sqlite3 *db;
    sqlite3_stmt *find_doubts;
    sqlite3_stmt *put_words;
    IA_VEC(char *) texts; /* owned; the subjects of doubts */
};

/* A statement that is made of a description. */
static enum ia_status prepare_made(sqlite3 *db, void make(const struct ia_entity *entity, struct ia_buf *out),
                                   const struct ia_entity *entity, sqlite3_stmt **out, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf sql = {0};
    make(entity, &sql);
    ia_buf_add_char(&sql, '\0');
    return sql.failed ? ia_no_memory(err) : ia_connection_prepare(db, sql.data, working, out, err);
}

enum ia_status ia_what_if_rows_open(struct ia_reader *reader, struct ia_what_if_rows **out, struct ia_error *err)
{
    static const char find[] =
        "SELECT code, subject FROM what_if_doubt WHERE effect = ? AND image_id = ? ORDER BY code, subject";
    IA_AUTO_WHAT_IF_ROWS struct ia_what_if_rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL)
        return ia_no_memory(err);
    rows->db = ia_reader_connection(reader);
    IA_TRY(ia_connection_prepare(rows->db, find, working, &rows->find_doubts, err));
    IA_TRY(prepare_made(rows->db, ia_entity_insert_sql, &words, &rows->put_words, err));
    *out = ia_steal_ptr(rows);
    return IA_OK;
}

void ia_what_if_rows_close(struct ia_what_if_rows *rows)
{
    if (rows == NULL)
        return;
    sqlite3_finalize(rows->find_doubts);
    sqlite3_finalize(rows->put_words);
    for (size_t i = 0; i < rows->texts.len; i++)
        free(rows->texts.items[i]);
    ia_vec_release(&rows->texts);
    free(rows);
}

enum ia_status ia_what_if_rows_each(struct ia_what_if_rows *rows, ia_what_if_row *each, void *ctx, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(prepare_made(rows->db, ia_entity_load_sql, &facts, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct ia_what_if_fact fact = {0};
        ia_entity_decode(&facts, stmt, &fact);
        IA_TRY(each(ctx, &fact, err));
    }
    return ia_connection_check(rows->db, code, working, err);
}

enum ia_status ia_what_if_rows_find_doubts(struct ia_what_if_rows *rows, const char *effect, int64_t image_id,
                                           struct ia_doubts *out, struct ia_error *err)
{
    sqlite3_stmt *stmt = rows->find_doubts;
    int code;
    sqlite3_reset(stmt);
    if (sqlite3_bind_text(stmt, 1, effect, -1, SQLITE_STATIC) != SQLITE_OK ||
        sqlite3_bind_int64(stmt, 2, image_id) != SQLITE_OK)
        return ia_connection_fail(rows->db, err, "%s", working);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 1);
        char *subject = strdup(text == NULL ? "" : text);
        if (subject == NULL || !ia_vec_push(&rows->texts, subject)) {
            free(subject);
            return ia_no_memory(err);
        }
        enum ia_doubt doubt = (enum ia_doubt)sqlite3_column_int(stmt, 0);
        if (!ia_vec_push(&out->all, ((struct ia_candidate_doubt){doubt, subject})))
            return ia_no_memory(err);
    }
    return ia_connection_check(rows->db, code, working, err);
}

enum ia_status ia_what_if_rows_put_words(struct ia_what_if_rows *rows, const struct ia_what_if_words *row,
                                         struct ia_error *err)
{
    sqlite3_reset(rows->put_words);
    if (ia_entity_bind(&words, rows->put_words, row) != SQLITE_OK || sqlite3_step(rows->put_words) != SQLITE_DONE)
        return ia_connection_fail(rows->db, err, "%s", working);
    return IA_OK;
}

enum ia_status ia_what_if_rows_put_total(struct ia_what_if_rows *rows, const struct ia_what_if_total *total,
                                         int64_t *row_id, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(prepare_made(rows->db, ia_entity_insert_sql, &totals, &stmt, err));
    if (ia_entity_bind(&totals, stmt, total) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE)
        return ia_connection_fail(rows->db, err, "%s", working);
    *row_id = sqlite3_last_insert_rowid(rows->db);
    return IA_OK;
}
