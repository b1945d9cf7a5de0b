/* SPDX-License-Identifier: MIT */
/* The renderers, one per render_*.c. Private to src/report. */
#ifndef IA_REPORT_RENDER_FORMATS_H
#define IA_REPORT_RENDER_FORMATS_H

#include "report/render.h"

extern const struct ia_renderer ia_render_table;
extern const struct ia_renderer ia_render_json;
extern const struct ia_renderer ia_render_ndjson;
extern const struct ia_renderer ia_render_csv;

#endif
