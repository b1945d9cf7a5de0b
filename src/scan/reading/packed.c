/* SPDX-License-Identifier: MIT */
/* What packed images name, gathered from their headers. */
#include "scan/reading/packed.h"

#include <stdlib.h>
#include <string.h>

#include "format/packed.h"

static enum ia_status add(struct ia_packed_content *content, const struct ia_packed_name *name, struct ia_error *err)
{
    return ia_packed_content_add(content, name) ? IA_OK : ia_no_memory(err);
}

static enum ia_status add_backing(struct ia_packed_content *content, struct ia_packed_name name,
                                  const struct ia_image *image, struct ia_error *err)
{
    const struct ia_image_facts *facts = &image->facts;
    name.stated = facts->backing_format;
    name.name = facts->backing_name;
    if (facts->backing_name == NULL)
        return IA_OK;
    if (facts->backing_paths.len == 0) {
        name.kind = facts->backing_by_identity ? IA_PACKED_IDENTITY : IA_PACKED_BACKING;
        return add(content, &name, err);
    }
    name.kind = IA_PACKED_PATH;
    for (size_t i = 0; i < facts->backing_paths.len; i++) {
        name.name = facts->backing_paths.items[i];
        IA_TRY(add(content, &name, err));
    }
    return IA_OK;
}

/* All that the image names, whether or not it is there. */
static enum ia_status add_names(void *ctx, const char *member, struct ia_image *image, struct ia_error *err)
{
    struct ia_packed_content *content = ctx;
    struct ia_packed_name name = {.member = (char *)member, .format = (char *)image->format->name};
    IA_TRY(add_backing(content, name, image, err));
    for (size_t i = 0; i < image->facts.parts.len; i++) {
        const struct ia_image_part *part = &image->facts.parts.items[i];
        name.kind = part->place == IA_PART_BESIDE ? IA_PACKED_EXTENT : IA_PACKED_DATA_FILE;
        name.name = part->name;
        if (part->name != NULL)
            IA_TRY(add(content, &name, err));
    }
    return IA_OK;
}

static enum ia_status set_problem(struct ia_packed_content *content, const char *problem, struct ia_error *err)
{
    content->problem = strdup(problem);
    return content->problem != NULL ? IA_OK : ia_no_memory(err);
}

/* Else another read, or the library that unpacks, may be had. */
static bool is_lasting(enum ia_status status)
{
    return status != IA_IO && status != IA_MISSING;
}

static enum ia_status read_content(struct ia_source *source, const struct ia_parse_request *request,
                                   const struct ia_limits *limits, struct ia_packed_content *content, bool *is_packed,
                                   bool *lasting, struct ia_error *err)
{
    struct ia_error cause = {0};
    enum ia_status status = ia_packed_read(source, limits, request->claims_packed, add_names, content, &cause);
    *is_packed = status != IA_NOT_MINE || request->claims_packed;
    *lasting = is_lasting(status);
    if (status == IA_OK || !*is_packed)
        return IA_OK;
    if (status == IA_NOMEM)
        return ia_no_memory(err);
    if (status == IA_NOT_MINE)
        return set_problem(content,
                           source->size == 0 ? "named like a packed image, and empty"
                                             : "named like a packed image, and of an unknown kind",
                           err);
    return set_problem(content, cause.message, err);
}

enum ia_status ia_read_packed(struct ia_source *source, const struct ia_parse_request *request,
                              const struct ia_limits *limits, struct ia_packed_content **out, bool *lasting,
                              struct ia_error *err)
{
    struct ia_packed_content *content = calloc(1, sizeof(*content));
    bool is_packed = false;
    *out = NULL;
    if (content == NULL)
        return ia_no_memory(err);
    enum ia_status status = read_content(source, request, limits, content, &is_packed, lasting, err);
    if (status == IA_OK && is_packed)
        *out = content;
    else
        ia_packed_content_free(content);
    return status;
}

enum ia_status ia_peek_packed(struct ia_source *source, const struct ia_limits *limits, bool *found, bool *lasting,
                              struct ia_error *err)
{
    struct ia_error cause = {0};
    enum ia_status status = ia_packed_peek(source, limits, found, &cause);
    *lasting = is_lasting(status);
    return status == IA_NOMEM ? ia_no_memory(err) : IA_OK;
}
