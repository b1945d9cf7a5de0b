/* SPDX-License-Identifier: MIT */
/* The writer's statements, prepared once, found by number. Private to src/store. */
#ifndef IA_STORE_STATEMENTS_H
#define IA_STORE_STATEMENTS_H

#include <sqlite3.h>

#include "base/status.h"

enum ia_statement {
    IA_STMT_LOAD_FILES,
    IA_STMT_LOAD_IMAGES,
    IA_STMT_LOAD_MAPPINGS,
    IA_STMT_LOAD_TEMPLATES,
    IA_STMT_LOAD_NAMES,
    IA_STMT_DROP_NAMES,
    IA_STMT_PUT_IMAGE_NAME,
    IA_STMT_DROP_SPACE,
    IA_STMT_PUT_SPACE,
    IA_STMT_PUT_FILE,
    IA_STMT_PUT_IMAGE,
    IA_STMT_PUT_IMAGE_FILE,
    IA_STMT_PUT_MAPPING,
    IA_STMT_PUT_EXTENTS,
    IA_STMT_PUT_NAME,
    IA_STMT_PUT_REFERENCE,
    IA_STMT_PUT_FINDING,
    IA_STMT_PUT_CHAIN,
    IA_STMT_PUT_USAGE,
    IA_STMT_PUT_SEEN,
    IA_STMT_PUT_PAIR,
    IA_STMT_PUT_MASKED,
    IA_STMT_PUT_SCAN,
    IA_STMT_PUT_OPTION,
    IA_STMT_PUT_PASSED,
    IA_STMT_PUT_SHARING,
    IA_STMT_PUT_SHARED_RUN,
    IA_STMT_DROP_FILE,
    IA_STMT_DROP_IMAGE,
    IA_STMT_DROP_MAPPING,
    IA_STMT_DROP_EXTENTS,
    IA_STMT_TOUCH_IMAGE,
    IA_STMT_TOUCH_FILE,
    IA_STMT_LOAD_TREES,
    IA_STMT_PUT_TREE,
    IA_STMT_DROP_TREES,
    IA_STMT_CLEAR_CHAIN,
    IA_STMT_CLEAR_USAGE,
    IA_STMT_CLEAR_SEEN,
    IA_STMT_CLEAR_PAIR,
    IA_STMT_CLEAR_MASKED,
    IA_STMT_LOAD_MOUNTS,
    IA_STMT_PUT_MOUNT,
    IA_STMT_GET_SETTING,
    IA_STMT_PUT_SETTING,
    IA_STMT_COUNT
};

struct ia_statements {
    sqlite3 *db;
    sqlite3_stmt *prepared[IA_STMT_COUNT]; /* NULL until first used */
};

void ia_statements_release(struct ia_statements *statements);

/* The statement, reset, without bindings. */
IA_MUST_CHECK enum ia_status ia_statements_get(struct ia_statements *statements, enum ia_statement number,
                                               sqlite3_stmt **out, struct ia_error *err);

/* Binds and runs a statement that returns no rows. One letter of `types` for each parameter:
 * i int64_t; t text, NULL for SQL NULL; p int64_t that is NULL when negative; z int64_t that is NULL when 0. */
IA_MUST_CHECK enum ia_status ia_statements_run(struct ia_statements *statements, enum ia_statement number,
                                               struct ia_error *err, const char *types, ...);

#endif
