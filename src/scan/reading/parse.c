/* SPDX-License-Identifier: MIT */
/* Reading one file. */
#include "scan/reading/parse.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "scan/reading/decide.h"
#include "scan/reading/locks.h"

void ia_parse_result_release(struct ia_parse_result *result)
{
    ia_parsed_release(&result->parsed);
    ia_account_release(&result->account);
    for (size_t i = 0; i < result->parts.len; i++) {
        ia_resolved_release(&result->parts.items[i].file);
        free(result->parts.items[i].message);
    }
    ia_vec_release(&result->parts);
    ia_sharing_release(&result->sharing);
    *result = (struct ia_parse_result){0};
}

/* The racy-timestamp rule: a file that changed within one tick of the file system's clock before we read it may change
 * again without a trace. Waits the tick out; returns the time of reading, or 0 when the time stamps are too coarse or
 * lie in the future, so that the file is to be read again next time. */
static int64_t time_of_reading(const struct stat *st)
{
    struct timespec resolution;
    clock_getres(CLOCK_REALTIME_COARSE, &resolution);
    int64_t tick = resolution.tv_nsec + 1000000;
    if (st->st_ctim.tv_nsec == 0 && st->st_mtim.tv_nsec == 0)
        tick = INT64_C(2000000000); /* a file system that keeps whole seconds */
    int64_t changed = ia_timespec_ns(st->st_ctim);
    int64_t age = ia_clock_ns(CLOCK_REALTIME) - changed;
    if (age >= 0 && age < tick && tick < 100000000) {
        struct timespec wait = {.tv_nsec = (long)(tick - age)};
        nanosleep(&wait, NULL);
    }
    int64_t now = ia_clock_ns(CLOCK_REALTIME);
    return now - changed >= tick ? now : 0;
}

static bool same_content(const struct stat *a, const struct stat *b)
{
    struct ia_file_key x;
    struct ia_file_key y;
    ia_file_key_from_stat(&x, a);
    ia_file_key_from_stat(&y, b);
    return memcmp(&x, &y, sizeof(x)) == 0;
}

/* A part is looked for beside the image, whatever directory QEMU would work in. */
static enum ia_status open_part(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                const struct ia_image_part *named, struct ia_parsed_part *part,
                                struct ia_source **source, struct ia_error *err)
{
    const struct ia_resolve_rules rules = {.confine = env->confine, .parts_stay = true};
    enum ia_status status = ia_resolve_part(&rules, request->path, named, &part->file, err);
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

/* *broken: a failing status is the image's own fault. */
static enum ia_status read_mapping(struct ia_image *image, size_t number, const struct ia_parse_sink *sink,
                                   struct ia_parsed *parsed, bool *broken, struct ia_error *err)
{
    struct ia_mapping *mapping = &parsed->mappings.items[number];
    struct ia_cursor *cursor = NULL;
    *broken = true;
    enum ia_status status = ia_cursor_open(image, number, 0, INT64_MAX, &cursor, err);
    while (status == IA_OK) {
        const struct ia_extent *batch;
        size_t count;
        status = ia_cursor_next(cursor, &batch, &count, err);
        if (status != IA_OK || count == 0)
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

static enum ia_status note(struct ia_parsed *parsed, enum ia_status status, const struct ia_error *cause,
                           struct ia_error *err)
{
    free(parsed->message);
    parsed->status = status;
    parsed->message = strdup(cause->message);
    return parsed->message != NULL ? IA_OK : ia_no_memory(err);
}

static enum ia_status read_mappings(struct ia_image *image, const struct ia_parse_sink *sink, struct ia_parsed *parsed,
                                    struct ia_error *err)
{
    size_t mappings = 1 + image->facts.snapshots.len;
    if (!ia_vec_reserve(&parsed->mappings, mappings))
        return ia_no_memory(err);
    for (size_t i = 0; i < mappings; i++) {
        struct ia_error cause = {0};
        bool broken = false;
        parsed->mappings.items[parsed->mappings.len++] = (struct ia_mapping){.size = ia_image_mapping_size(image, i)};
        enum ia_status read = read_mapping(image, i, sink, parsed, &broken, &cause);
        if (read == IA_OK)
            continue;
        if (!broken || read == IA_NOMEM)
            return ia_fail(err, read, "%s", cause.message);
        parsed->mappings.items[i].failed = true;
        ia_space_fail(image->space);
        if (i == 0)
            IA_TRY(note(parsed, read, &cause, err));
    }
    return IA_OK;
}

/* All that can be had are opened, whatever happens to the others: each is to be known as a part. */
static enum ia_status open_parts(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                 struct ia_image *image, struct ia_parse_result *result, struct ia_error *err)
{
    size_t count = image->facts.parts.len;
    if (!ia_vec_reserve(&result->parts, count))
        return ia_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct ia_parsed_part *part = &result->parts.items[result->parts.len++];
        struct ia_source *source = NULL;
        struct ia_error cause = {0};
        *part = (struct ia_parsed_part){0};
        part->status = open_part(request, env, &image->facts.parts.items[i], part, &source, &cause);
        if (part->status == IA_OK)
            part->status = ia_image_attach(image, i, source, &cause);
        if (part->status == IA_OK)
            continue;
        ia_source_close(source);
        part->message = strdup(cause.message);
        if (part->status == IA_NOMEM || part->message == NULL)
            return ia_no_memory(err);
        if (result->parsed.status == IA_OK && note(&result->parsed, part->status, &cause, err) != IA_OK)
            return IA_NOMEM;
    }
    return IA_OK;
}

/* Everything that is read from the open image. */
static enum ia_status read_image(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                 struct ia_image *image, const struct ia_parse_sink *sink,
                                 struct ia_parse_result *result, struct ia_error *err)
{
    struct ia_parsed *parsed = &result->parsed;
    struct ia_error cause = {0};
    enum ia_status status = open_parts(request, env, image, result, err);
    if (status == IA_OK && parsed->status == IA_OK) {
        enum ia_status assembled = ia_image_assemble(image, &cause);
        if (assembled != IA_OK)
            status = note(parsed, assembled, &cause, err);
    }
    if (status == IA_OK && parsed->status == IA_OK)
        status = read_mappings(image, sink, parsed, err);
    if (status == IA_OK && ia_image_account(image, &cause) != IA_OK)
        image->facts.metadata_bytes = -1;
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

static enum ia_status read_as(const struct ia_parse_request *request, const struct ia_parse_env *env,
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
        return note(parsed, IA_UNSUPPORTED, &cause, err);
    }
    enum ia_status opened = ia_image_open(decision->format, *source, env->limits, &image, &cause);
    if (opened != IA_OK)
        return note(parsed, opened, &cause, err);
    *source = NULL;
    struct ia_space *space = ia_space_new(1 + image->facts.parts.len);
    image->space = space;
    enum ia_status status = space == NULL ? ia_no_memory(err) : read_image(request, env, image, sink, result, err);
    ia_image_close(image);
    ia_space_free(space);
    return status;
}

/* Since they were opened. Looked at by name: one that is another file now has changed too. */
static bool parts_changed(struct ia_parse_result *result)
{
    for (size_t i = 0; i < result->parts.len; i++) {
        struct ia_parsed_part *part = &result->parts.items[i];
        struct stat after;
        if (!part->opened)
            continue;
        if (stat(part->file.path, &after) != 0 || !same_content(&part->file.st, &after))
            return true;
        part->file.st = after; /* the host may have allotted blocks meanwhile */
    }
    return false;
}

/* What was written to preallocated blocks counts as never written until the host has put it there, which changes
 * neither the file's time stamps nor the number of its blocks. By default Linux takes half a minute. */
static bool may_settle(const struct ia_parse_result *result)
{
    enum { SECONDS = 60 };
    bool unwritten = false;
    for (size_t i = 0; i < result->account.rows.len; i++)
        unwritten = unwritten || result->account.rows.items[i].unwritten_bytes > 0;
    time_t written = result->st.st_mtim.tv_sec;
    for (size_t i = 0; i < result->parts.len; i++)
        if (result->parts.items[i].opened && result->parts.items[i].file.st.st_mtim.tv_sec > written)
            written = result->parts.items[i].file.st.st_mtim.tv_sec;
    return unwritten && written > time(NULL) - SECONDS;
}

static enum ia_status attempt(const struct ia_parse_request *request, const struct ia_parse_env *env,
                              const struct ia_parse_sink *sink, struct ia_parse_result *result, bool *changed,
                              struct ia_error *err)
{
    IA_AUTO_CLOSE int fd = -1;
    IA_AUTO_CLOSE int again = -1;
    struct ia_error cause = {0};
    enum ia_status opened = request->lock_only
                                ? ia_confine_open_again(env->confine, request->path, &fd, &result->st, &cause)
                                : ia_confine_open(env->confine, request->path, &fd, &result->st, &cause);
    *changed = false;
    result->class = IA_CLASS_UNKNOWN;
    result->reason = "unreadable";
    if (opened != IA_OK)
        return note(&result->parsed, opened, &cause, err);
    result->opened = true;
    result->checked_ns = time_of_reading(&result->st);
    result->lock_state = ia_lock_state(fd);
    if (request->lock_only)
        return ia_sharing_ask(fd, env->limits->max_shared_runs, &result->sharing, err);

    struct ia_source *source = NULL;
    struct ia_decision decision;
    again = dup(fd);
    opened = ia_source_open_fd(fd, &source, &cause);
    if (opened == IA_OK)
        ia_steal_fd(&fd);
    if (opened == IA_OK)
        opened = ia_decide(request, source, &decision, &cause);
    enum ia_status status = IA_OK;
    if (opened != IA_OK) {
        status = note(&result->parsed, opened, &cause, err);
    } else {
        result->class = decision.class;
        result->reason = decision.reason;
        if (decision.class == IA_CLASS_IMAGE)
            status = read_as(request, env, &decision, &source, sink, result, err);
    }
    ia_source_close(source);
    if (status == IA_OK && result->class == IA_CLASS_IMAGE && again >= 0)
        status = ia_sharing_ask(again, env->limits->max_shared_runs, &result->sharing, err);
    struct stat after;
    bool looked = again >= 0 && fstat(again, &after) == 0;
    *changed = !looked || !same_content(&result->st, &after) || parts_changed(result);
    if (!*changed)
        result->st = after; /* as with parts */
    if (may_settle(result))
        result->checked_ns = 0;
    return status;
}

enum ia_status ia_parse_file(const struct ia_parse_request *request, const struct ia_parse_env *env,
                             const struct ia_parse_sink *sink, struct ia_parse_result *result, struct ia_error *err)
{
    IA_AUTO_FREE char *first_backing = NULL;
    bool changed = false;
    for (int tries = 0; tries < 2; tries++) {
        int64_t table_bytes = result->table_bytes;
        free(first_backing);
        first_backing = ia_steal_ptr(result->parsed.facts.backing_name);
        ia_parse_result_release(result);
        *result = (struct ia_parse_result){.lock_state = "unknown", .table_bytes = table_bytes};
        enum ia_status status = request->lock_only ? IA_OK : sink->begin(sink->ctx, err);
        if (status == IA_OK)
            status = attempt(request, env, sink, result, &changed, err);
        if (status != IA_OK || !changed)
            return status;
    }
    const char *backing = result->parsed.facts.backing_name;
    result->checked_ns = 0;
    result->parsed.changed_while_read = true;
    ia_account_release(&result->account); /* of two states, neither of which was */
    result->parsed.facts.overlapping = -1;
    result->parsed.references_changed =
        strcmp(first_backing == NULL ? "" : first_backing, backing == NULL ? "" : backing) != 0;
    return IA_OK;
}
