/* SPDX-License-Identifier: MIT */
/* From the rows of a query to the rows of a renderer. */
#include "report/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/advice.h"
#include "report/facts.h"
#include "report/select.h"

/* The columns of the query, and those of them that are shown. */
struct plan {
    struct ia_column *all; /* names are ours */
    size_t count;
    size_t *chosen;
    struct ia_column *shown;
    struct ia_cell *cells;
    struct ia_buf *commands; /* of suggestions, by the column that is shown */
    size_t shown_count;
    size_t unit; /* the place of the column `unit`, count where there is none */
};

static void plan_release(struct plan *plan)
{
    for (size_t i = 0; plan->all != NULL && i < plan->count; i++)
        free((char *)plan->all[i].name);
    for (size_t i = 0; plan->commands != NULL && i < plan->count; i++)
        ia_buf_release(&plan->commands[i]);
    free(plan->commands);
    free(plan->all);
    free(plan->chosen);
    free(plan->shown);
    free(plan->cells);
    *plan = (struct plan){0};
}

#define AUTO_PLAN __attribute__((cleanup(plan_release)))

static bool is_taken(const struct plan *plan, size_t before, const char *name)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(plan->all[i].name, name) == 0)
            return true;
    return false;
}

/* A copy of the name, with _2, _3... where earlier columns have it already: keys of a JSON object must differ. Ends,
 * because there are fewer earlier columns than numbers. */
static char *unique_name(const struct plan *plan, size_t place, const char *name)
{
    struct ia_buf unique = {0};
    ia_buf_add_str(&unique, name);
    for (unsigned number = 2; !unique.failed && is_taken(plan, place, unique.data); number++) {
        ia_buf_clear(&unique);
        ia_buf_addf(&unique, "%s_%u", name, number);
    }
    return ia_buf_steal(&unique);
}

static enum ia_status name_columns(struct plan *plan, const struct ia_query *query, const struct ia_report *report,
                                   struct ia_error *err)
{
    plan->unit = plan->count;
    for (size_t i = 0; i < plan->count; i++) {
        const char *name = ia_query_column_name(query, (int)i);
        plan->all[i].name = name == NULL ? NULL : unique_name(plan, i, name);
        if (plan->all[i].name == NULL)
            return ia_no_memory(err);
        const struct ia_column *described = ia_report_column(report, name);
        if (described != NULL) {
            plan->all[i].type = described->type;
            plan->all[i].meaning = described->meaning;
        }
        if (strcmp(plan->all[i].name, "unit") == 0)
            plan->unit = i;
    }
    return IA_OK;
}

static enum ia_status plan_init(struct plan *plan, const struct ia_query *query,
                                const struct ia_report_request *request, struct ia_error *err)
{
    size_t count = (size_t)ia_query_columns(query);
    *plan = (struct plan){.all = calloc(count, sizeof(*plan->all)),
                          .count = count,
                          .chosen = calloc(count, sizeof(*plan->chosen)),
                          .shown = calloc(count, sizeof(*plan->shown)),
                          .cells = calloc(count, sizeof(*plan->cells)),
                          .commands = calloc(count, sizeof(*plan->commands))};
    if (plan->all == NULL || plan->chosen == NULL || plan->shown == NULL || plan->cells == NULL ||
        plan->commands == NULL)
        return ia_no_memory(err);
    IA_TRY(name_columns(plan, query, request->report, err));
    IA_TRY(ia_columns_select(request->columns, plan->all, count, plan->chosen, &plan->shown_count, err));
    for (size_t i = 0; i < plan->shown_count; i++) {
        plan->shown[i] = plan->all[plan->chosen[i]];
        if (plan->shown[i].type == IA_COLUMN_ADVICE)
            plan->shown[i].type = IA_COLUMN_TEXT;
    }
    return IA_OK;
}

/* The type of a value by its row's unit. */
static enum ia_column_type type_by_unit(const struct plan *plan, const struct ia_query *query)
{
    enum ia_column_type type = IA_COLUMN_ANY;
    if (plan->unit == plan->count)
        return type;
    struct ia_cell unit = ia_cell_read(query, (int)plan->unit, IA_COLUMN_TEXT);
    if (unit.value != IA_VALUE_TEXT || !ia_column_type_parse(unit.text, unit.len, &type) || type == IA_COLUMN_UNIT ||
        type == IA_COLUMN_ADVICE)
        return IA_COLUMN_ANY;
    return type;
}

/* Puts the command in the place of the suggestion. */
static enum ia_status make_command(struct ia_cell *cell, struct ia_buf *command, struct ia_error *err)
{
    if (cell->value != IA_VALUE_TEXT)
        return IA_OK; /* there is none */
    ia_buf_clear(command);
    enum ia_status status = ia_advice_render(command, cell->text, cell->len, err);
    cell->text = command->data;
    cell->len = command->len;
    return status;
}

static enum ia_status read_cells(struct plan *plan, const struct ia_query *query, struct ia_error *err)
{
    for (size_t i = 0; i < plan->shown_count; i++) {
        enum ia_column_type type = plan->shown[i].type;
        if (type == IA_COLUMN_UNIT)
            type = type_by_unit(plan, query);
        plan->cells[i] = ia_cell_read(query, (int)plan->chosen[i], type);
        if (plan->all[plan->chosen[i]].type == IA_COLUMN_ADVICE)
            IA_TRY(make_command(&plan->cells[i], &plan->commands[i], err));
    }
    return IA_OK;
}

/* `row`: the query is at a row. */
static enum ia_status render_rows(struct ia_render *render, struct plan *plan, struct ia_query *query, bool row,
                                  struct ia_error *err)
{
    while (row) {
        IA_TRY(read_cells(plan, query, err));
        IA_TRY(ia_render_row(render, plan->cells, err));
        IA_TRY(ia_query_step(query, &row, err));
    }
    return IA_OK;
}

/* The first step comes before the head is written, so that a statement that fails at once leaves nothing behind. */
static enum ia_status render_query(const struct ia_report_request *request, struct ia_query *query,
                                   const struct ia_fact *scan, const struct ia_fact *basis, FILE *out,
                                   struct ia_error *err)
{
    AUTO_PLAN struct plan plan = {0};
    bool row = false;
    IA_TRY(plan_init(&plan, query, request, err));
    IA_TRY(ia_query_step(query, &row, err));
    const struct ia_render_head head = {
        .report = request->report->name,
        .columns = plan.shown,
        .count = plan.shown_count,
        .scan = scan->found ? &scan->row : NULL,
        .basis = basis->found ? &basis->row : NULL,
    };
    IA_AUTO_RENDER struct ia_render render = {0};
    IA_TRY(ia_render_begin(&render, request->renderer, &request->options, &head, out, err));
    IA_TRY(render_rows(&render, &plan, query, row, err));
    return ia_render_end(&render, err);
}

static enum ia_status bind_argument(struct ia_query *query, const struct ia_argument *argument, struct ia_error *err)
{
    if (argument->text == NULL)
        return IA_OK;
    if (!argument->number)
        return ia_query_bind_text(query, argument->name, argument->text, strlen(argument->text), err);
    errno = 0;
    intmax_t number = strtoimax(argument->text, NULL, 10);
    if (errno != 0 || number > INT64_MAX)
        return ia_fail(err, IA_USAGE, "'%s' is too large a number", argument->text);
    return ia_query_bind_int(query, argument->name, number, err);
}

static bool is_argument(const struct ia_report_request *request, const char *name)
{
    for (size_t i = 0; i < request->argument_count; i++)
        if (strcmp(request->arguments[i].name, name) == 0)
            return true;
    return false;
}

/* A parameter that gets no value is NULL to SQLite, and the answer would be one to another question. */
static enum ia_status check_parameters(const struct ia_query *query, const struct ia_report_request *request,
                                       struct ia_error *err)
{
    const char *report = request->report->name;
    for (int i = 0; i < ia_query_parameters(query); i++) {
        const char *name = ia_query_parameter_name(query, i);
        if (!is_argument(request, name))
            return ia_fail(err, IA_USAGE, "'%s' has the parameter %s, which nothing here gives a value", report, name);
        if (!ia_report_has_parameter(request->report, name))
            return ia_fail(
                err, IA_USAGE,
                "report '%s' uses %s but does not declare it: add the line '-- parameter: %s | MEANING' at its top",
                report, name, name);
    }
    return IA_OK;
}

static enum ia_status open_query(struct ia_reader *reader, const struct ia_report_request *request,
                                 struct ia_query **query, struct ia_error *err)
{
    IA_TRY(ia_query_open(reader, request->report->sql, query, err));
    IA_TRY(check_parameters(*query, request, err));
    for (size_t i = 0; i < request->argument_count; i++)
        IA_TRY(bind_argument(*query, &request->arguments[i], err));
    return IA_OK;
}

enum ia_status ia_report_run(struct ia_reader *reader, const struct ia_report_request *request, FILE *out,
                             struct ia_error *err)
{
    IA_AUTO_FACT struct ia_fact scan = {0};
    IA_AUTO_FACT struct ia_fact basis = {0};
    IA_AUTO_QUERY struct ia_query *query = NULL;
    IA_TRY(ia_fact_scan(reader, &scan, err));
    IA_TRY(ia_fact_basis(reader, &basis, err));
    IA_TRY(open_query(reader, request, &query, err));
    return render_query(request, query, &scan, &basis, out, err);
}
