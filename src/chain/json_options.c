/* SPDX-License-Identifier: MIT */
/* Reading json: descriptions, and flattening them (qobject/block-qdict.c of QEMU). */
#include "chain/json_options.h"

#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chain/qemu_json.h"

void ia_json_options_release(struct ia_json_options *options)
{
    for (size_t i = 0; i < options->all.len; i++) {
        free(options->all.items[i].key);
        free(options->all.items[i].value);
    }
    ia_vec_release(&options->all);
}

/* As QEMU has it as a text: numbers that are no integers are formatted anew. */
static bool add_value(struct ia_json_options *options, const char *key, struct json_object *value)
{
    char number[32];
    const char *text = value == NULL ? NULL : json_object_get_string(value);
    struct ia_json_option option = {.key = strdup(key), .is_text = json_object_is_type(value, json_type_string)};
    if (json_object_is_type(value, json_type_double)) {
        snprintf(number, sizeof(number), "%.17g", json_object_get_double(value));
        text = number;
    }
    option.value = text == NULL ? NULL : strdup(text);
    bool copied = option.key != NULL && (text == NULL || option.value != NULL);
    if (copied && ia_vec_push(&options->all, option))
        return true;
    free(option.key);
    free(option.value);
    return false;
}

static bool flatten_object(struct ia_json_options *options, const char *prefix, struct json_object *object,
                           size_t *keys);

/* What a key has: one option, or those of an object or an array below it. An empty array is a text here. */
static bool flatten(struct ia_json_options *options, const char *key, struct json_object *value, size_t *keys)
{
    if (json_object_is_type(value, json_type_object))
        return flatten_object(options, key, value, keys);
    if (!json_object_is_type(value, json_type_array) || json_object_array_length(value) == 0)
        return add_value(options, key, value);
    for (size_t i = 0; i < (size_t)json_object_array_length(value); i++) {
        IA_AUTO_FREE char *inner = NULL;
        if (asprintf(&inner, "%s.%zu", key, i) < 0) {
            inner = NULL;
            return false;
        }
        if (!flatten(options, inner, json_object_array_get_idx(value, i), keys))
            return false;
    }
    return true;
}

/* Ends, as the above does: json-c refuses documents nested deeper than parse allows. */
static bool flatten_object(struct ia_json_options *options, const char *prefix, struct json_object *object,
                           size_t *keys)
{
    json_object_object_foreach(object, key, value)
    {
        IA_AUTO_FREE char *inner = NULL;
        ++*keys;
        if (asprintf(&inner, "%s%s%s", prefix, prefix[0] != '\0' ? "." : "", key) < 0) {
            inner = NULL;
            return false;
        }
        if (!flatten(options, inner, value, keys))
            return false;
    }
    return true;
}

/* The document as an object, or NULL. A key that is there twice is lost in parsing, and QEMU refuses it: *keys is how
 * many there are in the text. */
static enum ia_status parse(const char *text, struct json_object **out, size_t *keys, struct ia_error *err)
{
    enum { MAX_DEPTH = 1024 }; /* QEMU's; json-c would stop at 32 */
    IA_AUTO_BUF struct ia_buf ascii = {0};
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
    return status;
}

enum ia_status ia_json_options_read(const char *text, struct ia_json_options *out, struct ia_error *err)
{
    struct json_object *object = NULL;
    size_t in_text = 0;
    size_t kept = 0;
    *out = (struct ia_json_options){0};
    IA_TRY(parse(text, &object, &in_text, err));
    bool flattened = object == NULL || flatten_object(out, "", object, &kept);
    out->accepted = object != NULL && kept == in_text;
    json_object_put(object);
    return flattened ? IA_OK : ia_no_memory(err);
}

const char *ia_json_options_find(const struct ia_json_options *options, const char *key)
{
    for (size_t i = 0; i < options->all.len; i++)
        if (strcmp(options->all.items[i].key, key) == 0)
            return options->all.items[i].value;
    return NULL;
}
