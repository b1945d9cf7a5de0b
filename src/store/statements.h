/* SPDX-License-Identifier: MIT */
/* The writer's statements, prepared once, found by number. Private to src/store. */
#ifndef IA_STORE_STATEMENTS_H
#define IA_STORE_STATEMENTS_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/status.h"
#include "store/entities.h"

/* Those that no description of columns makes. */
enum ia_statement {
    IA_STMT_PUT_EXTENTS,
    IA_STMT_PUT_MASKED,
    IA_STMT_DROP_SPACE,
    IA_STMT_DROP_FILE,
    IA_STMT_DROP_IMAGE,
    IA_STMT_INHERIT_NAMES,
    IA_STMT_PUT_FORMER_PATH,
    IA_STMT_KEEP_OVERLAY,
    IA_STMT_LOAD_OVERLAY_NAMES,
    IA_STMT_FIND_NAMED,
    IA_STMT_FIND_NAMESAKES,
    IA_STMT_DROP_MAPPING,
    IA_STMT_DROP_EXTENTS,
    IA_STMT_DROP_TREES,
    IA_STMT_DROP_ACCEPTANCE,
    IA_STMT_DROP_VANISHED,
    IA_STMT_TOUCH_IMAGE,
    IA_STMT_TOUCH_FILE,
    IA_STMT_CLEAR_CHAIN,
    IA_STMT_CLEAR_CHAIN_PLACE,
    IA_STMT_CLEAR_CHAIN_CHANGE,
    IA_STMT_CLEAR_USAGE,
    IA_STMT_CLEAR_READER_BYTES,
    IA_STMT_CLEAR_PAIR,
    IA_STMT_CLEAR_MASKED,
    IA_STMT_CLEAR_CANDIDATES,
    IA_STMT_CLEAR_EVIDENCE,
    IA_STMT_CLEAR_DOUBTS,
    IA_STMT_CLEAR_HOLDERS,
    IA_STMT_CLEAR_INVENTORIES,
    IA_STMT_GET_USAGE,
    IA_STMT_GET_SETTING,
    IA_STMT_GET_NAME,
    IA_STMT_LOAD_LINKS,
    IA_STMT_LOAD_HIDING,
    IA_STMT_HAVE_ABILITIES,
    IA_STMT_HAVE_RESULTS,
    IA_STMT_COUNT
};

struct ia_statements {
    sqlite3 *db;
    /* NULL until first used */
    sqlite3_stmt *prepared[IA_STMT_COUNT];
    sqlite3_stmt *inserts[IA_ENTITY_COUNT];
    sqlite3_stmt *puts[IA_ENTITY_COUNT];
    sqlite3_stmt *loads[IA_ENTITY_COUNT];
};

void ia_statements_release(struct ia_statements *statements);

/* Resets at the end of the scope what the statements keep, which may be NULL. */
static inline void ia_cleanup_reset_(sqlite3_stmt **stmt)
{
    sqlite3_reset(*stmt);
}
#define IA_AUTO_RESET __attribute__((cleanup(ia_cleanup_reset_)))

/* The statement, reset; bindings of its last use are still there. */
IA_MUST_CHECK enum ia_status ia_statements_get(struct ia_statements *statements, enum ia_statement number,
                                               sqlite3_stmt **out, struct ia_error *err);

/* Runs a statement that returns no rows and has at most one parameter, a number. */
IA_MUST_CHECK enum ia_status ia_statements_run(struct ia_statements *statements, enum ia_statement number,
                                               int64_t parameter, struct ia_error *err);

/* Inserts a row of the struct that the entity describes; a row with the same keys is an error. Cheaper than put, which
 * replaces that. */
IA_MUST_CHECK enum ia_status ia_statements_insert(struct ia_statements *statements, enum ia_entity_number number,
                                                  const void *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_statements_put(struct ia_statements *statements, enum ia_entity_number number,
                                               const void *row, struct ia_error *err);

/* The statement that loads an entity's rows, reset; the caller resets it when it is done. */
IA_MUST_CHECK enum ia_status ia_statements_load(struct ia_statements *statements, enum ia_entity_number number,
                                                sqlite3_stmt **out, struct ia_error *err);

#endif
