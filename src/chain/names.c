/* SPDX-License-Identifier: MIT */
/* Taking names apart. Which options of QEMU's drivers hold names of files is in qapi/block-core.json, and the x-
 * options of block/blkdebug.c and blkverify.c. */
#include "chain/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chain/json_options.h"
#include "chain/reference.h"

/* Names inside of names that are looked at, and how long a name may be: nobody writes three, and backing file names
 * have 1023 bytes. A longer name of a data file is not followed, and blocks all proof by that. */
enum { MAX_NESTING = 8, MAX_LENGTH = 16384 };

void ia_names_release(struct ia_names *names)
{
    for (size_t i = 0; i < names->files.len; i++)
        free(names->files.items[i].path);
    ia_vec_release(&names->files);
    ia_services_release(&names->services);
}

/* Each path once, and as sure as the surest. */
static enum ia_status add_file(struct ia_names *names, const char *path, size_t len, bool is_sure, struct ia_error *err)
{
    if (len == 0)
        return IA_OK;
    for (size_t i = 0; i < names->files.len; i++) {
        struct ia_named_file *known = &names->files.items[i];
        if (strlen(known->path) != len || strncmp(known->path, path, len) != 0)
            continue;
        known->is_sure = known->is_sure || is_sure;
        return IA_OK;
    }
    struct ia_named_file file = {.path = strndup(path, len), .is_sure = is_sure};
    if (file.path != NULL && ia_vec_push(&names->files, file))
        return IA_OK;
    free(file.path);
    return ia_no_memory(err);
}

static enum ia_status take_apart(struct ia_names *names, const char *name, bool is_whole, int depth,
                                 struct ia_error *err);

/* The last part of a dotted key, numbers of an array left out: "children.1" has "children". */
static bool is_called(const char *key, const char *const *words, size_t count)
{
    const char *dot = strrchr(key, '.');
    const char *last = dot == NULL ? key : dot + 1;
    for (size_t i = 0; i < count; i++)
        if (strcmp(last, words[i]) == 0)
            return true;
    return false;
}
#define IS_CALLED(key, words) is_called(key, words, sizeof(words) / sizeof((words)[0]))

/* The option belongs to a node that reads from a server: its names are the server's. Each node has its own driver. */
static bool is_of_server(const struct ia_json_options *options, const char *key)
{
    for (size_t i = 0; i < options->all.len; i++) {
        const struct ia_json_option *option = &options->all.items[i];
        size_t len = strlen(option->key);
        if (len < 6 || strcmp(option->key + len - 6, "driver") != 0 || (len > 6 && option->key[len - 7] != '.'))
            continue;
        /* The topmost node's options have no prefix, and are no options of the nodes below it. */
        size_t prefix = len - 6;
        const char *own = strncmp(key, option->key, prefix) == 0 ? key + prefix : NULL;
        bool is_own = own != NULL && (strchr(own, '.') == NULL || strncmp(own, "server.", 7) == 0);
        if (is_own && option->value != NULL && ia_remote_is(option->value, strlen(option->value)))
            return true;
    }
    return false;
}

/* One text of a description. QEMU takes "filename" as it is; x-image and x-raw may have a protocol. What another option
 * holds may be a name too: a driver that is not known here. */
static enum ia_status add_option(struct ia_names *names, const struct ia_json_options *options,
                                 const struct ia_json_option *option, int depth, struct ia_error *err)
{
    static const char *const plain[] = {"filename"};
    static const char *const whole[] = {"x-image", "x-raw"};
    static const char *const others[] = {"driver", "node-name", "type", "id", "throttle-group", "key-secret", "format"};
    if (!option->is_text || IS_CALLED(option->key, others) || is_of_server(options, option->key))
        return IA_OK;
    if (IS_CALLED(option->key, whole))
        return take_apart(names, option->value, true, depth + 1, err);
    IA_TRY(add_file(names, option->value, strlen(option->value), IS_CALLED(option->key, plain), err));
    return ia_reference_has_protocol(option->value) ? take_apart(names, option->value, false, depth + 1, err) : IA_OK;
}

static enum ia_status take_description(struct ia_names *names, const char *text, int depth, struct ia_error *err)
{
    IA_AUTO_JSON_OPTIONS struct ia_json_options options = {0};
    IA_TRY(ia_json_options_read(text, &options, err));
    for (size_t i = 0; i < options.all.len; i++) {
        const struct ia_json_option *option = &options.all.items[i];
        const char *dot = strrchr(option->key, '.');
        size_t prefix = dot == NULL ? 0 : (size_t)(dot - option->key) + 1;
        if (strcmp(option->key + prefix, "driver") == 0)
            IA_TRY(ia_services_add_node(&names->services, &options, option->key, prefix, err));
        IA_TRY(add_option(names, &options, option, depth, err));
    }
    return IA_OK;
}

/* "blkdebug:[rules]:name", "blkverify:raw:name". */
static enum ia_status take_stacked(struct ia_names *names, const char *rest, bool first_is_image, int depth,
                                   struct ia_error *err)
{
    size_t first = strcspn(rest, ":");
    IA_TRY(add_file(names, rest, first, first_is_image, err));
    return rest[first] == ':' ? take_apart(names, rest + first + 1, true, depth + 1, err) : IA_OK;
}

/* A protocol that is not known here: anything behind a colon may be a name. Ends: the rest gets shorter. */
static enum ia_status take_unknown(struct ia_names *names, const char *rest, struct ia_error *err)
{
    for (;;) {
        IA_TRY(add_file(names, rest, strlen(rest), false, err));
        const char *colon = strchr(rest, ':');
        if (colon == NULL)
            return IA_OK;
        rest = colon + 1;
    }
}

/* The rest of the name behind this protocol; NULL: it has another one. */
static const char *behind(const char *name, const char *protocol)
{
    size_t len = strlen(protocol);
    return strncmp(name, protocol, len) == 0 ? name + len : NULL;
}

/* is_whole: QEMU takes the name with its protocol here. Ends: depth is bounded. */
static enum ia_status take_apart(struct ia_names *names, const char *name, bool is_whole, int depth,
                                 struct ia_error *err)
{
    static const char *const local[] = {"file:", "host_device:", "host_cdrom:"};
    const char *rest;
    if (depth > MAX_NESTING)
        return IA_OK;
    if (!ia_reference_has_protocol(name))
        return add_file(names, name, strlen(name), is_whole, err);
    if ((rest = behind(name, "json:")) != NULL)
        return take_description(names, rest, depth, err);
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        if ((rest = behind(name, local[i])) != NULL)
            return add_file(names, rest, strlen(rest), is_whole, err);
    if ((rest = behind(name, "blkdebug:")) != NULL)
        return take_stacked(names, rest, false, depth, err);
    if ((rest = behind(name, "blkverify:")) != NULL)
        return take_stacked(names, rest, true, depth, err);
    size_t protocol = strcspn(name, ":");
    if (ia_remote_is(name, protocol))
        return ia_services_add_name(&names->services, name, err);
    return take_unknown(names, name + protocol + 1, err);
}

enum ia_status ia_names_take_apart(const char *name, struct ia_names *out, struct ia_error *err)
{
    *out = (struct ia_names){0};
    if (!ia_reference_has_protocol(name) || strncmp(name, "file:", 5) == 0 || strlen(name) > MAX_LENGTH)
        return IA_OK;
    return take_apart(out, name, true, 0, err);
}
