/* SPDX-License-Identifier: MIT */
/* What SQL may do on a connection. SQLite is told to trust neither the file nor the statement, its limits are set, and
 * an authorizer lets through what this program uses, or what a user's query may use. Private to src/store. */
#ifndef IA_STORE_GUARD_H
#define IA_STORE_GUARD_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/status.h"
#include "store/guard_lists.h"

/* For every connection, before its first statement: its own SQL may write, and has no trigger, no other database and
 * no virtual table but those that are registered later. */
IA_MUST_CHECK enum ia_status ia_guard_connection(sqlite3 *db, struct ia_error *err);

/* VACUUM attaches a database, which nothing else may. Once the schema is known to be ours. */
void ia_guard_allow_vacuum(sqlite3 *db);

/* For a connection that runs queries of users as well. */
struct ia_guard {
    bool is_query;     /* what is prepared or run now is a query: it reads, by the functions of ia_guard_lists.h */
    char refused[160]; /* what the authorizer did not let through, in words; "": nothing yet */
    bool (*stop)(void *ctx); /* asked now and then while a statement runs: whether it shall end; NULL: never */
    void *stop_ctx;
};

/* Puts the guard in the place of what ia_guard_connection set. It must live as long as the connection. */
void ia_guard_queries(sqlite3 *db, struct ia_guard *guard);

#endif
