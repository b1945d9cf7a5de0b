/* SPDX-License-Identifier: MIT */
/* Rows of images, and of their mappings and host space. */
#include <string.h>

#include "base/checked.h"
#include "base/fingerprint.h"
#include "format/format.h"
#include "scan/publish/publish.h"

void ia_publish_number_images(struct ia_publish *publish)
{
    for (size_t i = 0; i < publish->catalog->files.len; i++) {
        struct ia_file *item = publish->catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, item);
        if (!ia_file_is_image(item))
            continue;
        bool known = previous != NULL && previous->image_id != 0;
        item->image_id = known ? previous->image_id : ia_writer_new_image_id(publish->writer);
        bool was_there = known && previous->gone_scan == 0;
        publish->row.images++;
        publish->row.added += !was_there;
        publish->row.parsed += item->read->parsed_now;
        publish->row.unchanged += item->from_store;
        publish->row.changed += was_there && !item->from_store;
        publish->row.renamed += was_there && strcmp(previous->path, ia_file_path(item)) != 0;
        if (item->parsed.mappings.len == 0) { /* nothing could be read: an active mapping without extents */
            struct ia_mapping none = {.map_id = ia_writer_new_map_id(publish->writer), .failed = true};
            if (!ia_vec_push(&item->parsed.mappings, none))
                publish->catalog->findings.failed = true;
        }
    }
}

/* Of the columns that may be others though the file is the same. */
static int64_t fingerprint(const struct ia_image_row *row)
{
    const int64_t numbers[] = {row->file_id,      row->chain_ok,        row->backing_id,    row->map_id,
                               row->first_scan,   row->referenced_scan, row->is_template,   row->referenced_mtime_ns,
                               row->unsettled,    row->parent_differs,  row->base_id,       row->referenced_uncertain,
                               row->seen_scan,    row->link_is_newer,   row->path_since_ns, row->seen_since_ns,
                               row->past_base_id, row->is_claimed};
    const char *const texts[] = {row->path,       row->format_basis,  row->state,   row->backing_path,
                                 row->lock_state, row->referenced_by, row->problem, row->referenced_path};
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        ia_fingerprint_int(&print, numbers[i]);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ia_fingerprint_text(&print, texts[i]);
    return ia_fingerprint_value(&print);
}

/* An image that was taken over keeps its rows. */
static enum ia_status put_space(struct ia_publish *publish, const struct ia_file *item, struct ia_error *err)
{
    const struct ia_account *account = &item->read->account;
    IA_TRY(ia_writer_drop_space(publish->writer, item->image_id, err));
    for (size_t i = 0; i < account->rows.len; i++) {
        const struct ia_account_row *made = &account->rows.items[i];
        struct ia_space_row row = {.image_id = item->image_id,
                                   .file = made->file,
                                   .use = made->use,
                                   .bytes = made->bytes,
                                   .disk_bytes = made->disk_bytes,
                                   .unwritten_bytes = made->unwritten_bytes};
        IA_TRY(ia_writer_put_space(publish->writer, &row, err));
    }
    return IA_OK;
}

/* What an image does not hold of its identity is empty. */
static const char *null_if_empty(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* What the scan before knew of an image that nothing names as its backing file any more stays true. */
static void add_memory(const struct ia_publish *publish, const struct ia_file *item, struct ia_image_row *row)
{
    const struct ia_previous *previous = ia_catalog_previous(publish->catalog, item);
    bool named = item->node->referenced_by != IA_NO_FILE;
    int64_t now = ia_writer_scan_id(publish->writer);
    if (item->not_seen)
        row->seen_scan = previous->seen_scan != 0 ? previous->seen_scan : now - 1;
    row->first_scan = previous != NULL && previous->first_scan != 0 ? previous->first_scan : now;
    if (named) {
        row->referenced_scan = now;
        row->referenced_mtime_ns = ia_max(ia_links_idle_since(publish->links, item), 0);
        row->referenced_by = ia_file_path(publish->catalog->files.items[item->node->referenced_by]);
        row->referenced_path = ia_file_path(item);
    } else if (previous != NULL) {
        row->referenced_scan = previous->referenced_scan;
        row->referenced_mtime_ns = previous->referenced_mtime_ns;
        row->referenced_by = previous->referenced_by;
        row->referenced_path = previous->referenced_path;
        row->referenced_uncertain = ia_catalog_memory_is_uncertain(publish->catalog, item);
    }
    size_t base = item->node->backing_target;
    row->past_base_id = item->node->past_base_id;
    row->seen_since_ns = item->node->seen_since_ns;
    row->path_since_ns = item->node->path_since_ns;
    row->base_id = item->node->base_id;
    if (item->node->base_before != IA_NO_FILE)
        row->base_id = publish->catalog->files.items[item->node->base_before]->file_id;
    else if (row->base_id == 0 && base != IA_NO_FILE)
        row->base_id = publish->catalog->files.items[base]->file_id;
}

/* Not of an image that was taken over: the store keeps more of its header than the scan takes back. */
static void add_header(const struct ia_parsed *parsed, struct ia_image_row *row)
{
    const struct ia_image_facts *facts = &parsed->facts;
    const struct ia_image_identity *identity = ia_parsed_identity(parsed);
    bool read = parsed->status == IA_OK || facts->virtual_size > 0;
    row->variant = facts->variant;
    row->version = facts->version > 0 ? facts->version : -1;
    row->virtual_size = read ? facts->virtual_size : -1;
    row->cluster_size = facts->cluster_size > 0 ? facts->cluster_size : -1;
    row->encrypted = facts->encrypted;
    row->dirty = facts->dirty;
    row->corrupt = facts->marked_corrupt;
    row->truncated = facts->truncated;
    row->has_data_file = facts->has_data_file;
    row->extended_l2 = facts->extended_l2;
    row->compression = facts->compression;
    row->backing_name = facts->backing_name;
    row->backing_format = facts->backing_format;
    row->backing_by_identity = facts->backing_by_identity;
    row->identity = null_if_empty(identity->own);
    row->identity_stamp = null_if_empty(identity->own_stamp);
    row->parent_identity = null_if_empty(identity->parent);
    row->parent_stamp = null_if_empty(identity->parent_stamp);
    row->abilities = ia_format_abilities(ia_format_by_name(parsed->format), facts);
}

static enum ia_status put_image(struct ia_publish *publish, const struct ia_file *item, struct ia_error *err)
{
    const struct ia_parsed *parsed = &item->parsed;
    const struct ia_previous *previous = ia_catalog_previous(publish->catalog, item);
    if (parsed->mappings.len == 0)
        return ia_no_memory(err);
    struct ia_image_row row = {
        .image_id = item->image_id,
        .file_id = item->file_id,
        .path = ia_file_path(item),
        .format = parsed->format,
        .format_basis = ia_format_basis_word(parsed->basis),
        .state = ia_file_image_state(item),
        .problem = parsed->message,
        .chain_ok = item->node->chain_ok,
        .backing_path = item->node->backing_path,
        .backing_id =
            item->node->backing != IA_NO_FILE ? publish->catalog->files.items[item->node->backing]->image_id : 0,
        .map_id = parsed->mappings.items[0].map_id,
        .is_template = item->node->is_template,
        .is_claimed = item->node->is_claimed,
        .parent_differs = item->node->parent_mismatch != NULL || item->node->base_is_newer,
        .link_is_newer = item->node->link_is_newer,
        .unsettled = item->node->unsettled,
        .lock_state = item->read->lock_state,
        .overlapping = ia_file_cross_linked(item),
        .may_be_lost = parsed->facts.may_be_lost,
        .compressed_host = parsed->facts.compressed_host,
        .metadata_bytes = parsed->status == IA_OK ? parsed->facts.metadata_bytes : -1,
    };
    memcpy(row.state_bytes, parsed->state_bytes, sizeof(row.state_bytes));
    add_memory(publish, item, &row);
    row.fingerprint = fingerprint(&row);
    if (item->from_store && previous->row_fingerprint == row.fingerprint)
        return IA_OK; /* the row stays as it is */
    if (!item->from_store)
        add_header(parsed, &row);
    IA_TRY(item->from_store ? ia_writer_put_known_image(publish->writer, &row, err)
                            : ia_writer_put_image(publish->writer, &row, err));
    return ia_writer_touch_image(publish->writer, item->image_id, err);
}

static enum ia_status put_mappings(struct ia_publish *publish, const struct ia_file *item, struct ia_error *err)
{
    const struct ia_parsed *parsed = &item->parsed;
    for (size_t i = 0; i < parsed->mappings.len && !item->from_store; i++) {
        const struct ia_mapping *mapping = &parsed->mappings.items[i];
        const struct ia_snapshot *snapshot = i > 0 ? &parsed->facts.snapshots.items[i - 1] : NULL;
        struct ia_mapping_row row = {
            .map_id = mapping->map_id,
            .image_id = item->image_id,
            .snapshot = (int64_t)i - 1,
            .id = snapshot == NULL ? NULL : snapshot->id,
            .name = snapshot == NULL ? NULL : snapshot->name,
            .size = mapping->size,
            .vm_state = snapshot == NULL ? 0 : snapshot->vm_state,
            .date_ns = snapshot == NULL ? 0 : snapshot->date_ns,
            .extents = mapping->extents,
            .failed = mapping->failed,
        };
        IA_TRY(ia_writer_put_mapping(publish->writer, &row, err));
    }
    return IA_OK;
}

enum ia_status ia_publish_images(struct ia_publish *publish, struct ia_error *err)
{
    for (size_t i = 0; i < publish->catalog->files.len; i++) {
        const struct ia_file *item = publish->catalog->files.items[i];
        if (!ia_file_is_image(item))
            continue;
        IA_TRY(put_image(publish, item, err));
        IA_TRY(put_mappings(publish, item, err));
        if (!item->from_store)
            IA_TRY(put_space(publish, item, err));
    }
    return IA_OK;
}
