/* SPDX-License-Identifier: MIT */
/* A report as comma-separated values (RFC 4180, with LF). */
#include <string.h>

#include "report/render_formats.h"
#include "report/text.h"

static bool needs_quotes(const char *bytes, size_t len)
{
    if (len == 0 || bytes[0] == ' ' || bytes[len - 1] == ' ')
        return true;
    for (size_t i = 0; i < len; i++)
        if (bytes[i] == ',' || bytes[i] == '"' || bytes[i] == '\n' || bytes[i] == '\r')
            return true;
    return false;
}

/* https://owasp.org/www-community/attacks/CSV_Injection */
static bool is_formula(const char *bytes, size_t len)
{
    return len > 0 && bytes[0] != '\0' && strchr("=+-@\t\r", bytes[0]) != NULL;
}

static void add_text(struct ia_render *render, const char *bytes, size_t len)
{
    struct ia_buf *out = &render->buf;
    const char *shield = render->options.csv_safe && is_formula(bytes, len) ? "'" : "";
    if (!needs_quotes(bytes, len)) {
        ia_buf_add_str(out, shield);
        ia_buf_add(out, bytes, len);
        return;
    }
    ia_buf_add_char(out, '"');
    ia_buf_add_str(out, shield);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '"')
            ia_buf_add_char(out, '"');
        ia_buf_add_char(out, bytes[i]);
    }
    ia_buf_add_char(out, '"');
}

static enum ia_status begin(struct ia_render *render, struct ia_error *err)
{
    (void)err;
    for (size_t i = 0; i < render->head->count; i++) {
        const char *name = render->head->columns[i].name;
        ia_buf_add_str(&render->buf, i == 0 ? "" : ",");
        add_text(render, name, strlen(name));
    }
    ia_buf_add_char(&render->buf, '\n');
    return IA_OK;
}

static enum ia_status row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err)
{
    (void)err;
    struct ia_buf *out = &render->buf;
    for (size_t i = 0; i < render->head->count; i++) {
        ia_buf_add_str(out, i == 0 ? "" : ",");
        if (cells[i].value == IA_VALUE_INT)
            ia_buf_add_int(out, cells[i].integer);
        else if (cells[i].value == IA_VALUE_REAL)
            ia_text_real(out, cells[i].real);
        else if (cells[i].value == IA_VALUE_TEXT)
            add_text(render, cells[i].text, cells[i].len);
    }
    ia_buf_add_char(out, '\n');
    return IA_OK;
}

static enum ia_status end(struct ia_render *render, struct ia_error *err)
{
    (void)render;
    (void)err;
    return IA_OK;
}

const struct ia_renderer ia_render_csv = {.name = "csv", .begin = begin, .row = row, .end = end};
