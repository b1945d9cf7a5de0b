/* SPDX-License-Identifier: MIT */
/* The words of what images name files for. */
#include "model/name_kind.h"

#include <string.h>

const char *ia_name_kind_word(enum ia_name_kind kind)
{
    static const char *const words[IA_NAME_KINDS] = {
        [IA_NAME_BACKING] = "backing",         [IA_NAME_ALIAS] = "alias",         [IA_NAME_DATA_FILE] = "data-file",
        [IA_NAME_EXTENT] = "extent",           [IA_NAME_NESTED] = "nested",       [IA_NAME_CONTENT] = "content",
        [IA_NAME_PARENT_PATH] = "parent-path", [IA_NAME_COMPANION] = "companion",
    };
    return words[kind];
}

enum ia_name_kind ia_name_kind_by_word(const char *word)
{
    enum ia_name_kind kind = IA_NAME_BACKING;
    while (kind < IA_NAME_KINDS && strcmp(ia_name_kind_word(kind), word) != 0)
        kind++;
    return kind;
}
