/* SPDX-License-Identifier: MIT */
/* The schema of this program. */
#include "store/schema.h"

#include <ctype.h>
#include <string.h>

#include "schema_embedded.h"

/* In the order of schema/meson.build. */
enum { TABLES, VIEWS };

/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: it only has to be another one for another text. */
int64_t ia_schema_number(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = text; *c != '\0'; c++) {
        if (c[0] == '-' && c[1] == '-')
            c += strcspn(c, "\n");
        if (*c == '\0')
            break;
        if (!isspace((unsigned char)*c))
            hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    }
    return (int64_t)hash;
}

struct ia_schema ia_schema_current(void)
{
    return (struct ia_schema){
        .first_version = 16,
        .version = 16,
        .tables = ia_schema_files[TABLES].text,
        .views = ia_schema_files[VIEWS].text,
    };
}
