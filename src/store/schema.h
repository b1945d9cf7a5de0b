/* SPDX-License-Identifier: MIT */
/* The embedded schema: tables, views and migrations. Private to src/store. */
#ifndef IA_STORE_SCHEMA_H
#define IA_STORE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

/* Brings a store of the version before to `version`. */
struct ia_migration {
    int64_t version;
    const char *sql;
};

struct ia_schema {
    int64_t first_version; /* the oldest that can be migrated */
    int64_t version;       /* of `tables`, and of what the last migration leaves: user_version */
    const char *tables;    /* for an empty database */
    const char *views;
    const struct ia_migration *migrations; /* by ascending version, no gaps */
    size_t count;
};

/* Another one for each other SQL text; comments and white space aside. */
int64_t ia_schema_number(const char *text);

/* The schema of this program. */
struct ia_schema ia_schema_current(void);

#endif
