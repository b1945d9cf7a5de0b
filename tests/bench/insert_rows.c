/* SPDX-License-Identifier: MIT */
/* The least that storing extents can cost: insert_rows STORE NEW RESULT
 * Takes the rows of the table `extent` of a finished store into memory, then inserts them by one prepared statement in
 * one transaction into the same table of a new database, with the page size of the store and the settings of
 * src/store/writer.c. Only the latter is timed, from opening the new database to having closed it. RESULT gets JSON. */
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char settings[] = "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "PRAGMA journal_size_limit = 0; PRAGMA cache_size = -32768; PRAGMA cache_spill = ON";

/* An integer, a blob, or else NULL: extents are stored without any other type. */
struct cell {
    int type;
    int length;
    union {
        int64_t integer;
        void *bytes;
    };
};

struct rows {
    int columns;
    int64_t count;
    struct cell *cells; /* of all rows, one row after another */
    char *table;        /* SQL that makes the table and its indexes */
    char *insert;
    int64_t page_size;
};

static void die(sqlite3 *db, const char *what)
{
    fprintf(stderr, "insert_rows: %s: %s\n", what, db == NULL ? "out of memory" : sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        die(db, sql);
    return stmt;
}

static void execute(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        die(db, sql);
}

static int64_t integer(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = prepare(db, sql);
    int64_t value = sqlite3_step(stmt) == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    sqlite3_finalize(stmt);
    return value;
}

static void load_definition(sqlite3 *db, struct rows *rows)
{
    sqlite3_stmt *stmt = prepare(db, "SELECT sql FROM sqlite_schema WHERE tbl_name = 'extent' AND sql IS NOT NULL"
                                     " ORDER BY type DESC");
    rows->table = sqlite3_mprintf("");
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        char *longer = sqlite3_mprintf("%s%s;", rows->table, sqlite3_column_text(stmt, 0));
        sqlite3_free(rows->table);
        rows->table = longer;
    }
    sqlite3_finalize(stmt);
}

static char *insert_statement(int columns)
{
    sqlite3_str *sql = sqlite3_str_new(NULL);
    sqlite3_str_appendall(sql, "INSERT INTO extent VALUES (?");
    for (int i = 1; i < columns; i++)
        sqlite3_str_appendall(sql, ", ?");
    sqlite3_str_appendall(sql, ")");
    return sqlite3_str_finish(sql);
}

static struct cell load_cell(sqlite3_stmt *stmt, int column)
{
    struct cell cell = {.type = sqlite3_column_type(stmt, column)};
    if (cell.type == SQLITE_INTEGER) {
        cell.integer = sqlite3_column_int64(stmt, column);
    } else if (cell.type == SQLITE_BLOB) {
        cell.length = sqlite3_column_bytes(stmt, column);
        cell.bytes = malloc((size_t)cell.length + 1);
        if (cell.bytes == NULL)
            die(NULL, "rows");
        memcpy(cell.bytes, sqlite3_column_blob(stmt, column), (size_t)cell.length);
    } else if (cell.type != SQLITE_NULL) {
        fputs("insert_rows: the table extent has a text or a floating point number\n", stderr);
        exit(1);
    }
    return cell;
}

static void load_rows(sqlite3 *db, struct rows *rows)
{
    rows->page_size = integer(db, "PRAGMA page_size");
    rows->count = integer(db, "SELECT count(*) FROM extent");
    sqlite3_stmt *stmt = prepare(db, "SELECT * FROM extent");
    rows->columns = sqlite3_column_count(stmt);
    rows->insert = insert_statement(rows->columns);
    rows->cells = calloc((size_t)rows->count * (size_t)rows->columns + 1, sizeof(*rows->cells));
    if (rows->cells == NULL || rows->insert == NULL)
        die(NULL, "rows");
    struct cell *next = rows->cells;
    while (sqlite3_step(stmt) == SQLITE_ROW)
        for (int i = 0; i < rows->columns; i++)
            *next++ = load_cell(stmt, i);
    if (sqlite3_finalize(stmt) != SQLITE_OK || next != rows->cells + rows->count * rows->columns)
        die(db, "rows of extent");
}

static void bind(sqlite3_stmt *stmt, int column, const struct cell *cell)
{
    switch (cell->type) {
    case SQLITE_INTEGER:
        sqlite3_bind_int64(stmt, column, cell->integer);
        break;
    case SQLITE_BLOB:
        sqlite3_bind_blob(stmt, column, cell->bytes, cell->length, SQLITE_STATIC);
        break;
    default:
        sqlite3_bind_null(stmt, column);
        break;
    }
}

__attribute__((noinline)) static void insert_all(const char *path, const struct rows *rows)
{
    sqlite3 *db;
    char page_size[64];
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die(db, path);
    snprintf(page_size, sizeof(page_size), "PRAGMA page_size = %lld", (long long)rows->page_size);
    execute(db, page_size);
    execute(db, settings);
    execute(db, "BEGIN IMMEDIATE");
    execute(db, rows->table);
    sqlite3_stmt *stmt = prepare(db, rows->insert);
    const struct cell *next = rows->cells;
    for (int64_t row = 0; row < rows->count; row++) {
        for (int i = 0; i < rows->columns; i++)
            bind(stmt, i + 1, next++);
        if (sqlite3_step(stmt) != SQLITE_DONE)
            die(db, "insert");
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    execute(db, "COMMIT");
    if (sqlite3_close(db) != SQLITE_OK)
        die(db, "close");
}

static void release(struct rows *rows)
{
    for (int64_t i = 0; i < rows->count * rows->columns; i++)
        if (rows->cells[i].type == SQLITE_BLOB)
            free(rows->cells[i].bytes);
    free(rows->cells);
    sqlite3_free(rows->table);
    sqlite3_free(rows->insert);
}

struct cost {
    double elapsed, user, system;
};

static double of_timeval(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static struct cost now(void)
{
    struct timespec t;
    struct rusage usage;
    clock_gettime(CLOCK_MONOTONIC, &t);
    getrusage(RUSAGE_SELF, &usage);
    return (struct cost){(double)t.tv_sec + (double)t.tv_nsec / 1e9, of_timeval(usage.ru_utime),
                         of_timeval(usage.ru_stime)};
}

static bool write_result(const char *path, const struct cost *from, const struct cost *to)
{
    FILE *result = fopen(path, "we");
    if (result == NULL)
        return false;
    fprintf(result, "{\"seconds\": %.6f, \"user\": %.6f, \"system\": %.6f}\n", to->elapsed - from->elapsed,
            to->user - from->user, to->system - from->system);
    return fclose(result) == 0;
}

int main(int argc, char **argv)
{
    struct rows rows = {0};
    sqlite3 *db = NULL;
    if (argc != 4) {
        fputs("usage: insert_rows STORE NEW RESULT\n", stderr);
        return 2;
    }
    if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        die(db, argv[1]);
    load_definition(db, &rows);
    load_rows(db, &rows);
    sqlite3_close(db);
    struct cost started = now();
    insert_all(argv[2], &rows);
    struct cost ended = now();
    if (!write_result(argv[3], &started, &ended)) {
        perror(argv[3]);
        return 1;
    }
    release(&rows);
    return 0;
}
