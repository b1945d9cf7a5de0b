/* SPDX-License-Identifier: MIT */
/* Writing verdicts. */
#include "store/connection.h"
#include "store/statements.h"
#include "store/writer.h"
#include "store/writer_internal.h"

enum ia_status ia_writer_clear_verdicts(struct ia_writer *writer, struct ia_error *err)
{
    static const enum ia_statement clears[] = {IA_STMT_CLEAR_CANDIDATES, IA_STMT_CLEAR_EVIDENCE, IA_STMT_CLEAR_DOUBTS};
    for (size_t i = 0; i < sizeof(clears) / sizeof(clears[0]); i++)
        IA_TRY(ia_statements_run(ia_writer_statements(writer), clears[i], 0, err));
    return IA_OK;
}

enum ia_status ia_writer_put_candidate(struct ia_writer *writer, const struct ia_candidate_row *row,
                                       struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_CANDIDATE, row, err);
}

enum ia_status ia_writer_put_evidence(struct ia_writer *writer, const struct ia_evidence_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_EVIDENCE, row, err);
}

enum ia_status ia_writer_put_doubt(struct ia_writer *writer, const struct ia_doubt_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_DOUBT, row, err);
}

enum ia_status ia_writer_clear_holders(struct ia_writer *writer, struct ia_error *err)
{
    return ia_statements_run(ia_writer_statements(writer), IA_STMT_CLEAR_HOLDERS, 0, err);
}

enum ia_status ia_writer_put_holder(struct ia_writer *writer, const struct ia_holder_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_HOLDER, row, err);
}

enum ia_status ia_writer_clear_inventories(struct ia_writer *writer, struct ia_error *err)
{
    return ia_statements_run(ia_writer_statements(writer), IA_STMT_CLEAR_INVENTORIES, 0, err);
}

enum ia_status ia_writer_put_inventory(struct ia_writer *writer, const struct ia_inventory_row *row,
                                       struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_INVENTORY, row, err);
}

enum ia_status ia_writer_put_machine(struct ia_writer *writer, const struct ia_machine_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_MACHINE, row, err);
}

enum ia_status ia_writer_put_claim(struct ia_writer *writer, const struct ia_claim_row *row, struct ia_error *err)
{
    return ia_statements_insert(ia_writer_statements(writer), IA_ENTITY_CLAIM, row, err);
}

enum ia_status ia_writer_get_usage(struct ia_writer *writer, int64_t image_id, bool *known, int64_t *visible_present,
                                   int64_t *masked_bytes, struct ia_error *err)
{
    struct ia_statements *statements = ia_writer_statements(writer);
    IA_AUTO_RESET sqlite3_stmt *stmt = NULL;
    IA_TRY(ia_statements_get(statements, IA_STMT_GET_USAGE, &stmt, err));
    int code = sqlite3_bind_int64(stmt, 1, image_id);
    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    *known = code == SQLITE_ROW;
    if (*known) {
        *visible_present = sqlite3_column_int64(stmt, 0);
        *masked_bytes = sqlite3_column_int64(stmt, 1);
    }
    return ia_connection_check(statements->db, code, "cannot read the store", err);
}
