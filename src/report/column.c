/* SPDX-License-Identifier: MIT */
/* The words for column types. */
#include "report/column.h"

#include <string.h>

static const char *const words[] = {
    [IA_COLUMN_ANY] = "any",   [IA_COLUMN_BYTES] = "bytes",   [IA_COLUMN_COUNT] = "count", [IA_COLUMN_TEXT] = "text",
    [IA_COLUMN_PATH] = "path", [IA_COLUMN_RATIO] = "ratio",   [IA_COLUMN_FLAG] = "flag",   [IA_COLUMN_TIME] = "time",
    [IA_COLUMN_UNIT] = "unit", [IA_COLUMN_ADVICE] = "advice",
};

bool ia_column_type_parse(const char *word, size_t len, enum ia_column_type *out)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) {
            *out = (enum ia_column_type)i;
            return true;
        }
    }
    return false;
}

bool ia_column_type_is_number(enum ia_column_type type)
{
    return type == IA_COLUMN_BYTES || type == IA_COLUMN_COUNT || type == IA_COLUMN_RATIO || type == IA_COLUMN_UNIT;
}
