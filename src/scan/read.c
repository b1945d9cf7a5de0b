/* SPDX-License-Identifier: MIT */
/* Having files read by the pool, and keeping what comes back: extents go to the store at once, facts to the inventory.
 */
#include <stdlib.h>
#include <string.h>

#include "scan/internal.h"

static enum ia_status drop_mappings(struct ia_scan *scan, struct ia_item *item, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < item->parsed.mappings.len && status == IA_OK; i++)
        if (item->parsed.mappings.items[i].map_id != 0)
            status = ia_writer_drop_mapping(scan->writer, item->parsed.mappings.items[i].map_id, err);
    item->parsed.mappings.len = 0;
    return status;
}

static enum ia_status submit(struct ia_scan *scan, size_t number, const struct ia_parse_request *how,
                             struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[number];
    struct ia_parse_request request = *how;
    request.item = number;
    request.path = ia_item_path(item);
    scan->files_total++;
    scan->bytes_total += item->key.size;
    return ia_pool_submit(scan->pool, &request, err);
}

static bool any_name(const struct ia_scan *scan, const struct ia_item *item, bool raw)
{
    for (size_t i = 0; i < item->names.len; i++) {
        const char *path = item->names.items[i].path;
        if (raw ? ia_scan_has_raw_suffix(scan, path) : ia_scan_claims_image(path))
            return true;
    }
    return false;
}

/* The mapping's row in the store, made when its first extents come. */
static enum ia_status store_extents(struct ia_scan *scan, const struct ia_event *event, struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[event->item];
    struct ia_parsed *parsed = &item->parsed;
    while (parsed->mappings.len <= event->mapping) {
        struct ia_mapping mapping = {.map_id = ia_writer_new_map_id(scan->writer)};
        if (!ia_vec_push(&parsed->mappings, mapping))
            return ia_fail(err, IA_NOMEM, "out of memory");
    }
    scan->row.extents += (int64_t)event->count;
    return ia_writer_put_extents(scan->writer, parsed->mappings.items[event->mapping].map_id, event->extents,
                                 event->count, err);
}

/* Joins the numbers that the store's mappings got with what the worker counted. */
static enum ia_status adopt(struct ia_scan *scan, struct ia_item *item, struct ia_parse_result *result,
                            struct ia_error *err)
{
    struct ia_parsed parsed = result->parsed;
    result->parsed = (struct ia_parsed){0};
    for (size_t i = 0; i < parsed.mappings.len; i++)
        parsed.mappings.items[i].map_id =
            i < item->parsed.mappings.len ? item->parsed.mappings.items[i].map_id : ia_writer_new_map_id(scan->writer);
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < parsed.mappings.len && status == IA_OK; i++) {
        /* Half a mapping is none: what was stored of it goes. */
        if (parsed.mappings.items[i].failed) {
            status = ia_writer_drop_mapping(scan->writer, parsed.mappings.items[i].map_id, err);
            parsed.mappings.items[i].extents = 0;
        }
    }
    if (parsed.status != IA_OK)
        memset(parsed.state_bytes, 0, sizeof(parsed.state_bytes));
    ia_parsed_release(&item->parsed);
    item->parsed = parsed;
    item->has_parsed = true;
    return status;
}

/* Takes one part into the inventory. */
static enum ia_status note_part(struct ia_scan *scan, size_t number, struct ia_parsed_part *parsed,
                                struct ia_error *err)
{
    struct ia_inventory *inventory = &scan->inventory;
    struct ia_item_part part = {.item = IA_NO_ITEM,
                                .path = parsed->path,
                                .message = parsed->message,
                                .status = parsed->status,
                                .ambiguous = parsed->ambiguous};
    parsed->path = NULL;
    parsed->message = NULL;
    if (!ia_vec_push(&inventory->items.items[number].parts, part)) {
        free(part.path);
        free(part.message);
        return ia_fail(err, IA_NOMEM, "out of memory");
    }
    /* Outside, and yet one more name of a file inside: looked at, never opened. */
    bool seen = parsed->status == IA_REFUSED && part.path != NULL && stat(part.path, &parsed->st) == 0;
    if (!parsed->opened && !seen)
        return IA_OK;
    enum ia_status status = IA_OK;
    size_t found = ia_inventory_find(inventory, (int64_t)parsed->st.st_dev, (int64_t)parsed->st.st_ino);
    if (found == IA_NO_ITEM && parsed->opened)
        status = ia_inventory_add(inventory, part.path, &parsed->st, false, &found, err);
    struct ia_item *item = &inventory->items.items[number]; /* the array may have moved */
    item->parts.items[item->parts.len - 1].item = found;
    return status;
}

static enum ia_status note_parts(struct ia_scan *scan, size_t number, struct ia_parse_result *result,
                                 struct ia_error *err)
{
    ia_item_release_parts(&scan->inventory.items.items[number]);
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < result->parts.len && status == IA_OK; i++)
        status = note_part(scan, number, &result->parts.items[i], err);
    return status;
}

/* The name may lead to another file by now. */
static bool is_file_of(const struct ia_item *item, const struct stat *st)
{
    return item->key.dev == (int64_t)st->st_dev && item->key.inode == (int64_t)st->st_ino;
}

/* Takes over what the worker was told, as far as there is room for it. */
static void take_sharing(struct ia_scan *scan, struct ia_item *item, struct ia_sharing *told)
{
    scan->shared_runs -= (int64_t)item->sharing.pieces.len;
    ia_sharing_release(&item->sharing);
    item->sharing = *told;
    *told = (struct ia_sharing){0};
    if ((int64_t)item->sharing.pieces.len > scan->limits.max_all_shared_runs - scan->shared_runs)
        ia_sharing_forget_places(&item->sharing);
    scan->shared_runs += (int64_t)item->sharing.pieces.len;
}

static enum ia_status finish(struct ia_scan *scan, struct ia_event *event, struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[event->item];
    struct ia_parse_result *result = &event->result;
    if (event->status != IA_OK)
        return ia_fail(err, event->status, "cannot read '%s': %s", ia_item_path(item), ia_status_word(event->status));
    scan->files_done++;
    scan->bytes_done += item->key.size;
    scan->row.table_bytes += result->table_bytes;
    item->lock_state = result->lock_state;
    if (result->opened && (!event->request.lock_only || is_file_of(item, &result->st)))
        take_sharing(scan, item, &result->sharing);
    if (event->request.lock_only)
        return IA_OK;
    if (result->opened) {
        ia_file_key_from_stat(&item->key, &result->st);
        item->disk_size = (int64_t)result->st.st_blocks * 512;
        item->links = (int64_t)result->st.st_nlink;
    }
    item->checked_ns = result->checked_ns;
    item->verdict = result->verdict;
    item->reason = result->reason;
    item->from_store = false;
    if (result->verdict == IA_VERDICT_PASSED)
        return IA_OK;
    item->parsed_now = result->verdict == IA_VERDICT_IMAGE;
    enum ia_status status = adopt(scan, item, result, err);
    return status == IA_OK ? note_parts(scan, event->item, result, err) : status;
}

static enum ia_status handle(struct ia_scan *scan, struct ia_event *event, struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[event->item];
    switch (event->kind) {
    case IA_EVENT_BEGIN: {
        enum ia_status status = drop_mappings(scan, item, err);
        ia_parsed_release(&item->parsed);
        item->has_parsed = false;
        return status;
    }
    case IA_EVENT_EXTENTS:
        return store_extents(scan, event, err);
    default:
        return finish(scan, event, err);
    }
}

static enum ia_status drain(struct ia_scan *scan, struct ia_error *err)
{
    struct ia_event event;
    enum ia_status status = IA_OK;
    while (status == IA_OK && ia_pool_take(scan->pool, &event)) {
        status = handle(scan, &event, err);
        ia_event_release(&event);
        ia_scan_tell(scan, "reading");
    }
    return status;
}

static bool is_named_root(const struct ia_scan *scan, const struct ia_item *item)
{
    for (size_t i = 0; i < scan->options->root_count; i++)
        if (strcmp(scan->confine.allowed.items[i].path, ia_item_path(item)) == 0)
            return true;
    return false;
}

bool ia_scan_is_raw_by_name(const struct ia_scan *scan, const struct ia_item *item)
{
    return any_name(scan, item, true) || is_named_root(scan, item);
}

enum ia_status ia_scan_read_new(struct ia_scan *scan, struct ia_error *err)
{
    struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->from_store)
            continue;
        struct ia_parse_request request = {.raw_by_suffix = any_name(scan, item, true),
                                           .claims_image = any_name(scan, item, false),
                                           .raw_by_name = is_named_root(scan, item)};
        /* What was an image because something named it stays one when nothing does: it may be an orphan. */
        if (item->previous != IA_NO_ITEM)
            request.raw_by_past = inventory->previous.items[item->previous].referenced_scan != 0;
        status = submit(scan, i, &request, err);
    }
    return status == IA_OK ? drain(scan, err) : status;
}

enum ia_status ia_scan_look_again(struct ia_scan *scan, const size_t *items, size_t count, struct ia_error *err)
{
    const struct ia_parse_request request = {.lock_only = true};
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < count && status == IA_OK; i++)
        status = submit(scan, items[i], &request, err);
    return status == IA_OK ? drain(scan, err) : status;
}

/* A second look at a file because of what other files say of it. True with the request filled when one is needed. */
static bool needs_another_look(struct ia_item *item, struct ia_parse_request *request)
{
    *request = (struct ia_parse_request){.stated = item->stated_format};
    if (item->reread)
        return false;
    if (item->stale || (item->verdict == IA_VERDICT_PART && !item->is_part))
        return true;
    if (!item->is_referenced)
        return false;
    request->raw_by_guess = item->stated_format == NULL;
    if (item->verdict == IA_VERDICT_NONE || item->verdict == IA_VERDICT_PASSED)
        return true;
    if (item->verdict == IA_VERDICT_UNKNOWN)
        return strcmp(item->reason, "unreadable") != 0;
    if (!item->has_parsed)
        return false;
    /* Without a word of the overlay QEMU probes, and probing does not look at the end of a file: to it this is raw. */
    if (item->stated_format == NULL)
        return strcmp(item->parsed.basis, "footer") == 0;
    return strcmp(item->parsed.format, item->stated_format) != 0;
}

/* What the content names stays a reference where the file is read as another format than its own. */
static void keep_content_backing(struct ia_item *item, const char *stated)
{
    if (stated == NULL || !item->has_parsed || item->parsed.facts.backing_name == NULL ||
        strcmp(item->parsed.format, stated) == 0)
        return;
    free(item->content_backing);
    item->content_backing = strdup(item->parsed.facts.backing_name);
}

enum ia_status ia_scan_read_referenced(struct ia_scan *scan, bool *any, struct ia_error *err)
{
    struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    *any = false;
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        struct ia_item *item = &inventory->items.items[i];
        struct ia_parse_request request;
        if (!needs_another_look(item, &request))
            continue;
        item->reread = true;
        item->resolved = false;
        request.raw_by_suffix = any_name(scan, item, true);
        keep_content_backing(item, request.stated);
        if (item->from_store) { /* its stored mappings are no longer true */
            status = drop_mappings(scan, item, err);
            item->from_store = false;
        }
        *any = true;
        if (status == IA_OK)
            status = submit(scan, i, &request, err);
    }
    return status == IA_OK ? drain(scan, err) : status;
}
