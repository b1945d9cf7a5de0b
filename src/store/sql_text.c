/* SPDX-License-Identifier: MIT */
/* Tokens of SQL: https://www.sqlite.org/lang_comment.html, https://www.sqlite.org/lang_expr.html ("Literal values") */
#include "store/sql_text.h"

#include <ctype.h>
#include <string.h>

struct ia_sql_text ia_sql_text_of(const char *text)
{
    return (struct ia_sql_text){text, strlen(text)};
}

static void skip(struct ia_sql_text *rest, size_t count)
{
    rest->start += count;
    rest->len -= count;
}

static bool begins(const struct ia_sql_text *text, const char *with)
{
    size_t len = strlen(with);
    return text->len >= len && memcmp(text->start, with, len) == 0;
}

/* Bytes up to the end of what `end` begins, and with it; all where it does not come. */
static size_t length_to(const struct ia_sql_text *text, size_t from, const char *end)
{
    size_t len = strlen(end);
    for (size_t i = from; i + len <= text->len; i++)
        if (memcmp(text->start + i, end, len) == 0)
            return i + len;
    return text->len;
}

static void skip_blanks(struct ia_sql_text *rest)
{
    for (;;) { /* ends: each turn makes the rest shorter */
        if (begins(rest, "--"))
            skip(rest, length_to(rest, 2, "\n"));
        else if (begins(rest, "/*"))
            skip(rest, length_to(rest, 2, "*/"));
        else if (rest->len > 0 && isspace((unsigned char)rest->start[0]))
            skip(rest, 1);
        else
            return;
    }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* A quote within is written twice: two tokens that touch each other, which is as good for comparing. */
static size_t token_length(const struct ia_sql_text *rest)
{
    static const char *const quotes[] = {"''", "\"\"", "``", "[]"};
    size_t len = 0;
    for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++)
        if (rest->start[0] == quotes[i][0])
            return length_to(rest, 1, &quotes[i][1]);
    while (len < rest->len && is_word(rest->start[len]))
        len++;
    return len > 0 ? len : 1;
}

bool ia_sql_token(struct ia_sql_text *rest, struct ia_sql_text *token)
{
    skip_blanks(rest);
    if (rest->len == 0)
        return false;
    *token = (struct ia_sql_text){rest->start, token_length(rest)};
    skip(rest, token->len);
    return true;
}

static bool is_token(const struct ia_sql_text *token, const char *word)
{
    return token->len == strlen(word) && memcmp(token->start, word, token->len) == 0;
}

bool ia_sql_statement(struct ia_sql_text *script, struct ia_sql_text *statement)
{
    struct ia_sql_text token;
    *statement = (struct ia_sql_text){0};
    while (ia_sql_token(script, &token)) {
        if (!is_token(&token, ";")) {
            const char *start = statement->start != NULL ? statement->start : token.start;
            *statement = (struct ia_sql_text){start, (size_t)(token.start + token.len - start)};
        } else if (statement->start != NULL) {
            return true;
        }
    }
    return statement->start != NULL;
}

bool ia_sql_same(struct ia_sql_text a, struct ia_sql_text b)
{
    struct ia_sql_text x, y;
    if (a.len == b.len && memcmp(a.start, b.start, a.len) == 0)
        return true;
    for (;;) { /* ends: each turn takes a token off a */
        bool more = ia_sql_token(&a, &x);
        if (more != ia_sql_token(&b, &y))
            return false;
        if (!more)
            return true;
        if (x.len != y.len || memcmp(x.start, y.start, x.len) != 0)
            return false;
    }
}

bool ia_sql_created(struct ia_sql_text statement, struct ia_sql_text *name)
{
    struct ia_sql_text token;
    if (!ia_sql_token(&statement, &token) || !is_token(&token, "CREATE"))
        return false;
    while (ia_sql_token(&statement, &token))
        if (is_token(&token, "TABLE") || is_token(&token, "INDEX") || is_token(&token, "VIEW"))
            return ia_sql_token(&statement, name);
    return false;
}

/* A name in quotes has each quote of its own twice. */
static bool is_quoted_name(struct ia_sql_text text, const char *name)
{
    char quote = text.start[0] == '[' ? ']' : text.start[0];
    for (skip(&text, 1); text.len > 0; skip(&text, 1)) {
        if (text.start[0] == quote && (text.len == 1 || text.start[1] != quote))
            return *name == '\0';
        if (text.start[0] == quote)
            skip(&text, 1);
        if (text.start[0] != *name++)
            return false;
    }
    return false;
}

bool ia_sql_is_view(struct ia_sql_text statement, const char *name)
{
    struct ia_sql_text token;
    if (!ia_sql_token(&statement, &token) || !is_token(&token, "CREATE"))
        return false;
    if (!ia_sql_token(&statement, &token) || !is_token(&token, "VIEW"))
        return false;
    skip_blanks(&statement);
    if (statement.len > 0 && strchr("'\"`[", statement.start[0]) != NULL)
        return is_quoted_name(statement, name);
    return ia_sql_token(&statement, &token) && is_token(&token, name);
}
