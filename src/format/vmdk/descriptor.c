/* SPDX-License-Identifier: MIT */
/* The descriptor's header: lines of key=value ("The Descriptor File: The Header"). */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/vmdk/internal.h"

enum { MAX_CREATE_TYPE = 127 }; /* QEMU's */

#define NO_PARENT UINT32_C(0xffffffff)

enum ia_status vmdk_read_text(struct ia_source *source, int64_t offset, int64_t most, char **out, struct ia_error *err)
{
    int64_t len = ia_min(most, ia_max(source->size - offset, 0));
    IA_AUTO_FREE char *text = malloc((size_t)len + 1);
    if (text == NULL)
        return ia_no_memory(err);
    IA_TRY(ia_source_read(source, offset, text, (size_t)len, "descriptor", err));
    text[len] = '\0';
    if (len == most && strlen(text) == (size_t)len)
        return ia_fail(err, IA_LIMIT, "descriptor of more than %jd bytes", (intmax_t)most);
    *out = ia_steal_ptr(text);
    return IA_OK;
}

const char *vmdk_next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end != NULL ? end + 1 : NULL;
}

const char *vmdk_skip_blanks(const char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* What follows "key=" in the first line that begins so; or NULL. */
static const char *find_value(const char *text, const char *key)
{
    size_t len = strlen(key);
    for (const char *line = text; line != NULL; line = vmdk_next_line(line)) {
        const char *at = vmdk_skip_blanks(line);
        if (strncmp(at, key, len) != 0)
            continue;
        at = vmdk_skip_blanks(at + len);
        if (*at == '=')
            return vmdk_skip_blanks(at + 1);
    }
    return NULL;
}

bool vmdk_has_cid(const char *text)
{
    return strstr(text, "CID") != NULL;
}

static enum ia_status read_cid(const char *text, const char *key, uint32_t *cid, struct ia_error *err)
{
    const char *value = find_value(text, key);
    if (value == NULL || !isxdigit((unsigned char)*value))
        return ia_fail(err, IA_CORRUPT, "the descriptor has no %s", key);
    errno = 0;
    unsigned long long number = strtoull(value, NULL, 16);
    if (errno != 0 || number > UINT32_MAX)
        return ia_fail(err, IA_CORRUPT, "the descriptor's %s is above 2^32 - 1", key);
    *cid = (uint32_t)number;
    return IA_OK;
}

/* The text between quotes at `value`, all in one line. The caller frees *out. */
static enum ia_status read_quoted(const char *value, const char *key, size_t most, char **out, struct ia_error *err)
{
    size_t len = *value == '"' ? strcspn(value + 1, "\"\r\n") : 0;
    if (*value != '"' || value[len + 1] != '"')
        return ia_fail(err, IA_CORRUPT, "the descriptor's %s is not between quotes", key);
    if (len > most)
        return ia_fail(err, IA_CORRUPT, "the descriptor's %s has %zu bytes", key, len);
    *out = strndup(value + 1, len);
    return *out != NULL ? IA_OK : ia_no_memory(err);
}

static enum ia_status read_hint(const char *text, char **hint, struct ia_error *err)
{
    static const char key[] = "parentFileNameHint";
    const char *value = find_value(text, key);
    *hint = NULL;
    if (value == NULL) {
        /* QEMU takes the words wherever they are, in a comment too; others do not. */
        if (strcasestr(text, key) != NULL)
            return ia_fail(err, IA_CORRUPT, "%s is in the descriptor, but not as a line of its own", key);
        return IA_OK;
    }
    IA_TRY(read_quoted(value, key, PATH_MAX - 1, hint, err));
    if ((*hint)[0] == '\0') {
        free(*hint);
        *hint = NULL;
    }
    return IA_OK;
}

/* A parent without a name is looked for by its CID: the image is a difference to something, unlike in QEMU. */
static bool note_parent(struct ia_image *image, char *hint)
{
    struct ia_image_facts *facts = &image->facts;
    facts->backing_by_identity = hint == NULL;
    facts->backing_name = hint != NULL ? hint : strdup(image->identity.parent);
    facts->backing_format = strdup("vmdk");
    return facts->backing_name != NULL && facts->backing_format != NULL;
}

/* The file of changed block tracking. One that is not between quotes is none: nothing depends on it. */
static enum ia_status read_companion(struct ia_image *image, const char *text, struct ia_error *err)
{
    static const char key[] = "changeTrackPath";
    const char *value = find_value(text, key);
    IA_AUTO_FREE char *name = NULL;
    enum ia_status status = value == NULL ? IA_OK : read_quoted(value, key, PATH_MAX - 1, &name, NULL);
    if (status == IA_OK && name != NULL && name[0] != '\0')
        image->facts.companion = ia_steal_ptr(name);
    return status == IA_NOMEM ? ia_no_memory(err) : IA_OK;
}

enum ia_status vmdk_parse_identity(struct ia_image *image, const char *text, struct ia_error *err)
{
    uint32_t own = 0;
    uint32_t parent = NO_PARENT;
    char *hint = NULL;
    IA_TRY(read_cid(text, "CID", &own, err));
    IA_TRY(read_cid(text, "parentCID", &parent, err));
    IA_TRY(read_companion(image, text, err));
    IA_TRY(read_hint(text, &hint, err));
    snprintf(image->identity.own, sizeof(image->identity.own), "cid %08x", own);
    if (parent != NO_PARENT)
        snprintf(image->identity.parent, sizeof(image->identity.parent), "cid %08x", parent);
    if (hint == NULL && parent == NO_PARENT)
        return IA_OK;
    return note_parent(image, hint) ? IA_OK : ia_no_memory(err);
}

enum ia_status vmdk_parse_create_type(struct vmdk *v, const char *text, struct ia_error *err)
{
    static const char *const known[] = {"monolithicFlat",    "vmfs", "vmfsSparse", "seSparse", "twoGbMaxExtentSparse",
                                        "twoGbMaxExtentFlat"};
    const char *value = find_value(text, "createType");
    if (value == NULL)
        return ia_fail(err, vmdk_has_cid(text) ? IA_CORRUPT : IA_NOT_MINE, "no VMDK descriptor: it has no createType");
    IA_TRY(read_quoted(value, "createType", MAX_CREATE_TYPE, &v->create_type, err));
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(v->create_type, known[i]) == 0)
            return IA_OK;
    return ia_fail(err, IA_UNSUPPORTED, "image of createType '%s'", v->create_type);
}
