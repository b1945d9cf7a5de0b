/* SPDX-License-Identifier: MIT */
/* The text of SQL, as far as it takes to split a script into statements and to compare two of them. Private to
 * src/store. */
#ifndef IA_STORE_SQL_TEXT_H
#define IA_STORE_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct ia_sql_text {
    const char *start;
    size_t len;
};

/* Takes the next token off `rest`: a word, a quoted text with its quotes, or a single character. White space and
 * comments are none. False at the end. */
bool ia_sql_token(struct ia_sql_text *rest, struct ia_sql_text *token);

/* Takes the next statement off `script`, without the semicolon behind it. False when there is none any more. */
bool ia_sql_statement(struct ia_sql_text *script, struct ia_sql_text *statement);

/* The same tokens: the texts differ in comments and white space at most. */
bool ia_sql_same(struct ia_sql_text a, struct ia_sql_text b);

/* What a CREATE statement makes: the name behind TABLE, INDEX or VIEW. False for another statement. */
bool ia_sql_created(struct ia_sql_text statement, struct ia_sql_text *name);

/* The statement makes a view of that name, which it may quote. */
bool ia_sql_is_view(struct ia_sql_text statement, const char *name);

struct ia_sql_text ia_sql_text_of(const char *text);

#endif
