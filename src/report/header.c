/* SPDX-License-Identifier: MIT */
/* The header of a report, line by line. */
#include "report/header.h"

#include <string.h>

struct line {
    const char *report;
    size_t number;
};

/* Cuts blanks off both ends of a string of the header. */
static char *trim(char *text)
{
    static const char blanks[] = " \t\r";
    text += strspn(text, blanks);
    size_t len = strlen(text);
    while (len > 0 && strchr(blanks, text[len - 1]) != NULL)
        len--;
    text[len] = '\0';
    return text;
}

/* Takes the part of *rest before the next bar; NULL when there is no bar and a further part is needed. */
static char *take_part(char **rest)
{
    char *bar = strchr(*rest, '|');
    if (bar == NULL)
        return NULL;
    char *part = *rest;
    *bar = '\0';
    *rest = bar + 1;
    return trim(part);
}

static enum ia_status bad_line(const struct line *line, struct ia_error *err, const char *expected)
{
    return ia_fail(err, IA_USAGE, "report '%s', line %zu: expected '-- %s'", line->report, line->number, expected);
}

static enum ia_status keep(bool pushed, struct ia_error *err)
{
    return pushed ? IA_OK : ia_no_memory(err);
}

static enum ia_status set_title(struct ia_report *report, char *value, const struct line *line, struct ia_error *err)
{
    (void)line;
    (void)err;
    report->title = trim(value);
    return IA_OK;
}

static enum ia_status add_about(struct ia_report *report, char *value, const struct line *line, struct ia_error *err)
{
    (void)line;
    return keep(ia_vec_push(&report->about, trim(value)), err);
}

static enum ia_status add_column(struct ia_report *report, char *value, const struct line *line, struct ia_error *err)
{
    struct ia_column column = {0};
    char *name = take_part(&value);
    char *type = name == NULL ? NULL : take_part(&value);
    if (type == NULL || *name == '\0' || !ia_column_type_parse(type, strlen(type), &column.type))
        return bad_line(line, err,
                        "column: NAME | bytes, count, text, path, ratio, flag, time, advice, any or unit | MEANING");
    column.name = name;
    column.meaning = trim(value);
    return keep(ia_vec_push(&report->columns, column), err);
}

static enum ia_status add_parameter(struct ia_report *report, char *value, const struct line *line,
                                    struct ia_error *err)
{
    char *name = take_part(&value);
    if (name == NULL || name[0] != ':' || name[1] == '\0')
        return bad_line(line, err, "parameter: :NAME | MEANING");
    struct ia_parameter parameter = {.name = name, .meaning = trim(value)};
    return keep(ia_vec_push(&report->parameters, parameter), err);
}

static enum ia_status add_include(struct ia_report *report, char *value, const struct line *line, struct ia_error *err)
{
    value = trim(value);
    if (*value == '\0')
        return bad_line(line, err, "include: REPORT");
    return keep(ia_vec_push(&report->includes, value), err);
}

static const struct {
    const char *word;
    enum ia_status (*take)(struct ia_report *, char *, const struct line *, struct ia_error *);
} keys[] = {
    {"title:", set_title},         {"about:", add_about},     {"column:", add_column},
    {"parameter:", add_parameter}, {"include:", add_include},
};

static enum ia_status take_comment(struct ia_report *report, char *text, const struct line *line, struct ia_error *err)
{
    text = trim(text);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        size_t len = strlen(keys[i].word);
        if (strncmp(text, keys[i].word, len) == 0)
            return keys[i].take(report, text + len, line, err);
    }
    return IA_OK;
}

enum ia_status ia_report_header_parse(struct ia_report *report, size_t *body, struct ia_error *err)
{
    struct line line = {.report = report->name};
    char *at = report->header;
    report->title = "";
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        char *next = at[len] == '\n' ? at + len + 1 : at + len;
        size_t blank = strspn(at, " \t\r");
        if (blank != len && strncmp(at + blank, "--", 2) != 0)
            break;
        at[len] = '\0';
        line.number++;
        if (blank != len)
            IA_TRY(take_comment(report, at + blank + 2, &line, err));
        at = next;
    }
    *body = (size_t)(at - report->header);
    return IA_OK;
}
