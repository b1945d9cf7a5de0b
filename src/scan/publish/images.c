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
        struct ia_file *file = publish->catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, file);
        if (!ia_file_is_image(file))
            continue;
        bool known = previous != NULL && previous->image_id != 0;
        file->image_id = known ? previous->image_id : ia_writer_new_image_id(publish->writer);
        bool was_there = known && previous->gone_scan == 0;
        publish->row.images++;
        publish->row.added += !was_there;
        publish->row.parsed += file->read->parsed_now;
        publish->row.unchanged += file->from_store;
        publish->row.changed += was_there && !file->from_store;
        publish->row.renamed += was_there && strcmp(previous->path, ia_file_path(file)) != 0;
        if (file->parsed->mappings.len == 0) { /* nothing could be read: an active mapping without extents */
            struct ia_mapping none = {.map_id = ia_writer_new_map_id(publish->writer), .failed = true};
            struct ia_parsed *parsed = ia_parsed_own(&file->parsed);
            if (parsed == NULL || !ia_vec_push(&parsed->mappings, none))
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
                               row->past_base_id, row->is_claimed,      row->base_lost_ns};
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
static enum ia_status put_space(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    const struct ia_account *account = &file->read->account;
    IA_TRY(ia_writer_drop_space(publish->writer, file->image_id, err));
    for (size_t i = 0; i < account->rows.len; i++) {
        const struct ia_account_row *made = &account->rows.items[i];
        struct ia_space_row row = {.image_id = file->image_id,
                                   .file = made->file,
                                   .use = ia_account_use_word(made->use),
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

/* What the scan before found out about an image that nothing names as its backing file any more stays true. */
static void add_memory(const struct ia_publish *publish, const struct ia_file *file, struct ia_image_row *row)
{
    const struct ia_previous *previous = ia_catalog_previous(publish->catalog, file);
    bool named = file->node->referenced_by != IA_NO_FILE;
    int64_t now = ia_writer_scan_id(publish->writer);
    if (file->not_seen)
        row->seen_scan = previous->seen_scan != 0 ? previous->seen_scan : now - 1;
    row->first_scan = previous != NULL && previous->first_scan != 0 ? previous->first_scan : now;
    if (named) {
        row->referenced_scan = now;
        row->referenced_mtime_ns = ia_max(ia_links_idle_since(publish->links, file), 0);
        row->referenced_by = ia_file_path(publish->catalog->files.items[file->node->referenced_by]);
        row->referenced_path = ia_file_path(file);
    } else if (previous != NULL) {
        row->referenced_scan = previous->referenced_scan;
        row->referenced_mtime_ns = previous->referenced_mtime_ns;
        row->referenced_by = previous->referenced_by;
        row->referenced_path = previous->referenced_path;
        row->referenced_uncertain = ia_catalog_memory_is_uncertain(publish->catalog, file);
    }
    size_t base = file->node->backing_target;
    row->past_base_id = file->node->past_base_id;
    row->seen_since_ns = file->node->seen_since_ns;
    row->path_since_ns = file->node->path_since_ns;
    row->base_id = file->node->base_id;
    row->base_lost_ns = file->node->base_lost_ns;
    if (file->node->base_before != IA_NO_FILE)
        row->base_id = publish->catalog->files.items[file->node->base_before]->file_id;
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
    row->hidden = facts->hidden;
    row->kept = facts->kept;
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

static enum ia_status put_image(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    const struct ia_parsed *parsed = file->parsed;
    const struct ia_previous *previous = ia_catalog_previous(publish->catalog, file);
    if (parsed->mappings.len == 0)
        return ia_no_memory(err);
    struct ia_image_row row = {
        .image_id = file->image_id,
        .file_id = file->file_id,
        .path = ia_file_path(file),
        .format = parsed->format,
        .format_basis = ia_format_basis_word(parsed->basis),
        .state = ia_image_state_word(ia_file_image_state(file)),
        .problem = parsed->message,
        .chain_ok = file->node->chain_ok,
        .backing_path = file->node->backing_path,
        .backing_id =
            file->node->backing != IA_NO_FILE ? publish->catalog->files.items[file->node->backing]->image_id : 0,
        .map_id = parsed->mappings.items[0].map_id,
        .is_template = file->node->is_template,
        .is_claimed = file->node->is_claimed,
        .parent_differs = file->node->parent_mismatch != NULL || file->node->base_is_newer,
        .link_is_newer = file->node->link_is_newer,
        .unsettled = file->node->unsettled,
        .lock_state = ia_image_lock_word(file->read->lock),
        .overlapping = ia_file_cross_linked(file),
        .may_be_lost = parsed->facts.may_be_lost,
        .compressed_host = parsed->facts.compressed_host,
        .metadata_bytes = parsed->status == IA_OK ? parsed->facts.metadata_bytes : -1,
    };
    memcpy(row.state_bytes, parsed->state_bytes, sizeof(row.state_bytes));
    add_memory(publish, file, &row);
    row.fingerprint = fingerprint(&row);
    if (file->from_store && previous->row_fingerprint == row.fingerprint)
        return IA_OK; /* the row stays as it is */
    if (!file->from_store)
        add_header(parsed, &row);
    if (previous != NULL && previous->image_id != 0)
        IA_TRY(ia_writer_keep_overlay(publish->writer, previous->image_id, err));
    IA_TRY(file->from_store ? ia_writer_put_known_image(publish->writer, &row, err)
                            : ia_writer_put_image(publish->writer, &row, err));
    return ia_writer_touch_image(publish->writer, file->image_id, err);
}

static enum ia_status put_mappings(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    const struct ia_parsed *parsed = file->parsed;
    for (size_t i = 0; i < parsed->mappings.len && !file->from_store; i++) {
        const struct ia_mapping *mapping = &parsed->mappings.items[i];
        const struct ia_snapshot *snapshot = i > 0 ? &parsed->facts.snapshots.items[i - 1] : NULL;
        struct ia_mapping_row row = {
            .map_id = mapping->map_id,
            .image_id = file->image_id,
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
        const struct ia_file *file = publish->catalog->files.items[i];
        if (!ia_file_is_image(file))
            continue;
        IA_TRY(put_image(publish, file, err));
        IA_TRY(put_mappings(publish, file, err));
        if (!file->from_store)
            IA_TRY(put_space(publish, file, err));
    }
    return IA_OK;
}
