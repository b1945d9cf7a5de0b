/* SPDX-License-Identifier: MIT */
/* --columns. */
#include "report/select.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

static size_t find_column(const struct ia_column *columns, size_t count, const char *name, size_t len)
{
    size_t i = 0;
    while (i < count && (strlen(columns[i].name) != len || memcmp(columns[i].name, name, len) != 0))
        i++;
    return i;
}

static enum ia_status unknown_column(const struct ia_column *columns, size_t count, const char *name, size_t len,
                                     struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf names = {0};
    for (size_t i = 0; i < count; i++)
        ia_buf_addf(&names, "%s%s", i == 0 ? "" : ", ", columns[i].name);
    return ia_fail(err, IA_USAGE, "no column '%.*s': there are %s", (int)len, name,
                   names.failed || names.data == NULL ? "others" : names.data);
}

enum ia_status ia_columns_select(const char *list, const struct ia_column *columns, size_t count, size_t *chosen,
                                 size_t *chosen_count, struct ia_error *err)
{
    *chosen_count = 0;
    if (list == NULL) {
        while (*chosen_count < count) {
            chosen[*chosen_count] = *chosen_count;
            ++*chosen_count;
        }
        return IA_OK;
    }
    for (const char *name = list;; name++) {
        size_t len = strcspn(name, ",");
        size_t column = find_column(columns, count, name, len);
        if (column == count)
            return unknown_column(columns, count, name, len, err);
        for (size_t i = 0; i < *chosen_count; i++)
            if (chosen[i] == column)
                return ia_fail(err, IA_USAGE, "column '%s' is named twice", columns[column].name);
        chosen[(*chosen_count)++] = column;
        name += len;
        if (*name == '\0')
            return IA_OK;
    }
}
