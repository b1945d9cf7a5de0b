/* SPDX-License-Identifier: MIT */
/* Statements for the fuzzer to start from: what users ask, and what a statement must not do. */
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

static const char *const statements[] = {
    "SELECT path, count(*) OVER (ORDER BY path) FROM v_image GROUP BY 1",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9) SELECT group_concat(x, '-') FROM c",
    "SELECT fts3_tokenizer('simple', x'4141414141414141')",
    "SELECT hex(fts3_tokenizer('simple'))",
    "SELECT * FROM pragma_table_info('fts3tokenize')",
    "SELECT load_extension('/lib/x.so')",
    "ATTACH '/tmp/x' AS y",
    "VACUUM INTO '/tmp/x'",
    "PRAGMA writable_schema = 1",
    "PRAGMA journal_mode = DELETE",
    "SELECT * FROM pragma_journal_mode('delete')",
    "PRAGMA integrity_check",
    "UPDATE sqlite_schema SET sql = 'x'",
    "CREATE TEMP TRIGGER t AFTER INSERT ON image BEGIN DELETE FROM scan; END",
    "CREATE VIRTUAL TABLE temp.f USING fts5(x)",
    "SELECT * FROM sqlite_dbpage",
    "SELECT j.value, json_extract('{\"a\":[1]}', '$.a[0]') FROM json_each('[1,{\"b\":2}]') AS j",
    "SELECT strftime('%Y-%m-%d', 1, 'unixepoch', '+1 month'), printf('%.3f|%q|%5d', 1.5, 'a', 7)",
    "EXPLAIN QUERY PLAN SELECT * FROM v_map",
    "DELETE FROM image RETURNING path",
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "statement-%02zu", i);
        use(ctx, name, statements[i], strlen(statements[i]));
    }
}
