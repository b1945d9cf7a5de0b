/* SPDX-License-Identifier: MIT */
/* What a worker found of a file, into the catalog. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "scan/catalog/volumes.h"
#include "scan/reading/reading.h"

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

/* Joins the numbers that the store's mappings got with what the worker counted. */
static enum ia_status adopt(struct ia_reading *reading, struct ia_file *file, struct ia_parse_result *result,
                            struct ia_error *err)
{
    struct ia_parsed *parsed = &result->parsed;
    for (size_t i = 0; i < parsed->mappings.len; i++)
        parsed->mappings.items[i].map_id = i < file->parsed->mappings.len ? file->parsed->mappings.items[i].map_id
                                                                          : ia_writer_new_map_id(reading->writer);
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < parsed->mappings.len && status == IA_OK; i++) {
        /* Half a mapping is none: what was stored of it goes. */
        if (parsed->mappings.items[i].failed) {
            status = ia_writer_drop_mapping(reading->writer, parsed->mappings.items[i].map_id, err);
            parsed->mappings.items[i].extents = 0;
        }
    }
    if (parsed->status != IA_OK)
        memset(parsed->state_bytes, 0, sizeof(parsed->state_bytes));
    ia_parsed_drop(&file->parsed);
    struct ia_parsed *own = ia_parsed_own(&file->parsed);
    if (own == NULL)
        return ia_no_memory(err);
    *own = *parsed;
    *parsed = (struct ia_parsed){0};
    ia_account_release(&file->read->account);
    file->read->account = result->account;
    result->account = (struct ia_account){0};
    file->has_parsed = true;
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
        .file = IA_NO_FILE, .path = file->path, .message = parsed->message, .found = found_of(parsed->status)};
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
    read->parts.items[read->parts.len - 1].file = found;
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
static void take_sharing(struct ia_reading *reading, struct ia_file *file, struct ia_sharing *found)
{
    reading->shared_runs -= (int64_t)file->read->sharing.pieces.len;
    ia_sharing_release(&file->read->sharing);
    file->read->sharing = *found;
    *found = (struct ia_sharing){0};
    if ((int64_t)file->read->sharing.pieces.len > reading->limits.max_all_shared_runs - reading->shared_runs)
        ia_sharing_forget_places(&file->read->sharing);
    reading->shared_runs += (int64_t)file->read->sharing.pieces.len;
}

/* What was read of a file that did not hold still may be half of what is in it. */
static enum ia_status take_packed(struct ia_file *file, struct ia_parse_result *result, struct ia_error *err)
{
    struct ia_packed_content *packed = ia_steal_ptr(result->packed);
    ia_packed_content_free(file->packed);
    file->packed = packed;
    file->read->looks_packed = result->looks_packed;
    file->read->unpacked_now = packed != NULL;
    if (packed == NULL || !result->parsed.changed_while_read || packed->problem != NULL)
        return IA_OK;
    packed->problem = strdup("changed twice while it was read");
    return packed->problem != NULL ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_reading_take(struct ia_reading *reading, struct ia_event *event, struct ia_error *err)
{
    struct ia_file *file = reading->catalog->files.items[event->file];
    struct ia_parse_result *result = &event->result;
    bool is_other = result->opened && event->request.lock_only && !ia_file_is_of(file, &result->st);
    file->read->lock = is_other ? IA_LOCK_UNKNOWN : result->lock;
    if (result->opened && !is_other)
        take_sharing(reading, file, &result->sharing);
    if (event->request.lock_only)
        return IA_OK;
    if (result->opened) {
        struct ia_file_key now;
        ia_file_key_from_stat(&now, &result->st);
        file->read->written_since_walk |= !ia_file_key_same_content(&now, &file->key);
        file->key = now;
        file->birth_ns = result->birth_ns;
        IA_TRY(ia_catalog_see_volume(reading->catalog, file->key.dev, &file->volume, err));
        file->disk_size = (int64_t)result->st.st_blocks * 512;
        file->links = (int64_t)result->st.st_nlink;
    }
    file->checked_ns = result->checked_ns;
    file->class = result->class;
    file->reason = result->reason;
    file->from_store = false;
    IA_TRY(take_packed(file, result, err));
    if (result->class == IA_CLASS_SKIPPED || result->class == IA_CLASS_PACKED)
        return IA_OK;
    file->read->parsed_now = result->class == IA_CLASS_IMAGE;
    IA_TRY(adopt(reading, file, result, err));
    return add_parts_read(reading, event->file, result, err);
}
