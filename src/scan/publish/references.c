/* SPDX-License-Identifier: MIT */
/* Writing who names whom: the names of files, the files of images, the references between them. */
#include <string.h>

#include "base/fingerprint.h"
#include "model/name_kind.h"
#include "scan/publish/publish.h"

/* A part of an image that was not understood as far as its parts is named, and looked for by nobody. */
static enum ia_status put_part_reference(struct ia_publish *publish, const struct ia_file *file, size_t number,
                                         struct ia_error *err)
{
    const struct ia_image_part *named = &file->parsed->facts.parts.items[number];
    const struct ia_file_part *part = number < file->read->parts.len ? &file->read->parts.items[number] : NULL;
    struct ia_reference_row row = {
        .image_id = file->image_id,
        .kind = ia_name_kind_word(named->place == IA_PART_REFERENCE ? IA_NAME_DATA_FILE : IA_NAME_EXTENT),
        .number = (int64_t)number,
        .role = named->role,
        .place = named->place,
        .name = named->name,
        .path = part == NULL || part->path == NULL ? "" : part->path,
        .state = part == NULL ? NULL : ia_resolve_word(part->state),
        .target_id = part != NULL && part->file != IA_NO_FILE ? publish->catalog->files.items[part->file]->file_id : 0,
    };
    return ia_writer_put_reference(publish->writer, &row, err);
}

static enum ia_status put_backing_reference(struct ia_publish *publish, const struct ia_file *file,
                                            struct ia_error *err)
{
    struct ia_file *const *items = publish->catalog->files.items;
    bool resolved = file->node->backing_state != IA_RESOLVE_NONE;
    struct ia_reference_row row = {
        .image_id = file->image_id,
        .kind = ia_name_kind_word(IA_NAME_BACKING),
        .place = -1,
        .name = file->parsed->facts.backing_name,
        .path = file->node->backing_path == NULL ? "" : file->node->backing_path,
        .state = ia_resolve_word(resolved ? file->node->backing_state : IA_RESOLVE_UNSUPPORTED),
        .target_id = file->node->backing_target != IA_NO_FILE ? items[file->node->backing_target]->file_id : 0,
    };
    return ia_writer_put_reference(publish->writer, &row, err);
}

static enum ia_status put_references(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    const struct ia_image_facts *facts = &file->parsed->facts;
    const struct ia_reference_row companion = {.image_id = file->image_id,
                                               .kind = ia_name_kind_word(IA_NAME_COMPANION),
                                               .place = -1,
                                               .name = facts->companion,
                                               .path = ""};
    IA_TRY(facts->companion != NULL ? ia_writer_put_reference(publish->writer, &companion, err) : IA_OK);
    IA_TRY(facts->backing_name != NULL ? put_backing_reference(publish, file, err) : IA_OK);
    for (size_t i = 0; i < facts->parts.len; i++)
        IA_TRY(put_part_reference(publish, file, i, err));
    for (size_t i = 0; i < facts->backing_paths.len; i++) {
        struct ia_reference_row row = {.image_id = file->image_id,
                                       .kind = ia_name_kind_word(IA_NAME_PARENT_PATH),
                                       .number = (int64_t)i,
                                       .place = -1,
                                       .name = facts->backing_paths.items[i],
                                       .path = ""};
        IA_TRY(ia_writer_put_reference(publish->writer, &row, err));
    }
    return IA_OK;
}

static enum ia_status put_nested(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    struct ia_file *const *items = publish->catalog->files.items;
    for (size_t i = 0; i < file->node->nested.len; i++) {
        const struct ia_nested *nested = &file->node->nested.items[i];
        struct ia_reference_row row = {.image_id = file->image_id,
                                       .kind = ia_name_kind_word(IA_NAME_NESTED),
                                       .number = (int64_t)i,
                                       .place = -1,
                                       .name = nested->name,
                                       .path = nested->path,
                                       .state = ia_resolve_word(nested->state),
                                       .target_id = nested->target != IA_NO_FILE ? items[nested->target]->file_id : 0};
        IA_TRY(ia_writer_put_reference(publish->writer, &row, err));
    }
    return IA_OK;
}

static enum ia_status put_image_files(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    struct ia_file *const *items = publish->catalog->files.items;
    IA_TRY(
        ia_writer_put_image_file(publish->writer, file->image_id, 0, "main", ia_file_path(file), file->file_id, err));
    for (size_t i = 0; i < file->read->parts.len; i++) {
        const struct ia_file_part *part = &file->read->parts.items[i];
        if (part->path != NULL)
            IA_TRY(ia_writer_put_image_file(publish->writer, file->image_id, (int64_t)i + 1,
                                            file->parsed->facts.parts.items[i].role, part->path,
                                            part->file != IA_NO_FILE ? items[part->file]->file_id : 0, err));
    }
    return IA_OK;
}

static enum ia_status put_names(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    for (size_t i = 0; i < file->names.len; i++)
        IA_TRY(ia_writer_put_name(publish->writer, file->names.items[i].path, file->file_id,
                                  file->names.items[i].symlink ? "symlink" : "file", err));
    return IA_OK;
}

static int64_t base_id_of(const struct ia_publish *publish, const struct ia_packed_target *target)
{
    bool is_here = target->is_base && target->file != IA_NO_FILE;
    return is_here ? publish->catalog->files.items[target->file]->file_id : target->base_id;
}

/* What is packed in the file, and where its names lead and led. */
static enum ia_status put_packed(struct ia_publish *publish, const struct ia_file *archive, struct ia_error *err)
{
    const struct ia_packed_file_row file = {.file_id = archive->file_id, .problem = archive->packed->problem};
    IA_TRY(ia_writer_put_packed_file(publish->writer, &file, err));
    for (size_t i = 0; i < archive->node->packed.len; i++) {
        const struct ia_packed_target *target = &archive->node->packed.items[i];
        const struct ia_packed_name *name = &archive->packed->names.items[target->name];
        const struct ia_packed_reference_row row = {
            .file_id = archive->file_id,
            .number = (int64_t)i,
            .member = name->member,
            .format = name->format,
            .kind = ia_packed_kind_word(name->kind),
            .name = name->name,
            .stated = name->stated,
            .path = target->path == NULL ? "" : target->path,
            .state = ia_resolve_word(target->is_earlier ? IA_RESOLVE_EARLIER : target->state),
            .target_id = target->file != IA_NO_FILE ? publish->catalog->files.items[target->file]->file_id : 0,
            .base_id = base_id_of(publish, target),
        };
        IA_TRY(ia_writer_put_packed_reference(publish->writer, &row, err));
    }
    return IA_OK;
}

static enum ia_status write_links(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_catalog *catalog = publish->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (ia_file_is_image_or_part(file))
            IA_TRY(put_names(publish, file, err));
        if (ia_file_is_image(file))
            IA_TRY(put_references(publish, file, err));
        if (ia_file_is_image(file))
            IA_TRY(put_nested(publish, file, err));
        if (ia_file_is_image(file))
            IA_TRY(put_image_files(publish, file, err));
        if (file->packed != NULL)
            IA_TRY(put_packed(publish, file, err));
    }
    for (size_t i = 0; i < publish->links->aliases.len; i++) {
        const struct ia_alias *alias = &publish->links->aliases.items[i];
        struct ia_reference_row row = {
            .image_id = catalog->files.items[alias->image]->image_id,
            .kind = ia_name_kind_word(alias->kind == IA_ALIAS_NAME ? IA_NAME_ALIAS : IA_NAME_CONTENT),
            .number = (int64_t)i,
            .place = -1,
            .name = alias->name,
            .path = alias->path,
            .state = ia_resolve_word(IA_RESOLVE_FOLLOWED),
            .target_id = catalog->files.items[alias->target]->file_id,
        };
        if (row.image_id != 0)
            IA_TRY(ia_writer_put_reference(publish->writer, &row, err));
    }
    return IA_OK;
}

static int64_t file_id_of(const struct ia_publish *publish, size_t file)
{
    return file == IA_NO_FILE ? -1 : publish->catalog->files.items[file]->file_id;
}

static void add_names(struct ia_fingerprint *print, const struct ia_file *file)
{
    const struct ia_image_facts *facts = &file->parsed->facts;
    for (size_t i = 0; i < facts->parts.len; i++) {
        ia_fingerprint_text(print, facts->parts.items[i].name);
        ia_fingerprint_text(print, facts->parts.items[i].role);
        ia_fingerprint_int(print, facts->parts.items[i].place);
    }
    ia_fingerprint_text(print, facts->companion);
    ia_fingerprint_int(print, (int64_t)facts->backing_paths.len);
    for (size_t i = 0; i < facts->backing_paths.len; i++)
        ia_fingerprint_text(print, facts->backing_paths.items[i]);
    for (size_t i = 0; i < file->names.len; i++) {
        ia_fingerprint_text(print, file->names.items[i].path);
        ia_fingerprint_int(print, file->names.items[i].symlink);
    }
}

static void add_file(struct ia_fingerprint *print, const struct ia_publish *publish, const struct ia_file *file)
{
    ia_fingerprint_int(print, file->file_id);
    ia_fingerprint_int(print, file->image_id);
    ia_fingerprint_int(print, file_id_of(publish, file->node->backing_target));
    ia_fingerprint_text(print, file->parsed->facts.backing_name);
    ia_fingerprint_int(print, file->node->backing_state);
    ia_fingerprint_text(print, file->node->backing_path);
    for (size_t i = 0; i < file->read->parts.len; i++) {
        const struct ia_file_part *part = &file->read->parts.items[i];
        ia_fingerprint_int(print, file_id_of(publish, part->file));
        ia_fingerprint_int(print, part->state);
        ia_fingerprint_text(print, part->path);
    }
    for (size_t i = 0; i < file->node->nested.len; i++) {
        const struct ia_nested *nested = &file->node->nested.items[i];
        ia_fingerprint_int(print, file_id_of(publish, nested->target));
        ia_fingerprint_int(print, nested->state);
        ia_fingerprint_text(print, nested->name);
        ia_fingerprint_text(print, nested->path);
    }
    add_names(print, file);
}

/* Names are those of a content that was read in this scan, or as the store has them. */
static void add_packed(struct ia_fingerprint *print, const struct ia_publish *publish, const struct ia_file *file)
{
    ia_fingerprint_int(print, file->file_id);
    ia_fingerprint_text(print, file->packed->problem);
    for (size_t i = 0; i < file->node->packed.len; i++) {
        const struct ia_packed_target *target = &file->node->packed.items[i];
        ia_fingerprint_text(print, file->packed->names.items[target->name].name);
        ia_fingerprint_int(print, file_id_of(publish, target->file));
        ia_fingerprint_int(print, target->state);
        ia_fingerprint_text(print, target->path);
        ia_fingerprint_int(print, target->is_earlier);
        ia_fingerprint_int(print, base_id_of(publish, target));
    }
}

/* All that the tables depend on, as one number: the same number, the same rows. */
static int64_t fingerprint(const struct ia_publish *publish)
{
    const struct ia_catalog *catalog = publish->catalog;
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        if (file->packed != NULL)
            add_packed(&print, publish, file);
        if (ia_file_is_image_or_part(file))
            add_file(&print, publish, file);
    }
    for (size_t i = 0; i < publish->links->aliases.len; i++) {
        const struct ia_alias *alias = &publish->links->aliases.items[i];
        ia_fingerprint_int(&print, catalog->files.items[alias->image]->image_id);
        ia_fingerprint_int(&print, file_id_of(publish, alias->target));
        ia_fingerprint_int(&print, alias->kind);
        ia_fingerprint_text(&print, alias->name);
        ia_fingerprint_text(&print, alias->path);
    }
    return ia_fingerprint_value(&print);
}

static bool unpacked_any(const struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->files.len; i++)
        if (catalog->files.items[i]->read->unpacked_now)
            return true;
    return false;
}

/* Of images with another path than before it stays known when they had that. */
static enum ia_status keep_former_paths(const struct ia_publish *publish, struct ia_error *err)
{
    for (size_t i = 0; i < publish->catalog->files.len; i++) {
        const struct ia_file *file = publish->catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(publish->catalog, file);
        if (ia_file_is_image(file) && previous != NULL && previous->path_since_ns != 0 &&
            previous->image_id == file->image_id && strcmp(previous->path, ia_file_path(file)) != 0)
            IA_TRY(ia_writer_put_former_path(publish->writer, file->image_id, previous->path, previous->path_since_ns,
                                             err));
    }
    return IA_OK;
}

enum ia_status ia_publish_references(struct ia_publish *publish, struct ia_error *err)
{
    static const char key[] = "links";
    int64_t before = 0;
    int64_t now = fingerprint(publish);
    IA_TRY(ia_writer_get_setting(publish->writer, key, &before, err));
    /* What tenants choose is in the number; it can only have changed where an image was read, or unpacked. */
    if (now == before && publish->row.parsed == 0 && !unpacked_any(publish->catalog))
        return IA_OK;
    IA_TRY(keep_former_paths(publish, err));
    IA_TRY(ia_writer_clear_links(publish->writer, err));
    IA_TRY(write_links(publish, err));
    IA_TRY(ia_writer_settle_former_names(publish->writer, err));
    return ia_writer_put_setting(publish->writer, key, now, err);
}
