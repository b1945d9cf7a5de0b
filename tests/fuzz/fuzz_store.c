/* SPDX-License-Identifier: MIT */
/* A store whose bytes somebody changed: opening it for reading, checking it and beginning a scan end in a status, and
 * so does each query. The input is a list of changes, five bytes each: an offset, big-endian and modulo the store's
 * size, and what is put there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "fuzz/store_target.h"
#include "fuzz/target.h"
#include "store/admin.h"
#include "store/forest_reader.h"
#include "store/graph_reader.h"
#include "store/reader.h"
#include "store/writer.h"

enum { CHANGE = 5, MOST_ROWS = 50, MOST_PATIENCE = 20 };

static const char *const queries[] = {
    "SELECT * FROM v_image",   "SELECT * FROM v_map",     "SELECT * FROM v_usage", "SELECT * FROM v_chain",
    "SELECT * FROM v_finding", "SELECT * FROM v_history", "SELECT * FROM v_scan",  "SELECT * FROM v_candidate",
};

static bool loses_patience(void *ctx)
{
    return ++*(int *)ctx > MOST_PATIENCE;
}

static void write_store(const struct made_store *store, const uint8_t *changes, size_t len)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    char path[128];
    uint8_t *bytes = malloc(store->len);
    FUZZ_CHECK(bytes != NULL);
    memcpy(bytes, store->bytes, store->len);
    for (; len >= CHANGE; changes += CHANGE, len -= CHANGE)
        bytes[ia_be32(changes) % store->len] = changes[4];
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", store->path, suffixes[i]);
        unlink(path);
    }
    FILE *file = fopen(store->path, "wb");
    FUZZ_CHECK(file != NULL && fwrite(bytes, 1, store->len, file) == store->len && fclose(file) == 0);
    free(bytes);
}

static void ask(struct ia_reader *reader, const char *sql)
{
    struct ia_query *query = NULL;
    bool row = true;
    size_t len;
    int asked = 0;
    ia_reader_stop_when(reader, loses_patience, &asked);
    if (ia_query_open(reader, sql, &query, NULL) == IA_OK)
        for (int i = 0; i < MOST_ROWS && row && ia_query_step(query, &row, NULL) == IA_OK; i++)
            for (int c = 0; row && c < ia_query_columns(query); c++)
                ia_query_text(query, c, &len);
    ia_query_close(query);
    ia_reader_stop_when(reader, NULL, NULL);
}

/* What a what-if begins with. */
static void load(struct ia_reader *reader)
{
    static const int64_t images[] = {1, 2};
    IA_AUTO_STORED_GRAPH struct ia_stored_graph *graph = NULL;
    IA_AUTO_STORED_FOREST struct ia_stored_forest *forest = NULL;
    struct ia_error err;
    if (ia_stored_graph_load(reader, &graph, &err) == IA_OK)
        FUZZ_CHECK(ia_stored_graph(graph) != NULL);
    if (ia_stored_forest_load(reader, images, sizeof(images) / sizeof(images[0]), &forest, &err) == IA_OK)
        FUZZ_CHECK(ia_stored_forest(forest) != NULL);
}

static void read_store(const char *path)
{
    struct ia_reader *reader = NULL;
    if (ia_reader_open(path, &reader, NULL) != IA_OK)
        return;
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
        ask(reader, queries[i]);
    load(reader);
    ia_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const struct made_store *store = made_store();
    struct ia_buf report = {0};
    struct ia_writer *writer = NULL;
    struct ia_error err;
    write_store(store, bytes, len);
    read_store(store->path);
    bool is_sound = ia_store_check(store->path, &report, &err) == IA_OK;
    FUZZ_CHECK(!is_sound || report.len == 0);
    if (ia_writer_begin(store->path, &writer, &err) == IA_OK)
        ia_writer_close(writer);
    ia_buf_release(&report);
    return 0;
}
