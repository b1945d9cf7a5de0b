/* SPDX-License-Identifier: MIT */
/* imgaudit db: looking after the store. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/vec.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "store/admin.h"

static const char help[] = "Usage: imgaudit db check   [--db FILE]\n"
                           "       imgaudit db migrate [--db FILE]\n"
                           "       imgaudit db prune   [--db FILE] [--keep N] [--forget-mounts]\n"
                           "       imgaudit db templates [--db FILE] [--add GLOB]... [--remove GLOB]...\n"
                           "       imgaudit db backup  [--db FILE] TARGET\n"
                           "Look after the store.\n\n"
                           "  check     integrity, references and extents of the whole store\n"
                           "  migrate   bring an older store to this version's schema\n"
                           "  prune     keep the history of the newest N scans, give free space back;\n"
                           "            --forget-mounts: stop waiting for file systems that are gone\n"
                           "  templates the globs of images that every scan keeps whole although nothing reads them\n"
                           "  backup    a consistent copy to TARGET, also during a scan\n\n"
                           "      --db FILE   the store ($IMGAUDIT_DB)\n"
                           "  -h, --help      print this\n\n"
                           "Exit status: 0 done, 1 failed or not sound, 2 usage.\n";

struct globs {
    IA_VEC(const char *) all;
};

struct db_options {
    const char *db;
    struct ia_prune_options prune;
    struct globs add, remove;
    bool keep; /* --keep was given */
};

static int finish(enum ia_status status, const struct ia_error *err)
{
    if (status == IA_OK)
        return IA_EXIT_DONE;
    ia_cli_error("%s", err->message);
    return status == IA_USAGE ? IA_EXIT_USAGE : IA_EXIT_FAILED;
}

static int check(const struct db_options *options, const char *target)
{
    (void)target;
    struct ia_error err;
    IA_AUTO_BUF struct ia_buf report = {0};
    enum ia_status status = ia_store_check(options->db, &report, &err);
    if (report.len > 0)
        fputs(report.data, stdout);
    return finish(status, &err);
}

static int migrate(const struct db_options *options, const char *target)
{
    (void)target;
    struct ia_error err;
    int64_t from;
    return finish(ia_store_migrate(options->db, &from, &err), &err);
}

static int prune(const struct db_options *options, const char *target)
{
    (void)target;
    struct ia_error err;
    return finish(ia_store_prune(options->db, &options->prune, &err), &err);
}

static int templates(const struct db_options *options, const char *target)
{
    (void)target;
    struct ia_error err;
    IA_AUTO_BUF struct ia_buf list = {0};
    const struct ia_template_changes changes = {.add = options->add.all.items,
                                                .add_count = options->add.all.len,
                                                .remove = options->remove.all.items,
                                                .remove_count = options->remove.all.len};
    enum ia_status status = ia_store_templates(options->db, &changes, &list, &err);
    if (status == IA_OK && list.len > 0)
        fputs(list.data, stdout);
    return finish(status, &err);
}

static int backup(const struct db_options *options, const char *target)
{
    struct ia_error err;
    return finish(ia_store_backup(options->db, target, &err), &err);
}

static const struct {
    const char *name;
    int (*run)(const struct db_options *options, const char *target);
    int arguments;
} actions[] = {{"check", check, 0},
               {"migrate", migrate, 0},
               {"prune", prune, 0},
               {"templates", templates, 0},
               {"backup", backup, 1}};

enum { OPTION_DB = 256, OPTION_KEEP, OPTION_FORGET, OPTION_ADD, OPTION_REMOVE };

static const struct option long_options[] = {
    {"db", required_argument, NULL, OPTION_DB},
    {"keep", required_argument, NULL, OPTION_KEEP},
    {"forget-mounts", no_argument, NULL, OPTION_FORGET},
    {"add", required_argument, NULL, OPTION_ADD},
    {"remove", required_argument, NULL, OPTION_REMOVE},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* An option of another action would be believed to have done something. */
static bool fits(const struct db_options *options, const char *action)
{
    bool of_prune = options->keep || options->prune.forget_mounts;
    bool of_templates = options->add.all.len + options->remove.all.len > 0;
    return (!of_prune || strcmp(action, "prune") == 0) && (!of_templates || strcmp(action, "templates") == 0);
}

static int run_action(const struct db_options *options, int argc, char **argv)
{
    if (argc == 0)
        return ia_cli_usage("db", "check, migrate, prune, templates or backup?");
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (strcmp(argv[0], actions[i].name) != 0)
            continue;
        if (argc - 1 != actions[i].arguments)
            return ia_cli_usage("db", "%s takes %d argument(s)", argv[0], actions[i].arguments);
        if (!fits(options, argv[0]))
            return ia_cli_usage("db", "%s does not take these options", argv[0]);
        return actions[i].run(options, argc > 1 ? argv[1] : NULL);
    }
    return ia_cli_usage("db", "no action '%s'", argv[0]);
}

/* *help_wanted: --help was given; what comes after it is not looked at. */
static int parse(int argc, char **argv, struct db_options *options, bool *help_wanted)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (c == OPTION_DB) {
            options->db = optarg;
        } else if (c == OPTION_KEEP) {
            options->keep = true;
            if (!ia_size_parse(optarg, &options->prune.keep) || options->prune.keep < 1)
                return ia_cli_usage("db", "bad number '%s'", optarg);
        } else if (c == OPTION_FORGET) {
            options->prune.forget_mounts = true;
        } else if (c == OPTION_ADD || c == OPTION_REMOVE) {
            if (!ia_vec_push(c == OPTION_ADD ? &options->add.all : &options->remove.all, optarg))
                return finish(IA_NOMEM, &(struct ia_error){.message = "out of memory"});
        } else if (c == 'h') {
            *help_wanted = true;
            return IA_EXIT_DONE;
        } else {
            return ia_cli_usage("db", "bad option or missing argument: '%s'", argv[optind - 1]);
        }
    }
    return IA_EXIT_DONE;
}

static int run(struct db_options *options, int argc, char **argv)
{
    IA_AUTO_BUF struct ia_buf place = {0};
    bool help_wanted = false;
    int code = parse(argc, argv, options, &help_wanted);
    if (code != IA_EXIT_DONE)
        return code;
    if (help_wanted) {
        fputs(help, stdout);
        return IA_EXIT_DONE;
    }
    if (options->db == NULL)
        options->db = ia_cli_default_db(&place);
    if (place.failed)
        return finish(IA_NOMEM, &(struct ia_error){.message = "out of memory"});
    return options->db == NULL ? ia_cli_usage("db", "no store: use --db")
                               : run_action(options, argc - optind, argv + optind);
}

int ia_cmd_db(int argc, char **argv)
{
    struct db_options options = {0};
    int code = run(&options, argc, argv);
    ia_vec_release(&options.add.all);
    ia_vec_release(&options.remove.all);
    return code == IA_EXIT_DONE && !ia_cli_flush(stdout) ? IA_EXIT_FAILED : code;
}
