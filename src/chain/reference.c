/* SPDX-License-Identifier: MIT */
/* Parsing backing file names. */
#include "chain/reference.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/vec.h"

bool ia_reference_has_protocol(const char *name)
{
    return name[strcspn(name, ":/")] == ':';
}

char *ia_reference_combine(const char *image_name, const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    const char *slash = strrchr(image_name, '/');
    size_t dir = slash == NULL ? 0 : (size_t)(slash - image_name) + 1;
    struct ia_buf joined = {0};
    ia_buf_add(&joined, image_name, dir);
    ia_buf_add_str(&joined, path);
    return ia_buf_steal(&joined);
}

void ia_reference_release(struct ia_reference *reference)
{
    free(reference->path);
    free(reference->format);
    *reference = (struct ia_reference){0};
}

/* Drivers that read from another machine or make bytes up. What is not among them may well end at a local file, by way
 * of a driver stacked on it (blkdebug:, raw over raw...). */
static bool is_remote(const char *driver, size_t len)
{
    static const char *const remote[] = {
        "nbd",          "nbd+tcp",      "nbd+unix", "nbds",         "rbd",           "iscsi", "iser",    "http",
        "https",        "ftp",          "ftps",     "ssh",          "sftp",          "nfs",   "gluster", "gluster+tcp",
        "gluster+unix", "gluster+rdma", "sheepdog", "sheepdog+tcp", "sheepdog+unix", "vxhs",  "null-co", "null-aio"};
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
        if (strlen(remote[i]) == len && strncmp(remote[i], driver, len) == 0)
            return true;
    return false;
}

/* A json: description as dotted keys ("file.filename"), the way QEMU flattens it. */
struct option {
    char *key;
    char *value; /* NULL for JSON null */
};
struct options {
    IA_VEC(struct option) all;
    size_t keys; /* of all objects */
};

static void release_options(struct options *options)
{
    for (size_t i = 0; i < options->all.len; i++) {
        free(options->all.items[i].key);
        free(options->all.items[i].value);
    }
    ia_vec_release(&options->all);
}

static bool add_option(struct options *options, const char *prefix, const char *key, const char *value)
{
    struct option option = {0};
    if (asprintf(&option.key, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key) < 0)
        return false;
    option.value = value == NULL ? NULL : strdup(value);
    if ((value != NULL && option.value == NULL) || !ia_vec_push(&options->all, option)) {
        free(option.key);
        free(option.value);
        return false;
    }
    return true;
}

/* Ends: json-c refuses documents nested deeper than 32. */
static bool flatten(struct options *options, const char *prefix, struct json_object *object)
{
    json_object_object_foreach(object, key, value)
    {
        bool ok;
        options->keys++;
        if (json_object_is_type(value, json_type_object)) {
            char *inner = NULL;
            ok = asprintf(&inner, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key) >= 0 &&
                 flatten(options, inner, value);
            free(inner);
        } else {
            ok = add_option(options, prefix, key, value == NULL ? NULL : json_object_get_string(value));
        }
        if (!ok)
            return false;
    }
    return true;
}

static const char *find_option(const struct options *options, const char *key)
{
    for (size_t i = 0; i < options->all.len; i++)
        if (strcmp(options->all.items[i].key, key) == 0)
            return options->all.items[i].value;
    return NULL;
}

/* Options that change how a node is run, not what it reads; `file.` in front does not matter. */
static bool is_harmless(const char *key)
{
    static const char *const exact[] = {"driver",
                                        "filename",
                                        "node-name",
                                        "read-only",
                                        "auto-read-only",
                                        "discard",
                                        "locking",
                                        "detect-zeroes",
                                        "force-share",
                                        "aio",
                                        "aio-max-batch",
                                        "pass-discard-request",
                                        "pass-discard-snapshot",
                                        "pass-discard-other",
                                        "lazy-refcounts",
                                        "overlap-check",
                                        "x-check-cache-dropped",
                                        "drop-cache",
                                        "refcount-cache-size",
                                        "cache-clean-interval",
                                        "key-secret"};
    static const char *const families[] = {"cache.", "encrypt.", "l2-cache"};
    if (strncmp(key, "file.", 5) == 0)
        key += 5;
    for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
        if (strcmp(key, exact[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strncmp(key, families[i], strlen(families[i])) == 0)
            return true;
    return false;
}

static bool is_file_driver(const char *driver)
{
    return driver == NULL || strcmp(driver, "file") == 0 || strcmp(driver, "host_device") == 0;
}

static enum ia_status copy_into(char **out, const char *text, struct ia_error *err)
{
    *out = strdup(text);
    return *out != NULL ? IA_OK : ia_fail(err, IA_NOMEM, "out of memory");
}

static enum ia_status interpret(const struct options *options, struct ia_reference *out, struct ia_error *err)
{
    const char *driver = find_option(options, "driver");
    const char *filename = find_option(options, "file.filename");
    const char *protocol = find_option(options, "file.driver");
    if (filename == NULL && driver != NULL && is_file_driver(driver)) {
        filename = find_option(options, "filename"); /* the bare file, without a format on top: reads as raw does */
        driver = "raw";
        out->bare_file = true;
    }
    bool plain = filename != NULL;
    for (size_t i = 0; i < options->all.len; i++)
        plain = plain && is_harmless(options->all.items[i].key);
    if (protocol != NULL && is_remote(protocol, strlen(protocol)))
        out->kind = IA_REFERENCE_REMOTE;
    else if (!is_file_driver(protocol))
        out->kind = IA_REFERENCE_UNSUPPORTED;
    else
        out->kind = !plain               ? IA_REFERENCE_UNSUPPORTED
                    : filename[0] == '/' ? IA_REFERENCE_PATH
                                         : IA_REFERENCE_WORKING_DIR;
    enum ia_status status = IA_OK;
    if (filename != NULL)
        status = copy_into(&out->path, filename, err);
    if (status == IA_OK && driver != NULL)
        status = copy_into(&out->format, driver, err);
    return status;
}

/* Colons outside of strings: as many as a document of objects has keys. A key that stands twice is lost in parsing, and
 * QEMU refuses it. */
static size_t count_keys(const char *text)
{
    size_t keys = 0;
    bool in_string = false;
    for (; *text != '\0'; text++) {
        if (*text == '"')
            in_string = !in_string;
        else if (in_string && *text == '\\' && text[1] != '\0')
            text++;
        else if (!in_string && *text == ':')
            keys++;
    }
    return keys;
}

static enum ia_status parse_json(const char *text, struct ia_reference *out, struct ia_error *err)
{
    struct json_tokener *tokener = json_tokener_new();
    if (tokener == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    out->kind = IA_REFERENCE_UNSUPPORTED;
    if (!json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        return IA_OK;
    }
    struct options options = {0};
    enum ia_status status = IA_OK;
    if (!flatten(&options, "", object))
        status = ia_fail(err, IA_NOMEM, "out of memory");
    else if (options.keys == count_keys(text))
        status = interpret(&options, out, err);
    release_options(&options);
    json_object_put(object);
    return status;
}

enum ia_status ia_reference_parse(const char *name, struct ia_reference *out, struct ia_error *err)
{
    *out = (struct ia_reference){0};
    enum ia_status status;
    if (strncmp(name, "json:", 5) == 0) {
        status = parse_json(name + 5, out, err);
    } else if (strncmp(name, "file:", 5) == 0) {
        out->kind = name[5] == '/' ? IA_REFERENCE_PATH : IA_REFERENCE_WORKING_DIR;
        status = copy_into(&out->path, name + 5, err);
    } else if (ia_reference_has_protocol(name)) {
        out->kind = is_remote(name, strcspn(name, ":")) ? IA_REFERENCE_REMOTE : IA_REFERENCE_UNSUPPORTED;
        status = IA_OK;
    } else {
        out->kind = IA_REFERENCE_PATH;
        status = copy_into(&out->path, name, err);
    }
    if (status != IA_OK)
        ia_reference_release(out);
    return status;
}
