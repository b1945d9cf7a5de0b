/* SPDX-License-Identifier: MIT */
/* Opening a database and checking whether it is ours. */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "store/connection.h"
#include "store/guard.h"
#include "store/place.h"
#include "store/schema.h"
#include "store/schema_check.h"

/* A file: URI would let odd names change how the database is opened, so names go in as they are; a leading "./" keeps
 * ":memory:" and the empty name from meaning something else. */
static enum ia_status plain_name(const char *path, char *out, size_t size, struct ia_error *err)
{
    int len = snprintf(out, size, "%s%s", path[0] == '/' ? "" : "./", path);
    if (path[0] == '\0' || len < 0 || (size_t)len >= size)
        return ia_fail(err, IA_USAGE, "bad name for a store: '%.100s'", path);
    return IA_OK;
}

static enum ia_status refuse_foreign(const char *path, struct ia_error *err)
{
    return ia_fail(err, IA_FOREIGN, "'%s' is a database of something else, not of imgaudit: left alone", path);
}

static enum ia_status refuse_development(const char *path, int64_t version, struct ia_error *err)
{
    return ia_fail(err, IA_FOREIGN,
                   "'%s' was written by a development version of imgaudit (schema version %jd), which this one does "
                   "not read: left alone; scan into a new file",
                   path, (intmax_t)version);
}

/* Of a database of ours. */
static enum ia_status check_version(const char *path, int64_t version, struct ia_error *err)
{
    struct ia_schema schema = ia_schema_current();
    if (version > schema.version)
        return ia_fail(err, IA_FOREIGN, "'%s' has schema version %jd, newer than this program's %jd: left alone", path,
                       (intmax_t)version, (intmax_t)schema.version);
    return version < schema.first_version ? refuse_development(path, version, err) : IA_OK;
}

enum { VERSION_AT = 60, APPLICATION_AT = 68 };

/* Where the power failed while a log was written back, the database may lack its first page, which the log has. Fields:
 * https://www.sqlite.org/fileformat2.html, "WAL File Format". Whether the log counts is for sqlite, and what is in it
 * is looked at again then. */
static bool log_is_ours(const char *name)
{
    enum { HEADER = 32, PAGE_SIZE_AT = 8, FRAME_HEADER = 24, FIELDS = FRAME_HEADER + APPLICATION_AT + 4 };
    char path[PATH_MAX + sizeof("-wal")];
    uint8_t bytes[FIELDS];
    struct stat st;
    snprintf(path, sizeof(path), "%s-wal", name);
    IA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || pread(fd, bytes, HEADER, 0) != HEADER)
        return false;
    int64_t page = ia_be32(bytes + PAGE_SIZE_AT);
    if (page < 512 || page > 65536)
        return false;
    for (int64_t at = HEADER; at < st.st_size; at += FRAME_HEADER + page)
        if (pread(fd, bytes, FIELDS, at) == FIELDS && ia_be32(bytes) == 1 &&
            ia_be32(bytes + FRAME_HEADER + APPLICATION_AT) == IA_APPLICATION_ID)
            return true;
    return false;
}

/* Looks at the database's header before sqlite does, which leaves a log beside a database that has one. Fields:
 * https://www.sqlite.org/fileformat2.html, "The Database Header"; behind it is the first page of sqlite_schema, which
 * has no cells in a database without tables. */
static enum ia_status look_at_header(const char *name, const char *path, struct ia_error *err)
{
    enum { PAGE_SIZE_AT = 16, CELLS_AT = 103, HEADER = 105 };
    uint8_t header[HEADER] = {0};
    struct stat st;
    if (stat(name, &st) != 0)
        return IA_OK;         /* sqlite reports what is wrong, or makes a new one */
    if (!S_ISREG(st.st_mode)) /* to open a FIFO is to wait for another process */
        return ia_fail(err, IA_FOREIGN, "'%s' is not a regular file: left alone", path);
    IA_AUTO_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || st.st_size == 0)
        return IA_OK;
    bool is_database = read(fd, header, sizeof(header)) == sizeof(header) && memcmp(header, "SQLite format 3", 16) == 0;
    if (ia_be32(header + APPLICATION_AT) != IA_APPLICATION_ID && log_is_ours(name))
        return IA_OK;
    if (!is_database)
        return ia_fail(err, IA_FOREIGN, "'%s' is not a database: left alone", path);
    int64_t page = ia_be16(header + PAGE_SIZE_AT) == 1 ? 65536 : ia_be16(header + PAGE_SIZE_AT);
    uint32_t application = ia_be32(header + APPLICATION_AT);
    bool is_empty = application == 0 && st.st_size <= page && ia_be16(header + CELLS_AT) == 0;
    if (application != IA_APPLICATION_ID && !is_empty)
        return refuse_foreign(path, err);
    return application == IA_APPLICATION_ID ? check_version(path, (int32_t)ia_be32(header + VERSION_AT), err) : IA_OK;
}

/* 1: closing does not write the log back into a database that has one, for a database that may not be ours. */
static void keep_log(sqlite3 *db, int on)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on, NULL);
}

static enum ia_status open_database(const char *name, const char *path, int flags, sqlite3 **out, struct ia_error *err)
{
    sqlite3 *db = NULL;
    enum ia_status status = IA_OK;
    if (sqlite3_open_v2(name, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = ia_connection_fail(db, err, "cannot open the store '%s'", path);
    else
        status = ia_guard_connection(db, err);
    if (status != IA_OK) {
        sqlite3_close(db);
        return status;
    }
    sqlite3_extended_result_codes(db, 1);
    keep_log(db, 1);
    *out = db;
    return IA_OK;
}

enum ia_status ia_connection_open(const char *path, enum ia_connection_mode mode, sqlite3 **out, struct ia_error *err)
{
    char name[PATH_MAX];
    IA_TRY(plain_name(path, name, sizeof(name), err));
    struct stat st;
    if (mode != IA_CONNECTION_CREATE && stat(name, &st) != 0)
        return ia_fail(err, IA_MISSING, "no store at '%s' yet: run 'imgaudit scan' first", path);
    IA_TRY(ia_place_check(path, err));
    IA_TRY(look_at_header(name, path, err));
    if (mode == IA_CONNECTION_CREATE)
        ia_place_make(name);
    IA_TRY(
        open_database(name, path, mode == IA_CONNECTION_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, out, err));
    /* A reader that comes or goes may hold a writer up for a moment; another writer holds it up for long. */
    sqlite3_busy_timeout(*out, mode == IA_CONNECTION_READ ? 5000 : 2000);
    return IA_OK;
}

/* SQLite would have to make the log and its index, and cannot. */
static bool needs_a_log(sqlite3 *db)
{
    int code = sqlite3_exec(db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
    return (code & 0xff) == SQLITE_CANTOPEN || code == SQLITE_READONLY_CANTINIT || code == SQLITE_READONLY_DIRECTORY ||
           code == SQLITE_READONLY_RECOVERY;
}

/* A name as a URI, whatever bytes it has. */
static enum ia_status immutable_name(const char *name, struct ia_buf *out, struct ia_error *err)
{
    ia_buf_add_str(out, "file:");
    for (const char *c = name; *c != '\0'; c++)
        ia_buf_addf(out, isalnum((unsigned char)*c) || *c == '/' ? "%c" : "%%%02x", (unsigned char)*c);
    ia_buf_add_str(out, "?immutable=1");
    return out->failed ? ia_no_memory(err) : IA_OK;
}

enum ia_status ia_connection_open_reader(const char *path, sqlite3 **out, struct ia_frozen *frozen,
                                         struct ia_error *err)
{
    char name[PATH_MAX];
    IA_AUTO_BUF struct ia_buf uri = {0};
    *frozen = (struct ia_frozen){0};
    IA_TRY(ia_connection_open(path, IA_CONNECTION_READ, out, err));
    if (!needs_a_log(*out))
        return IA_OK;
    sqlite3_close(*out);
    *out = NULL;
    IA_TRY(plain_name(path, name, sizeof(name), err));
    IA_TRY(ia_frozen_begin(path, frozen, err));
    IA_TRY(immutable_name(name, &uri, err));
    return open_database(uri.data, path, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, out, err);
}

struct identity {
    int64_t application, version, tables;
};

static enum ia_status read_identity(sqlite3 *db, struct identity *identity, struct ia_error *err)
{
    IA_TRY(ia_connection_int(db, "PRAGMA application_id", &identity->application, err));
    IA_TRY(ia_connection_int(db, "PRAGMA user_version", &identity->version, err));
    return ia_connection_int(db, "SELECT count(*) FROM sqlite_schema", &identity->tables, err);
}

/* Between two releases, tables change without a number of their own. */
static enum ia_status check_tables(sqlite3 *db, const char *path, int64_t version, struct ia_error *err)
{
    struct ia_schema schema = ia_schema_current();
    struct ia_error ignored;
    char sql[128];
    int64_t same = 0;
    snprintf(sql, sizeof(sql), "SELECT count(*) FROM setting WHERE key = 'tables' AND value = %" PRId64,
             ia_schema_number(schema.tables));
    enum ia_status status = ia_connection_int(db, sql, &same, &ignored);
    bool has_none = status != IA_OK && sqlite3_errcode(db) == SQLITE_ERROR; /* no such table */
    if (status != IA_OK && !has_none)
        return ia_fail(err, status, "'%s': %s", path, ignored.message);
    if (same == 0)
        return refuse_development(path, version, err);
    return ia_schema_check_tables(db, &schema, path, err);
}

enum ia_status ia_connection_identify(sqlite3 *db, const char *path, int64_t *version, struct ia_error *err)
{
    struct identity identity = {0};
    struct ia_error cause = {0};
    enum ia_status status = read_identity(db, &identity, &cause);
    if (status != IA_OK)
        return ia_fail(err, status, "'%s': %s", path, cause.message);
    *version = identity.version;
    bool is_empty = identity.application == 0 && identity.version == 0 && identity.tables == 0;
    if (!is_empty && identity.application != IA_APPLICATION_ID)
        return refuse_foreign(path, err);
    if (!is_empty)
        IA_TRY(check_version(path, identity.version, err));
    if (identity.version == ia_schema_current().version)
        IA_TRY(check_tables(db, path, identity.version, err));
    IA_TRY(ia_place_check(path, err)); /* again, now that the log is open */
    keep_log(db, 0);
    return IA_OK;
}
