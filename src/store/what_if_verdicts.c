/* SPDX-License-Identifier: MIT */
/* Judging what a deed would leave, step by step. */
#include "store/what_if_verdicts.h"

#include <stdlib.h>

#include "judge/judge.h"
#include "store/connection.h"
#include "store/graph_reader.h"

static const char working[] = "cannot work out the verdicts of a what-if";

struct deed {
    sqlite3 *db;
    enum ia_what_if_action action;
    const struct ia_what_if_accounts *accounts;
    struct ia_stored_graph *stored;
    struct ia_graph *graph;
    struct ia_judge *judge;        /* of the graph as it is now */
    struct ia_doubts of_all;       /* the same */
    IA_VEC(int64_t) masked_before; /* of each account */
    enum ia_candidate *before;     /* of each image */
    IA_VEC(size_t) found;          /* images that become unreferenced, in one step */
};

static void deed_release(struct deed *deed)
{
    ia_judge_free(deed->judge);
    ia_doubts_release(&deed->of_all);
    ia_vec_release(&deed->masked_before);
    free(deed->before);
    ia_vec_release(&deed->found);
    ia_stored_graph_free(deed->stored);
}
#define AUTO_DEED __attribute__((cleanup(deed_release)))

/* -- Writing ------------------------------------------------------------------------------------------------------- */

/* image: IA_GRAPH_NONE for every image. */
static enum ia_status put_doubts(const struct deed *deed, const char *effect, size_t image,
                                 const struct ia_doubts *doubts, struct ia_error *err)
{
    static const char sql[] = "INSERT OR IGNORE INTO what_if_doubt VALUES (?, ?, ?, ?)";
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    int64_t image_id = image == IA_GRAPH_NONE ? 0 : ia_stored_graph_image_id(deed->stored, image);
    IA_TRY(ia_connection_prepare(deed->db, sql, working, &stmt, err));
    for (size_t i = 0; i < doubts->all.len; i++) {
        const struct ia_candidate_doubt *doubt = &doubts->all.items[i];
        sqlite3_reset(stmt);
        if (sqlite3_bind_text(stmt, 1, effect, -1, SQLITE_STATIC) != SQLITE_OK ||
            sqlite3_bind_int64(stmt, 2, image_id) != SQLITE_OK ||
            sqlite3_bind_int(stmt, 3, (int)doubt->doubt) != SQLITE_OK ||
            sqlite3_bind_text(stmt, 4, doubt->subject, -1, SQLITE_STATIC) != SQLITE_OK ||
            sqlite3_step(stmt) != SQLITE_DONE)
            return ia_connection_fail(deed->db, err, "%s", working);
    }
    return IA_OK;
}

static enum ia_status put_candidate(const struct deed *deed, const char *effect, size_t image,
                                    enum ia_candidate candidate, struct ia_error *err)
{
    IA_AUTO_DOUBTS struct ia_doubts own = {0};
    IA_TRY(ia_judge_doubts(deed->judge, image, candidate, &own, err));
    IA_TRY(put_doubts(deed, effect, image, &own, err));
    return put_doubts(deed, effect, image, &deed->of_all, err);
}

/* -- The set ------------------------------------------------------------------------------------------------------- */

/* Calls for each row of numbers and texts until one fails. */
typedef enum ia_status row_function(struct deed *deed, sqlite3_stmt *stmt, struct ia_error *err);

static enum ia_status each_row(struct deed *deed, const char *sql, row_function *each, struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(deed->db, sql, working, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        IA_TRY(each(deed, stmt, err));
    return ia_connection_check(deed->db, code, working, err);
}

static enum ia_status delete_image(struct deed *deed, sqlite3_stmt *stmt, struct ia_error *err)
{
    size_t image = ia_stored_graph_image(deed->stored, sqlite3_column_int64(stmt, 0));
    return image == IA_GRAPH_NONE || ia_graph_delete(deed->graph, image) ? IA_OK : ia_no_memory(err);
}

static enum ia_status drop_name(struct deed *deed, sqlite3_stmt *stmt, struct ia_error *err)
{
    size_t image = ia_stored_graph_image(deed->stored, sqlite3_column_int64(stmt, 0));
    const char *path = (const char *)sqlite3_column_text(stmt, 1);
    if (image == IA_GRAPH_NONE || path == NULL || ia_graph_drop_name(deed->graph, image, path))
        return IA_OK;
    return ia_no_memory(err);
}

static enum ia_status flatten_image(struct deed *deed, sqlite3_stmt *stmt, struct ia_error *err)
{
    size_t image = ia_stored_graph_image(deed->stored, sqlite3_column_int64(stmt, 0));
    return image == IA_GRAPH_NONE || ia_graph_flatten(deed->graph, image) ? IA_OK : ia_no_memory(err);
}

/* The image is emptied, and its backing image written to. */
static enum ia_status commit_image(struct deed *deed, sqlite3_stmt *stmt, struct ia_error *err)
{
    size_t image = ia_stored_graph_image(deed->stored, sqlite3_column_int64(stmt, 0));
    if (image == IA_GRAPH_NONE)
        return IA_OK;
    size_t base = deed->graph->images.items[image].backing;
    bool ok = ia_graph_write(deed->graph, image);
    return ok && (base == IA_GRAPH_NONE || ia_graph_commit_into(deed->graph, base)) ? IA_OK : ia_no_memory(err);
}

static enum ia_status act(struct deed *deed, struct ia_error *err)
{
    static const char asked[] = "SELECT image_id FROM what_if_image WHERE asked";
    if (deed->action == IA_WHAT_IF_FLATTEN)
        return each_row(deed, asked, flatten_image, err);
    if (deed->action == IA_WHAT_IF_COMMIT)
        return each_row(deed, asked, commit_image, err);
    IA_TRY(each_row(deed,
                    "SELECT w.image_id, n.path FROM what_if_image AS w"
                    " JOIN image AS i ON i.image_id = w.image_id"
                    " JOIN file_name AS n ON n.file_id = i.file_id"
                    " JOIN what_if_name AS k ON k.path = n.path WHERE w.step IS NULL",
                    drop_name, err));
    return each_row(deed, "SELECT image_id FROM what_if_image WHERE step = 0", delete_image, err);
}

/* -- Judging ------------------------------------------------------------------------------------------------------- */

static enum ia_status look(struct deed *deed, struct ia_error *err)
{
    ia_judge_free(deed->judge);
    deed->judge = NULL;
    deed->of_all.all.len = 0;
    IA_TRY(ia_judge_new(deed->graph, &deed->judge, err));
    return ia_judge_doubts_of_all(deed->judge, &deed->of_all, err);
}

/* After an edit, as the next scan would. */
static enum ia_status look_again(struct deed *deed, struct ia_error *err)
{
    return ia_graph_settle(deed->graph) ? look(deed, err) : ia_no_memory(err);
}

/* What is said of everything before the deed, and of each image itself. */
static enum ia_status tell_before(struct deed *deed, struct ia_error *err)
{
    IA_AUTO_DOUBTS struct ia_doubts own = {0};
    IA_TRY(put_doubts(deed, "all", IA_GRAPH_NONE, &deed->of_all, err));
    deed->before = calloc(deed->graph->images.len + 1, sizeof(*deed->before));
    if (deed->before == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < deed->graph->images.len; i++) {
        deed->before[i] = ia_judge_candidate(deed->judge, i);
        own.all.len = 0;
        IA_TRY(ia_judge_own_doubts(deed->judge, i, &own, err));
        if (own.all.len > 0)
            IA_TRY(put_doubts(deed, "own", i, &own, err));
    }
    return IA_OK;
}

/* The accounts of the forest after the action, in place of those before. */
static enum ia_status set_accounts(struct deed *deed, struct ia_error *err)
{
    for (size_t i = 0; i < deed->accounts->all.len; i++) {
        const struct ia_what_if_account *account = &deed->accounts->all.items[i];
        size_t number = ia_stored_graph_image(deed->stored, account->image_id);
        int64_t before = number == IA_GRAPH_NONE ? INT64_MAX : deed->graph->images.items[number].masked_bytes;
        if (!ia_vec_push(&deed->masked_before, before))
            return ia_no_memory(err);
        if (number == IA_GRAPH_NONE)
            continue;
        struct ia_graph_image *image = &deed->graph->images.items[number];
        image->visible_present = account->visible_present;
        image->masked_bytes = account->masked_bytes;
    }
    return IA_OK;
}

/* What is masked more is what the next scan lists as masked; where it would list nothing, there is a doubt that says
 * why. */
static enum ia_status tell_masked(struct deed *deed, struct ia_error *err)
{
    for (size_t i = 0; i < deed->accounts->all.len; i++) {
        size_t number = ia_stored_graph_image(deed->stored, deed->accounts->all.items[i].image_id);
        if (number == IA_GRAPH_NONE || deed->graph->images.items[number].is_gone ||
            deed->accounts->all.items[i].masked_bytes <= deed->masked_before.items[i])
            continue;
        enum ia_candidate candidate = ia_judge_candidate(deed->judge, number);
        IA_TRY(put_candidate(deed, "masked-more", number,
                             candidate == IA_CANDIDATE_NONE ? IA_CANDIDATE_PARTLY_MASKED : candidate, err));
    }
    return IA_OK;
}

static enum ia_status put_step(const struct deed *deed, size_t image, int64_t step, struct ia_error *err)
{
    static const char sql[] = "INSERT INTO what_if_image VALUES (?1, 0, ?2)"
                              " ON CONFLICT (image_id) DO UPDATE SET step = excluded.step";
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(deed->db, sql, working, &stmt, err));
    if (sqlite3_bind_int64(stmt, 1, ia_stored_graph_image_id(deed->stored, image)) != SQLITE_OK ||
        sqlite3_bind_int64(stmt, 2, step) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_DONE)
        return ia_connection_fail(deed->db, err, "%s", working);
    return IA_OK;
}

/* One step: what is unreferenced by now and was not before is told, then deleted. */
static enum ia_status tell_step(struct deed *deed, int64_t step, struct ia_error *err)
{
    deed->found.len = 0;
    for (size_t i = 0; i < deed->graph->images.len; i++) {
        if (deed->before[i] == IA_CANDIDATE_UNREFERENCED ||
            ia_judge_candidate(deed->judge, i) != IA_CANDIDATE_UNREFERENCED)
            continue;
        if (!ia_vec_push(&deed->found, i))
            return ia_no_memory(err);
        IA_TRY(put_step(deed, i, step, err));
        IA_TRY(put_candidate(deed, "unreferenced", i, IA_CANDIDATE_UNREFERENCED, err));
    }
    for (size_t i = 0; i < deed->found.len; i++)
        if (!ia_graph_delete(deed->graph, deed->found.items[i]))
            return ia_no_memory(err);
    return IA_OK;
}

static enum ia_status judge(struct deed *deed, struct ia_error *err)
{
    IA_TRY(look(deed, err));
    IA_TRY(tell_before(deed, err));
    IA_TRY(set_accounts(deed, err));
    IA_TRY(act(deed, err));
    IA_TRY(look_again(deed, err));
    IA_TRY(tell_masked(deed, err));
    for (int64_t step = 1;; step++) { /* ends: each step deletes an image */
        IA_TRY(tell_step(deed, step, err));
        if (deed->found.len == 0)
            return IA_OK;
        IA_TRY(look_again(deed, err));
    }
}

enum ia_status ia_what_if_judge(sqlite3 *db, enum ia_what_if_action action, const struct ia_what_if_accounts *accounts,
                                struct ia_error *err)
{
    AUTO_DEED struct deed deed = {.db = db, .action = action, .accounts = accounts};
    IA_TRY(ia_stored_graph_load(db, &deed.stored, err));
    deed.graph = ia_stored_graph(deed.stored);
    return judge(&deed, err);
}
