/* SPDX-License-Identifier: MIT */
/* Parsing backing file names. */
#include "chain/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"
#include "base/size.h"
#include "chain/json_options.h"
#include "chain/remote.h"

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
static bool read_slice(const struct ia_json_options *options, struct ia_reference *out)
{
    const char *offset = ia_json_options_find(options, "offset");
    const char *size = ia_json_options_find(options, "size");
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

static bool is_remote(const char *driver)
{
    return driver != NULL && ia_remote_is(driver, strlen(driver));
}

/* A description whose main node reads from elsewhere: whatever else it names is no main file. */
static enum ia_status interpret_remote(const char *driver, struct ia_reference *out, struct ia_error *err)
{
    out->kind = IA_REFERENCE_REMOTE;
    return driver == NULL || is_remote(driver) ? IA_OK : copy_into(&out->format, driver, err);
}

static enum ia_status interpret(const struct ia_json_options *options, struct ia_reference *out, struct ia_error *err)
{
    const char *driver = ia_json_options_find(options, "driver");
    const char *filename = ia_json_options_find(options, "file.filename");
    const char *protocol = ia_json_options_find(options, "file.driver");
    if (is_remote(driver) || is_remote(protocol))
        return interpret_remote(driver, out, err);
    if (filename == NULL && driver != NULL && is_file_driver(driver)) {
        filename = ia_json_options_find(options, "filename"); /* the bare file, without a format: reads as raw does */
        driver = "raw";
        out->bare_file = true;
    }
    bool slice = false;
    bool plain = filename != NULL && is_file_driver(protocol);
    for (size_t i = 0; i < options->all.len; i++) {
        const char *key = options->all.items[i].key;
        slice = slice || is_slice_option(key);
        plain = plain && (is_harmless(key) || is_slice_option(key));
    }
    if (slice) /* other drivers refuse these options */
        plain = plain && !out->bare_file && driver != NULL && strcmp(driver, "raw") == 0 && read_slice(options, out);
    if (filename != NULL)
        IA_TRY(copy_into(&out->path, filename, err));
    if (driver != NULL)
        IA_TRY(copy_into(&out->format, driver, err));
    out->kind = plain ? local_kind(out, slice) : IA_REFERENCE_UNSUPPORTED;
    return IA_OK;
}

static enum ia_status parse_json(const char *text, struct ia_reference *out, struct ia_error *err)
{
    IA_AUTO_JSON_OPTIONS struct ia_json_options options = {0};
    out->kind = IA_REFERENCE_UNSUPPORTED;
    IA_TRY(ia_json_options_read(text, &options, err));
    return options.accepted ? interpret(&options, out, err) : IA_OK;
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
        out->kind = ia_remote_is(name, strcspn(name, ":")) ? IA_REFERENCE_REMOTE : IA_REFERENCE_UNSUPPORTED;
        status = IA_OK;
    } else {
        out->kind = IA_REFERENCE_PATH;
        status = copy_into(&out->path, name, err);
    }
    if (status != IA_OK)
        ia_reference_release(out);
    return status;
}
