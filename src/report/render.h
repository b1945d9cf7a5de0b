/* SPDX-License-Identifier: MIT */
/* Turning the rows of a report into bytes. One file per format behind a small vtable.
 *
 * What every format keeps: rows in the order given, columns in the order given, every byte of a path.
 *   table   for people: sizes like 1.5G (plain bytes with options.bytes), `-` for no value, yes and no for flags, and
 *           bytes that are not printable as \n, \t, \r, \xNN, a backslash as \\ (ia_text_show)
 *   json    one object: {"imgaudit_format": [1, 0], "report": NAME, "scan": {...} or null, "basis": {...},
 *           "rows": [{...}, ...]}. Sizes are bytes, flags true and false, times ISO 8601. Always valid UTF-8: a byte of
 *           a value that is not UTF-8 has U+FFFD in it, and then a second key follows, NAME_hex, with all bytes of
 *           the value in hexadecimal. The key is there only when it is needed
 *   ndjson  the rows alone, each as an object on a line of its own
 *   csv     RFC 4180 with a header line, lines ended by LF; the bytes of paths as they are; flags 0 and 1; no value is
 *           empty, an empty text is "". With options.csv_safe, what a spreadsheet would run (a text that
 *           begins with = + - @, a tab or a carriage return) has an apostrophe before it */
#ifndef IA_REPORT_RENDER_H
#define IA_REPORT_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/status.h"
#include "report/column.h"

struct ia_render_options {
    bool csv_safe; /* in CSV, no text begins with what a spreadsheet takes for a formula */
    bool bytes;    /* sizes as plain numbers in tables */
    bool utf8;     /* the locale is UTF-8 (ia_render_locale) */
    bool caption;  /* a table ends with a line about the scan it is of */
    size_t width;  /* columns of the terminal, 0 for none: nothing is wrapped then */
};

/* What is fixed before the first row. All of it must live until ia_render_release. */
struct ia_render_head {
    const char *report;
    const struct ia_column *columns;
    size_t count;
    const struct ia_row *scan;  /* the last row of v_scan, NULL where there was no scan */
    const struct ia_row *basis; /* what verdicts rest on, NULL for none */
};

struct ia_renderer;

struct ia_render {
    const struct ia_renderer *renderer;
    const struct ia_render_head *head;
    struct ia_render_options options;
    FILE *out;
    struct ia_buf buf; /* the renderer's next output; written and cleared after each call */
    uint64_t rows;     /* rows before this one */
    void *own;         /* the renderer's */
};

/* Each call appends to render->buf; a failed append is noticed by the caller. row's cells are as many as the head's
 * columns and live during the call. release may be NULL. */
struct ia_renderer {
    const char *name;
    enum ia_status (*begin)(struct ia_render *render, struct ia_error *err);
    enum ia_status (*row)(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err);
    enum ia_status (*end)(struct ia_render *render, struct ia_error *err);
    void (*release)(struct ia_render *render);
};

/* By name; NULL for an unknown one. */
const struct ia_renderer *ia_renderer_find(const char *name);

/* The names, joined by ", ". */
void ia_renderer_names(struct ia_buf *out);

/* Finds out whether the locale is UTF-8, and the width of the terminal that `out` is. */
void ia_render_locale(struct ia_render_options *options, FILE *out);

/* Begin, any number of rows, end; release in any case after begin. Writing errors of `out` are reported at the latest
 * by ia_render_end, which flushes it. */
IA_MUST_CHECK enum ia_status ia_render_begin(struct ia_render *render, const struct ia_renderer *renderer,
                                             const struct ia_render_options *options, const struct ia_render_head *head,
                                             FILE *out, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_render_row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_render_end(struct ia_render *render, struct ia_error *err);
void ia_render_release(struct ia_render *render);
#define IA_AUTO_RENDER __attribute__((cleanup(ia_render_release)))

#endif
