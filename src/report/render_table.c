/* SPDX-License-Identifier: MIT */
/* A report as a table for people, laid out by libsmartcols. All rows are kept until the end: widths depend on them. */
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "report/render_formats.h"
#include "report/text.h"

/* A column that may be wrapped keeps at least this many characters. */
#define LEAST_WRAPPED 24

/* What a table may take, as it is kept whole: a query without an end must not take the host's memory. */
#define MOST_MEMORY (SIZE_MAX / 4 < (size_t)1 << 31 ? SIZE_MAX / 4 : (size_t)1 << 31)

enum { CELL_MEMORY = 80, LINE_MEMORY = 160 }; /* of libsmartcols, besides the text */

/* What decides the layout of a column, gathered row by row. */
struct column_layout {
    size_t width;   /* bytes of the longest cell, at least the characters of it */
    bool text_seen; /* of a column of no stated type: not all values are numbers */
};

struct table {
    struct libscols_table *lines;
    struct ia_buf cell;
    size_t memory; /* about what the lines take */
    struct column_layout layout[];
};

static enum ia_status begin(struct ia_render *render, struct ia_error *err)
{
    const struct ia_render_head *head = render->head;
    struct table *table = calloc(1, sizeof(*table) + head->count * sizeof(table->layout[0]));
    if (table == NULL)
        return ia_no_memory(err);
    render->own = table;
    table->lines = scols_new_table();
    if (table->lines == NULL)
        return ia_no_memory(err);
    scols_table_enable_noencoding(table->lines, 1); /* ia_text_show has made every cell safe */
    for (size_t i = 0; i < head->count; i++) {
        table->layout[i].width = strlen(head->columns[i].name);
        if (scols_table_new_column(table->lines, head->columns[i].name, 0, 0) == NULL)
            return ia_no_memory(err);
    }
    return IA_OK;
}

static void show_integer(struct ia_buf *out, const struct ia_cell *cell, const struct ia_render_options *options)
{
    if (cell->type == IA_COLUMN_FLAG)
        ia_buf_add_str(out, cell->integer != 0 ? "yes" : "no");
    else if (cell->type == IA_COLUMN_BYTES && !options->bytes)
        ia_text_size(out, cell->integer);
    else
        ia_buf_add_int(out, cell->integer);
}

static void show_real(struct ia_buf *out, const struct ia_cell *cell)
{
    if (cell->type == IA_COLUMN_RATIO)
        ia_buf_addf(out, "%.2f", cell->real);
    else
        ia_text_real(out, cell->real);
}

static void show_cell(struct ia_buf *out, const struct ia_cell *cell, const struct ia_render_options *options)
{
    ia_buf_clear(out);
    switch (cell->value) {
    case IA_VALUE_NULL:
        ia_buf_add_char(out, '-');
        break;
    case IA_VALUE_INT:
        show_integer(out, cell, options);
        break;
    case IA_VALUE_REAL:
        show_real(out, cell);
        break;
    case IA_VALUE_TEXT:
        ia_buf_add(out, "", 0); /* so that an empty text has bytes too */
        ia_text_show(out, cell->text, cell->len, options->utf8);
        break;
    }
}

static enum ia_status row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err)
{
    struct table *table = render->own;
    struct libscols_line *line = scols_table_new_line(table->lines, NULL);
    if (line == NULL)
        return ia_no_memory(err);
    table->memory += LINE_MEMORY;
    for (size_t i = 0; i < render->head->count; i++) {
        struct column_layout *layout = &table->layout[i];
        show_cell(&table->cell, &cells[i], &render->options);
        if (table->cell.failed || scols_line_set_data(line, i, table->cell.data) != 0)
            return ia_no_memory(err);
        table->memory += CELL_MEMORY + table->cell.len;
        if (table->cell.len > layout->width)
            layout->width = table->cell.len;
        layout->text_seen = layout->text_seen || cells[i].value == IA_VALUE_TEXT;
    }
    if (table->memory > MOST_MEMORY)
        return ia_fail(err, IA_LIMIT, "more rows than a table can have (%ju): use another --format, or a LIMIT",
                       (uintmax_t)render->rows);
    return IA_OK;
}

static bool wraps(const struct ia_column *column, const struct column_layout *layout)
{
    bool words = column->type == IA_COLUMN_TEXT || column->type == IA_COLUMN_PATH || column->type == IA_COLUMN_ANY;
    return words && layout->width > LEAST_WRAPPED;
}

static bool aligns_right(const struct ia_column *column, const struct column_layout *layout)
{
    return column->type == IA_COLUMN_ANY ? !layout->text_seen : ia_column_type_is_number(column->type);
}

/* On a terminal, long texts are wrapped to fit; nothing is ever cut off. False when a line of all columns does not fit
 * even so. */
static bool lay_out(const struct ia_render *render, struct table *table)
{
    const struct ia_render_head *head = render->head;
    size_t least = 0;
    for (size_t i = 0; i < head->count; i++) {
        const struct column_layout *layout = &table->layout[i];
        bool wrap = render->options.width > 0 && wraps(&head->columns[i], layout);
        int flags = (wrap ? SCOLS_FL_WRAP : 0) | (aligns_right(&head->columns[i], layout) ? SCOLS_FL_RIGHT : 0);
        scols_column_set_flags(scols_table_get_column(table->lines, i), flags);
        least += 1 + (wrap ? LEAST_WRAPPED : layout->width);
    }
    bool terminal = render->options.width > 0;
    scols_table_set_termforce(table->lines, terminal ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
    if (terminal)
        scols_table_set_termwidth(table->lines, render->options.width);
    return !terminal || least <= render->options.width;
}

/* A row as lines of their own, one for each column, where the columns do not fit beside each other. */
static void print_upright(const struct ia_render *render, const struct table *table, struct ia_buf *out)
{
    const struct ia_render_head *head = render->head;
    int widest = 0;
    for (size_t i = 0; i < head->count; i++)
        if ((int)strlen(head->columns[i].name) > widest)
            widest = (int)strlen(head->columns[i].name);
    for (size_t n = 0; n < scols_table_get_nlines(table->lines); n++) {
        struct libscols_line *line = scols_table_get_line(table->lines, n);
        if (n > 0)
            ia_buf_add_char(out, '\n');
        for (size_t i = 0; i < head->count; i++) {
            const char *text = scols_cell_get_data(scols_line_get_cell(line, i));
            ia_buf_addf(out, "%-*s  %s\n", widest, head->columns[i].name, text == NULL ? "" : text);
        }
    }
}

static const struct ia_cell *find_cell(const struct ia_row *row, const char *name)
{
    for (size_t i = 0; i < row->count; i++)
        if (strcmp(row->columns[i].name, name) == 0)
            return &row->cells[i];
    return NULL;
}

/* "scan 7 of 2025-11-22T03:00:00Z: complete" */
static void add_caption(struct ia_buf *out, const struct ia_row *scan, const struct ia_row *basis, bool utf8)
{
    const struct ia_cell *number = find_cell(scan, "scan_id");
    const struct ia_cell *started = find_cell(scan, "started");
    const struct ia_cell *complete = find_cell(basis, "complete");
    const struct ia_cell *hiding = find_cell(basis, "hiding_findings");
    if (number == NULL || started == NULL || complete == NULL || hiding == NULL || started->value != IA_VALUE_TEXT)
        return;
    ia_buf_addf(out, "\nscan %jd of ", (intmax_t)number->integer);
    ia_text_show(out, started->text, started->len, utf8);
    ia_buf_add_str(out, complete->integer != 0 ? ": complete" : ": not complete");
    if (hiding->integer > 0)
        ia_buf_addf(out, ", references may be hidden (findings: %jd)", (intmax_t)hiding->integer);
    ia_buf_add_char(out, '\n');
}

static enum ia_status end(struct ia_render *render, struct ia_error *err)
{
    struct table *table = render->own;
    const struct ia_render_head *head = render->head;
    char *text = NULL;
    bool fits = lay_out(render, table);
    if (render->rows == 0)
        ia_buf_add_str(&render->buf, "no rows\n");
    else if (!fits)
        print_upright(render, table, &render->buf);
    else if (scols_print_table_to_string(table->lines, &text) != 0 || text == NULL)
        return ia_no_memory(err);
    if (text != NULL) {
        ia_buf_add_str(&render->buf, text);
        ia_buf_add_char(&render->buf, '\n');
    }
    free(text);
    if (render->options.caption && head->scan != NULL && head->basis != NULL)
        add_caption(&render->buf, head->scan, head->basis, render->options.utf8);
    return IA_OK;
}

static void release(struct ia_render *render)
{
    struct table *table = render->own;
    if (table == NULL)
        return;
    scols_unref_table(table->lines);
    ia_buf_release(&table->cell);
    free(table);
    render->own = NULL;
}

const struct ia_renderer ia_render_table = {
    .name = "table", .begin = begin, .row = row, .end = end, .release = release};
