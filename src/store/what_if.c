/* SPDX-License-Identifier: MIT */
/* Asking the forest, and following names. */
#include "store/what_if.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/forest_edit.h"
#include "base/vec.h"
#include "store/connection.h"
#include "store/forest_reader.h"
#include "store/reader_internal.h"
#include "store/what_if_host.h"
#include "store/what_if_rows.h"
#include "store/what_if_verdicts.h"
#include "what_if_embedded.h"

static const char working[] = "cannot work out a what-if";

struct question {
    sqlite3 *db;
    enum ia_what_if_action action;
    IA_VEC(int64_t) images; /* the set, each once */
    struct ia_stored_forest *stored;
    struct ia_forest_edit *answer;
    struct ia_what_if_accounts accounts;
};

static void question_release(struct question *question)
{
    ia_forest_edit_free(question->answer);
    ia_stored_forest_free(question->stored);
    ia_vec_release(&question->images);
    ia_vec_release(&question->accounts.all);
}
#define AUTO_QUESTION __attribute__((cleanup(question_release)))

const char *ia_what_if_word(enum ia_what_if_action action)
{
    static const char *const words[] = {
        [IA_WHAT_IF_DELETE] = "delete", [IA_WHAT_IF_FLATTEN] = "flatten", [IA_WHAT_IF_COMMIT] = "commit"};
    return words[action];
}

static enum ia_status run_script(sqlite3 *db, const char *name, struct ia_error *err)
{
    const char *text = NULL;
    for (size_t i = 0; i < sizeof(ia_what_if_files) / sizeof(ia_what_if_files[0]); i++)
        if (strcmp(ia_what_if_files[i].name, name) == 0)
            text = ia_what_if_files[i].text;
    if (text == NULL)
        return ia_fail(err, IA_BUG, "no script '%s'", name);
    return ia_connection_exec(db, text, err);
}

enum ia_status ia_what_if_define(struct ia_reader *reader, struct ia_error *err)
{
    return run_script(ia_reader_connection(reader), "what_if_tables", err);
}

/* A parameter: a text, or else a number. */
struct value {
    const char *text;
    int64_t number;
};

static int bind_value(sqlite3_stmt *stmt, int index, const struct value *value)
{
    return value->text != NULL ? sqlite3_bind_text(stmt, index, value->text, -1, SQLITE_STATIC)
                               : sqlite3_bind_int64(stmt, index, value->number);
}

/* Runs a statement to its first row, or its end. *out gets the row's first column; it is untouched where there is no
 * row, and may be NULL. */
static enum ia_status ask(sqlite3 *db, int64_t *out, const char *sql, const struct value *values, size_t count,
                          struct ia_error *err)
{
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db, sql, working, &stmt, err));
    for (size_t i = 0; i < count; i++)
        IA_TRY(ia_connection_check(db, bind_value(stmt, (int)i + 1, &values[i]), working, err));
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW && out != NULL)
        *out = sqlite3_column_int64(stmt, 0);
    return ia_connection_check(db, code, working, err);
}

static enum ia_status ask_of_text(sqlite3 *db, int64_t *out, const char *sql, const char *text, struct ia_error *err)
{
    return ask(db, out, sql, &(struct value){.text = text}, 1, err);
}

static enum ia_status ask_of_number(sqlite3 *db, int64_t *out, const char *sql, int64_t number, struct ia_error *err)
{
    return ask(db, out, sql, &(struct value){.number = number}, 1, err);
}

/* A statement that takes numbers and gives no row. */
static enum ia_status put_numbers(sqlite3 *db, const char *sql, const int64_t *numbers, size_t count,
                                  struct ia_error *err)
{
    struct value values[6] = {0};
    for (size_t i = 0; i < count && i < sizeof(values) / sizeof(values[0]); i++)
        values[i].number = numbers[i];
    return ask(db, NULL, sql, values, count, err);
}
#define NUMBERS(...) (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

/* A symbolic link stands for what it leads to. */
static enum ia_status add_path(struct question *question, const char *path, struct ia_error *err)
{
    static const char find_image[] = "SELECT i.image_id FROM file_name AS n JOIN image AS i ON i.file_id = n.file_id"
                                     " WHERE n.path = ?1 UNION SELECT image_id FROM image WHERE path = ?1";
    static const char add_name[] =
        "INSERT OR IGNORE INTO what_if_name SELECT coalesce((SELECT i.path FROM file_name AS n"
        " JOIN image AS i ON i.file_id = n.file_id WHERE n.path = ?1 AND n.kind = 'symlink'), ?1)";
    int64_t image = -1;
    IA_TRY(ask_of_text(question->db, &image, find_image, path, err));
    if (image < 0)
        return ia_fail(err, IA_MISSING, "'%s' is no image of its own: it is a part of another", path);
    IA_TRY(ask_of_text(question->db, NULL, add_name, path, err));
    for (size_t i = 0; i < question->images.len; i++)
        if (question->images.items[i] == image)
            return IA_OK;
    return ia_vec_push(&question->images, image) ? IA_OK : ia_no_memory(err);
}

/* An image that keeps a name stays. */
static enum ia_status add_images(struct question *question, struct ia_error *err)
{
    static const char sql[] =
        "INSERT INTO what_if_image SELECT i.image_id, 1,"
        " CASE WHEN ?2 AND NOT EXISTS (SELECT 1 FROM file_name AS n WHERE n.file_id = i.file_id AND n.kind = 'file'"
        " AND n.path NOT IN (SELECT path FROM what_if_name)) THEN 0 END FROM image AS i WHERE i.image_id = ?1";
    for (size_t i = 0; i < question->images.len; i++)
        IA_TRY(put_numbers(question->db, sql, NUMBERS(question->images.items[i], question->action == IA_WHAT_IF_DELETE),
                           err));
    return IA_OK;
}

static enum ia_status get_terms(struct question *question, size_t node, struct ia_forest_edit_terms *terms,
                                struct ia_error *err)
{
    static const char sql[] =
        "SELECT unit, cluster, zeroes, is_plain, can_be_empty FROM image_ability WHERE image_id = ?";
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    int64_t image = ia_stored_forest_image(question->stored, node);
    IA_TRY(ia_connection_prepare_for(question->db, sql, image, working, &stmt, err));
    if (sqlite3_step(stmt) != SQLITE_ROW)
        return ia_connection_fail(question->db, err, "%s", working);
    *terms = (struct ia_forest_edit_terms){
        .unit = sqlite3_column_int64(stmt, 0),
        .cluster = sqlite3_column_int64(stmt, 1),
        .zeroes = (enum ia_zeroes)sqlite3_column_int(stmt, 2),
        .is_plain = sqlite3_column_int(stmt, 3) != 0,
        .can_be_empty = sqlite3_column_int(stmt, 4) != 0,
    };
    return IA_OK;
}

static enum ia_status flatten(struct question *question, size_t node, struct ia_error *err)
{
    struct ia_forest_edit_terms own;
    IA_TRY(get_terms(question, node, &own, err));
    return ia_forest_edit_flatten(question->answer, node, &own, err);
}

static enum ia_status get_shared(struct question *question, size_t node, struct ia_host_ranges *shared,
                                 struct ia_forest_edit_terms *terms, struct ia_error *err)
{
    bool known = false;
    IA_TRY(ia_what_if_shared_ranges(question->db, ia_stored_forest_image(question->stored, node), shared, &known, err));
    terms->shared = shared;
    terms->may_share_all = !known;
    return IA_OK;
}

static enum ia_status commit(struct question *question, size_t node, struct ia_error *err)
{
    size_t parent = ia_stored_forest(question->stored)->nodes[node].parent;
    if (parent == IA_NO_PARENT)
        return ia_fail(err, IA_USAGE, "nothing to commit into: the store knows no backing image of the image");
    struct ia_forest_edit_terms own, base;
    IA_AUTO_HOST_RANGES struct ia_host_ranges shared = {0};
    IA_AUTO_HOST_RANGES struct ia_host_ranges base_shared = {0};
    IA_TRY(get_terms(question, node, &own, err));
    IA_TRY(get_terms(question, parent, &base, err));
    IA_TRY(get_shared(question, node, &shared, &own, err));
    IA_TRY(get_shared(question, parent, &base_shared, &base, err));
    return ia_forest_edit_commit(question->answer, node, &own, &base, err);
}

static enum ia_status act_on(struct question *question, int64_t image, struct ia_error *err)
{
    size_t node = ia_stored_forest_node(question->stored, image);
    if (node == IA_NO_PARENT)
        return IA_OK; /* it is in no chain, not even its own: nothing of it is known */
    if (question->action == IA_WHAT_IF_DELETE) {
        int64_t goes = 0;
        IA_TRY(ask_of_number(question->db, &goes, "SELECT step IS NOT NULL FROM what_if_image WHERE image_id = ?",
                             image, err));
        return goes != 0 ? ia_forest_edit_delete(question->answer, node, err) : IA_OK;
    }
    return question->action == IA_WHAT_IF_FLATTEN ? flatten(question, node, err) : commit(question, node, err);
}

static enum ia_status put_usage(void *ctx, size_t node, const struct ia_usage *usage, struct ia_error *err)
{
    struct question *question = ctx;
    int64_t image = ia_stored_forest_image(question->stored, node);
    struct ia_what_if_account account = {image, usage->visible_present, usage->masked_bytes};
    if (!ia_vec_push(&question->accounts.all, account))
        return ia_no_memory(err);
    return put_numbers(question->db, "INSERT INTO what_if_usage VALUES (?, ?, ?, ?, ?, ?)",
                       NUMBERS(image, usage->visible_bytes, usage->visible_present, usage->masked_bytes,
                               usage->exclusive_bytes, usage->shared_bytes),
                       err);
}

static enum ia_status put_effect(const struct question *question, size_t node, struct ia_error *err)
{
    const struct ia_forest_edit_effect *effect = ia_forest_edit_effect(question->answer, node);
    const int64_t *snapshots = ia_forest_edit_snapshots(question->answer, node);
    int64_t image = ia_stored_forest_image(question->stored, node);
    if (effect->needed_bytes != 0 || effect->emptied_bytes != 0 || effect->changed_bytes != 0)
        IA_TRY(put_numbers(
            question->db, "INSERT INTO what_if_effect VALUES (?, ?, ?, ?, ?)",
            NUMBERS(image, effect->needed_bytes, effect->emptied_bytes, effect->released_bytes, effect->changed_bytes),
            err));
    size_t count = snapshots == NULL ? 0 : ia_stored_forest(question->stored)->nodes[node].snapshots;
    for (size_t i = 0; i < count; i++)
        if (snapshots[i] != 0)
            IA_TRY(put_numbers(question->db, "INSERT INTO what_if_snapshot VALUES (?, ?, ?)",
                               NUMBERS(image, (int64_t)i, snapshots[i]), err));
    return IA_OK;
}

static enum ia_status ask_forest(struct question *question, struct ia_error *err)
{
    IA_TRY(ia_forest_edit_new(ia_stored_forest(question->stored), &question->answer, err));
    for (size_t i = 0; i < question->images.len; i++)
        IA_TRY(act_on(question, question->images.items[i], err));
    const struct ia_forest *after = ia_forest_edit_after(question->answer);
    const struct ia_forest_sinks sinks = {.ctx = question, .bases_only = true, .usage = put_usage};
    IA_TRY(ia_forest_analyse(after, &sinks, err));
    for (size_t node = 0; node < after->count; node++)
        IA_TRY(put_effect(question, node, err));
    return IA_OK;
}

static enum ia_status fill(struct question *question, struct ia_reader *reader, const char *const *paths, size_t count,
                           struct ia_error *err)
{
    for (size_t i = 0; i < count; i++)
        IA_TRY(add_path(question, paths[i], err));
    if (question->action == IA_WHAT_IF_COMMIT && question->images.len > 1)
        return ia_fail(err, IA_USAGE, "one image at a time can be committed");
    IA_TRY(
        ask_of_text(question->db, NULL, "INSERT INTO what_if_deed VALUES (?)", ia_what_if_word(question->action), err));
    IA_TRY(add_images(question, err));
    IA_TRY(ia_stored_forest_load(reader, question->images.items, question->images.len, &question->stored, err));
    IA_TRY(ask_forest(question, err));
    IA_TRY(run_script(question->db, "what_if_links", err));
    IA_TRY(ia_what_if_judge(question->db, question->action, &question->accounts, err));
    IA_TRY(run_script(question->db, "what_if_files", err));
    IA_TRY(ia_what_if_share_files(question->db, err));
    IA_TRY(run_script(question->db, "what_if_rows", err));
    return ia_what_if_tell(question->db, err);
}

enum ia_status ia_what_if_fill(struct ia_reader *reader, enum ia_what_if_action action, const char *const *paths,
                               size_t count, struct ia_error *err)
{
    AUTO_QUESTION struct question question = {.db = ia_reader_connection(reader), .action = action};
    return fill(&question, reader, paths, count, err);
}
