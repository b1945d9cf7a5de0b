/* SPDX-License-Identifier: MIT */
/* Reading an image that is open. */
#include "scan/reading/parse_image.h"

#include <stdlib.h>
#include <string.h>

enum ia_status ia_parse_note(struct ia_parsed *parsed, enum ia_status status, const struct ia_error *cause,
                             struct ia_error *err)
{
    free(parsed->message);
    parsed->status = status;
    parsed->message = strdup(cause->message);
    return parsed->message != NULL ? IA_OK : ia_no_memory(err);
}

/* A part is looked for beside the image, whatever directory QEMU would work in. */
static enum ia_status open_part(const char *image, const struct ia_parse_env *env, const struct ia_image_part *named,
                                struct ia_parsed_part *part, struct ia_source **source, struct ia_error *err)
{
    const struct ia_resolve_rules rules = {.confine = env->confine, .parts_stay = true};
    enum ia_status status = ia_resolve_part(&rules, image, named, &part->file, err);
    if (status == IA_OK)
        status = ia_resolved_open(env->confine, &part->file, source, err);
    part->opened = status == IA_OK;
    bool inside = part->file.found != IA_RESOLVE_OUTSIDE;
    return status == IA_REFUSED && inside ? IA_UNSUPPORTED : status; /* it is no file */
}

static void tally(struct ia_parsed *parsed, const struct ia_extent *batch, size_t count)
{
    for (size_t i = 0; i < count; i++)
        parsed->state_bytes[batch[i].state] += batch[i].length;
}

/* Before they are stored: what is found to be too much afterwards has cost the room of it. */
static enum ia_status charge(int64_t *left, size_t count, struct ia_error *err)
{
    if ((int64_t)count > *left)
        return ia_fail(err, IA_LIMIT,
                       "more extents than what its files hold can have: tables are named again and again");
    *left -= (int64_t)count;
    return IA_OK;
}

/* *left: extents that the image may still have. *broken: a failing status is the image's own fault. */
static enum ia_status read_mapping(struct ia_image *image, size_t number, const struct ia_parse_sink *sink,
                                   struct ia_parsed *parsed, int64_t *left, bool *broken, struct ia_error *err)
{
    struct ia_mapping *mapping = &parsed->mappings.items[number];
    struct ia_cursor *cursor = NULL;
    *broken = true;
    enum ia_status status = ia_cursor_open(image, number, 0, INT64_MAX, &cursor, err);
    while (status == IA_OK) {
        const struct ia_extent *batch;
        size_t count;
        status = ia_cursor_next(cursor, &batch, &count, err);
        if (status != IA_OK || count == 0 || (status = charge(left, count, err)) != IA_OK)
            break;
        if (number == 0)
            tally(parsed, batch, count);
        ia_image_account_extents(image, number, batch, count);
        mapping->extents += (int64_t)count;
        status = sink->extents(sink->ctx, number, batch, count, err);
        *broken = status == IA_OK;
    }
    ia_cursor_close(cursor);
    return status;
}

static enum ia_status read_mappings(struct ia_image *image, const struct ia_parse_sink *sink, struct ia_parsed *parsed,
                                    struct ia_error *err)
{
    size_t mappings = 1 + image->facts.snapshots.len;
    int64_t left = ia_image_most_extents(image);
    if (!ia_vec_reserve(&parsed->mappings, mappings))
        return ia_no_memory(err);
    for (size_t i = 0; i < mappings; i++) {
        struct ia_error cause = {0};
        bool broken = false;
        parsed->mappings.items[parsed->mappings.len++] = (struct ia_mapping){.size = ia_image_mapping_size(image, i)};
        enum ia_status read = read_mapping(image, i, sink, parsed, &left, &broken, &cause);
        if (read == IA_OK)
            continue;
        if (!broken || read == IA_NOMEM)
            return ia_fail(err, read, "%s", cause.message);
        parsed->mappings.items[i].failed = true;
        ia_space_fail(image->space);
        if (i == 0)
            IA_TRY(ia_parse_note(parsed, read, &cause, err));
    }
    return IA_OK;
}

/* All that can be had are opened, whatever happens to the others: each is to be known as a part. */
static enum ia_status open_parts(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                 struct ia_image *image, struct ia_parse_result *result, struct ia_error *err)
{
    const char *name = request->described == image->format ? request->described_as : request->path;
    /* Ends: one that was attached may name more, the last does not. */
    for (size_t i = 0; i < image->facts.parts.len; i++) {
        if (!ia_vec_push(&result->parts, (struct ia_parsed_part){0}))
            return ia_no_memory(err);
        struct ia_parsed_part *part = &result->parts.items[i];
        struct ia_source *source = NULL;
        struct ia_error cause = {0};
        part->status = open_part(name, env, &image->facts.parts.items[i], part, &source, &cause);
        if (part->status == IA_OK)
            part->status = ia_image_attach(image, i, source, &cause);
        if (part->status == IA_OK)
            continue;
        ia_source_close(source);
        part->message = strdup(cause.message);
        if (part->status == IA_NOMEM || part->message == NULL)
            return ia_no_memory(err);
        if (result->parsed.status == IA_OK && ia_parse_note(&result->parsed, part->status, &cause, err) != IA_OK)
            return IA_NOMEM;
    }
    return IA_OK;
}

/* What a broken table leaves unknown stays so while the content is the same. A read that fails has a cause outside of
 * the content: the image was not understood then, and is read again. */
static enum ia_status count_uses(struct ia_image *image, struct ia_parsed *parsed, struct ia_error *err)
{
    struct ia_error cause = {0};
    enum ia_status status = ia_image_account(image, &cause);
    if (status == IA_OK)
        return IA_OK;
    image->facts.metadata_bytes = -1;
    if (status == IA_NOMEM)
        return ia_no_memory(err);
    bool is_of_content = status == IA_CORRUPT || status == IA_LIMIT || status == IA_UNSUPPORTED;
    if (is_of_content || parsed->status != IA_OK)
        return IA_OK;
    for (size_t i = 0; i < parsed->mappings.len; i++)
        parsed->mappings.items[i].failed = true;
    return ia_parse_note(parsed, status, &cause, err);
}

/* Everything that is read from the open image and its parts. */
static enum ia_status read_image(struct ia_image *image, const struct ia_parse_sink *sink,
                                 struct ia_parse_result *result, struct ia_error *err)
{
    struct ia_parsed *parsed = &result->parsed;
    struct ia_error cause = {0};
    enum ia_status status = IA_OK;
    if (parsed->status == IA_OK) {
        enum ia_status assembled = ia_image_assemble(image, &cause);
        if (assembled != IA_OK)
            status = ia_parse_note(parsed, assembled, &cause, err);
    }
    if (status == IA_OK && parsed->status == IA_OK)
        status = read_mappings(image, sink, parsed, err);
    if (status == IA_OK)
        status = count_uses(image, parsed, err);
    if (status == IA_OK && parsed->status == IA_OK)
        status = ia_account_image(image, &result->account, err);
    image->facts.truncated = image->facts.truncated || ia_image_read_past_end(image);
    result->table_bytes += ia_image_bytes_read(image);
    if (!ia_parsed_set_identity(parsed, &image->identity))
        status = ia_no_memory(err);
    parsed->facts = image->facts;
    image->facts = (struct ia_image_facts){0}; /* moved */
    return status;
}

enum ia_status ia_parse_image(const struct ia_parse_request *request, const struct ia_parse_env *env,
                              const struct ia_decision *decision, struct ia_source **source,
                              const struct ia_parse_sink *sink, struct ia_parse_result *result, struct ia_error *err)
{
    struct ia_parsed *parsed = &result->parsed;
    struct ia_error cause = {0};
    struct ia_image *image = NULL;
    parsed->basis = decision->basis;
    parsed->format = strdup(decision->format != NULL ? decision->format->name : decision->known);
    if (parsed->format == NULL)
        return ia_no_memory(err);
    if (decision->format == NULL) {
        ia_fail(&cause, IA_UNSUPPORTED, "format %s is not read by this version", decision->known);
        return ia_parse_note(parsed, IA_UNSUPPORTED, &cause, err);
    }
    enum ia_status opened = ia_image_open(decision->format, *source, env->limits, &image, &cause);
    if (opened != IA_OK)
        return ia_parse_note(parsed, opened, &cause, err);
    *source = NULL;
    struct ia_space *space = NULL;
    enum ia_status status = open_parts(request, env, image, result, err);
    if (status == IA_OK && (space = ia_space_new(1 + image->facts.parts.len)) == NULL)
        status = ia_no_memory(err);
    image->space = space;
    if (status == IA_OK)
        status = read_image(image, sink, result, err);
    ia_image_close(image);
    ia_space_free(space);
    return status;
}
