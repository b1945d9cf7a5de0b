/* SPDX-License-Identifier: MIT */
/* Members of a small JSON object, by json-c. */
#include "io/json.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

/* It is nothing but what json-c made. */
static struct json_object *object_of(const struct ia_json *json)
{
    return (struct json_object *)json;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static size_t without_blanks(const char *bytes, size_t len)
{
    while (len > 0 && is_blank(bytes[len - 1]))
        len--;
    return len;
}

enum ia_status ia_json_open(const char *bytes, size_t len, struct ia_json **out, struct ia_error *err)
{
    *out = NULL;
    len = without_blanks(bytes, len);
    if (len == 0 || len > INT_MAX)
        return ia_fail(err, IA_CORRUPT, "%zu bytes are no JSON object", len);
    struct json_tokener *tokener = json_tokener_new_ex(IA_JSON_MAX_DEPTH);
    if (tokener == NULL)
        return ia_no_memory(err);
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    struct json_object *object = json_tokener_parse_ex(tokener, bytes, (int)len);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    bool is_whole = error == json_tokener_success && json_tokener_get_parse_end(tokener) == len;
    json_tokener_free(tokener);
    if (is_whole && json_object_is_type(object, json_type_object)) {
        *out = (struct ia_json *)object;
        return IA_OK;
    }
    json_object_put(object);
    const char *why = error == json_tokener_continue ? "it ends too early" : json_tokener_error_desc(error);
    return ia_fail(err, IA_CORRUPT, "no JSON object: %s", error == json_tokener_success ? "it is something else" : why);
}

void ia_json_close(struct ia_json *json)
{
    json_object_put(object_of(json));
}

/* How many members have the name, whatever its case. */
static int count_alike(const struct ia_json *json, const char *wanted)
{
    int count = 0;
    json_object_object_foreach(object_of(json), key, value)
    {
        (void)value;
        count += strcasecmp(key, wanted) == 0;
    }
    return count;
}

enum ia_status ia_json_text(const struct ia_json *json, const char *key, const char **text, struct ia_error *err)
{
    struct json_object *member = NULL;
    bool is_there = json_object_object_get_ex(object_of(json), key, &member) != 0;
    if (count_alike(json, key) > 1)
        return ia_fail(err, IA_CORRUPT, "%s is there in several spellings", key);
    if (!is_there)
        return ia_fail(err, IA_CORRUPT, "it has no %s", key);
    if (!json_object_is_type(member, json_type_string))
        return ia_fail(err, IA_CORRUPT, "its %s is no text", key);
    *text = json_object_get_string(member);
    if (strlen(*text) != (size_t)json_object_get_string_len(member))
        return ia_fail(err, IA_CORRUPT, "its %s has a NUL", key);
    return IA_OK;
}

bool ia_json_is_true(const struct ia_json *json, const char *key)
{
    struct json_object *member = NULL;
    return json_object_object_get_ex(object_of(json), key, &member) != 0 &&
           json_object_is_type(member, json_type_boolean) && json_object_get_boolean(member) != 0;
}
