/* SPDX-License-Identifier: MIT */
/* The rows of a report, one JSON object a line. */
#include "report/json_row.h"
#include "report/render_formats.h"

static enum ia_status nothing(struct ia_render *render, struct ia_error *err)
{
    (void)render;
    (void)err;
    return IA_OK;
}

static enum ia_status row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err)
{
    (void)err;
    const struct ia_row values = {render->head->columns, cells, render->head->count};
    ia_json_add_row(&render->buf, &values);
    ia_buf_add_char(&render->buf, '\n');
    return IA_OK;
}

const struct ia_renderer ia_render_ndjson = {.name = "ndjson", .begin = nothing, .row = row, .end = nothing};
