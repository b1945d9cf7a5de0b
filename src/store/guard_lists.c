/* SPDX-License-Identifier: MIT */
/* https://www.sqlite.org/lang_corefunc.html, lang_aggfunc.html, windowfunctions.html, lang_datefunc.html,
 * lang_mathfunc.html, json1.html, pragma.html. Left out on purpose: load_extension, fts3_tokenizer and all else of the
 * full text and R-tree modules, sqlite_log, randomblob (whoever needs bytes of chance needs no store), and what changes
 * between two runs of a connection. */
#include "store/guard_lists.h"

#include <stdlib.h>
#include <strings.h>

/* Sorted. */
static const char *const functions[] = {
    "->",
    "->>",
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "cos",
    "cosh",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "if",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_error_position",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_pretty",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "median",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "octet_length",
    "percent_rank",
    "percentile",
    "percentile_cont",
    "percentile_disc",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "random",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sinh",
    "soundex",
    "sqlite_version",
    "sqrt",
    "strftime",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "tan",
    "tanh",
    "time",
    "timediff",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unhex",
    "unicode",
    "unistr",
    "unistr_quote",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
};

/* Sorted. collect_extents is ours; those of SQLite's are what its ALTER TABLE is made of. */
static const char *const own_functions[] = {
    "collect_extents",        "sqlite_drop_column",  "sqlite_rename_column",
    "sqlite_rename_quotefix", "sqlite_rename_table", "sqlite_rename_test",
};

/* Sorted. These look at the schema, and take what they look at as an argument. */
static const char *const reading_pragmas[] = {
    "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo",
    "integrity_check",   "quick_check",      "table_info", "table_list", "table_xinfo",
};

/* Sorted. With an argument, these would change something. */
static const char *const asking_pragmas[] = {
    "application_id", "collation_list", "compile_options", "data_version",   "encoding",     "freelist_count",
    "function_list",  "page_count",     "page_size",       "schema_version", "user_version",
};

/* Sorted. */
static const char *const own_pragmas[] = {
    "application_id", "cache_size",      "cache_spill",  "cell_size_check",    "foreign_key_check",
    "foreign_keys",   "integrity_check", "journal_mode", "journal_size_limit", "page_size",
    "synchronous",    "temp_store",      "user_version", "wal_checkpoint",
};

static int compare(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

#define CONTAINS(list, name)                                                                                           \
    (bsearch(&(name), (list), sizeof(list) / sizeof((list)[0]), sizeof((list)[0]), compare) != NULL)

bool ia_guard_function_is_known(const char *name)
{
    return CONTAINS(functions, name);
}

bool ia_guard_own_function_is_known(const char *name)
{
    return CONTAINS(functions, name) || CONTAINS(own_functions, name);
}

bool ia_guard_pragma_reads(const char *name, const char *argument)
{
    return CONTAINS(reading_pragmas, name) || (argument == NULL && CONTAINS(asking_pragmas, name));
}

bool ia_guard_own_pragma_is_known(const char *name)
{
    return CONTAINS(own_pragmas, name);
}
