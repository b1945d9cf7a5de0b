/* SPDX-License-Identifier: MIT */
/* A report as one JSON object, row by row: nothing is kept in memory. */
#include <string.h>

#include "base/json_text.h"
#include "report/json_row.h"
#include "report/render_formats.h"

static void add_object(struct ia_buf *out, const char *key, const struct ia_row *row)
{
    ia_buf_addf(out, "\"%s\": ", key);
    if (row != NULL)
        ia_json_add_row(out, row);
    else
        ia_buf_add_str(out, "null");
    ia_buf_add_str(out, ",\n");
}

static enum ia_status begin(struct ia_render *render, struct ia_error *err)
{
    (void)err;
    const struct ia_render_head *head = render->head;
    struct ia_buf *out = &render->buf;
    ia_buf_add_str(out, "{\"imgaudit_format\": [1, 0],\n\"report\": ");
    ia_json_add_string(out, head->report, strlen(head->report));
    ia_buf_add_str(out, ",\n");
    add_object(out, "scan", head->scan);
    add_object(out, "basis", head->basis);
    ia_buf_add_str(out, "\"rows\": [");
    return IA_OK;
}

static enum ia_status row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err)
{
    (void)err;
    const struct ia_row values = {render->head->columns, cells, render->head->count};
    ia_buf_add_str(&render->buf, render->rows == 0 ? "\n" : ",\n");
    ia_json_add_row(&render->buf, &values);
    return IA_OK;
}

static enum ia_status end(struct ia_render *render, struct ia_error *err)
{
    (void)err;
    ia_buf_add_str(&render->buf, render->rows == 0 ? "]}\n" : "\n]}\n");
    return IA_OK;
}

const struct ia_renderer ia_render_json = {.name = "json", .begin = begin, .row = row, .end = end};
