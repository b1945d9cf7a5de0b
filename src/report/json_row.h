/* SPDX-License-Identifier: MIT */
/* A row as a JSON object; what the two JSON renderers share. Private to src/report. */
#ifndef IA_REPORT_JSON_ROW_H
#define IA_REPORT_JSON_ROW_H

#include "base/buf.h"
#include "report/column.h"

/* On one line, with the NAME_hex keys that render.h describes. */
void ia_json_add_row(struct ia_buf *out, const struct ia_row *row);

#endif
