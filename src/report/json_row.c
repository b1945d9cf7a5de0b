/* SPDX-License-Identifier: MIT */
/* Writing rows as JSON objects. */
#include "report/json_row.h"

#include <math.h>
#include <string.h>

#include "base/json_text.h"
#include "report/text.h"

/* Returns whether every byte could be kept. */
static bool add_value(struct ia_buf *out, const struct ia_cell *cell)
{
    switch (cell->value) {
    case IA_VALUE_INT:
        if (cell->type == IA_COLUMN_FLAG)
            ia_buf_add_str(out, cell->integer != 0 ? "true" : "false");
        else
            ia_buf_add_int(out, cell->integer);
        return true;
    case IA_VALUE_REAL:
        if (isfinite(cell->real))
            ia_text_real(out, cell->real);
        else
            ia_buf_add_str(out, "null");
        return true;
    case IA_VALUE_TEXT:
        return ia_json_add_string(out, cell->text, cell->len);
    case IA_VALUE_NULL:
        break;
    }
    ia_buf_add_str(out, "null");
    return true;
}

static void add_key(struct ia_buf *out, const char *name)
{
    ia_json_add_string(out, name, strlen(name));
    ia_buf_add_str(out, ": ");
}

static void add_hex(struct ia_buf *out, const char *name, const struct ia_cell *cell)
{
    struct ia_buf key = {0};
    ia_buf_addf(&key, "%s_hex", name);
    out->failed = out->failed || key.failed;
    if (!out->failed) {
        ia_buf_add_str(out, ", ");
        add_key(out, key.data);
        ia_json_add_hex(out, cell->text, cell->len);
    }
    ia_buf_release(&key);
}

void ia_json_add_row(struct ia_buf *out, const struct ia_row *row)
{
    ia_buf_add_char(out, '{');
    for (size_t i = 0; i < row->count; i++) {
        ia_buf_add_str(out, i == 0 ? "" : ", ");
        add_key(out, row->columns[i].name);
        if (!add_value(out, &row->cells[i]))
            add_hex(out, row->columns[i].name, &row->cells[i]);
    }
    ia_buf_add_char(out, '}');
}
