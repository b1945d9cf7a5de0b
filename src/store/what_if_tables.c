/* SPDX-License-Identifier: MIT */
/* Rows of a what-if, by statements that are prepared for each. */
#include "store/what_if_tables.h"

#include <string.h>

#include "store/connection.h"
#include "store/reader_internal.h"
#include "what_if_embedded.h"

static const char working[] = "cannot work out a what-if";

static enum ia_status run_script(struct ia_reader *reader, const char *name, struct ia_error *err)
{
    for (size_t i = 0; i < sizeof(ia_what_if_files) / sizeof(ia_what_if_files[0]); i++)
        if (strcmp(ia_what_if_files[i].name, name) == 0)
            return ia_connection_exec(ia_reader_connection(reader), ia_what_if_files[i].text, err);
    return ia_fail(err, IA_BUG, "no script '%s'", name);
}

enum ia_status ia_what_if_define(struct ia_reader *reader, struct ia_error *err)
{
    return run_script(reader, "what_if_tables", err);
}

enum ia_status ia_what_if_run(struct ia_reader *reader, enum ia_what_if_script script, struct ia_error *err)
{
    static const char *const names[] = {
        [IA_WHAT_IF_LINKS] = "what_if_links", [IA_WHAT_IF_FILES] = "what_if_files", [IA_WHAT_IF_ROWS] = "what_if_rows"};
    return run_script(reader, names[script], err);
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
static enum ia_status run(struct ia_reader *reader, int64_t *out, const char *sql, const struct value *values,
                          size_t count, struct ia_error *err)
{
    sqlite3 *db = ia_reader_connection(reader);
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db, sql, working, &stmt, err));
    for (size_t i = 0; i < count; i++)
        IA_TRY(ia_connection_check(db, bind_value(stmt, (int)i + 1, &values[i]), working, err));
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW && out != NULL)
        *out = sqlite3_column_int64(stmt, 0);
    return ia_connection_check(db, code, working, err);
}

static enum ia_status run_for_text(struct ia_reader *reader, int64_t *out, const char *sql, const char *text,
                                   struct ia_error *err)
{
    return run(reader, out, sql, &(struct value){.text = text}, 1, err);
}

static enum ia_status run_for_number(struct ia_reader *reader, int64_t *out, const char *sql, int64_t number,
                                     struct ia_error *err)
{
    return run(reader, out, sql, &(struct value){.number = number}, 1, err);
}

/* A statement that takes numbers and gives no row. */
static enum ia_status put_numbers(struct ia_reader *reader, const char *sql, const int64_t *numbers, size_t count,
                                  struct ia_error *err)
{
    struct value values[6] = {0};
    if (count > sizeof(values) / sizeof(values[0]))
        return ia_fail(err, IA_BUG, "too many numbers for '%s'", sql);
    for (size_t i = 0; i < count; i++)
        values[i].number = numbers[i];
    return run(reader, NULL, sql, values, count, err);
}
#define NUMBERS(...) (const int64_t[]){__VA_ARGS__}, sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

enum ia_status ia_what_if_put_deed(struct ia_reader *reader, const char *action, struct ia_error *err)
{
    return run_for_text(reader, NULL, "INSERT INTO what_if_deed VALUES (?)", action, err);
}

/* A symbolic link is taken as what it leads to. */
enum ia_status ia_what_if_put_name(struct ia_reader *reader, const char *path, int64_t *image_id, struct ia_error *err)
{
    static const char find_image[] = "SELECT i.image_id FROM file_name AS n JOIN image AS i ON i.file_id = n.file_id"
                                     " WHERE n.path = ?1 UNION SELECT image_id FROM image WHERE path = ?1";
    static const char add_name[] =
        "INSERT OR IGNORE INTO what_if_name SELECT coalesce((SELECT i.path FROM file_name AS n"
        " JOIN image AS i ON i.file_id = n.file_id WHERE n.path = ?1 AND n.kind = 'symlink'), ?1)";
    int64_t image = -1;
    IA_TRY(run_for_text(reader, &image, find_image, path, err));
    if (image < 0)
        return ia_fail(err, IA_MISSING, "'%s' is no image of its own: it is a part of another", path);
    *image_id = image;
    return run_for_text(reader, NULL, add_name, path, err);
}

/* An image that keeps a name stays. */
enum ia_status ia_what_if_put_image(struct ia_reader *reader, int64_t image_id, bool is_deleted, struct ia_error *err)
{
    static const char sql[] =
        "INSERT INTO what_if_image SELECT image_id, 1, keeps_name, CASE WHEN ?2 AND NOT keeps_name THEN 0 END"
        " FROM (SELECT i.image_id, ?2 AND EXISTS (SELECT 1 FROM file_name AS n WHERE n.file_id = i.file_id"
        " AND n.kind = 'file' AND n.path NOT IN (SELECT path FROM what_if_name)) AS keeps_name"
        " FROM image AS i WHERE i.image_id = ?1)";
    return put_numbers(reader, sql, NUMBERS(image_id, is_deleted), err);
}

enum ia_status ia_what_if_put_step(struct ia_reader *reader, int64_t image_id, int64_t step, struct ia_error *err)
{
    static const char sql[] = "INSERT INTO what_if_image VALUES (?1, 0, 0, ?2)"
                              " ON CONFLICT (image_id) DO UPDATE SET step = excluded.step";
    return put_numbers(reader, sql, NUMBERS(image_id, step), err);
}

enum ia_status ia_what_if_each_image(struct ia_reader *reader, enum ia_what_if_images which, ia_what_if_image *each,
                                     void *ctx, struct ia_error *err)
{
    static const char *const statements[] = {
        [IA_WHAT_IF_IN_SET] = "SELECT image_id, NULL FROM what_if_image WHERE in_set",
        [IA_WHAT_IF_DELETED] = "SELECT image_id, NULL FROM what_if_image WHERE step = 0",
        [IA_WHAT_IF_UNNAMED] = "SELECT w.image_id, n.path FROM what_if_image AS w"
                               " JOIN image AS i ON i.image_id = w.image_id"
                               " JOIN file_name AS n ON n.file_id = i.file_id"
                               " JOIN what_if_name AS k ON k.path = n.path WHERE w.keeps_name",
    };
    sqlite3 *db = ia_reader_connection(reader);
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db, statements[which], working, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        IA_TRY(each(ctx, sqlite3_column_int64(stmt, 0), (const char *)sqlite3_column_text(stmt, 1), err));
    return ia_connection_check(db, code, working, err);
}

enum ia_status ia_what_if_goes(struct ia_reader *reader, int64_t image_id, bool *goes, struct ia_error *err)
{
    int64_t found = 0;
    IA_TRY(
        run_for_number(reader, &found, "SELECT step IS NOT NULL FROM what_if_image WHERE image_id = ?", image_id, err));
    *goes = found != 0;
    return IA_OK;
}

enum ia_status ia_what_if_get_terms(struct ia_reader *reader, int64_t image_id, struct ia_forest_edit_terms *terms,
                                    struct ia_error *err)
{
    static const char sql[] =
        "SELECT unit, cluster, zeroes, is_plain, can_be_empty FROM image_ability WHERE image_id = ?";
    sqlite3 *db = ia_reader_connection(reader);
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare_for(db, sql, image_id, working, &stmt, err));
    if (sqlite3_step(stmt) != SQLITE_ROW)
        return ia_connection_fail(db, err, "%s", working);
    *terms = (struct ia_forest_edit_terms){
        .unit = sqlite3_column_int64(stmt, 0),
        .cluster = sqlite3_column_int64(stmt, 1),
        .zeroes = (enum ia_zeroes)sqlite3_column_int(stmt, 2),
        .is_plain = sqlite3_column_int(stmt, 3) != 0,
        .can_be_empty = sqlite3_column_int(stmt, 4) != 0,
    };
    if (terms->unit < 1 || terms->cluster < terms->unit)
        return ia_fail(err, IA_CORRUPT, "%s: the store is damaged: see 'imgaudit db check'", working);
    return IA_OK;
}

enum ia_status ia_what_if_put_usage(struct ia_reader *reader, int64_t image_id, const struct ia_usage *usage,
                                    struct ia_error *err)
{
    return put_numbers(reader, "INSERT INTO what_if_usage VALUES (?, ?, ?, ?, ?, ?)",
                       NUMBERS(image_id, usage->visible_bytes, usage->visible_present, usage->masked_bytes,
                               usage->exclusive_bytes, usage->shared_bytes),
                       err);
}

enum ia_status ia_what_if_put_effect(struct ia_reader *reader, int64_t image_id,
                                     const struct ia_forest_edit_effect *effect, struct ia_error *err)
{
    return put_numbers(
        reader, "INSERT INTO what_if_effect VALUES (?, ?, ?, ?, ?)",
        NUMBERS(image_id, effect->needed_bytes, effect->emptied_bytes, effect->released_bytes, effect->changed_bytes),
        err);
}

enum ia_status ia_what_if_put_snapshot(struct ia_reader *reader, int64_t image_id, size_t number, int64_t changed_bytes,
                                       struct ia_error *err)
{
    return put_numbers(reader, "INSERT INTO what_if_snapshot VALUES (?, ?, ?)",
                       NUMBERS(image_id, (int64_t)number, changed_bytes), err);
}

enum ia_status ia_what_if_put_judged(struct ia_reader *reader, const char *effect, int64_t image_id,
                                     struct ia_error *err)
{
    const struct value values[] = {{.text = effect}, {.number = image_id}};
    return run(reader, NULL, "INSERT INTO what_if_judged VALUES (?, ?)", values, 2, err);
}

enum ia_status ia_what_if_put_assumption(struct ia_reader *reader, const char *effect, int64_t image_id,
                                         const char *assumes, struct ia_error *err)
{
    const struct value values[] = {{.text = effect}, {.number = image_id}, {.text = assumes}};
    return run(reader, NULL, "INSERT INTO what_if_assumption VALUES (?, ?, ?)", values, 3, err);
}

enum ia_status ia_what_if_put_doubts(struct ia_reader *reader, const char *effect, int64_t image_id,
                                     const struct ia_doubts *doubts, struct ia_error *err)
{
    static const char sql[] = "INSERT OR IGNORE INTO what_if_doubt VALUES (?, ?, ?, ?)";
    sqlite3 *db = ia_reader_connection(reader);
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_connection_prepare(db, sql, working, &stmt, err));
    for (size_t i = 0; i < doubts->all.len; i++) {
        const struct ia_candidate_doubt *doubt = &doubts->all.items[i];
        sqlite3_reset(stmt);
        if (sqlite3_bind_text(stmt, 1, effect, -1, SQLITE_STATIC) != SQLITE_OK ||
            sqlite3_bind_int64(stmt, 2, image_id) != SQLITE_OK ||
            sqlite3_bind_int(stmt, 3, (int)doubt->doubt) != SQLITE_OK ||
            sqlite3_bind_text(stmt, 4, doubt->subject, -1, SQLITE_STATIC) != SQLITE_OK ||
            sqlite3_step(stmt) != SQLITE_DONE)
            return ia_connection_fail(db, err, "%s", working);
    }
    return IA_OK;
}
