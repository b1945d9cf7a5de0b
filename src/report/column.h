/* SPDX-License-Identifier: MIT */
/* What a report's columns are, and one row of their values. */
#ifndef IA_REPORT_COLUMN_H
#define IA_REPORT_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/reader.h"

enum ia_column_type {
    IA_COLUMN_ANY,   /* not stated: each value shows as what it is */
    IA_COLUMN_BYTES, /* a size or a difference of sizes, in bytes */
    IA_COLUMN_COUNT,
    IA_COLUMN_TEXT,
    IA_COLUMN_PATH, /* bytes of a file name, not always UTF-8 */
    IA_COLUMN_RATIO,
    IA_COLUMN_FLAG,   /* 0 or 1 */
    IA_COLUMN_TIME,   /* ISO 8601 text, UTC */
    IA_COLUMN_ADVICE, /* a suggestion as report/advice.h has it, which is shown as its command */
    IA_COLUMN_UNIT,   /* each row names the type of the value in its column `unit` */
};

struct ia_column {
    const char *name;
    enum ia_column_type type;
    const char *meaning; /* NULL where it is not stated */
};

/* A value. `type` is the column's, or that of the row's unit; never IA_COLUMN_UNIT, nor IA_COLUMN_ADVICE. */
struct ia_cell {
    enum ia_value_type value;
    enum ia_column_type type;
    int64_t integer;  /* IA_VALUE_INT */
    double real;      /* IA_VALUE_REAL */
    const char *text; /* IA_VALUE_TEXT: bytes, owned by whoever made the row */
    size_t len;
};

struct ia_row {
    const struct ia_column *columns;
    const struct ia_cell *cells;
    size_t count;
};

/* The word of a header ("bytes", "count"...); false for any other. */
bool ia_column_type_parse(const char *word, size_t len, enum ia_column_type *out);

/* Shows a size to people and aligns right. */
bool ia_column_type_is_number(enum ia_column_type type);

#endif
