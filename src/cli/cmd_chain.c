/* SPDX-License-Identifier: MIT */
/* imgaudit chain: draws the chain of an image from its files, or its tree from the store. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "chain/map.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/sandbox_option.h"
#include "cli/store_command.h"
#include "model/image_state.h"
#include "report/draw.h"
#include "report/lookup.h"
#include "report/text.h"

static const char help[] =
    "Usage: imgaudit chain [OPTION]... IMAGE\n"
    "Draw IMAGE with its backing files, the root first. Sizes: the blocks that a file takes on the host, and the data\n"
    "that IMAGE sees of it.\n\n"
    "  -f, --format FMT         take IMAGE for FMT (raw, qcow2, vmdk...); without it, its content decides\n"
    "      --confine DIR        open nothing outside DIR (may be given again)\n"
    "      --db FILE            draw from the store: its backing files and all that is based on it, with the data "
    "that\n"
    "                           they see of IMAGE, and the machines that use each\n"
    "      --sandbox MODE       give up what reading does not need: auto (what the kernel has), require, off (auto)\n"
    "  -h, --help               print this\n\n"
    "Exit status: 0 done, 1 failed, 2 usage.\n";

/* The nodes of a drawing; their strings are ours. */
struct nodes {
    IA_VEC(struct ia_draw_node) list;
};

static void nodes_release(struct nodes *nodes)
{
    for (size_t i = 0; i < nodes->list.len; i++) {
        free((char *)nodes->list.items[i].path);
        free((char *)nodes->list.items[i].text);
    }
    ia_vec_release(&nodes->list);
}

#define AUTO_NODES __attribute__((cleanup(nodes_release)))

/* Takes the text out of the buffer. */
static enum ia_status nodes_add(struct nodes *nodes, size_t level, const char *path, struct ia_buf *text, bool marked,
                                struct ia_error *err)
{
    struct ia_draw_node node = {level, strdup(path), ia_buf_steal(text), marked};
    if (node.path != NULL && node.text != NULL && ia_vec_push(&nodes->list, node))
        return IA_OK;
    free((char *)node.path);
    free((char *)node.text);
    return ia_no_memory(err);
}

static enum ia_status nodes_draw(const struct nodes *nodes, bool utf8, struct ia_buf *out, struct ia_error *err)
{
    return ia_draw_tree(nodes->list.items, nodes->list.len, utf8, out, err);
}

/* "[qcow2, 1.2G, 800M seen" so far. */
static void begin_text(struct ia_buf *text, const char *format, int64_t disk, int64_t seen, bool has_seen)
{
    ia_buf_addf(text, "[%s, ", format);
    ia_text_size(text, disk);
    if (!has_seen)
        return;
    ia_buf_add_str(text, ", ");
    ia_text_size(text, seen);
    ia_buf_add_str(text, " seen");
}

/* From the store: the rows of reports/tree.sql become nodes. */

/* The columns of that report, in its order. */
enum tree_column { LEVEL, PATH, RELATION, FORMAT, DISK, SEEN, OTHERS, MACHINES, STATE, TREE_COLUMNS };

static enum ia_status tree_begin(struct ia_render *render, struct ia_error *err)
{
    if (render->head->count != TREE_COLUMNS)
        return ia_fail(err, IA_BUG, "the report 'tree' has %zu columns", render->head->count);
    render->own = calloc(1, sizeof(struct nodes));
    return render->own != NULL ? IA_OK : ia_no_memory(err);
}

static void tree_text(struct ia_buf *text, const struct ia_cell *cells, bool utf8)
{
    if (cells[FORMAT].value == IA_VALUE_NULL) {
        ia_buf_addf(text, "[%s]", cells[STATE].text);
        return;
    }
    begin_text(text, cells[FORMAT].text, cells[DISK].integer, cells[SEEN].integer, cells[SEEN].value == IA_VALUE_INT);
    if (ia_image_state_by_word(cells[STATE].text) != IA_IMAGE_OK)
        ia_buf_addf(text, ", %s", cells[STATE].text);
    if (cells[OTHERS].integer > 0)
        ia_buf_addf(text, ", %" PRId64 " more on it", cells[OTHERS].integer);
    if (cells[MACHINES].value == IA_VALUE_TEXT) {
        ia_buf_add_str(text, ", used by ");
        ia_text_show(text, cells[MACHINES].text, strlen(cells[MACHINES].text), utf8);
    }
    ia_buf_add_char(text, ']');
}

static enum ia_status tree_row(struct ia_render *render, const struct ia_cell *cells, struct ia_error *err)
{
    if (cells[PATH].value != IA_VALUE_TEXT || cells[RELATION].value != IA_VALUE_TEXT ||
        cells[STATE].value != IA_VALUE_TEXT)
        return ia_fail(err, IA_BUG, "a row of the report 'tree' lacks a value");
    IA_AUTO_BUF struct ia_buf text = {0};
    tree_text(&text, cells, render->options.utf8);
    return nodes_add(render->own, (size_t)cells[LEVEL].integer, cells[PATH].text, &text,
                     strcmp(cells[RELATION].text, "image") == 0, err);
}

static enum ia_status tree_end(struct ia_render *render, struct ia_error *err)
{
    const struct nodes *drawn = render->own;
    if (drawn->list.len == 0)
        return ia_fail(err, IA_MISSING, "no image of its own, but a part of one: for which, see the view v_file");
    return nodes_draw(render->own, render->options.utf8, &render->buf, err);
}

static void tree_release(struct ia_render *render)
{
    if (render->own != NULL)
        nodes_release(render->own);
    free(render->own);
    render->own = NULL;
}

static const struct ia_renderer tree_renderer = {
    .name = "tree", .begin = tree_begin, .row = tree_row, .end = tree_end, .release = tree_release};

static enum ia_status answer(struct ia_reader *reader, const char *image, const struct ia_report *report,
                             struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    IA_TRY(ia_image_lookup(reader, image, &path, err));
    const struct ia_argument argument = {.name = ":image", .text = path.data};
    struct ia_report_request request = {
        .report = report, .arguments = &argument, .argument_count = 1, .renderer = &tree_renderer};
    return ia_store_command_answer(reader, &request, NULL, err);
}

static enum ia_status draw_from_store(const char *db, const char *image, struct ia_error *err)
{
    IA_AUTO_REPORT struct ia_report report = {0};
    IA_AUTO_READER struct ia_reader *reader = NULL;
    IA_TRY(ia_report_embedded("tree", &report, err));
    IA_TRY(ia_store_command_open(db, &reader, err));
    return answer(reader, image, &report, err);
}

/* From the files: the chain alone. */

struct chain_options {
    const char *db; /* NULL: from the files */
    const char *image;
    const char *format; /* NULL: the content decides */
    struct ia_confine confine;
    bool confined;
    enum ia_sandbox_mode sandbox;
};

/* seen[depth]: data that the image gets from there. */
static enum ia_status sum_seen(const struct ia_chain *chain, int64_t *seen, struct ia_error *err)
{
    IA_AUTO_MAP struct ia_map *map = NULL;
    IA_TRY(ia_map_open(chain, 0, INT64_MAX, &map, err));
    for (;;) {
        struct ia_map_entry entry;
        bool have = false;
        IA_TRY(ia_map_next(map, &entry, &have, err));
        if (!have)
            return IA_OK;
        if (entry.data)
            seen[entry.depth] += entry.length;
    }
}

static enum ia_status add_layers(struct nodes *nodes, const struct ia_chain *chain, struct ia_error *err)
{
    size_t count = chain->layers.len;
    IA_AUTO_FREE int64_t *seen = calloc(count, sizeof(*seen));
    if (seen == NULL)
        return ia_no_memory(err);
    IA_TRY(sum_seen(chain, seen, err));
    for (size_t level = 0; level < count; level++) {
        size_t depth = count - 1 - level;
        const struct ia_layer *layer = &chain->layers.items[depth];
        IA_AUTO_BUF struct ia_buf text = {0};
        begin_text(&text, layer->image->format->name, ia_image_allocated(layer->image), seen[depth], true);
        ia_buf_add_char(&text, ']');
        IA_TRY(nodes_add(nodes, level, layer->name, &text, depth == 0, err));
    }
    return IA_OK;
}

static enum ia_status draw_from_files(const struct chain_options *given, struct ia_error *err)
{
    IA_AUTO_CHAIN struct ia_chain chain = {0};
    const struct ia_chain_options how = {
        .format = given->format,
        .confine = given->confined ? &given->confine : NULL,
        .limits = &ia_default_limits,
    };
    IA_TRY(ia_chain_open(given->image, &how, &chain, err));
    ia_cli_warn_of_parents(&chain);
    AUTO_NODES struct nodes nodes = {0};
    struct ia_render_options options;
    IA_AUTO_BUF struct ia_buf out = {0};
    ia_render_locale(&options, stdout);
    IA_TRY(add_layers(&nodes, &chain, err));
    IA_TRY(nodes_draw(&nodes, options.utf8, &out, err));
    fwrite(out.data, 1, out.len, stdout); /* ia_cli_flush looks whether it arrived */
    return IA_OK;
}

enum { OPTION_DB = 256, OPTION_CONFINE, OPTION_SANDBOX };

static const struct option long_options[] = {
    {"format", required_argument, NULL, 'f'},   {"confine", required_argument, NULL, OPTION_CONFINE},
    {"db", required_argument, NULL, OPTION_DB}, {"sandbox", required_argument, NULL, OPTION_SANDBOX},
    {"help", no_argument, NULL, 'h'},           {0},
};

/* -1: go on; else the exit code. */
static int parse_option(struct chain_options *options, int c, const char *word)
{
    switch (c) {
    case 'f':
        options->format = optarg;
        return -1;
    case OPTION_CONFINE:
        options->confined = true;
        return ia_cli_add_confine(&options->confine, optarg);
    case OPTION_DB:
        options->db = optarg;
        return -1;
    case OPTION_SANDBOX:
        return ia_cli_parse_sandbox("chain", optarg, &options->sandbox);
    case 'h':
        fputs(help, stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    default:
        return ia_cli_usage("chain", "bad option or missing argument: '%s'", word);
    }
}

static int parse(struct chain_options *options, int argc, char **argv)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "f:h", long_options, NULL)) != -1) {
        int code = parse_option(options, c, argv[optind - 1]);
        if (code >= 0)
            return code;
    }
    if (optind != argc - 1)
        return ia_cli_usage("chain", "exactly one image is needed");
    if (options->db != NULL && (options->format != NULL || options->confined))
        return ia_cli_usage("chain", "with --db no file is opened: no --format, no --confine");
    options->image = argv[optind];
    return -1;
}

static int run(const struct chain_options *options)
{
    struct ia_error err;
    int refused =
        options->db != NULL ? -1 : ia_cli_enter_sandbox(options->sandbox, options->confined ? &options->confine : NULL);
    if (refused >= 0)
        return refused;
    enum ia_status status =
        options->db != NULL ? draw_from_store(options->db, options->image, &err) : draw_from_files(options, &err);
    int code = ia_store_command_exit("chain", status, &err);
    return code == IA_EXIT_DONE && !ia_cli_flush(stdout) ? IA_EXIT_FAILED : code;
}

int ia_cmd_chain(int argc, char **argv)
{
    struct chain_options options = {.sandbox = IA_SANDBOX_AUTO};
    int code = parse(&options, argc, argv);
    if (code < 0)
        code = run(&options);
    ia_confine_release(&options.confine);
    return code;
}
