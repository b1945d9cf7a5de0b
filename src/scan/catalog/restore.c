/* SPDX-License-Identifier: MIT */
/* One row of the scan before as the catalog has it: of a volume, a file, an image. */
#include "scan/catalog/restore.h"

#include <stdlib.h>
#include <string.h>

#include "judge/judge.h"

static char *copy(const char *text, bool *ok)
{
    char *made = text == NULL ? NULL : strdup(text);
    *ok = *ok && (text == NULL || made != NULL);
    return made;
}

static enum ia_file_class class_of(const char *word)
{
    for (enum ia_file_class v = IA_CLASS_IMAGE; v <= IA_CLASS_UNKNOWN; v++)
        if (strcmp(word, ia_file_class_word(v)) == 0)
            return v;
    return IA_CLASS_NONE;
}

static enum ia_format_basis basis_of(const char *word)
{
    for (enum ia_format_basis basis = IA_BASIS_CONTENT; basis < IA_BASIS_COUNT; basis++)
        if (strcmp(word, ia_format_basis_word(basis)) == 0)
            return basis;
    return IA_BASIS_CONTENT;
}

static void copy_word(char *out, size_t size, const char *word)
{
    size_t len = word == NULL ? 0 : strnlen(word, size - 1);
    if (len > 0)
        memcpy(out, word, len);
    out[len] = '\0';
}

/* Most images have none. */
static bool restore_identity(struct ia_parsed *parsed, const struct ia_image_row *row)
{
    struct ia_image_identity identity;
    if (row->identity == NULL && row->identity_stamp == NULL && row->parent_identity == NULL &&
        row->parent_stamp == NULL)
        return true;
    copy_word(identity.own, sizeof(identity.own), row->identity);
    copy_word(identity.own_stamp, sizeof(identity.own_stamp), row->identity_stamp);
    copy_word(identity.parent, sizeof(identity.parent), row->parent_identity);
    copy_word(identity.parent_stamp, sizeof(identity.parent_stamp), row->parent_stamp);
    return ia_parsed_set_identity(parsed, &identity);
}

static void fill_image(struct ia_previous *previous, struct ia_parsed *parsed, const struct ia_image_row *row, bool *ok)
{
    struct ia_image_facts *facts = &parsed->facts;
    previous->image_id = row->image_id;
    previous->first_scan = row->first_scan;
    previous->referenced_scan = row->referenced_scan;
    previous->referenced_by = copy(row->referenced_by, ok);
    previous->referenced_path = copy(row->referenced_path, ok);
    previous->referenced_mtime_ns = row->referenced_mtime_ns;
    previous->base_id = row->base_id;
    previous->base_lost_ns = row->base_lost_ns;
    previous->referenced_uncertain = row->referenced_uncertain;
    previous->row_fingerprint = row->fingerprint;
    previous->backing_id = row->backing_id;
    previous->seen_scan = row->seen_scan;
    previous->seen_since_ns = row->seen_since_ns;
    previous->path_since_ns = row->path_since_ns;
    previous->past_base_id = row->past_base_id;
    previous->link_is_newer = row->link_is_newer;
    parsed->format = copy(row->format, ok);
    previous->was_image = previous->was_image || ia_judge_may_hide(row->format);
    parsed->message = copy(row->problem, ok);
    parsed->basis = basis_of(row->format_basis);
    memcpy(parsed->state_bytes, row->state_bytes, sizeof(parsed->state_bytes));
    facts->virtual_size = row->virtual_size < 0 ? 0 : row->virtual_size;
    facts->backing_name = copy(row->backing_name, ok);
    facts->backing_format = copy(row->backing_format, ok);
    *ok = restore_identity(parsed, row) && *ok;
    facts->backing_by_identity = row->backing_by_identity;
    facts->hidden = row->hidden;
    facts->kept = row->kept;
    facts->encrypted = row->encrypted;
    facts->dirty = row->dirty;
    facts->marked_corrupt = row->corrupt;
    facts->truncated = row->truncated;
    facts->overlapping = (int)row->overlapping;
    facts->may_be_lost = row->may_be_lost;
}

/* What was wrong with an unchanged content is still wrong with it. False for states that have causes outside of it. */
static bool restore_state(struct ia_parsed *parsed, const struct ia_image_row *row)
{
    static const enum ia_status lasting[] = {IA_OK, IA_UNSUPPORTED, IA_CORRUPT, IA_LIMIT, IA_NOT_MINE};
    enum ia_image_state state = ia_image_state_by_word(row->state);
    if (state == IA_IMAGE_TRUNCATED || state == IA_IMAGE_SNAPSHOT_UNREADABLE)
        return true;
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++) {
        if (state == ia_image_state_of(lasting[i])) {
            parsed->status = lasting[i];
            return true;
        }
    }
    return false;
}

enum ia_status ia_restore_image(struct ia_previous *previous, const struct ia_image_row *row, struct ia_error *err)
{
    bool ok = true;
    struct ia_parsed *parsed = ia_parsed_own(&previous->parsed);
    if (parsed == NULL)
        return ia_no_memory(err);
    fill_image(previous, parsed, row, &ok);
    if (!restore_state(parsed, row) || row->incomplete)
        previous->checked_ns = 0;
    return ok ? IA_OK : ia_no_memory(err);
}

enum ia_status ia_restore_volume(void *ctx, const struct ia_volume_row *row, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    bool ok = true;
    struct ia_previous_volume volume = {.volume_id = row->volume_id, .dev = row->device};
    volume.identity = copy(row->identity, &ok);
    volume.mount = copy(row->mount, &ok);
    if (ok && ia_vec_push(&catalog->previous_volumes, volume))
        return IA_OK;
    free(volume.identity);
    free(volume.mount);
    return ia_no_memory(err);
}

enum ia_status ia_restore_file(void *ctx, const struct ia_file_row *row, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    bool ok = true;
    struct ia_previous previous = {
        .file_id = row->file_id,
        .volume_id = row->volume_id,
        .parsed = &ia_parsed_nothing,
        .key = {0, row->inode, row->size, row->mtime_ns, row->ctime_ns},
        .birth_ns = row->birth_ns,
        .disk_size = row->disk_size,
        .links = row->links,
        .links_found = row->links_found,
        .checked_ns = row->checked_ns < 0 ? 0 : row->checked_ns,
        .is_forgotten = row->checked_ns < 0,
        .class = class_of(row->class),
        .path = copy(row->path, &ok),
        .reason = ia_skip_reason_by_word(row->reason),
    };
    previous.was_packed = previous.class == IA_CLASS_PACKED;
    previous.was_image = previous.was_lost = row->was_image;
    enum ia_status status = ok ? ia_catalog_add_previous(catalog, &previous, err) : ia_no_memory(err);
    if (status != IA_OK)
        free(previous.path);
    return status;
}

enum ia_status ia_restore_vanished(void *ctx, const struct ia_vanished_row *row, struct ia_error *err)
{
    struct ia_catalog *catalog = ctx;
    bool ok = true;
    struct ia_vanished vanished = {
        .file_id = row->file_id,
        .image_id = row->image_id,
        .gone_scan = row->gone_scan,
        .volume = copy(row->volume, &ok),
        .path = copy(row->path, &ok),
        .backing_name = copy(row->backing_name, &ok),
        .key = {0, row->inode, row->size, row->mtime_ns, row->ctime_ns},
        .birth_ns = row->birth_ns,
        .was_image = row->was_image,
        .was_packed = row->was_packed,
        .first_scan = row->first_scan,
        .referenced_scan = row->referenced_scan,
        .referenced_mtime_ns = row->referenced_mtime_ns,
        .base_id = row->base_id,
        .past_base_id = row->past_base_id,
        .link_is_newer = row->link_is_newer,
        .referenced_by = copy(row->referenced_by, &ok),
        .referenced_path = copy(row->referenced_path, &ok),
        .referenced_uncertain = row->referenced_uncertain,
    };
    if (ok && ia_vec_push(&catalog->vanished, vanished))
        return IA_OK;
    ia_vanished_release(&vanished);
    return ia_no_memory(err);
}
