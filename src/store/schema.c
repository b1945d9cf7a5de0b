/* SPDX-License-Identifier: MIT */
/* The schema of this program. */
#include "store/schema.h"

#include "schema_embedded.h"

/* In the order of schema/meson.build. */
enum { TABLES, VIEWS };

struct ia_schema ia_schema_current(void)
{
    return (struct ia_schema){
        .first_version = 16,
        .version = 16,
        .tables = ia_schema_files[TABLES].text,
        .views = ia_schema_files[VIEWS].text,
    };
}
