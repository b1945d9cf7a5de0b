/* SPDX-License-Identifier: MIT */
/* What goes with every report: the scan that the store is of, and what verdicts rest on. */
#ifndef IA_REPORT_FACTS_H
#define IA_REPORT_FACTS_H

#include <stdbool.h>

#include "base/status.h"
#include "report/column.h"
#include "store/reader.h"

#define IA_FACTS_MAX 15

/* One row that stays readable until ia_fact_release. */
struct ia_fact {
    struct ia_query *query;
    struct ia_cell cells[IA_FACTS_MAX];
    struct ia_row row;
    bool found; /* there is a row */
};

/* The last row of v_scan; roots are joined by newlines. */
IA_MUST_CHECK enum ia_status ia_fact_scan(struct ia_reader *reader, struct ia_fact *fact, struct ia_error *err);
/* complete: the last scan listed, understood and followed everything; hiding_findings: current findings because of
 * which references may be unknown; errors: what the scan could not read. */
IA_MUST_CHECK enum ia_status ia_fact_basis(struct ia_reader *reader, struct ia_fact *fact, struct ia_error *err);
void ia_fact_release(struct ia_fact *fact);
#define IA_AUTO_FACT __attribute__((cleanup(ia_fact_release)))

/* The value of a column of the query's row as a cell. Text lives until the query's next step. */
struct ia_cell ia_cell_read(const struct ia_query *query, int column, enum ia_column_type type);

/* Is a severity's word ("info", "warning", "error")? */
bool ia_severity_is_known(const char *severity);
/* Whether a current finding is as severe as `severity`, or more so. */
IA_MUST_CHECK enum ia_status ia_findings_reach(struct ia_reader *reader, const char *severity, bool *reached,
                                               struct ia_error *err);

#endif
