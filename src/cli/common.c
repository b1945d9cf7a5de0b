/* SPDX-License-Identifier: MIT */
/* Messages, defaults and numbers of the command line. */
#include "cli/common.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
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

/* The power of two of a suffix, -1 for an unknown one. */
static int suffix_shift(char suffix)
{
    static const char suffixes[] = "bkmgtpe";
    if (suffix == '\0')
        return 0;
    const char *at = strchr(suffixes, suffix | 0x20);
    return at == NULL ? -1 : (int)(at - suffixes) * 10;
}

static bool parse_fraction(const char **text, double *fraction)
{
    *fraction = 0;
    if (**text != '.')
        return true;
    char *end;
    errno = 0;
    *fraction = strtod(*text, &end);
    bool ok = end > *text + 1 && errno == 0 && strspn(*text + 1, "0123456789") == (size_t)(end - *text - 1);
    *text = end;
    return ok;
}

bool ia_cli_parse_size(const char *text, int64_t *out)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end;
    errno = 0;
    unsigned long long whole = strtoull(text, &end, hex ? 16 : 10);
    if (errno != 0 || whole > INT64_MAX)
        return false;
    if (hex) {
        *out = (int64_t)whole;
        return *end == '\0';
    }
    const char *rest = end;
    double fraction;
    if (!parse_fraction(&rest, &fraction))
        return false;
    int shift = suffix_shift(*rest);
    if (shift < 0 || (*rest != '\0' && rest[1] != '\0') || (fraction > 0 && shift == 0))
        return false;
    int64_t scaled;
    return ia_mul((int64_t)whole, INT64_C(1) << shift, &scaled) &&
           ia_add(scaled, (int64_t)(fraction * (double)(INT64_C(1) << shift)), out);
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
