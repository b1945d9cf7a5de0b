/* SPDX-License-Identifier: MIT */
/* Messages, defaults and numbers of the command line. */
#include "cli/common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json_text.h"

static void print_visibly(FILE *out, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len;) {
        size_t sequence = ia_utf8_sequence(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        if (sequence == 0 || c < 0x20 || c == 0x7f) {
            fprintf(out, "\\x%02x", c);
            sequence = 1;
        } else {
            fwrite(text + i, 1, sequence, out);
        }
        i += sequence;
    }
}

static void print_message(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    fputs("imgaudit: ", stderr);
    print_visibly(stderr, text);
    fputc('\n', stderr);
}

void ia_cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
}

void ia_cli_warn_of_parents(const struct ia_chain *chain)
{
    for (size_t i = 0; i < chain->layers.len; i++)
        if (chain->layers.items[i].warning != NULL)
            ia_cli_error("warning: '%s': %s", chain->layers.items[i].name, chain->layers.items[i].warning);
}

int ia_cli_usage(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_message(format, args);
    va_end(args);
    fprintf(stderr, "Try 'imgaudit %s --help'.\n", command);
    return IA_EXIT_USAGE;
}

const char *ia_cli_default_db(struct ia_buf *out)
{
    const char *named = getenv("IMGAUDIT_DB");
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (named != NULL && named[0] != '\0')
        ia_buf_add_str(out, named);
    else if (geteuid() == 0)
        ia_buf_add_str(out, "/var/lib/imgaudit/imgaudit.db");
    else if (state != NULL && state[0] == '/')
        ia_buf_addf(out, "%s/imgaudit/imgaudit.db", state);
    else if (home != NULL && home[0] == '/')
        ia_buf_addf(out, "%s/.local/state/imgaudit/imgaudit.db", home);
    return out->failed ? NULL : out->data;
}

int ia_cli_add_confine(struct ia_confine *confine, const char *dir)
{
    struct ia_error err;
    if (ia_confine_add(confine, dir, &err) == IA_OK)
        return -1;
    ia_cli_error("%s", err.message);
    return IA_EXIT_FAILED;
}

bool ia_cli_flush(FILE *out)
{
    if (fflush(out) == 0 && !ferror(out))
        return true;
    ia_cli_error("cannot write the output: %s", strerror(errno));
    return false;
}
