/* SPDX-License-Identifier: MIT */
/* Reading one file. */
#include "scan/reading/parse.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "scan/reading/locks.h"
#include "scan/reading/packed.h"
#include "scan/reading/parse_image.h"

void ia_parse_result_release(struct ia_parse_result *result)
{
    ia_parsed_release(&result->parsed);
    ia_account_release(&result->account);
    ia_packed_content_free(result->packed);
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

/* By its name, or by what it holds. */
static enum ia_status may_be_packed(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                    const struct ia_decision *decision, struct ia_source *source,
                                    struct ia_parse_result *result, bool *may, struct ia_error *err)
{
    bool lasting = true;
    *may = request->may_be_packed;
    if (*may || !decision->looks_packed)
        return IA_OK;
    IA_TRY(ia_peek_packed(source, env->limits, may, &lasting, err));
    result->looks_packed = !*may;
    if (!lasting)
        result->checked_ns = 0;
    return IA_OK;
}

/* A raw image, too, may be an archive: QEMU can use a member of it that is not compressed. */
static enum ia_status look_into(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                const struct ia_decision *decision, struct ia_source *source,
                                struct ia_parse_result *result, struct ia_error *err)
{
    bool is_raw = decision->class == IA_CLASS_IMAGE && decision->format != NULL && decision->format->is_plain;
    bool lasting = true;
    if (decision->class != IA_CLASS_SKIPPED && !is_raw)
        return IA_OK;
    bool may = false;
    IA_TRY(may_be_packed(request, env, decision, source, result, &may, err));
    if (may)
        IA_TRY(ia_read_packed(source, request, env->limits, &result->packed, &lasting, err));
    if (!lasting)
        result->checked_ns = 0;
    if ((may || decision->looks_packed) && !is_raw) /* those of an image are counted at its end */
        result->table_bytes += source->bytes_read;
    if (result->packed != NULL && !is_raw) {
        result->class = IA_CLASS_PACKED;
        result->reason = IA_REASON_NONE;
    }
    return IA_OK;
}

static int64_t birth_of(int fd)
{
    int64_t dev;
    int64_t inode;
    int64_t birth_ns;
    return ia_volume_birth(fd, "", &dev, &inode, &birth_ns) ? birth_ns : -1;
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
    result->reason = IA_REASON_UNREADABLE;
    if (opened != IA_OK)
        return ia_parse_note(&result->parsed, opened, &cause, err);
    result->opened = true;
    result->birth_ns = birth_of(fd);
    result->checked_ns = time_of_reading(&result->st);
    result->lock = ia_image_lock_of(fd);
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
        status = ia_parse_note(&result->parsed, opened, &cause, err);
    } else {
        result->class = decision.class;
        result->reason = decision.reason;
        status = look_into(request, env, &decision, source, result, err);
        if (status == IA_OK && decision.class == IA_CLASS_IMAGE)
            status = ia_parse_image(request, env, &decision, &source, sink, result, err);
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
        *result = (struct ia_parse_result){.lock = IA_LOCK_UNKNOWN, .table_bytes = table_bytes};
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
    result->parsed.facts.may_be_lost = false;
    result->parsed.facts.truncated = false; /* by the length that it had: what is past that may have come since */
    result->parsed.references_changed =
        strcmp(first_backing == NULL ? "" : first_backing, backing == NULL ? "" : backing) != 0;
    return IA_OK;
}
