/* SPDX-License-Identifier: MIT */
/* The scan, the basis and the worst finding. */
#include "report/facts.h"

#include <string.h>

static const struct ia_column scan_columns[] = {
    {"scan_id", IA_COLUMN_COUNT, NULL},   {"started", IA_COLUMN_TIME, NULL},  {"finished", IA_COLUMN_TIME, NULL},
    {"roots", IA_COLUMN_PATH, NULL},      {"images", IA_COLUMN_COUNT, NULL},  {"errors", IA_COLUMN_COUNT, NULL},
    {"complete", IA_COLUMN_FLAG, NULL},   {"walked", IA_COLUMN_COUNT, NULL},  {"passed_over", IA_COLUMN_COUNT, NULL},
    {"parsed", IA_COLUMN_COUNT, NULL},    {"added", IA_COLUMN_COUNT, NULL},   {"changed", IA_COLUMN_COUNT, NULL},
    {"unchanged", IA_COLUMN_COUNT, NULL}, {"renamed", IA_COLUMN_COUNT, NULL}, {"vanished", IA_COLUMN_COUNT, NULL},
};

static const char scan_sql[] =
    "SELECT scan_id, started, finished, roots, images, errors, complete, walked, passed_over, parsed, added, changed,"
    " unchanged, renamed, vanished FROM v_scan WHERE scan_id = (SELECT max(scan_id) FROM scan)";

static const struct ia_column basis_columns[] = {
    {"complete", IA_COLUMN_FLAG, NULL},
    {"hiding_findings", IA_COLUMN_COUNT, NULL},
    {"errors", IA_COLUMN_COUNT, NULL},
};

static const char basis_sql[] = "SELECT coalesce(max(s.doubts = 0), 0), (SELECT count(*) FROM v_finding WHERE hides <> "
                                "0), coalesce(max(s.errors), 0)"
                                " FROM scan AS s WHERE s.scan_id = (SELECT max(scan_id) FROM scan)";

_Static_assert(sizeof(scan_columns) / sizeof(scan_columns[0]) <= IA_FACTS_MAX, "room for a fact");

struct ia_cell ia_cell_read(const struct ia_query *query, int column, enum ia_column_type type)
{
    struct ia_cell cell = {.value = ia_query_type(query, column), .type = type};
    switch (cell.value) {
    case IA_VALUE_INT:
        cell.integer = ia_query_int(query, column);
        break;
    case IA_VALUE_REAL:
        cell.real = ia_query_real(query, column);
        break;
    case IA_VALUE_TEXT:
        cell.text = ia_query_text(query, column, &cell.len);
        if (cell.text == NULL) /* an empty blob */
            cell.text = "";
        break;
    case IA_VALUE_NULL:
        break;
    }
    return cell;
}

static enum ia_status read_fact(struct ia_reader *reader, const char *sql, const struct ia_column *columns,
                                size_t count, struct ia_fact *fact, struct ia_error *err)
{
    *fact = (struct ia_fact){.row = {.columns = columns, .cells = fact->cells, .count = count}};
    IA_TRY(ia_query_open(reader, sql, &fact->query, err));
    IA_TRY(ia_query_step(fact->query, &fact->found, err));
    for (size_t i = 0; fact->found && i < count; i++)
        fact->cells[i] = ia_cell_read(fact->query, (int)i, columns[i].type);
    return IA_OK;
}

enum ia_status ia_fact_scan(struct ia_reader *reader, struct ia_fact *fact, struct ia_error *err)
{
    return read_fact(reader, scan_sql, scan_columns, sizeof(scan_columns) / sizeof(scan_columns[0]), fact, err);
}

enum ia_status ia_fact_basis(struct ia_reader *reader, struct ia_fact *fact, struct ia_error *err)
{
    return read_fact(reader, basis_sql, basis_columns, sizeof(basis_columns) / sizeof(basis_columns[0]), fact, err);
}

void ia_fact_release(struct ia_fact *fact)
{
    ia_query_close(fact->query);
    fact->query = NULL;
    fact->found = false;
}

/* From the least to the most severe. */
static const char *const severities[] = {"info", "warning", "error"};

#define SEVERITY_COUNT (sizeof(severities) / sizeof(severities[0]))

static size_t severity_rank(const char *severity)
{
    size_t rank = 0;
    while (rank < SEVERITY_COUNT && strcmp(severities[rank], severity) != 0)
        rank++;
    return rank;
}

bool ia_severity_is_known(const char *severity)
{
    return severity_rank(severity) < SEVERITY_COUNT;
}

enum ia_status ia_findings_reach(struct ia_reader *reader, const char *severity, bool *reached, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    *reached = false;
    IA_TRY(ia_query_open(reader, "SELECT DISTINCT severity FROM v_finding WHERE NOT cleared AND accepted_by IS NULL",
                         &query, err));
    for (;;) {
        bool row = false;
        IA_TRY(ia_query_step(query, &row, err));
        if (!row)
            return IA_OK;
        struct ia_cell cell = ia_cell_read(query, 0, IA_COLUMN_TEXT);
        /* An unknown word ranks above all: better one alarm too many. */
        *reached = *reached || (cell.value == IA_VALUE_TEXT && severity_rank(cell.text) >= severity_rank(severity));
    }
}
