/* SPDX-License-Identifier: MIT */
/* What https://www.sqlite.org/security.html advises for databases and SQL from elsewhere. */
#include "store/guard.h"

#include <stdio.h>
#include <string.h>

#include "store/connection.h"

enum { STEPS_BETWEEN_STOPS = 50000 }; /* of SQLite's virtual machine: about a millisecond */

static const struct {
    int option, value;
} settings[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1},             /* no writable_schema, no writing to shadow tables */
    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},        /* a schema calls no function with side effects */
    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},        /* there is none in our schema */
    {SQLITE_DBCONFIG_ENABLE_VIEW, 1},           /* and there are views */
    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0}, /* calls what its argument points to */
    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
    {SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0},
    {SQLITE_DBCONFIG_DQS_DML, 0}, /* "text" is a name, never a text */
    {SQLITE_DBCONFIG_DQS_DDL, 0},
};

/* Ample for reports of a large store; https://www.sqlite.org/limits.html */
static const struct {
    int limit, value;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, 64 << 20},      {SQLITE_LIMIT_SQL_LENGTH, 4 << 20},  {SQLITE_LIMIT_COLUMN, 1000},
    {SQLITE_LIMIT_EXPR_DEPTH, 500},       {SQLITE_LIMIT_COMPOUND_SELECT, 200}, {SQLITE_LIMIT_VDBE_OP, 1000000},
    {SQLITE_LIMIT_FUNCTION_ARG, 100},     {SQLITE_LIMIT_ATTACHED, 0},          {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 4096},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 1000}, {SQLITE_LIMIT_TRIGGER_DEPTH, 100}, /* actions of foreign keys too */
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

/* Functions that are used as tables. */
static const char *const modules[] = {"json_each", "json_tree", NULL};

static bool is_temporary(const char *database)
{
    return database != NULL && strcmp(database, "temp") == 0;
}

/* SQL of ours: no trigger, no other database, no virtual table. */
static bool may_run(int action, const char *first, const char *second)
{
    switch (action) {
    case SQLITE_FUNCTION:
        return second != NULL && ia_guard_own_function_is_known(second);
    case SQLITE_PRAGMA:
        return first != NULL && ia_guard_own_pragma_is_known(first);
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_TEMP_TRIGGER:
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE:
        return false;
    default:
        return true;
    }
}

static int authorize_own(void *ctx, int action, const char *first, const char *second, const char *database,
                         const char *within)
{
    (void)ctx;
    (void)database;
    (void)within;
    return may_run(action, first, second) ? SQLITE_OK : SQLITE_DENY;
}

/* A pragma as a table is read by the name of the table first, and then is asked for as a pragma. */
static bool may_read_table(const char *table)
{
    return sqlite3_strnicmp(table, "pragma_", 7) != 0 || ia_guard_pragma_reads(table + 7, NULL);
}

static bool may_ask(int action, const char *first, const char *second)
{
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return true;
    case SQLITE_READ:
        return first != NULL && may_read_table(first);
    case SQLITE_FUNCTION:
        return second != NULL && ia_guard_function_is_known(second);
    case SQLITE_PRAGMA:
        return first != NULL && ia_guard_pragma_reads(first, second);
    case SQLITE_UPDATE: /* SQLite asks this when it defines a function that is used as a table; who writes it in a
                         * statement is stopped by DEFENSIVE, and by what ia_query_open looks at */
        return first != NULL && (strcmp(first, "sqlite_master") == 0 || strcmp(first, "sqlite_schema") == 0);
    default:
        return false;
    }
}

/* SQL of ours on a connection that reads: what it writes is temporary. */
static bool may_work(int action, const char *first, const char *second, const char *database)
{
    switch (action) {
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_DELETE:
        /* SQLite writes to the schema of temporary tables when one is made */
        return is_temporary(database);
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_VIEW:
    case SQLITE_ALTER_TABLE:
        return false;
    default:
        return may_run(action, first, second);
    }
}

static void note_refusal(struct ia_guard *guard, int action, const char *first, const char *second)
{
    const char *kind = action == SQLITE_FUNCTION ? "function"
                       : action == SQLITE_PRAGMA ? "pragma"
                       : action == SQLITE_READ   ? "table"
                                                 : NULL;
    const char *name = action == SQLITE_FUNCTION ? second : first;
    if (kind == NULL || name == NULL)
        snprintf(guard->refused, sizeof(guard->refused), "only statements that read are allowed");
    else
        snprintf(guard->refused, sizeof(guard->refused),
                 "the %s '%.64s' may not be used here: see YOUR OWN REPORTS in imgaudit(1)", kind, name);
}

static int authorize_query(void *ctx, int action, const char *first, const char *second, const char *database,
                           const char *within)
{
    struct ia_guard *guard = ctx;
    (void)within;
    if (guard->is_query ? may_ask(action, first, second) : may_work(action, first, second, database))
        return SQLITE_OK;
    note_refusal(guard, action, first, second);
    return SQLITE_DENY;
}

static int ask_whether_to_stop(void *ctx)
{
    const struct ia_guard *guard = ctx;
    return guard->stop != NULL && guard->stop(guard->stop_ctx);
}

enum ia_status ia_guard_connection(sqlite3 *db, struct ia_error *err)
{
    /* What the library was built without, it answers with an error; it cannot do it then either. */
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        sqlite3_db_config(db, settings[i].option, settings[i].value, NULL);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        sqlite3_limit(db, limits[i].limit, limits[i].value);
    if (sqlite3_drop_modules(db, (const char **)(void *)modules) != SQLITE_OK ||
        sqlite3_set_authorizer(db, authorize_own, NULL) != SQLITE_OK)
        return ia_connection_fail(db, err, "cannot prepare the connection to the store");
    /* A page of a file from elsewhere is looked at before its cells are used. */
    return ia_connection_exec(db, "PRAGMA cell_size_check = ON", err);
}

void ia_guard_allow_vacuum(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_set_authorizer(db, NULL, NULL);
}

void ia_guard_queries(sqlite3 *db, struct ia_guard *guard)
{
    sqlite3_set_authorizer(db, authorize_query, guard);
    sqlite3_progress_handler(db, STEPS_BETWEEN_STOPS, ask_whether_to_stop, guard);
}
