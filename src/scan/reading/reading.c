/* SPDX-License-Identifier: MIT */
/* Having files read by the pool, and keeping what comes back: extents go to the store at once, facts to the catalog. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "scan/catalog/volumes.h"
#include "scan/reading/reading.h"

#include "base/checked.h"
#include "base/cleanup.h"

void ia_read_release_parts(struct ia_read *read)
{
    for (size_t i = 0; i < read->parts.len; i++) {
        free(read->parts.items[i].path);
        free(read->parts.items[i].message);
    }
    ia_vec_release(&read->parts);
}

void ia_read_release(struct ia_read *read)
{
    ia_read_release_parts(read);
    ia_sharing_release(&read->sharing);
    ia_account_release(&read->account);
}

/* The workers share the process's file descriptors, and each has an image with all its files open. */
static int affordable_parts(const struct ia_scan_options *options)
{
    enum { RESERVED = 128, LEAST = 16 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return options->limits->max_parts;
    int64_t each = ((int64_t)limit.rlim_cur - RESERVED) / ia_max(options->workers, 1);
    return (int)ia_min(options->limits->max_parts, ia_max(each, LEAST));
}

enum ia_status ia_reading_start(struct ia_reading *reading, struct ia_error *err)
{
    const struct ia_scan_options *options = reading->catalog->options;
    reading->limits = *options->limits;
    reading->limits.max_parts = affordable_parts(options);
    reading->env = (struct ia_parse_env){.confine = &reading->catalog->confine, .limits = &reading->limits};
    return ia_pool_start(options->workers, &reading->env, &reading->pool, err);
}

void ia_reading_stop(struct ia_reading *reading)
{
    ia_pool_stop(reading->pool);
    reading->pool = NULL;
}

enum ia_status ia_reading_drop_mappings(struct ia_reading *reading, struct ia_file *item, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < item->parsed.mappings.len && status == IA_OK; i++)
        if (item->parsed.mappings.items[i].map_id != 0)
            status = ia_writer_drop_mapping(reading->writer, item->parsed.mappings.items[i].map_id, err);
    item->parsed.mappings.len = 0;
    return status;
}

/* What was an image because something named it stays one when nothing does: it may be an orphan. */
struct ia_parse_request ia_reading_request_for(const struct ia_catalog *catalog, const struct ia_file *file)
{
    return (struct ia_parse_request){
        .raw_by_suffix = ia_catalog_any_raw_suffix(catalog, file),
        .raw_by_past = ia_catalog_was_named(catalog, file),
        .raw_by_name = ia_catalog_is_root(catalog, file),
        .claims_image = ia_file_claims_image(file),
        .may_be_packed = ia_catalog_may_be_packed(catalog, file),
        .claims_packed = ia_file_claims_packed(file),
    };
}

enum ia_status ia_reading_submit(struct ia_reading *reading, size_t number, const struct ia_parse_request *how,
                                 struct ia_error *err)
{
    struct ia_file *item = reading->catalog->files.items[number];
    struct ia_parse_request request = *how;
    request.item = number;
    request.path = ia_file_path(item);
    reading->catalog->progress.files_total++;
    return ia_pool_submit(reading->pool, &request, err);
}

/* The mapping's row in the store, made when its first extents come. */
static enum ia_status store_extents(struct ia_reading *reading, const struct ia_event *event, struct ia_error *err)
{
    struct ia_file *item = reading->catalog->files.items[event->item];
    struct ia_parsed *parsed = &item->parsed;
    while (parsed->mappings.len <= event->mapping) {
        struct ia_mapping mapping = {.map_id = ia_writer_new_map_id(reading->writer)};
        if (!ia_vec_push(&parsed->mappings, mapping))
            return ia_no_memory(err);
    }
    reading->extents += (int64_t)event->count;
    return ia_writer_put_extents(reading->writer, parsed->mappings.items[event->mapping].map_id, event->extents,
                                 event->count, err);
}

/* Joins the numbers that the store's mappings got with what the worker counted. */
static enum ia_status adopt(struct ia_reading *reading, struct ia_file *item, struct ia_parse_result *result,
                            struct ia_error *err)
{
    struct ia_parsed parsed = result->parsed;
    result->parsed = (struct ia_parsed){0};
    for (size_t i = 0; i < parsed.mappings.len; i++)
        parsed.mappings.items[i].map_id = i < item->parsed.mappings.len ? item->parsed.mappings.items[i].map_id
                                                                        : ia_writer_new_map_id(reading->writer);
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < parsed.mappings.len && status == IA_OK; i++) {
        /* Half a mapping is none: what was stored of it goes. */
        if (parsed.mappings.items[i].failed) {
            status = ia_writer_drop_mapping(reading->writer, parsed.mappings.items[i].map_id, err);
            parsed.mappings.items[i].extents = 0;
        }
    }
    if (parsed.status != IA_OK)
        memset(parsed.state_bytes, 0, sizeof(parsed.state_bytes));
    ia_parsed_release(&item->parsed);
    ia_account_release(&item->read->account);
    item->parsed = parsed;
    item->read->account = result->account;
    result->account = (struct ia_account){0};
    item->has_parsed = true;
    return status;
}

/* A store keeps of a part whether it is somewhere else or nowhere, and no other reason why it cannot be had. */
static enum ia_resolve_state found_of(enum ia_status status)
{
    switch (status) {
    case IA_OK:
        return IA_RESOLVE_FOLLOWED;
    case IA_REFUSED:
        return IA_RESOLVE_OUTSIDE;
    case IA_MISSING:
        return IA_RESOLVE_MISSING;
    default:
        return IA_RESOLVE_DENIED;
    }
}

/* Takes one part into the catalog. */
static enum ia_status add_part(struct ia_reading *reading, size_t number, struct ia_parsed_part *parsed,
                               struct ia_error *err)
{
    struct ia_catalog *catalog = reading->catalog;
    struct ia_read *read = catalog->files.items[number]->read;
    struct ia_resolved *file = &parsed->file;
    struct ia_file_part part = {
        .item = IA_NO_FILE, .path = file->path, .message = parsed->message, .found = found_of(parsed->status)};
    part.state = file->state == IA_RESOLVE_AMBIGUOUS ? IA_RESOLVE_AMBIGUOUS : part.found;
    file->path = NULL;
    parsed->message = NULL;
    if (!ia_vec_push(&read->parts, part)) {
        free(part.path);
        free(part.message);
        return ia_no_memory(err);
    }
    /* One outside may be one more name of a file inside. */
    if (!parsed->opened && part.found != IA_RESOLVE_OUTSIDE)
        return IA_OK;
    size_t found = ia_catalog_find(catalog, (int64_t)file->st.st_dev, (int64_t)file->st.st_ino);
    enum ia_status status = IA_OK;
    if (found == IA_NO_FILE && parsed->opened)
        status = ia_catalog_add(catalog, part.path, &file->st, false, &found, err);
    read->parts.items[read->parts.len - 1].item = found;
    return status;
}

static enum ia_status add_parts_read(struct ia_reading *reading, size_t number, struct ia_parse_result *result,
                                     struct ia_error *err)
{
    ia_read_release_parts(reading->catalog->files.items[number]->read);
    for (size_t i = 0; i < result->parts.len; i++)
        IA_TRY(add_part(reading, number, &result->parts.items[i], err));
    return IA_OK;
}

/* Takes over what the worker found, as far as there is room for it. */
static void take_sharing(struct ia_reading *reading, struct ia_file *item, struct ia_sharing *found)
{
    reading->shared_runs -= (int64_t)item->read->sharing.pieces.len;
    ia_sharing_release(&item->read->sharing);
    item->read->sharing = *found;
    *found = (struct ia_sharing){0};
    if ((int64_t)item->read->sharing.pieces.len > reading->limits.max_all_shared_runs - reading->shared_runs)
        ia_sharing_forget_places(&item->read->sharing);
    reading->shared_runs += (int64_t)item->read->sharing.pieces.len;
}

/* What was read of a file that did not hold still may be half of what is in it. */
static enum ia_status take_packed(struct ia_file *item, struct ia_parse_result *result, struct ia_error *err)
{
    struct ia_packed_content *packed = ia_steal_ptr(result->packed);
    ia_packed_content_free(item->packed);
    item->packed = packed;
    item->read->looks_packed = result->looks_packed;
    item->read->unpacked_now = packed != NULL;
    if (packed == NULL || !result->parsed.changed_while_read || packed->problem != NULL)
        return IA_OK;
    packed->problem = strdup("changed twice while it was read");
    return packed->problem != NULL ? IA_OK : ia_no_memory(err);
}

/* Ends: each time that it is read by another name it loses one. */
static enum ia_status take_moved(struct ia_reading *reading, struct ia_event *event, bool *done, struct ia_error *err)
{
    struct ia_file *item = reading->catalog->files.items[event->item];
    enum ia_moved how;
    IA_TRY(ia_reading_drop_mappings(reading, item, err));
    ia_parsed_release(&item->parsed);
    ia_read_release_parts(item->read);
    item->has_parsed = false;
    IA_TRY(ia_reading_find_moved(reading->catalog, event, &how, err));
    *done = how != IA_MOVED_NOT;
    return how == IA_MOVED_TO_OTHER_NAMES ? ia_reading_submit(reading, event->item, &event->request, err) : IA_OK;
}

static enum ia_status finish(struct ia_reading *reading, struct ia_event *event, struct ia_error *err)
{
    struct ia_file *item = reading->catalog->files.items[event->item];
    struct ia_parse_result *result = &event->result;
    if (event->status != IA_OK)
        return ia_fail(err, event->status, "cannot read '%s': %s", ia_file_path(item), ia_status_word(event->status));
    reading->catalog->progress.files_done++;
    reading->catalog->progress.table_bytes += result->table_bytes;
    item->look_again = false;
    bool done = false;
    if (ia_reading_has_moved(item, event))
        IA_TRY(take_moved(reading, event, &done, err));
    if (done)
        return IA_OK;
    bool is_other = result->opened && event->request.lock_only && !ia_file_is_of(item, &result->st);
    item->read->lock_state = is_other ? "unknown" : result->lock_state;
    if (result->opened && !is_other)
        take_sharing(reading, item, &result->sharing);
    if (event->request.lock_only)
        return IA_OK;
    if (result->opened) {
        ia_file_key_from_stat(&item->key, &result->st);
        item->birth_ns = result->birth_ns;
        IA_TRY(ia_catalog_see_volume(reading->catalog, item->key.dev, &item->volume, err));
        item->disk_size = (int64_t)result->st.st_blocks * 512;
        item->links = (int64_t)result->st.st_nlink;
    }
    item->checked_ns = result->checked_ns;
    item->class = result->class;
    item->reason = result->reason;
    item->from_store = false;
    IA_TRY(take_packed(item, result, err));
    if (result->class == IA_CLASS_SKIPPED || result->class == IA_CLASS_PACKED)
        return IA_OK;
    item->read->parsed_now = result->class == IA_CLASS_IMAGE;
    IA_TRY(adopt(reading, item, result, err));
    return add_parts_read(reading, event->item, result, err);
}

static enum ia_status handle(struct ia_reading *reading, struct ia_event *event, struct ia_error *err)
{
    struct ia_file *item = reading->catalog->files.items[event->item];
    switch (event->kind) {
    case IA_EVENT_BEGIN: {
        enum ia_status status = ia_reading_drop_mappings(reading, item, err);
        ia_read_release_parts(item->read);
        ia_parsed_release(&item->parsed);
        item->has_parsed = false;
        return status;
    }
    case IA_EVENT_EXTENTS:
        return store_extents(reading, event, err);
    default:
        return finish(reading, event, err);
    }
}

enum ia_status ia_reading_drain(struct ia_reading *reading, struct ia_error *err)
{
    struct ia_event event;
    enum ia_status status = IA_OK;
    while (status == IA_OK && ia_pool_take(reading->pool, &event)) {
        status = handle(reading, &event, err);
        ia_event_release(&event);
        ia_catalog_report(reading->catalog, "reading");
    }
    return status;
}

enum ia_status ia_reading_read_new(struct ia_reading *reading, struct ia_error *err)
{
    struct ia_catalog *catalog = reading->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *item = catalog->files.items[i];
        if (item->from_store || item->gone)
            continue;
        const struct ia_parse_request request = ia_reading_request_for(catalog, item);
        IA_TRY(ia_reading_submit(reading, i, &request, err));
    }
    return ia_reading_drain(reading, err);
}
