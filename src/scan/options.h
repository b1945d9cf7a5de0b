/* SPDX-License-Identifier: MIT */
/* What a scan is asked to do. */
#ifndef IA_SCAN_OPTIONS_H
#define IA_SCAN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/limits.h"
#include "sandbox/sandbox.h"

struct ia_scan_progress {
    const char *phase; /* "walking", "reading", "analysing" */
    int64_t files_done, files_total;
    int64_t table_bytes;
};

struct ia_scan_options {
    const char *db;
    const char *const *roots; /* directories, image files or block devices */
    size_t root_count;
    const char *const *allow; /* directories into which references may lead */
    size_t allow_count;
    const char *const *exclude; /* globs on the path or the last component */
    size_t exclude_count;
    const char *const *backing_globs; /* files that are meant as backing files */
    size_t backing_glob_count;
    const char *const *templates; /* files that stay whole, besides those that the store lists */
    size_t template_count;
    const char *const *raw_suffixes; /* ".img"...: raw where no magic is found */
    size_t raw_suffix_count;
    bool trust_locks; /* a file that nobody has locked is not in use, where processes cannot be looked at */
    const char *const *sole_hosts; /* absolute paths on file systems that no other host uses, whatever their type */
    size_t sole_host_count;
    const char *const *inventories; /* of machines, as ia_inventory_read has them; "none": the administrator vouches */
    size_t inventory_count;
    bool without_stdin; /* an inventory from standard input was that of an earlier scan */
    enum ia_sandbox_mode sandbox;
    /* Called with what a sandbox lacks that is not required; NULL: nobody looks. */
    void (*without)(void *ctx, const char *what);
    void *without_ctx;
    /* Set to memory that is left to the end of the process, which comes next; NULL: all is freed. */
    void *volatile *rest;
    int workers;
    int64_t keep;    /* scans of history, 0: all */
    int64_t min_age; /* seconds: what has been so for less is not proven; 0: no matter how long */
    const struct ia_limits *limits;
    /* Called now and then with what is done; NULL: nobody looks. */
    void (*progress)(void *ctx, const struct ia_scan_progress *progress);
    void *progress_ctx;
};

/* The lists among the options. A scan records each, for the next one that is to do as it did (stored_options.h): a new
 * option is a line in options.c, and its word in the CHECK of scan_option.kind. */
enum {
    IA_SCAN_ROOTS,
    IA_SCAN_ALLOW,
    IA_SCAN_EXCLUDE,
    IA_SCAN_BACKING_GLOBS,
    IA_SCAN_TEMPLATES,
    IA_SCAN_RAW_SUFFIXES,
    IA_SCAN_TRUST_LOCKS, /* of one value or none */
    IA_SCAN_SOLE_HOSTS,
    IA_SCAN_INVENTORIES,
    IA_SCAN_LISTS
};
struct ia_scan_list {
    const char *kind; /* scan_option.kind */
    const char *const *(*get)(const struct ia_scan_options *options, size_t *count);
    void (*set)(struct ia_scan_options *options, const char *const *values, size_t count); /* borrows them */
};
extern const struct ia_scan_list ia_scan_lists[IA_SCAN_LISTS];

/* The numbers among them, recorded in the same way. */
enum { IA_SCAN_MIN_AGE, IA_SCAN_NUMBERS };
struct ia_scan_number {
    const char *kind; /* scan_option.kind */
    int64_t (*get)(const struct ia_scan_options *options);
    void (*set)(struct ia_scan_options *options, int64_t value);
};
extern const struct ia_scan_number ia_scan_numbers[IA_SCAN_NUMBERS];

#endif
