/* SPDX-License-Identifier: MIT */
/* Makes the store as the program does, and its rows by hand. */
#include "fuzz/store_target.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz/target.h"
#include "store/writer.h"
#include "support/store_rows.h"

static struct made_store made;

static const char rows[] =
    "INSERT INTO " SCAN_ROW " VALUES (1, 10, 20, 9, 0, 2, 2, 0, 2, 0, 0, 0, 2, 0, 0, 0);"
    "INSERT INTO " SCAN_OPTION_ROW " VALUES (1, 'root', '/srv');"
    "INSERT INTO " VOLUME_ROW " VALUES (1, 'v', 7, 'ext4', '/srv', 0, 1000, 500);"
    "INSERT INTO " FILE_ROW " VALUES (1, '/srv/base', 1, 11, 65536, 4096, 1, 1, 1, 'image', '', 1, 1),"
    " (2, '/srv/over', 1, 12, 65536, 4096, 1, 1, 1, 'image', '', 1, 1);"
    "INSERT INTO " IMAGE_ROW " VALUES (1, 1, '/srv/base', 'raw', 'stated', 'ok', 1, 1, 'none'),"
    " (2, 2, '/srv/over', 'qcow2', 'content', 'ok', 1, 2, 'none');"
    "INSERT INTO " IMAGE_HEADER_ROW " VALUES (1, '', 65536, NULL), (2, '', 65536, 65536);"
    "INSERT INTO " MAPPING_ROW " VALUES (1, 1, NULL, NULL, NULL, 65536, 0, NULL, 1, 0),"
    " (2, 2, NULL, NULL, NULL, 65536, 0, NULL, 1, 0);"
    "INSERT INTO " EXTENT_ROW " VALUES (1, 0, 65536, 0, 0, 0), (2, 0, 512, 0, 0, 1024);"
    "INSERT INTO " CHAIN_ROW " VALUES (1, 0, 1, 1, 65536, 65536, 65536), (2, 0, 2, 2, 65536, 512, 512),"
    " (2, 1, 1, 1, 65536, 65024, 65024);"
    "INSERT INTO " FINDING_ROW " VALUES (1, 'corrupt', 'error', '/srv/over', 'x', NULL, 1, 1);"
    "PRAGMA wal_checkpoint(TRUNCATE)";

static void remove_all(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char path[128];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", made.path, suffixes[i]);
        unlink(path);
    }
    rmdir(made.directory);
    free(made.bytes);
}

static void fill(void)
{
    struct ia_writer *writer = NULL;
    sqlite3 *db = NULL;
    FUZZ_CHECK(ia_writer_begin(made.path, &writer, NULL) == IA_OK && ia_writer_commit(writer, NULL) == IA_OK);
    ia_writer_close(writer);
    FUZZ_CHECK(sqlite3_open(made.path, &db) == SQLITE_OK);
    FUZZ_CHECK(sqlite3_exec(db, rows, NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
}

static void read_back(void)
{
    FILE *file = fopen(made.path, "rb");
    FUZZ_CHECK(file != NULL && fseek(file, 0, SEEK_END) == 0);
    made.len = (size_t)ftell(file);
    made.bytes = malloc(made.len);
    rewind(file);
    FUZZ_CHECK(made.bytes != NULL && fread(made.bytes, 1, made.len, file) == made.len);
    fclose(file);
}

const struct made_store *made_store(void)
{
    if (made.bytes != NULL)
        return &made;
    const char *place = getenv("TMPDIR");
    if (place == NULL ||
        (size_t)snprintf(made.directory, sizeof(made.directory), "%s/fuzz-XXXXXX", place) >= sizeof(made.directory))
        snprintf(made.directory, sizeof(made.directory), "/tmp/fuzz-XXXXXX");
    FUZZ_CHECK(mkdtemp(made.directory) != NULL);
    snprintf(made.path, sizeof(made.path), "%s/store.db", made.directory);
    fill();
    read_back();
    FUZZ_CHECK(atexit(remove_all) == 0);
    return &made;
}
