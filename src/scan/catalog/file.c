/* SPDX-License-Identifier: MIT */
/* Files, and what is remembered of them. */
#include "scan/catalog/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "io/block_device.h"
#include "io/volume.h"

const char *ia_file_class_word(enum ia_file_class class)
{
    static const char *const words[] = {"none", "image", "part", "passed", "packed", "unknown"};
    return words[class];
}

static const char *const reason_words[IA_REASONS] = {
    "",           "change-tracking", "empty",        "file-system",  "no-image-magic",
    "unreadable", "unrecognised",    "block-device", "special-file", "excluded",
    "symlink",    "vhd-piece",       "vhd-alias",    "packed"};

const char *ia_skip_reason_word(enum ia_skip_reason reason)
{
    return reason_words[reason];
}

enum ia_skip_reason ia_skip_reason_by_word(const char *word)
{
    for (int i = 0; i < IA_REASONS; i++)
        if (strcmp(reason_words[i], word) == 0)
            return (enum ia_skip_reason)i;
    return IA_REASON_UNREADABLE;
}

const char *ia_format_basis_word(enum ia_format_basis basis)
{
    static const char *const words[] = {"content", "footer", "stated", "suffix", "guessed", "named", "beside"};
    return words[basis];
}

void ia_file_key_from_stat(struct ia_file_key *key, const struct stat *st)
{
    *key = (struct ia_file_key){
        .dev = (int64_t)st->st_dev,
        .inode = (int64_t)st->st_ino,
        .size = S_ISBLK(st->st_mode) ? ia_block_device_size(st->st_rdev) : st->st_size,
        .mtime_ns = ia_timespec_ns(st->st_mtim),
        .ctime_ns = ia_timespec_ns(st->st_ctim),
    };
}

bool ia_file_key_same_stamps(const struct ia_file_key *a, const struct ia_file_key *b)
{
    return a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

bool ia_file_key_same_content(const struct ia_file_key *a, const struct ia_file_key *b)
{
    return a->dev == b->dev && a->inode == b->inode && a->size == b->size && a->mtime_ns == b->mtime_ns;
}

void ia_parsed_release(struct ia_parsed *parsed)
{
    free(parsed->message);
    free(parsed->format);
    ia_image_facts_release(&parsed->facts);
    free(parsed->identity);
    ia_vec_release(&parsed->mappings);
    *parsed = (struct ia_parsed){0};
}

const struct ia_parsed ia_parsed_nothing;

struct ia_parsed *ia_parsed_own(const struct ia_parsed **parsed)
{
    if (*parsed == &ia_parsed_nothing) {
        struct ia_parsed *made = calloc(1, sizeof(*made));
        if (made == NULL)
            return NULL;
        *parsed = made;
    }
    return (struct ia_parsed *)*parsed;
}

void ia_parsed_drop(const struct ia_parsed **parsed)
{
    if (*parsed != NULL && *parsed != &ia_parsed_nothing) {
        struct ia_parsed *own = (struct ia_parsed *)*parsed;
        ia_parsed_release(own);
        free(own);
    }
    *parsed = &ia_parsed_nothing;
}

/* What is `from` is `to` then. */
static void move_parsed(const struct ia_parsed **from, const struct ia_parsed **to)
{
    ia_parsed_drop(to);
    *to = *from;
    *from = &ia_parsed_nothing;
}

bool ia_parsed_set_identity(struct ia_parsed *parsed, const struct ia_image_identity *identity)
{
    free(parsed->identity);
    parsed->identity = NULL;
    if (identity->own[0] == '\0' && identity->own_stamp[0] == '\0' && identity->parent[0] == '\0' &&
        identity->parent_stamp[0] == '\0')
        return true;
    parsed->identity = malloc(sizeof(*parsed->identity));
    if (parsed->identity == NULL)
        return false;
    *parsed->identity = *identity;
    return true;
}

const struct ia_image_identity *ia_parsed_identity(const struct ia_parsed *parsed)
{
    static const struct ia_image_identity nobody;
    return parsed->identity == NULL ? &nobody : parsed->identity;
}

bool ia_parsed_is_half_read(const struct ia_parsed *parsed)
{
    return parsed->changed_while_read && (parsed->status == IA_OK || parsed->status == IA_CORRUPT);
}

void ia_previous_release(struct ia_previous *previous)
{
    free(previous->path);
    free(previous->referenced_by);
    free(previous->referenced_path);
    ia_packed_content_free(previous->packed);
    ia_parsed_drop(&previous->parsed);
}

void ia_vanished_release(struct ia_vanished *vanished)
{
    free(vanished->volume);
    free(vanished->path);
    free(vanished->backing_name);
    free(vanished->referenced_by);
    free(vanished->referenced_path);
}

void ia_file_take_over(struct ia_file *file, struct ia_previous *previous)
{
    file->from_store = true;
    file->checked_ns = previous->checked_ns;
    file->class = previous->class;
    file->reason = previous->reason;
    file->packed = ia_steal_ptr(previous->packed);
    if (file->class == IA_CLASS_IMAGE) {
        move_parsed(&previous->parsed, &file->parsed);
        file->has_parsed = true;
    }
}

void ia_file_give_back(struct ia_file *file, struct ia_previous *previous)
{
    move_parsed(&file->parsed, &previous->parsed);
    file->has_parsed = false;
    file->from_store = false;
}

void ia_file_release(struct ia_file *file)
{
    for (size_t i = 0; i < file->names.len; i++)
        free(file->names.items[i].path);
    ia_vec_release(&file->names);
    ia_parsed_drop(&file->parsed);
    ia_packed_content_free(file->packed);
}

bool ia_file_has_path(const struct ia_file *file, const char *path)
{
    for (size_t i = 0; i < file->names.len; i++)
        if (strcmp(path, file->names.items[i].path) == 0)
            return true;
    return false;
}

void ia_file_find_birth(struct ia_file *file)
{
    int64_t dev;
    int64_t inode;
    int64_t birth_ns;
    if (ia_volume_birth(AT_FDCWD, ia_file_path(file), &dev, &inode, &birth_ns) && dev == file->key.dev &&
        inode == file->key.inode)
        file->birth_ns = birth_ns;
}

bool ia_file_is_reused(const struct ia_file *file, const char *path)
{
    int64_t dev, inode, birth_ns;
    return file->birth_ns >= 0 && ia_volume_birth(AT_FDCWD, path, &dev, &inode, &birth_ns) && dev == file->key.dev &&
           inode == file->key.inode && birth_ns >= 0 && birth_ns != file->birth_ns;
}

bool ia_time_is_restored(int64_t now_ns, int64_t before_ns)
{
    enum { SECOND = 1000000000 };
    return now_ns == before_ns || (now_ns % SECOND == 0 && now_ns / SECOND == before_ns / SECOND);
}

bool ia_file_is_faithful_copy(const struct ia_file *file, const char *path, const struct ia_file_key *key)
{
    return ia_time_is_restored(file->key.mtime_ns, key->mtime_ns) && key->size == file->key.size &&
           ia_file_has_path(file, path);
}

enum ia_image_state ia_file_image_state(const struct ia_file *file)
{
    const struct ia_parsed *parsed = file->parsed;
    if (file->not_seen)
        return IA_IMAGE_NOT_SEEN;
    if (ia_parsed_is_half_read(parsed))
        return IA_IMAGE_CHANGED;
    if (parsed->status != IA_OK)
        return ia_image_state_of(parsed->status);
    for (size_t i = 1; i < parsed->mappings.len; i++)
        if (parsed->mappings.items[i].failed)
            return IA_IMAGE_SNAPSHOT_UNREADABLE;
    return parsed->facts.truncated ? IA_IMAGE_TRUNCATED : IA_IMAGE_OK;
}

int ia_file_cross_linked(const struct ia_file *file)
{
    int overlapping = file->parsed->facts.overlapping;
    return overlapping == 1 || file->parsed->status == IA_OK ? overlapping : -1;
}
