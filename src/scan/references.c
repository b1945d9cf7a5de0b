/* SPDX-License-Identifier: MIT */
/* Writing who names whom: the names of files, the files of images, the references between them. */
#include <string.h>

#include "scan/fingerprint.h"
#include "scan/internal.h"

static const char *state_of_part(const struct ia_item_part *part)
{
    if (part->ambiguous)
        return "ambiguous";
    switch (part->status) {
    case IA_OK:
        return "followed";
    case IA_REFUSED:
        return "outside";
    case IA_MISSING:
        return "missing";
    default:
        return "denied";
    }
}

/* A part of an image that was not understood as far as its parts is named, and looked for by nobody. */
static enum ia_status put_part_reference(struct ia_scan *scan, const struct ia_item *item, size_t number,
                                         struct ia_error *err)
{
    const struct ia_image_part *named = &item->parsed.facts.parts.items[number];
    const struct ia_item_part *part = number < item->parts.len ? &item->parts.items[number] : NULL;
    struct ia_reference_row row = {
        .image_id = item->image_id,
        .kind = named->place == IA_PART_REFERENCE ? "data-file" : "extent",
        .number = (int64_t)number,
        .role = named->role,
        .place = named->place,
        .name = named->name,
        .path = part == NULL || part->path == NULL ? "" : part->path,
        .state = part == NULL ? NULL : state_of_part(part),
        .target_id = part != NULL && part->item != IA_NO_ITEM ? scan->inventory.items.items[part->item].file_id : 0,
    };
    return ia_writer_put_reference(scan->writer, &row, err);
}

static enum ia_status put_backing_reference(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_item *items = scan->inventory.items.items;
    struct ia_reference_row row = {
        .image_id = item->image_id,
        .kind = "backing",
        .place = -1,
        .name = item->parsed.facts.backing_name,
        .path = item->backing_path == NULL ? "" : item->backing_path,
        .state = item->backing_state == NULL ? "unsupported" : item->backing_state,
        .target_id = item->backing_target != IA_NO_ITEM ? items[item->backing_target].file_id : 0,
    };
    return ia_writer_put_reference(scan->writer, &row, err);
}

static enum ia_status put_references(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_image_facts *facts = &item->parsed.facts;
    enum ia_status status = facts->backing_name != NULL ? put_backing_reference(scan, item, err) : IA_OK;
    for (size_t i = 0; i < facts->parts.len && status == IA_OK; i++)
        status = put_part_reference(scan, item, i, err);
    for (size_t i = 0; i < facts->backing_paths.len && status == IA_OK; i++) {
        struct ia_reference_row row = {.image_id = item->image_id,
                                       .kind = "parent-path",
                                       .number = (int64_t)i,
                                       .place = -1,
                                       .name = facts->backing_paths.items[i],
                                       .path = ""};
        status = ia_writer_put_reference(scan->writer, &row, err);
    }
    return status;
}

static enum ia_status put_image_files(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_item *items = scan->inventory.items.items;
    enum ia_status status =
        ia_writer_put_image_file(scan->writer, item->image_id, 0, "main", ia_item_path(item), item->file_id, err);
    for (size_t i = 0; i < item->parts.len && status == IA_OK; i++) {
        const struct ia_item_part *part = &item->parts.items[i];
        if (part->path != NULL)
            status = ia_writer_put_image_file(scan->writer, item->image_id, (int64_t)i + 1,
                                              item->parsed.facts.parts.items[i].role, part->path,
                                              part->item != IA_NO_ITEM ? items[part->item].file_id : 0, err);
    }
    return status;
}

static enum ia_status put_names(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < item->names.len && status == IA_OK; i++)
        status = ia_writer_put_name(scan->writer, item->names.items[i].path, item->file_id,
                                    item->names.items[i].symlink ? "symlink" : "file", err);
    return status;
}

static enum ia_status write_links(struct ia_scan *scan, struct ia_error *err)
{
    const struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->verdict == IA_VERDICT_IMAGE || item->verdict == IA_VERDICT_PART)
            status = put_names(scan, item, err);
        if (status == IA_OK && ia_item_is_image(item))
            status = put_references(scan, item, err);
        if (status == IA_OK && ia_item_is_image(item))
            status = put_image_files(scan, item, err);
    }
    for (size_t i = 0; i < scan->aliases.len && status == IA_OK; i++) {
        const struct ia_alias *alias = &scan->aliases.items[i];
        struct ia_reference_row row = {
            .image_id = inventory->items.items[alias->image].image_id,
            .kind = alias->kind,
            .number = (int64_t)i,
            .place = -1,
            .name = alias->name,
            .path = alias->path,
            .state = "followed",
            .target_id = inventory->items.items[alias->target].file_id,
        };
        if (row.image_id != 0)
            status = ia_writer_put_reference(scan->writer, &row, err);
    }
    return status;
}

static int64_t file_id_of(const struct ia_scan *scan, size_t item)
{
    return item == IA_NO_ITEM ? -1 : scan->inventory.items.items[item].file_id;
}

static void add_names(struct ia_fingerprint *print, const struct ia_item *item)
{
    const struct ia_image_facts *facts = &item->parsed.facts;
    for (size_t i = 0; i < facts->parts.len; i++) {
        ia_fingerprint_text(print, facts->parts.items[i].name);
        ia_fingerprint_text(print, facts->parts.items[i].role);
        ia_fingerprint_int(print, facts->parts.items[i].place);
    }
    ia_fingerprint_int(print, (int64_t)facts->backing_paths.len);
    for (size_t i = 0; i < facts->backing_paths.len; i++)
        ia_fingerprint_text(print, facts->backing_paths.items[i]);
    for (size_t i = 0; i < item->names.len; i++) {
        ia_fingerprint_text(print, item->names.items[i].path);
        ia_fingerprint_int(print, item->names.items[i].symlink);
    }
}

static void add_item(struct ia_fingerprint *print, const struct ia_scan *scan, const struct ia_item *item)
{
    ia_fingerprint_int(print, item->file_id);
    ia_fingerprint_int(print, item->image_id);
    ia_fingerprint_int(print, file_id_of(scan, item->backing_target));
    ia_fingerprint_text(print, item->parsed.facts.backing_name);
    ia_fingerprint_text(print, item->backing_state);
    ia_fingerprint_text(print, item->backing_path);
    for (size_t i = 0; i < item->parts.len; i++) {
        const struct ia_item_part *part = &item->parts.items[i];
        ia_fingerprint_int(print, file_id_of(scan, part->item));
        ia_fingerprint_int(print, part->status);
        ia_fingerprint_int(print, part->ambiguous);
        ia_fingerprint_text(print, part->path);
    }
    add_names(print, item);
}

/* All that the tables depend on, as one number: the same number, the same rows. */
static int64_t fingerprint(const struct ia_scan *scan)
{
    const struct ia_inventory *inventory = &scan->inventory;
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    for (size_t i = 0; i < inventory->items.len; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->verdict == IA_VERDICT_IMAGE || item->verdict == IA_VERDICT_PART)
            add_item(&print, scan, item);
    }
    for (size_t i = 0; i < scan->aliases.len; i++) {
        const struct ia_alias *alias = &scan->aliases.items[i];
        ia_fingerprint_int(&print, inventory->items.items[alias->image].image_id);
        ia_fingerprint_int(&print, file_id_of(scan, alias->target));
        ia_fingerprint_text(&print, alias->kind);
        ia_fingerprint_text(&print, alias->name);
        ia_fingerprint_text(&print, alias->path);
    }
    return ia_fingerprint_value(&print);
}

enum ia_status ia_scan_put_references(struct ia_scan *scan, struct ia_error *err)
{
    static const char key[] = "links";
    int64_t before = 0;
    int64_t now = fingerprint(scan);
    enum ia_status status = ia_writer_get_setting(scan->writer, key, &before, err);
    /* What tenants choose is in the number; it can only have changed where an image was read. */
    if (status != IA_OK || (now == before && scan->row.parsed == 0))
        return status;
    status = ia_writer_clear_links(scan->writer, err);
    if (status == IA_OK)
        status = write_links(scan, err);
    return status == IA_OK ? ia_writer_put_setting(scan->writer, key, now, err) : status;
}
