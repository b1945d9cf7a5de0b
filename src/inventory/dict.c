/* SPDX-License-Identifier: MIT */
/* The lines are those of DictLL_UnmarshalLine in open-vm-tools (lib/dict, services' i18n): white space, a name without
 * white space, '=' and '#', white space, '=', a value in double quotes or a word, and perhaps a comment from '#' on. In
 * values |XX is the byte of that hexadecimal number. */
#include "inventory/dict.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char *skip_spaces(char *at)
{
    return at + strspn(at, " \t");
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));
    return found == NULL ? -1 : (int)(found - digits);
}

/* A NUL is none that a name may have: it stays as it is written. */
static void unescape(char *value)
{
    char *to = value;
    for (const char *from = value; *from != '\0';) {
        int high = from[0] == '|' ? hex(from[1]) : -1;
        int low = high >= 0 ? hex(from[2]) : -1;
        bool is_escape = low >= 0 && (high | low) != 0;
        int byte = is_escape ? high << 4 | low : *from;
        *to++ = (char)byte;
        from += is_escape ? 3 : 1;
    }
    *to = '\0';
}

static bool is_end(const char *at)
{
    return *at == '\0' || *at == '#';
}

/* The value behind a '='; NULL: the line is no such one. */
static char *cut_value(char *at)
{
    at = skip_spaces(at);
    bool is_quoted = *at == '"';
    char *value = at + is_quoted;
    char *stop = value + (is_quoted ? strcspn(value, "\"") : strcspn(value, " \t#"));
    if (is_quoted && *stop != '"')
        return NULL;
    if (!is_end(skip_spaces(stop + is_quoted)))
        return NULL;
    *stop = '\0';
    unescape(value);
    return value;
}

/* False: the line has no entry; *is_bad where it should have one. */
static bool parse_line(char *line, struct ia_dict_entry *entry, bool *is_bad)
{
    char *name = skip_spaces(line);
    *is_bad = false;
    if (is_end(name))
        return false;
    char *stop = name + strcspn(name, " \t=#");
    char *equals = skip_spaces(stop);
    *is_bad = true;
    if (stop == name || *equals != '=' || (entry->value = cut_value(equals + 1)) == NULL)
        return false;
    *stop = '\0';
    for (char *c = name; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    char *dot = strrchr(name, '.');
    entry->device = dot != NULL ? name : stop;
    entry->key = dot != NULL ? dot + 1 : name;
    if (dot != NULL)
        *dot = '\0';
    *is_bad = false;
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct ia_dict_entry *a = left;
    const struct ia_dict_entry *b = right;
    int order = strcmp(a->device, b->device);
    order = order != 0 ? order : strcmp(a->key, b->key);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static void take(struct ia_dict *dict, char *line, size_t number)
{
    struct ia_dict_entry entry = {.line = number};
    bool is_bad = false;
    bool is_entry = parse_line(line, &entry, &is_bad);
    if (is_bad && dict->bad_line == 0)
        dict->bad_line = number;
    dict->has_too_many |= is_entry && dict->entries.len >= IA_DICT_MAX_ENTRIES;
    if (is_entry && !dict->has_too_many && !ia_vec_push(&dict->entries, entry))
        dict->failed = true;
}

void ia_dict_parse(struct ia_dict *dict, char *text, size_t len)
{
    char *behind = text + len;
    size_t number = 0;
    for (char *line = text; line < behind;) {
        char *stop = memchr(line, '\n', (size_t)(behind - line));
        if (stop == NULL)
            stop = behind;
        *stop = '\0';
        if (++number == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
            line += 3;
        if (stop > line && stop[-1] == '\r')
            stop[-1] = '\0';
        if (dict->bad_line == 0 && strlen(line) + 1 < (size_t)(stop - line))
            dict->bad_line = number; /* a NUL in it */
        take(dict, line, number);
        line = stop + 1;
    }
    if (dict->has_too_many)
        dict->entries.len = 0;
    if (dict->entries.len > 1)
        qsort(dict->entries.items, dict->entries.len, sizeof(dict->entries.items[0]), by_name);
}

const char *ia_dict_value(const struct ia_dict *dict, const char *device, const char *key)
{
    const struct ia_dict_entry wanted = {.device = (char *)device, .key = (char *)key, .line = SIZE_MAX};
    size_t low = 0;
    for (size_t high = dict->entries.len; low < high;) { /* ends: each round halves what is left */
        size_t middle = low + (high - low) / 2;
        if (by_name(&dict->entries.items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    const struct ia_dict_entry *last = low > 0 ? &dict->entries.items[low - 1] : NULL;
    return last != NULL && strcmp(last->device, device) == 0 && strcmp(last->key, key) == 0 ? last->value : NULL;
}
