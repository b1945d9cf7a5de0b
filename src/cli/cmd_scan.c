/* SPDX-License-Identifier: MIT */
/* imgaudit scan: reads directories of images into the store. Silent without a terminal. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/vec.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/sandbox_option.h"
#include "cli/scan_run.h"
#include "cli/when.h"
#include "format/format.h"
#include "inventory/inventory.h"

static const char help[] =
    "Usage: imgaudit scan [OPTION]... ROOT...\n"
    "Read the disk images below each ROOT (a directory, image file or block device) into the store.\n\n"
    "      --db FILE            the store ($IMGAUDIT_DB); made if it does not exist\n"
    "  -j, --jobs N             files read at a time (twice the processors, 8 at least)\n"
    "      --exclude GLOB       leave out what matches, by path or by name; nothing is then proven unused\n"
    "      --allow DIR          follow references into DIR too\n"
    "      --backing-glob GLOB  files that match are meant as backing files\n"
    "      --template GLOB      images that match are kept whole although nothing reads them\n"
    "      --raw-suffix SUFFIX  files with this suffix and no other magic are raw (.img .raw)\n"
    "      --inventory SOURCE   machines that use images, besides what lies beside these: libvirt[:DIR],\n"
    "                           proxmox[:DIR], list:FILE, - (standard input), auto (all found on this host);\n"
    "                           or none, alone: you vouch for machines (auto)\n"
    "      --sandbox MODE       give up what reading does not need: auto (what the kernel has), require, off (auto)\n"
    "      --trust-locks        what nobody has locked is not in use, where processes cannot be looked at\n"
    "      --sole-host MOUNT    no other host uses the file system of MOUNT, whatever its type\n"
    "      --min-age SPAN       prove nothing that has been so for less: 0, 90m, 24h, 7d, 2w (24h)\n"
    "      --keep N             keep the history of the newest N scans (all)\n"
    "      --stats              print what was done on stdout\n"
    "  -h, --help               print this\n\n"
    "--exclude, --allow, --backing-glob, --template, --raw-suffix, --inventory and --sole-host may be\n"
    "given again.\n"
    "Exit status: 0 done, 1 failed and nothing recorded, 2 usage, 3 done, but something could not be read:\n"
    "see 'imgaudit report --findings'.\n";

enum {
    OPTION_DB = 256,
    OPTION_EXCLUDE,
    OPTION_ALLOW,
    OPTION_BACKING_GLOB,
    OPTION_TEMPLATE,
    OPTION_RAW_SUFFIX,
    OPTION_INVENTORY,
    OPTION_SANDBOX,
    OPTION_TRUST_LOCKS,
    OPTION_SOLE_HOST,
    OPTION_MIN_AGE,
    OPTION_KEEP,
    OPTION_STATS
};

static const struct option long_options[] = {
    {"db", required_argument, NULL, OPTION_DB},
    {"jobs", required_argument, NULL, 'j'},
    {"exclude", required_argument, NULL, OPTION_EXCLUDE},
    {"allow", required_argument, NULL, OPTION_ALLOW},
    {"backing-glob", required_argument, NULL, OPTION_BACKING_GLOB},
    {"template", required_argument, NULL, OPTION_TEMPLATE},
    {"raw-suffix", required_argument, NULL, OPTION_RAW_SUFFIX},
    {"inventory", required_argument, NULL, OPTION_INVENTORY},
    {"sandbox", required_argument, NULL, OPTION_SANDBOX},
    {"trust-locks", no_argument, NULL, OPTION_TRUST_LOCKS},
    {"sole-host", required_argument, NULL, OPTION_SOLE_HOST},
    {"min-age", required_argument, NULL, OPTION_MIN_AGE},
    {"keep", required_argument, NULL, OPTION_KEEP},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"help", no_argument, NULL, 'h'},
    {0},
};

enum { DEFAULT_MIN_AGE = 24 * 3600 }; /* seconds */

struct words {
    IA_VEC(const char *) all;
};

struct scan_command {
    const char *db;
    const char *word; /* the current argument */
    struct words allow, exclude, backing_globs, templates, raw_suffixes, sole_hosts;
    IA_VEC(char *) inventories; /* owned */
    int64_t workers, keep, min_age;
    bool stats, trust_locks;
    enum ia_sandbox_mode sandbox;
};

static int fail(const char *message)
{
    ia_cli_error("%s", message);
    return IA_EXIT_FAILED;
}

static int add_word(struct words *words, const char *word)
{
    return ia_vec_push(&words->all, word) ? -1 : fail("out of memory");
}

static int parse_count(const char *what, const char *text, int64_t most, int64_t *out)
{
    if (ia_size_parse(text, out) && *out >= 1 && *out <= most)
        return -1;
    return ia_cli_usage("scan", "bad %s '%s'", what, text);
}

/* The place that a source names, from the root directory: the next scan may have another working directory. */
static char *absolute(const char *source)
{
    const char *colon = strchr(source, ':');
    if (colon == NULL || colon[1] == '/' || colon[1] == '~' || strcmp(colon + 1, "-") == 0)
        return strdup(source);
    IA_AUTO_FREE char *here = getcwd(NULL, 0);
    char *whole = NULL;
    if (here == NULL || asprintf(&whole, "%.*s:%s/%s", (int)(colon - source), source, here, colon + 1) < 0)
        return NULL;
    return whole;
}

static int add_inventory(struct scan_command *command, const char *source)
{
    struct ia_error err = {0};
    if (ia_inventory_check(source, &err) != IA_OK)
        return ia_cli_usage("scan", "%s", err.message);
    char *whole = absolute(source);
    if (whole == NULL)
        return fail("the working directory has no path");
    if (ia_vec_push(&command->inventories, whole))
        return -1;
    free(whole);
    return fail("out of memory");
}

/* -1: go on; else the exit code. */
static int parse_option(struct scan_command *command, int c)
{
    switch (c) {
    case OPTION_DB:
        command->db = optarg;
        return -1;
    case OPTION_INVENTORY:
        return add_inventory(command, optarg);
    case 'j':
        return parse_count("number of jobs", optarg, 256, &command->workers);
    case OPTION_EXCLUDE:
        return add_word(&command->exclude, optarg);
    case OPTION_ALLOW:
        return add_word(&command->allow, optarg);
    case OPTION_BACKING_GLOB:
        return add_word(&command->backing_globs, optarg);
    case OPTION_TEMPLATE:
        return add_word(&command->templates, optarg);
    case OPTION_RAW_SUFFIX:
        return add_word(&command->raw_suffixes, optarg);
    case OPTION_SANDBOX:
        return ia_cli_parse_sandbox("scan", optarg, &command->sandbox);
    case OPTION_TRUST_LOCKS:
        command->trust_locks = true;
        return -1;
    case OPTION_SOLE_HOST:
        if (optarg[0] != '/')
            return ia_cli_usage("scan", "--sole-host takes an absolute path, not '%s'", optarg);
        return add_word(&command->sole_hosts, optarg);
    case OPTION_MIN_AGE:
        return ia_cli_parse_span(optarg, &command->min_age) ? -1 : ia_cli_usage("scan", "bad span '%s'", optarg);
    case OPTION_KEEP:
        return parse_count("number of scans", optarg, INT64_MAX, &command->keep);
    case OPTION_STATS:
        command->stats = true;
        return -1;
    case 'h':
        fputs(help, stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    default:
        return ia_cli_usage("scan", "bad option or missing argument: '%s'", command->word);
    }
}

/* The default store's directory is made; one that the user named has to exist. */
static void make_parents(const char *path)
{
    IA_AUTO_FREE char *copy = strdup(path);
    for (char *slash = copy == NULL ? NULL : strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy, 0700);
        *slash = '/';
    }
}

static void print_stats(const struct ia_scan_row *row)
{
    printf("scan %jd: %jd entries walked, %jd skipped\n", (intmax_t)row->scan_id, (intmax_t)row->walked,
           (intmax_t)row->passed_over);
    printf("images: %jd, parsed: %jd, unchanged: %jd, added: %jd, changed: %jd, renamed: %jd, vanished: %jd\n",
           (intmax_t)row->images, (intmax_t)row->parsed, (intmax_t)row->unchanged, (intmax_t)row->added,
           (intmax_t)row->changed, (intmax_t)row->renamed, (intmax_t)row->vanished);
    printf("extents stored: %jd, bytes read: %jd, errors: %jd, complete: %s\n", (intmax_t)row->extents,
           (intmax_t)row->table_bytes, (intmax_t)row->errors, row->doubts == 0 ? "yes" : "no");
}

static size_t count_words(const char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}

static int run(const struct scan_command *command, char **roots, int count)
{
    static void *volatile rest; /* where leak checkers find it: nothing reads it */
    const char *const *default_raw = ia_format_by_name("raw")->suffixes;
    static const char *const default_inventories[] = {"auto"};
    bool own_inventories = command->inventories.len > 0;
    bool own_suffixes = command->raw_suffixes.all.len > 0;
    const struct ia_scan_options options = {
        .db = command->db,
        .roots = (const char *const *)roots,
        .root_count = (size_t)count,
        .allow = command->allow.all.items,
        .allow_count = command->allow.all.len,
        .exclude = command->exclude.all.items,
        .exclude_count = command->exclude.all.len,
        .backing_globs = command->backing_globs.all.items,
        .backing_glob_count = command->backing_globs.all.len,
        .templates = command->templates.all.items,
        .template_count = command->templates.all.len,
        .raw_suffixes = own_suffixes ? command->raw_suffixes.all.items : default_raw,
        .raw_suffix_count = own_suffixes ? command->raw_suffixes.all.len : count_words(default_raw),
        .trust_locks = command->trust_locks,
        .sole_hosts = command->sole_hosts.all.items,
        .sole_host_count = command->sole_hosts.all.len,
        .inventories = own_inventories ? (const char *const *)command->inventories.items : default_inventories,
        .inventory_count = own_inventories ? command->inventories.len : 1,
        .sandbox = command->sandbox,
        .rest = &rest,
        .workers = (int)command->workers,
        .keep = command->keep,
        .min_age = command->min_age,
    };
    struct ia_scan_row row;
    struct ia_error err = {0};
    if (ia_cli_scan(&options, &row, &err) != IA_OK)
        return fail(err.message);
    if (command->stats)
        print_stats(&row);
    if (row.errors > 0 && isatty(STDERR_FILENO))
        ia_cli_error("%jd files or directories could not be read: see 'imgaudit report --findings'",
                     (intmax_t)row.errors);
    if (!ia_cli_flush(stdout))
        return IA_EXIT_FAILED;
    return row.errors > 0 ? IA_EXIT_INCOMPLETE : IA_EXIT_DONE;
}

static int parse_and_run(struct scan_command *command, int argc, char **argv)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "j:h", long_options, NULL)) != -1) {
        command->word = argv[optind - 1];
        int code = parse_option(command, c);
        if (code >= 0)
            return code;
    }
    if (optind == argc)
        return ia_cli_usage("scan", "no ROOT given");
    IA_AUTO_BUF struct ia_buf place = {0};
    if (command->db == NULL) {
        command->db = ia_cli_default_db(&place);
        if (place.failed)
            return fail("out of memory");
        if (command->db == NULL)
            return ia_cli_usage("scan", "no place for the store: use --db");
        make_parents(command->db);
    }
    return run(command, argv + optind, argc - optind);
}

int ia_cmd_scan(int argc, char **argv)
{
    struct scan_command command = {.min_age = DEFAULT_MIN_AGE, .sandbox = IA_SANDBOX_AUTO};
    int code = parse_and_run(&command, argc, argv);
    ia_vec_release(&command.allow.all);
    ia_vec_release(&command.exclude.all);
    ia_vec_release(&command.backing_globs.all);
    ia_vec_release(&command.templates.all);
    ia_vec_release(&command.raw_suffixes.all);
    ia_vec_release(&command.sole_hosts.all);
    for (size_t i = 0; i < command.inventories.len; i++)
        free(command.inventories.items[i]);
    ia_vec_release(&command.inventories);
    return code;
}
