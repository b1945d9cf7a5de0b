/* SPDX-License-Identifier: MIT */
/* Writing what a scan found. Everything here is inside the scan's one transaction. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/fingerprint.h"
#include "format/format.h"
#include "scan/graph/judge_graph.h"
#include "scan/publish/publish.h"

static enum ia_status drop_mappings(struct ia_publish *publish, const struct ia_parsed *parsed, struct ia_error *err)
{
    for (size_t i = 0; i < parsed->mappings.len; i++)
        IA_TRY(ia_writer_drop_mapping(publish->writer, parsed->mappings.items[i].map_id, err));
    return IA_OK;
}

/* What the scan before had and this one has not, or has anew. */
static enum ia_status drop_old(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        if (previous->taken)
            continue;
        publish->row.vanished += previous->image_id != 0;
        IA_TRY(drop_mappings(publish, &previous->parsed, err));
        IA_TRY(ia_writer_drop_file(publish->writer, previous->file_id, err));
    }
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *item = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, item);
        if (!ia_file_is_image(item)) /* read as one before it turned out to be a part */
            IA_TRY(drop_mappings(publish, &item->parsed, err));
        if (previous == NULL)
            continue;
        if (!item->from_store)
            IA_TRY(drop_mappings(publish, &previous->parsed, err));
        if (!ia_catalog_is_row_of(catalog, previous, item))
            IA_TRY(ia_writer_drop_file(publish->writer, previous->file_id, err));
        else if (previous->image_id != 0 && !ia_file_is_image(item))
            IA_TRY(ia_writer_drop_image(publish->writer, previous->image_id, err));
    }
    return IA_OK;
}

/* Blocks may be given back, and links moved out of the roots, without a trace in the time stamps. */
static bool row_is_current(const struct ia_previous *previous, const struct ia_file *item)
{
    return strcmp(previous->path, ia_file_path(item)) == 0 && previous->class == item->class &&
           previous->disk_size == item->disk_size && previous->links == item->links &&
           previous->links_found == item->links_found && previous->was_lost == item->was_image;
}

/* What its content names has to be looked at each time, if it is used as something else: the store keeps one format of
 * a file, and none of a part. */
static bool has_other_content(const struct ia_file *item)
{
    const struct ia_image_facts *facts = &item->parsed.facts;
    bool names = facts->backing_name != NULL || facts->parts.len > 0;
    return item->node->content_backing != NULL || item->node->content_parts.len > 0 ||
           (item->class == IA_CLASS_PART && item->has_parsed && names);
}

/* Each of this scan, with what is free now. */
static enum ia_status put_volumes(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->volumes.len; i++) {
        struct ia_catalog_volume *volume = &catalog->volumes.items[i];
        if (volume->is_absent)
            continue;
        struct ia_volume_row row = {
            .volume_id = volume->previous_id,
            .identity = volume->about.identity,
            .device = volume->about.dev,
            .type = volume->about.type,
            .mount = volume->about.mount,
            .is_shared = volume->about.is_shared,
            .is_sole_host = volume->is_sole_host,
            .is_twin = volume->is_twin,
            .size = volume->about.size,
            .free = volume->about.free,
        };
        IA_TRY(ia_writer_put_volume(publish->writer, &row, err));
        volume->volume_id = row.volume_id;
    }
    return IA_OK;
}

static enum ia_status put_files(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *item = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, item);
        bool known = previous != NULL && ia_catalog_is_row_of(catalog, previous, item);
        if (item->gone)
            continue;
        item->file_id = known ? previous->file_id : 0;
        item->new_row = !known;
        item->links_found = ia_file_count_links(item);
        if (known && item->from_store && row_is_current(previous, item))
            continue;
        struct ia_file_row row = {
            .file_id = item->file_id,
            .path = ia_file_path(item),
            .volume_id = catalog->volumes.items[item->volume].volume_id,
            .inode = item->key.inode,
            .birth_ns = item->birth_ns,
            .size = item->key.size,
            .disk_size = item->disk_size,
            .is_device = item->block_device,
            .mtime_ns = item->key.mtime_ns,
            .ctime_ns = item->key.ctime_ns,
            .checked_ns = has_other_content(item) ? 0 : item->checked_ns,
            .verdict = ia_file_class_word(item->class),
            .reason = item->reason == NULL ? "" : item->reason,
            .was_image = item->was_image,
            .links = item->links,
            .links_found = item->links_found,
        };
        IA_TRY(ia_writer_put_file(publish->writer, &row, err));
        item->file_id = row.file_id;
        if (known)
            IA_TRY(ia_writer_touch_file(publish->writer, item->file_id, err));
    }
    return IA_OK;
}

static void number_images(struct ia_publish *publish)
{
    for (size_t i = 0; i < publish->catalog->files.len; i++) {
        struct ia_file *item = publish->catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, item);
        if (!ia_file_is_image(item))
            continue;
        bool known = previous != NULL && previous->image_id != 0;
        item->image_id = known ? previous->image_id : ia_writer_new_image_id(publish->writer);
        publish->row.images++;
        publish->row.added += !known;
        publish->row.parsed += item->read->parsed_now;
        publish->row.unchanged += item->from_store;
        publish->row.changed += known && !item->from_store;
        publish->row.renamed += known && strcmp(previous->path, ia_file_path(item)) != 0;
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
    const int64_t numbers[] = {row->file_id,    row->chain_ok,        row->backing_id,  row->map_id,
                               row->first_scan, row->referenced_scan, row->is_template, row->referenced_mtime_ns,
                               row->unsettled,  row->parent_differs,  row->base_id,     row->referenced_uncertain,
                               row->seen_scan};
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
    row->base_id = item->node->base_id;
    if (row->base_id == 0 && base != IA_NO_FILE)
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
        .parent_differs = item->node->parent_mismatch != NULL,
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

static enum ia_status put_images(struct ia_publish *publish, struct ia_error *err)
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

static enum ia_status put_findings(struct ia_publish *publish, struct ia_error *err)
{
    IA_TRY(publish->catalog->findings.failed ? ia_no_memory(err) : IA_OK);
    for (size_t i = 0; i < publish->catalog->findings.all.len; i++) {
        const struct ia_finding *finding = &publish->catalog->findings.all.items[i];
        const struct ia_finding_kind *kind = &ia_finding_kinds[finding->code];
        struct ia_finding_row row = {.code = kind->code,
                                     .severity = kind->severity,
                                     .path = finding->path,
                                     .detail = finding->detail,
                                     .accepted_by = finding->accepted_by,
                                     .doubt = finding->of_all == IA_DOUBT_NONE ? NULL
                                                                               : ia_doubt_kinds[finding->of_all].code};
        IA_TRY(ia_writer_put_finding(publish->writer, &row, err));
    }
    return IA_OK;
}

/* Those of the registry, and what overlays state that nothing here reads. */
static enum ia_status put_formats(struct ia_publish *publish, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf suffixes = {0};
    for (size_t i = 0; ia_formats[i] != NULL; i++) {
        ia_buf_clear(&suffixes);
        for (const char *const *suffix = ia_formats[i]->suffixes; suffix != NULL && *suffix != NULL; suffix++)
            ia_buf_addf(&suffixes, "%s%s", suffixes.len > 0 ? " " : "", *suffix);
        const struct ia_format_row row = {
            .name = ia_formats[i]->name,
            .suffixes = suffixes.len > 0 ? suffixes.data : "",
            .is_plain = ia_formats[i]->is_plain,
        };
        IA_TRY(suffixes.failed ? ia_no_memory(err) : ia_writer_put_format(publish->writer, &row, err));
    }
    for (size_t i = 0; i < publish->catalog->files.len; i++) {
        const struct ia_file *item = publish->catalog->files.items[i];
        const struct ia_format_row row = {.name = item->parsed.format, .suffixes = ""};
        if (ia_file_is_image(item) && ia_format_by_name(row.name) == NULL)
            IA_TRY(ia_writer_put_format(publish->writer, &row, err));
    }
    return IA_OK;
}

/* Directories as they were found: a later scan may be started from another working directory. */
static const char *option_value(const struct ia_publish *publish, size_t list, const char *const *values, size_t number)
{
    const struct ia_catalog *catalog = publish->catalog;
    if (list == IA_SCAN_ROOTS)
        return catalog->confine.allowed.items[number].path;
    return list == IA_SCAN_ALLOW ? catalog->confine.allowed.items[catalog->options->root_count + number].path
                                 : values[number];
}

static enum ia_status put_options(struct ia_publish *publish, struct ia_error *err)
{
    for (size_t list = 0; list < IA_SCAN_LISTS; list++) {
        size_t count;
        const char *const *values = ia_scan_lists[list].get(publish->catalog->options, &count);
        for (size_t i = 0; i < count; i++)
            IA_TRY(ia_writer_put_option(publish->writer, ia_scan_lists[list].kind,
                                        option_value(publish, list, values, i), err));
    }
    for (size_t number = 0; number < IA_SCAN_NUMBERS; number++) {
        char value[32];
        snprintf(value, sizeof(value), "%jd", (intmax_t)ia_scan_numbers[number].get(publish->catalog->options));
        IA_TRY(ia_writer_put_option(publish->writer, ia_scan_numbers[number].kind, value, err));
    }
    const struct ia_confine *confine = &publish->catalog->confine;
    for (size_t i = 0; i < publish->catalog->options->root_count; i++)
        if (confine->allowed.items[i].fd >= 0)
            IA_TRY(ia_writer_put_option(publish->writer, "walked", confine->allowed.items[i].path, err));
    for (size_t i = 0; i < publish->catalog->skipped.len; i++)
        IA_TRY(ia_writer_put_passed(publish->writer, publish->catalog->skipped.items[i].reason,
                                    publish->catalog->skipped.items[i].files, err));
    return IA_OK;
}

enum ia_status ia_publish_rows(struct ia_publish *publish, struct ia_error *err)
{
    number_images(publish);
    IA_TRY(drop_old(publish, err));
    IA_TRY(put_formats(publish, err));
    IA_TRY(put_volumes(publish, err));
    IA_TRY(put_files(publish, err));
    IA_TRY(ia_writer_drop_empty_volumes(publish->writer, err));
    IA_TRY(put_images(publish, err));
    IA_TRY(ia_publish_references(publish, err));
    IA_TRY(ia_publish_forest(publish, err));
    IA_TRY(ia_publish_sharing(publish, err));
    IA_TRY(ia_publish_accept(publish, err));
    IA_TRY(put_findings(publish, err));
    return ia_publish_verdicts(publish, err);
}

enum ia_status ia_publish_scan(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_scan_row *row = &publish->row;
    row->scan_id = ia_writer_scan_id(publish->writer);
    row->errors = ia_findings_incomplete(&publish->catalog->findings);
    row->walked = publish->catalog->walked;
    row->passed_over = publish->catalog->skipped_files;
    row->extents = publish->reading->extents;
    row->table_bytes = publish->catalog->progress.table_bytes;
    IA_TRY(ia_writer_put_scan(publish->writer, row, err));
    IA_TRY(put_options(publish, err));
    IA_TRY(ia_writer_keep_history(publish->writer, publish->catalog->options->keep, err));
    return ia_writer_commit(publish->writer, err);
}
