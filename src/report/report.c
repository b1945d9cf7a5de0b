/* SPDX-License-Identifier: MIT */
/* Finding, loading and putting together reports. */
#include "report/report.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"
#include "report/header.h"
#include "reports_embedded.h"

#define REPORT_COUNT (sizeof(ia_report_files) / sizeof(ia_report_files[0]))

/* A report is written by hand. */
#define FILE_MAX ((size_t)1 << 20)

const char *ia_report_embedded_name(size_t index)
{
    return index < REPORT_COUNT ? ia_report_files[index].name : NULL;
}

static const char *embedded_text(const char *name)
{
    for (size_t i = 0; i < REPORT_COUNT; i++)
        if (strcmp(ia_report_files[i].name, name) == 0)
            return ia_report_files[i].text;
    return NULL;
}

static enum ia_status no_report(const char *name, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf names = {0};
    for (size_t i = 0; i < REPORT_COUNT; i++)
        ia_buf_addf(&names, "%s%s", i == 0 ? "" : ", ", ia_report_files[i].name);
    return ia_fail(err, IA_USAGE, "no report '%s': there are %s", name, names.failed ? "others" : names.data);
}

/* The statement of an included report as a common table: name AS (...). */
static enum ia_status add_include(struct ia_buf *sql, const char *name, struct ia_error *err)
{
    const char *text = embedded_text(name);
    if (text == NULL)
        return no_report(name, err);
    IA_AUTO_REPORT struct ia_report included = {0};
    IA_TRY(ia_report_parse(name, text, &included, err));
    if (included.includes.len > 0)
        return ia_fail(err, IA_USAGE, "report '%s' includes others and cannot be included", name);
    size_t len = strlen(included.sql);
    while (len > 0 && strchr("; \t\r\n", included.sql[len - 1]) != NULL)
        len--;
    for (const char *c = name; *c != '\0'; c++)
        ia_buf_add_char(sql, *c == '-' ? '_' : *c);
    ia_buf_add_str(sql, " AS (\n");
    ia_buf_add(sql, included.sql, len);
    ia_buf_add_str(sql, "\n)");
    return IA_OK;
}

/* Steps over `word` and the blanks after it where the text begins with them. */
static bool skip_word(const char **text, const char *word)
{
    size_t len = strlen(word);
    if (strncasecmp(*text, word, len) != 0 || !isspace((unsigned char)(*text)[len]))
        return false;
    *text += len;
    *text += strspn(*text, " \t\r\n");
    return true;
}

/* WITH RECURSIVE, the included reports, and the report's own statement, whose own WITH goes on with a comma. */
static enum ia_status add_with(struct ia_buf *sql, const struct ia_report *report, const char *body,
                               struct ia_error *err)
{
    for (size_t i = 0; i < report->includes.len; i++) {
        ia_buf_add_str(sql, i == 0 ? "WITH RECURSIVE " : ",\n");
        IA_TRY(add_include(sql, report->includes.items[i], err));
    }
    bool has_with = report->includes.len > 0 && skip_word(&body, "WITH");
    if (has_with)
        skip_word(&body, "RECURSIVE");
    ia_buf_add_str(sql, has_with ? ",\n" : "\n");
    ia_buf_add_str(sql, body);
    return IA_OK;
}

enum ia_status ia_report_parse(const char *name, const char *text, struct ia_report *report, struct ia_error *err)
{
    *report = (struct ia_report){.name = strdup(name), .header = strdup(text)};
    if (report->name == NULL || report->header == NULL)
        return ia_no_memory(err);
    size_t body = 0;
    IA_TRY(ia_report_header_parse(report, &body, err));
    IA_AUTO_BUF struct ia_buf sql = {0};
    IA_TRY(add_with(&sql, report, text + body, err));
    report->sql = ia_buf_steal(&sql);
    return report->sql != NULL ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_report_embedded(const char *name, struct ia_report *report, struct ia_error *err)
{
    const char *text = embedded_text(name);
    if (text != NULL)
        return ia_report_parse(name, text, report, err);
    *report = (struct ia_report){0};
    return no_report(name, err);
}

static enum ia_status read_text(const char *path, FILE *file, struct ia_buf *text, struct ia_error *err)
{
    char block[4096];
    size_t got;
    do {
        got = fread(block, 1, sizeof(block), file);
        ia_buf_add(text, block, got);
    } while (got == sizeof(block) && text->len <= FILE_MAX);
    if (ferror(file))
        return ia_fail_errno(err, errno, "cannot read '%s'", path);
    if (text->failed)
        return ia_no_memory(err);
    if (text->len > FILE_MAX)
        return ia_fail(err, IA_USAGE, "'%s' is longer than %zu bytes: no report", path, FILE_MAX);
    if (text->len == 0 || memchr(text->data, '\0', text->len) != NULL)
        return ia_fail(err, IA_USAGE, "'%s' is no SQL text", path);
    return IA_OK;
}

static enum ia_status read_file(const char *path, struct ia_buf *text, struct ia_error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ia_fail_errno(err, errno, "cannot open '%s'", path);
    enum ia_status status = read_text(path, file, text, err);
    fclose(file);
    return status;
}

static enum ia_status parse_file(const char *path, const char *text, struct ia_report *report, struct ia_error *err)
{
    IA_AUTO_FREE char *name = strdup(ia_path_name(path));
    if (name == NULL)
        return ia_no_memory(err);
    char *dot = strrchr(name, '.');
    if (dot != NULL && dot != name)
        *dot = '\0';
    return ia_report_parse(name, text, report, err);
}

enum ia_status ia_report_load(const char *path, struct ia_report *report, struct ia_error *err)
{
    *report = (struct ia_report){0};
    IA_AUTO_BUF struct ia_buf text = {0};
    IA_TRY(read_file(path, &text, err));
    return parse_file(path, text.data, report, err);
}

void ia_report_release(struct ia_report *report)
{
    free(report->name);
    free(report->header);
    free(report->sql);
    ia_vec_release(&report->about);
    ia_vec_release(&report->columns);
    ia_vec_release(&report->parameters);
    ia_vec_release(&report->includes);
    *report = (struct ia_report){0};
}

bool ia_report_has_parameter(const struct ia_report *report, const char *name)
{
    for (size_t i = 0; i < report->parameters.len; i++)
        if (strcmp(report->parameters.items[i].name, name) == 0)
            return true;
    return false;
}

const struct ia_column *ia_report_column(const struct ia_report *report, const char *name)
{
    for (size_t i = 0; i < report->columns.len; i++)
        if (strcmp(report->columns.items[i].name, name) == 0)
            return &report->columns.items[i];
    return NULL;
}
