/* SPDX-License-Identifier: MIT */
/* imgaudit map: what `qemu-img map` prints, byte for byte. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/size.h"
#include "chain/map.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/map_json.h"
#include "cli/sandbox_option.h"

static const char help[] =
    "Usage: imgaudit map [OPTION]... IMAGE\n"
    "Print the map of an image and its backing files, as 'qemu-img map' does.\n\n"
    "  -f, --format FMT         take IMAGE for FMT (raw, qcow2, vmdk...); without it, its content decides\n"
    "      --output human|json  what to print (human)\n"
    "  -s, --start-offset OFF   first guest byte (0)\n"
    "  -l, --max-length LEN     guest bytes at most\n"
    "      --filenames          add \"filename\" to each JSON entry that has an offset\n"
    "      --confine DIR        open nothing outside DIR (may be given again)\n"
    "      --sandbox MODE       give up what reading does not need: auto (what the kernel has), require, off (auto)\n"
    "  -U, --force-share        accepted and ignored: no lock is ever taken\n"
    "  -h, --help               print this\n\n"
    "Exit status: 0 done, 1 failed, 2 usage.\n";

struct map_options {
    const char *image;
    const char *word; /* the current argument */
    const char *format;
    bool json;
    bool filenames;
    int64_t start;
    int64_t length; /* -1: all */
    struct ia_confine confine;
    bool confined;
    enum ia_sandbox_mode sandbox;
};

enum { OPTION_OUTPUT = 256, OPTION_FILENAMES, OPTION_CONFINE, OPTION_SANDBOX };

static const struct option long_options[] = {
    {"format", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, OPTION_OUTPUT},
    {"start-offset", required_argument, NULL, 's'},
    {"max-length", required_argument, NULL, 'l'},
    {"force-share", no_argument, NULL, 'U'},
    {"filenames", no_argument, NULL, OPTION_FILENAMES},
    {"confine", required_argument, NULL, OPTION_CONFINE},
    {"sandbox", required_argument, NULL, OPTION_SANDBOX},
    {"help", no_argument, NULL, 'h'},
    {0},
};

/* -1: go on; else the exit code. */
static int parse_output(struct map_options *options, const char *word)
{
    options->json = strcmp(word, "json") == 0;
    if (options->json || strcmp(word, "human") == 0)
        return -1;
    return ia_cli_usage("map", "--output takes human or json, not '%s'", word);
}

static int parse_number(const char *what, const char *text, int64_t *out)
{
    return ia_size_parse(text, out) ? -1 : ia_cli_usage("map", "bad %s '%s'", what, text);
}

/* -1: go on; else the exit code. */
static int parse_option(struct map_options *options, int c)
{
    switch (c) {
    case 'f':
        options->format = optarg;
        return -1;
    case OPTION_OUTPUT:
        return parse_output(options, optarg);
    case 's':
        return parse_number("start offset", optarg, &options->start);
    case 'l':
        return parse_number("length", optarg, &options->length);
    case 'U':
        return -1;
    case OPTION_FILENAMES:
        options->filenames = true;
        return -1;
    case OPTION_CONFINE:
        options->confined = true;
        return ia_cli_add_confine(&options->confine, optarg);
    case OPTION_SANDBOX:
        return ia_cli_parse_sandbox("map", optarg, &options->sandbox);
    case 'h':
        fputs(help, stdout);
        return ia_cli_flush(stdout) ? IA_EXIT_DONE : IA_EXIT_FAILED;
    default:
        return ia_cli_usage("map", "bad option or missing argument: '%s'", options->word);
    }
}

static int parse(struct map_options *options, int argc, char **argv)
{
    int c;
    opterr = 0;
    while ((c = getopt_long(argc, argv, "f:s:l:Uh", long_options, NULL)) != -1) {
        options->word = argv[optind - 1];
        int code = parse_option(options, c);
        if (code >= 0)
            return code;
    }
    if (optind != argc - 1)
        return ia_cli_usage("map", "exactly one image is needed");
    options->image = argv[optind];
    return -1;
}

/* IA_UNSUPPORTED when human output cannot show the entry: as qemu-img refuses it. */
static enum ia_status add_human(struct ia_buf *out, const struct ia_map_entry *entry, struct ia_error *err)
{
    if (entry->data && entry->offset == IA_NO_OFFSET)
        return ia_fail(err, IA_UNSUPPORTED, "File contains external, encrypted or compressed clusters.");
    if (entry->data && !entry->zero)
        ia_buf_addf(out, "%#-16jx%#-16jx%#-16jx%s\n", (uintmax_t)entry->start, (uintmax_t)entry->length,
                    (uintmax_t)entry->offset, entry->filename);
    return IA_OK;
}

enum { FLUSH_BYTES = 256 * 1024 };

static void flush_buffer(struct ia_buf *out, size_t threshold)
{
    if (out->len < threshold)
        return;
    fwrite(out->data, 1, out->len, stdout);
    ia_buf_clear(out);
}

static enum ia_status print_entries(struct ia_map *map, const struct map_options *options, struct ia_buf *out,
                                    struct ia_error *err)
{
    /* What qemu-img prints of an image without a byte. */
    struct ia_map_entry entry = {.start = options->start, .offset = IA_NO_OFFSET};
    bool have = false;
    IA_TRY(ia_map_next(map, &entry, &have, err));
    if (!have)
        entry = (struct ia_map_entry){.start = options->start, .offset = IA_NO_OFFSET};
    do {
        if (options->json)
            ia_map_json_add(out, &entry, options->filenames);
        else
            IA_TRY(add_human(out, &entry, err));
        flush_buffer(out, FLUSH_BYTES);
        if (have)
            IA_TRY(ia_map_next(map, &entry, &have, err));
        if (options->json)
            ia_buf_add_str(out, have ? ",\n" : "]\n");
    } while (have);
    return IA_OK;
}

static int fail(const struct ia_error *err)
{
    ia_cli_error("%s", err->message);
    return IA_EXIT_FAILED;
}

static int print_map(const struct ia_chain *chain, const struct map_options *options)
{
    IA_AUTO_MAP struct ia_map *map = NULL;
    IA_AUTO_BUF struct ia_buf out = {0};
    struct ia_error err;
    int64_t to = INT64_MAX;
    if (options->length >= 0 && !ia_add(options->start, options->length, &to))
        to = INT64_MAX;
    if (ia_map_open(chain, options->start, to, &map, &err) != IA_OK)
        return fail(&err);
    if (options->json)
        ia_buf_add_char(&out, '[');
    else
        ia_buf_addf(&out, "%-16s%-16s%-16s%s\n", "Offset", "Length", "Mapped to", "File");
    int code = print_entries(map, options, &out, &err) == IA_OK ? IA_EXIT_DONE : fail(&err);
    flush_buffer(&out, 1); /* also what came before a failure */
    if (out.failed) {
        ia_cli_error("out of memory");
        code = IA_EXIT_FAILED;
    }
    return ia_cli_flush(stdout) ? code : IA_EXIT_FAILED;
}

static int run(const struct map_options *options)
{
    IA_AUTO_CHAIN struct ia_chain chain = {0};
    struct ia_error err;
    const struct ia_chain_options how = {
        .format = options->format,
        .confine = options->confined ? &options->confine : NULL,
        .limits = &ia_default_limits,
    };
    int code = ia_cli_enter_sandbox(options->sandbox, how.confine);
    if (code >= 0)
        return code;
    if (ia_chain_open(options->image, &how, &chain, &err) != IA_OK)
        return fail(&err);
    ia_cli_warn_of_parents(&chain);
    return print_map(&chain, options);
}

int ia_cmd_map(int argc, char **argv)
{
    struct map_options options = {.length = -1, .sandbox = IA_SANDBOX_AUTO};
    int code = parse(&options, argc, argv);
    if (code < 0)
        code = run(&options);
    ia_confine_release(&options.confine);
    return code;
}
