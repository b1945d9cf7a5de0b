/* SPDX-License-Identifier: MIT */
/* Any bytes as a user's query: it is refused, or it reads. The store stays as it is, nothing temporary is made, and
 * nothing appears beside it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/store_target.h"
#include "fuzz/target.h"
#include "store/reader.h"

enum { MOST_ROWS = 100, MOST_PATIENCE = 20 };

static struct ia_reader *reader; /* the same for all queries: what one leaves, the next would find */

static bool loses_patience(void *ctx)
{
    return ++*(int *)ctx > MOST_PATIENCE;
}

static void close_reader(void)
{
    ia_reader_close(reader);
}

static void open_reader(const struct made_store *store)
{
    if (reader != NULL)
        return;
    FUZZ_CHECK(ia_reader_open(store->path, &reader, NULL) == IA_OK);
    atexit(close_reader);
}

static size_t count_files(const char *directory)
{
    size_t count = 0;
    DIR *dir = opendir(directory);
    FUZZ_CHECK(dir != NULL);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void read_rows(struct ia_query *query)
{
    bool row = true;
    size_t len;
    for (int i = 0; i < MOST_ROWS && row && ia_query_step(query, &row, NULL) == IA_OK && row; i++)
        for (int c = 0; c < ia_query_columns(query); c++)
            if (ia_query_type(query, c) == IA_VALUE_TEXT)
                FUZZ_CHECK(ia_query_text(query, c, &len) == NULL || len < (size_t)1 << 27);
}

static void expect_nothing_temporary(void)
{
    struct ia_query *query = NULL;
    bool row = false;
    FUZZ_CHECK(ia_query_open(reader, "SELECT count(*) FROM sqlite_temp_schema", &query, NULL) == IA_OK);
    FUZZ_CHECK(ia_query_step(query, &row, NULL) == IA_OK && row && ia_query_int(query, 0) == 0);
    ia_query_close(query);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct made_store *store = made_store();
    struct stat before, after;
    struct ia_query *query = NULL;
    int asked = 0;
    char *sql = malloc(len + 1);
    FUZZ_CHECK(sql != NULL);
    memcpy(sql, bytes, len);
    sql[len] = '\0';
    open_reader(store);
    size_t files = count_files(store->directory);
    FUZZ_CHECK(stat(store->path, &before) == 0);
    ia_reader_stop_when(reader, loses_patience, &asked);
    if (ia_query_open(reader, sql, &query, NULL) == IA_OK)
        read_rows(query);
    ia_query_close(query);
    ia_reader_stop_when(reader, NULL, NULL);
    expect_nothing_temporary();
    FUZZ_CHECK(stat(store->path, &after) == 0 && before.st_size == after.st_size &&
               before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    FUZZ_CHECK(count_files(store->directory) <= files + 2); /* a log and its index */
    free(sql);
    return 0;
}
