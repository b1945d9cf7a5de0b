/* SPDX-License-Identifier: MIT */
/* Paths in arguments of QEMU: options with commas between them, of which two are one in a value (util/qemu-option.c),
 * or JSON. Whatever may be a path is taken for one. */
#include "inventory/arguments.h"

#include <string.h>

#include "base/cleanup.h"
#include "chain/json_options.h"
#include "chain/reference.h"
#include "chain/remote.h"

struct reading {
    struct ia_inventory *inventory;
    void (*each)(void *ctx, const char *path, bool is_name);
    void *ctx;
};

/* A longer description is looked through as any text. */
enum { MAX_JSON = 1 << 20 };

/* In a text that is no name: up to a quotation mark, or its end. */
static void read_text(const struct reading *reading, char *text)
{
    for (char *at = text; *at != '\0';) { /* ends: at goes forward */
        bool begins = *at == '/' && at[1] != '/' && (at == text || strchr("=,:\"", at[-1]) != NULL);
        if (!begins) {
            at++;
            continue;
        }
        size_t len = strcspn(at, "\"");
        char *next = at[len] == '\0' ? at + len : at + len + 1;
        at[len] = '\0';
        if (len > 1)
            reading->each(reading->ctx, at, false);
        at = next;
    }
}

/* Where QEMU was started is unknown, and / as a rule: that of a daemon. */
static void read_relative(const struct reading *reading, const char *name)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    ia_buf_addf(&path, "/%s", name);
    reading->inventory->failed |= path.failed;
    if (!path.failed)
        reading->each(reading->ctx, path.data, false);
}

/* "filename", "file.filename", "file"... */
static bool is_of_file(const char *key, size_t len)
{
    static const char *const words[] = {"file", "filename"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t end = strlen(words[i]);
        if (len >= end && memcmp(key + len - end, words[i], end) == 0 && (len == end || key[len - end - 1] == '.'))
            return true;
    }
    return false;
}

/* The value of an option: a path or a file: name, of which QEMU opens what is behind the colon, or another text. */
static void read_value(const struct reading *reading, char *value, bool is_name)
{
    char *path = is_name && strncmp(value, "file:", 5) == 0 ? value + 5 : value;
    bool has_protocol = ia_reference_has_protocol(path);
    if (path[0] == '/')
        reading->each(reading->ctx, path, is_name);
    else if (is_name && !has_protocol && path[0] != '\0')
        read_relative(reading, path);
    else if (!is_name || !ia_remote_is(path, strcspn(path, ":")))
        read_text(reading, path);
}

/* False: QEMU would not take it for a description. */
static bool read_json(const struct reading *reading, const char *text)
{
    IA_AUTO_JSON_OPTIONS struct ia_json_options options = {0};
    if (strlen(text) > MAX_JSON)
        return false;
    if (ia_json_options_read(text, &options, NULL) != IA_OK)
        reading->inventory->failed = true;
    for (size_t i = 0; i < options.all.len; i++) {
        const struct ia_json_option *option = &options.all.items[i];
        size_t len = strlen(option->key);
        bool is_node = len >= 4 && strcmp(option->key + len - 4, "file") == 0; /* another node's name */
        if (option->is_text)
            read_value(reading, option->value, !is_node && is_of_file(option->key, len));
    }
    return options.accepted;
}

/* One option: KEY=VALUE, or a value. */
static void read_option(const struct reading *reading, char *text)
{
    size_t key = strcspn(text, "=/:");
    bool has_key = text[key] == '=';
    char *value = has_key ? text + key + 1 : text;
    bool is_name = has_key && is_of_file(text, key);
    bool is_json = is_name && strncmp(value, "json:", 5) == 0;
    if (!is_json || !read_json(reading, value + 5))
        read_value(reading, value, is_name);
}

void ia_arguments_each_path(struct ia_inventory *inventory, const char *value,
                            void (*each)(void *ctx, const char *path, bool is_name), void *ctx)
{
    const struct reading reading = {inventory, each, ctx};
    if (value[0] == '{' && read_json(&reading, value))
        return;
    IA_AUTO_BUF struct ia_buf option = {0};
    for (const char *at = value; *at != '\0'; at += *at != '\0') { /* ends: at goes forward */
        ia_buf_clear(&option);
        for (; *at != '\0' && (*at != ',' || at[1] == ','); at++) {
            at += *at == ',';
            ia_buf_add_char(&option, *at);
        }
        ia_buf_add_char(&option, '\0');
        if (option.failed)
            break;
        read_option(&reading, option.data);
    }
    inventory->failed |= option.failed;
}
