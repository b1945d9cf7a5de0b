/* SPDX-License-Identifier: MIT */
/* Parsing backing file names. */
#include "chain/reference.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/size.h"
#include "base/vec.h"
#include "chain/qemu_json.h"

bool ia_reference_has_protocol(const char *name)
{
    return name[strcspn(name, ":/")] == ':';
}

char *ia_reference_combine(const char *image_name, const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    struct ia_buf joined = {0};
    ia_buf_add(&joined, image_name, ia_path_directory_length(image_name));
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

/* As QEMU has it as a text: numbers that are no integers are formatted anew. */
static bool add_value(struct options *options, const char *prefix, const char *key, struct json_object *value)
{
    char number[32];
    if (!json_object_is_type(value, json_type_double))
        return add_option(options, prefix, key, value == NULL ? NULL : json_object_get_string(value));
    snprintf(number, sizeof(number), "%.17g", json_object_get_double(value));
    return add_option(options, prefix, key, number);
}

/* Ends: json-c refuses documents nested deeper than read_json allows. */
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
            ok = add_value(options, prefix, key, value);
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
    return *out != NULL ? IA_OK : ia_no_memory(err);
}

/* The options by which QEMU's raw driver shows a part of its file. false: one of them cannot be understood. */
static bool read_slice(const struct options *options, struct ia_reference *out)
{
    const char *offset = find_option(options, "offset");
    const char *size = find_option(options, "size");
    out->slice_size = -1;
    return (offset == NULL || ia_size_parse(offset, &out->slice_offset)) &&
           (size == NULL || ia_size_parse(size, &out->slice_size));
}

static bool is_slice_option(const char *key)
{
    return strcmp(key, "offset") == 0 || strcmp(key, "size") == 0;
}

/* What a description of a local file comes to; slice: options of the raw driver are among its options. */
static enum ia_reference_kind local_kind(const struct ia_reference *reference, bool slice)
{
    if (slice)
        return IA_REFERENCE_SLICE;
    return reference->path[0] == '/' ? IA_REFERENCE_PATH : IA_REFERENCE_WORKING_DIR;
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
    bool slice = false;
    bool plain = filename != NULL;
    for (size_t i = 0; i < options->all.len; i++) {
        const char *key = options->all.items[i].key;
        slice = slice || is_slice_option(key);
        plain = plain && (is_harmless(key) || is_slice_option(key));
    }
    if (slice) /* other drivers refuse these options */
        plain = plain && !out->bare_file && driver != NULL && strcmp(driver, "raw") == 0 && read_slice(options, out);
    enum ia_status status = IA_OK;
    if (filename != NULL)
        status = copy_into(&out->path, filename, err);
    if (status == IA_OK && driver != NULL)
        status = copy_into(&out->format, driver, err);
    if (status != IA_OK)
        return status;
    if (protocol != NULL && is_remote(protocol, strlen(protocol)))
        out->kind = IA_REFERENCE_REMOTE;
    else
        out->kind = plain && is_file_driver(protocol) ? local_kind(out, slice) : IA_REFERENCE_UNSUPPORTED;
    return IA_OK;
}

/* The document as an object, or NULL. A key that is there twice is lost in parsing, and QEMU refuses it: *keys is how
 * many there are in the text. */
static enum ia_status read_json(const char *text, struct json_object **out, size_t *keys, struct ia_error *err)
{
    enum { MAX_DEPTH = 1024 }; /* QEMU's; json-c would stop at 32 */
    struct ia_buf ascii = {0};
    *out = NULL;
    bool valid = ia_qemu_json_to_ascii(text, &ascii, keys);
    struct json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
    enum ia_status status = tokener == NULL || ascii.failed ? ia_no_memory(err) : IA_OK;
    if (status == IA_OK && valid && ascii.len > 0 && ascii.len < INT_MAX) {
        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
        struct json_object *object = json_tokener_parse_ex(tokener, ascii.data, (int)ascii.len + 1);
        if (json_tokener_get_error(tokener) == json_tokener_success && json_object_is_type(object, json_type_object))
            *out = object;
        else
            json_object_put(object);
    }
    if (tokener != NULL)
        json_tokener_free(tokener);
    ia_buf_release(&ascii);
    return status;
}

static enum ia_status parse_json(const char *text, struct ia_reference *out, struct ia_error *err)
{
    struct json_object *object = NULL;
    size_t keys = 0;
    out->kind = IA_REFERENCE_UNSUPPORTED;
    enum ia_status status = read_json(text, &object, &keys, err);
    if (status != IA_OK || object == NULL)
        return status;
    struct options options = {0};
    if (!flatten(&options, "", object))
        status = ia_no_memory(err);
    else if (options.keys == keys)
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
