/* SPDX-License-Identifier: MIT */
/* Rows of files and volumes, and what goes of the scan before. */
#include <string.h>

#include "scan/catalog/volumes.h"
#include "scan/publish/publish.h"

static enum ia_status drop_mappings(struct ia_publish *publish, const struct ia_parsed *parsed, struct ia_error *err)
{
    for (size_t i = 0; i < parsed->mappings.len; i++)
        IA_TRY(ia_writer_drop_mapping(publish->writer, parsed->mappings.items[i].map_id, err));
    return IA_OK;
}

/* For the day when the file is there again, and the image that it was. image_id: that it has then; 0: a new one. */
static enum ia_status remember(struct ia_publish *publish, const struct ia_previous *previous, int64_t image_id,
                               struct ia_error *err)
{
    int64_t now = ia_writer_scan_id(publish->writer);
    if (previous->image_id != 0)
        IA_TRY(ia_writer_keep_overlay(publish->writer, previous->image_id, err));
    if (previous->image_id == 0 && !previous->was_lost && !previous->was_packed)
        return IA_OK;
    const struct ia_vanished_row row = {
        .file_id = previous->file_id,
        .image_id = image_id,
        .gone_scan = previous->gone_scan != 0 ? previous->gone_scan : now,
        .volume = ia_catalog_previous_identity(publish->catalog, previous->volume_id),
        .path = previous->path,
        .inode = previous->key.inode,
        .birth_ns = previous->birth_ns,
        .size = previous->key.size,
        .mtime_ns = previous->key.mtime_ns,
        .ctime_ns = previous->key.ctime_ns,
        .was_image = previous->was_image,
        .was_packed = previous->was_packed,
        .backing_name = previous->parsed->facts.backing_name,
        .first_scan = previous->first_scan,
        .referenced_scan = previous->referenced_scan,
        .referenced_by = previous->referenced_by,
        .referenced_mtime_ns = previous->referenced_mtime_ns,
        .referenced_path = previous->referenced_path,
        .referenced_uncertain = previous->referenced_uncertain,
        .base_id = previous->base_id,
        .past_base_id = previous->past_base_id,
        .link_is_newer = previous->link_is_newer,
    };
    if (image_id != 0) /* packed images may name it by any name that it had */
        IA_TRY(ia_writer_inherit_names(publish->writer, image_id, image_id, previous->file_id, err));
    return ia_writer_put_vanished(publish->writer, &row, err);
}

/* Of a file that has its place: the rows that are not of it, or not of what it is. */
static enum ia_status drop_replaced(struct ia_publish *publish, const struct ia_file *file,
                                    const struct ia_previous *previous, struct ia_error *err)
{
    bool is_lost = previous->image_id != 0 && !ia_file_is_image(file);
    if (!ia_catalog_is_same_file(publish->catalog, previous, file))
        IA_TRY(remember(publish, previous, ia_file_is_image(file) ? 0 : previous->image_id, err));
    else if (is_lost)
        IA_TRY(remember(publish, previous, previous->image_id, err));
    if (!ia_catalog_is_row_of(publish->catalog, previous, file))
        return ia_writer_drop_file(publish->writer, previous->file_id, err);
    return is_lost ? ia_writer_drop_image(publish->writer, previous->image_id, err) : IA_OK;
}

/* What the scan before had and this one has not, or has anew. */
enum ia_status ia_publish_drop_old(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->previous.len; i++) {
        const struct ia_previous *previous = &catalog->previous.items[i];
        if (previous->taken || previous->is_back)
            continue;
        publish->row.vanished += previous->image_id != 0 && previous->gone_scan == 0;
        IA_TRY(remember(publish, previous, previous->image_id, err));
        IA_TRY(drop_mappings(publish, previous->parsed, err));
        IA_TRY(ia_writer_drop_file(publish->writer, previous->file_id, err));
    }
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, file);
        if (!ia_file_is_image(file)) /* read as one before it turned out to be a part */
            IA_TRY(drop_mappings(publish, file->parsed, err));
        if (previous == NULL)
            continue;
        if (!file->from_store)
            IA_TRY(drop_mappings(publish, previous->parsed, err));
        IA_TRY(drop_replaced(publish, file, previous, err));
    }
    return IA_OK;
}

/* Blocks may be given back, and links moved out of the roots, without a trace in the time stamps. */
static bool row_is_current(const struct ia_previous *previous, const struct ia_file *file)
{
    return strcmp(previous->path, ia_file_path(file)) == 0 && previous->class == file->class &&
           previous->disk_size == file->disk_size && previous->links == file->links &&
           previous->links_found == file->links_found && previous->was_lost == file->was_image;
}

/* What its content names has to be looked at each time, if it is used as something else: the store keeps one format of
 * a file, and none of a part. */
static bool has_other_content(const struct ia_file *file)
{
    const struct ia_image_facts *facts = &file->parsed->facts;
    bool names = facts->backing_name != NULL || facts->parts.len > 0;
    return file->node->content_backing != NULL || file->node->content_parts.len > 0 ||
           (file->class == IA_CLASS_PART && file->has_parsed && names);
}

/* Each of this scan, with what is free now. */
enum ia_status ia_publish_volumes(struct ia_publish *publish, struct ia_error *err)
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

enum ia_status ia_publish_files(struct ia_publish *publish, struct ia_error *err)
{
    struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, file);
        bool has_row = previous != NULL && ia_catalog_is_row_of(catalog, previous, file);
        bool known = has_row || (previous != NULL && ia_catalog_is_same_file(catalog, previous, file));
        if (file->gone)
            continue;
        file->file_id = known ? previous->file_id : 0;
        file->new_row = !has_row;
        file->links_found = ia_file_count_links(file);
        if (has_row && file->from_store && row_is_current(previous, file))
            continue;
        struct ia_file_row row = {
            .file_id = file->file_id,
            .path = ia_file_path(file),
            .volume_id = catalog->volumes.items[file->volume].volume_id,
            .inode = file->key.inode,
            .birth_ns = file->birth_ns,
            .size = file->key.size,
            .disk_size = file->disk_size,
            .is_device = file->block_device,
            .mtime_ns = file->key.mtime_ns,
            .ctime_ns = file->key.ctime_ns,
            .checked_ns = has_other_content(file) ? 0 : file->checked_ns,
            .class = ia_file_class_word(file->class),
            .reason = ia_skip_reason_word(file->reason),
            .was_image = file->was_image,
            .links = file->links,
            .links_found = file->links_found,
        };
        IA_TRY(ia_writer_put_file(publish->writer, &row, err));
        file->file_id = row.file_id;
        if (has_row)
            IA_TRY(ia_writer_touch_file(publish->writer, file->file_id, err));
    }
    return IA_OK;
}

enum ia_status ia_publish_returned(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->files.len && catalog->vanished.len > 0; i++) {
        const struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(catalog, file);
        bool is_whole = ia_file_is_image(file) || (file->packed != NULL && previous != NULL && previous->image_id == 0);
        if (is_whole && previous != NULL && previous->gone_scan != 0 &&
            ia_catalog_is_same_file(catalog, previous, file))
            IA_TRY(ia_writer_drop_vanished(publish->writer, previous->file_id, err));
    }
    return IA_OK;
}
