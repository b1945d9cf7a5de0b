/* SPDX-License-Identifier: MIT */
/* Having files read by the pool, and what is done with its events: extents go to the store at once; take.c takes facts
 * into the catalog. */
#include "scan/reading/reading.h"

#include <sys/resource.h>

#include "base/checked.h"

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
    return options->sandbox == IA_SANDBOX_OFF || ia_sandbox_is_sanitized()
               ? ia_pool_start(options->workers, &reading->env, &reading->pool, err)
               : ia_pool_start_apart(options->workers, &reading->env, options->sandbox, &reading->pool, err);
}

void ia_reading_stop(struct ia_reading *reading)
{
    ia_pool_stop(reading->pool);
    reading->pool = NULL;
}

enum ia_status ia_reading_drop_mappings(struct ia_reading *reading, struct ia_file *file, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < file->parsed->mappings.len && status == IA_OK; i++)
        if (file->parsed->mappings.items[i].map_id != 0)
            status = ia_writer_drop_mapping(reading->writer, file->parsed->mappings.items[i].map_id, err);
    if (file->parsed->mappings.len > 0)
        ia_parsed_own(&file->parsed)->mappings.len = 0;
    return status;
}

/* What was an image because something named it stays one when nothing does: it may be an orphan. */
struct ia_parse_request ia_reading_request_for(const struct ia_catalog *catalog, const struct ia_file *file)
{
    const struct ia_format *described;
    const char *described_as = ia_file_described_name(file, &described);
    return (struct ia_parse_request){
        .described = described,
        .described_as = described_as,
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
    struct ia_file *file = reading->catalog->files.items[number];
    struct ia_parse_request request = *how;
    request.file = number;
    request.path = ia_file_path(file);
    reading->catalog->progress.files_total++;
    return ia_pool_submit(reading->pool, &request, err);
}

/* The mapping's row in the store, made when its first extents come. */
static enum ia_status store_extents(struct ia_reading *reading, const struct ia_event *event, struct ia_error *err)
{
    struct ia_file *file = reading->catalog->files.items[event->file];
    struct ia_parsed *parsed = ia_parsed_own(&file->parsed);
    if (parsed == NULL)
        return ia_no_memory(err);
    while (parsed->mappings.len <= event->mapping) {
        struct ia_mapping mapping = {.map_id = ia_writer_new_map_id(reading->writer)};
        if (!ia_vec_push(&parsed->mappings, mapping))
            return ia_no_memory(err);
    }
    reading->extents += (int64_t)event->count;
    return ia_writer_put_extents(reading->writer, parsed->mappings.items[event->mapping].map_id, event->extents,
                                 event->count, err);
}

/* Ends: each time that it is read by another name it loses one. */
static enum ia_status take_moved(struct ia_reading *reading, struct ia_event *event, bool *done, struct ia_error *err)
{
    struct ia_file *file = reading->catalog->files.items[event->file];
    enum ia_moved how;
    IA_TRY(ia_reading_drop_mappings(reading, file, err));
    ia_parsed_drop(&file->parsed);
    ia_read_release_parts(file->read);
    file->has_parsed = false;
    IA_TRY(ia_reading_find_moved(reading->catalog, event, &how, err));
    *done = how != IA_MOVED_NOT;
    return how == IA_MOVED_TO_OTHER_NAMES ? ia_reading_submit(reading, event->file, &event->request, err) : IA_OK;
}

static enum ia_status finish(struct ia_reading *reading, struct ia_event *event, struct ia_error *err)
{
    struct ia_file *file = reading->catalog->files.items[event->file];
    if (event->status == IA_BUG)
        return ia_fail(err, IA_BUG, "what reads images failed, and made no finding of it, while it read '%s'",
                       ia_file_path(file));
    if (event->status != IA_OK)
        return ia_fail(err, event->status, "cannot read '%s': %s", ia_file_path(file), ia_status_word(event->status));
    reading->catalog->progress.files_done++;
    reading->catalog->progress.table_bytes += event->result.table_bytes;
    file->look_again = false;
    bool done = false;
    if (ia_reading_has_moved(file, event))
        IA_TRY(take_moved(reading, event, &done, err));
    return done ? IA_OK : ia_reading_take(reading, event, err);
}

static enum ia_status handle(struct ia_reading *reading, struct ia_event *event, struct ia_error *err)
{
    struct ia_file *file = reading->catalog->files.items[event->file];
    switch (event->kind) {
    case IA_EVENT_BEGIN: {
        enum ia_status status = ia_reading_drop_mappings(reading, file, err);
        ia_read_release_parts(file->read);
        ia_parsed_drop(&file->parsed);
        file->has_parsed = false;
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
        const struct ia_file *file = catalog->files.items[i];
        if (file->from_store || file->gone)
            continue;
        const struct ia_parse_request request = ia_reading_request_for(catalog, file);
        IA_TRY(ia_reading_submit(reading, i, &request, err));
    }
    return ia_reading_drain(reading, err);
}
