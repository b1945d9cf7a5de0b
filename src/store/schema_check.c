/* SPDX-License-Identifier: MIT */
/* Comparing sqlite_schema with the statements that fill it (https://www.sqlite.org/schematab.html). SQLite keeps the
 * text of a CREATE statement from the name on as it was; so does VACUUM. */
#include "store/schema_check.h"

#include <string.h>

#include "base/vec.h"
#include "store/connection.h"
#include "store/sql_text.h"

/* Made by a statement of ours, and whether the database has it. */
struct object {
    struct ia_sql_text name, text;
    bool found;
};

struct objects {
    IA_VEC(struct object) all;
};

static void objects_release(struct objects *objects)
{
    ia_vec_release(&objects->all);
}
#define AUTO_OBJECTS __attribute__((cleanup(objects_release)))

static const char reading[] = "cannot read the store's schema";

/* SQLite's own: of AUTOINCREMENT, and of ANALYZE, which a user may run. */
static const struct {
    const char *name, *text;
} own_tables[] = {{"sqlite_sequence", "CREATE TABLE sqlite_sequence(name,seq)"},
                  {"sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"},
                  {"sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"}};

/* With such a name, a view would be read in the place of what SQL of ours means: SQLite's and our functions that are
 * used as tables, and temporary tables. */
static const char *const taken_names[] = {"pragma!_%", "json!_%", "what!_if!_%", "extent!_batch", "now", "touched"};

static enum ia_status list_objects(const char *script, struct objects *objects, struct ia_error *err)
{
    struct ia_sql_text rest = ia_sql_text_of(script);
    struct object object = {0};
    while (ia_sql_statement(&rest, &object.text))
        if (ia_sql_created(object.text, &object.name) && !ia_vec_push(&objects->all, object))
            return ia_no_memory(err);
    return IA_OK;
}

static struct object *find_object(struct objects *objects, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < objects->all.len; i++) {
        struct object *object = &objects->all.items[i];
        if (object->name.len == len && memcmp(object->name.start, name, len) == 0)
            return object;
    }
    return NULL;
}

/* Each at most once. */
static bool is_as_made(struct objects *objects, const char *name, const char *text)
{
    struct object *object = find_object(objects, name);
    if (object == NULL || object->found)
        return false;
    object->found = ia_sql_same(ia_sql_text_of(text), object->text);
    return object->found;
}

static bool is_of_sqlite(const char *type, const char *name, const char *text)
{
    if (text == NULL) /* of a PRIMARY KEY or UNIQUE, which the table's text has */
        return strcmp(type, "index") == 0 && strncmp(name, "sqlite_autoindex_", 17) == 0;
    for (size_t i = 0; i < sizeof(own_tables) / sizeof(own_tables[0]); i++)
        if (strcmp(name, own_tables[i].name) == 0)
            return strcmp(text, own_tables[i].text) == 0;
    return false;
}

/* SQLite goes by the text: what a row has for its type may be anything. */
static bool is_harmless_view(const char *name, const char *text)
{
    for (size_t i = 0; i < sizeof(taken_names) / sizeof(taken_names[0]); i++)
        if (sqlite3_strlike(taken_names[i], name, '!') == 0)
            return false;
    return text != NULL && ia_sql_is_view(ia_sql_text_of(text), name);
}

static enum ia_status refuse(const char *path, const char *type, const char *name, struct ia_error *err)
{
    if (strcmp(type, "trigger") == 0)
        return ia_fail(
            err, IA_FOREIGN,
            "'%s' has the trigger '%s', which is not imgaudit's and would run when a scan writes: left alone; "
            "drop it with sqlite3, or scan into a new file",
            path, name);
    return ia_fail(
        err, IA_FOREIGN,
        "'%s' has the %s '%s', which is not imgaudit's: left alone; drop it with sqlite3 (tables of your own "
        "belong in a file of their own), or scan into a new file",
        path, type, name);
}

static enum ia_status check_row(struct objects *objects, sqlite3_stmt *stmt, const char *path, struct ia_error *err)
{
    const char *type = (const char *)sqlite3_column_text(stmt, 0);
    const char *name = (const char *)sqlite3_column_text(stmt, 1);
    const char *text = (const char *)sqlite3_column_text(stmt, 2);
    if (type == NULL || name == NULL)
        return ia_fail(err, IA_CORRUPT, "'%s': a row of its schema has no name", path);
    if (strcmp(type, "view") == 0)
        return is_harmless_view(name, text) ? IA_OK : refuse(path, type, name, err);
    if (is_of_sqlite(type, name, text) || (text != NULL && is_as_made(objects, name, text)))
        return IA_OK;
    if (find_object(objects, name) != NULL)
        return ia_fail(err, IA_FOREIGN,
                       "'%s': the %s '%s' is not as imgaudit makes it: left alone; scan into a new file", path, type,
                       name);
    return refuse(path, type, name, err);
}

static enum ia_status expect_all(const struct objects *objects, const char *path, struct ia_error *err)
{
    for (size_t i = 0; i < objects->all.len; i++) {
        const struct object *object = &objects->all.items[i];
        if (!object->found)
            return ia_fail(err, IA_FOREIGN, "'%s' lacks '%.*s', which imgaudit makes: left alone; scan into a new file",
                           path, (int)object->name.len, object->name.start);
    }
    return IA_OK;
}

enum ia_status ia_schema_check_tables(sqlite3 *db, const struct ia_schema *schema, const char *path,
                                      struct ia_error *err)
{
    AUTO_OBJECTS struct objects objects = {0};
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    IA_TRY(list_objects(schema->tables, &objects, err));
    IA_TRY(ia_connection_prepare(
        db, "SELECT type, name, sql FROM main.sqlite_schema WHERE type <> 'view' OR name NOT GLOB 'v_*'", reading,
        &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        IA_TRY(check_row(&objects, stmt, path, err));
    IA_TRY(ia_connection_check(db, code, reading, err));
    return expect_all(&objects, path, err);
}

enum ia_status ia_schema_check_views(sqlite3 *db, const struct ia_schema *schema, bool *same, struct ia_error *err)
{
    AUTO_OBJECTS struct objects objects = {0};
    IA_AUTO_STMT sqlite3_stmt *stmt = NULL;
    size_t found = 0;
    *same = false;
    IA_TRY(list_objects(schema->views, &objects, err));
    IA_TRY(ia_connection_prepare(db, "SELECT name, sql FROM main.sqlite_schema WHERE type = 'view' AND name GLOB 'v_*'",
                                 reading, &stmt, err));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(stmt, 0);
        const char *text = (const char *)sqlite3_column_text(stmt, 1);
        if (name == NULL || text == NULL || !is_as_made(&objects, name, text))
            return IA_OK;
        found++;
    }
    *same = found == objects.all.len;
    return ia_connection_check(db, code, reading, err);
}
