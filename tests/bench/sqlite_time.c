/* SPDX-License-Identifier: MIT */
/* Where a scan spends its time in SQLite, to be preloaded: $SQLITE_TIME_RESULT gets, as JSON, the processor cycles (of
 * the time stamp counter) inside sqlite3_step by statements that insert into extent, by all else, and those of the
 * whole process. */
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* That of a scan, which stores many rows by one step, and that of the bare insert. */
static const char *const inserts[] = {"INSERT OR FAIL INTO extent ", "INSERT INTO extent "};
static int (*next_step)(sqlite3_stmt *);
static uint64_t begun, in_inserts, in_others, steps;

/* A clock read for every row would cost as much as a small insert; the counter costs a tenth of that. */
static uint64_t ticks(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

int sqlite3_step(sqlite3_stmt *stmt)
{
    static sqlite3_stmt *latest;
    static int is_insert;
    if (stmt != latest) {
        const char *sql = sqlite3_sql(stmt); /* NULL inside of sqlite3_exec */
        latest = stmt;
        is_insert = sql != NULL && (strncmp(sql, inserts[0], strlen(inserts[0])) == 0 ||
                                    strncmp(sql, inserts[1], strlen(inserts[1])) == 0);
    }
    uint64_t from = ticks();
    int code = next_step(stmt);
    uint64_t spent = ticks() - from;
    steps += is_insert;
    *(is_insert ? &in_inserts : &in_others) += spent;
    return code;
}

__attribute__((constructor)) static void begin(void)
{
    next_step = (int (*)(sqlite3_stmt *))dlsym(RTLD_NEXT, "sqlite3_step");
    begun = ticks();
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("SQLITE_TIME_RESULT");
    FILE *result = path == NULL ? NULL : fopen(path, "we");
    if (result == NULL)
        return;
    fprintf(result, "{\"whole\": %ju, \"inserts\": %ju, \"others\": %ju, \"rows\": %ju}\n",
            (uintmax_t)(ticks() - begun), (uintmax_t)in_inserts, (uintmax_t)in_others, (uintmax_t)steps);
    fclose(result);
}
