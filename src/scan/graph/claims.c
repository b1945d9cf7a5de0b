/* SPDX-License-Identifier: MIT */
/* Where the claims of machines lead. A claim opens no file: its path is resolved, and looked up among the files of the
 * scan. */
#include "scan/graph/claims.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/search.h"
#include "scan/graph/links.h"

const char *ia_claim_state_word(enum ia_claim_state state)
{
    static const char *const words[IA_CLAIM_STATES] = {"found", "missing", "outside", "unscanned", "unreadable"};
    return words[state];
}

bool ia_claim_is_image(const struct ia_claim *claim)
{
    return claim->role != IA_CLAIM_CDROM && claim->role != IA_CLAIM_FLOPPY && claim->role != IA_CLAIM_FIRMWARE &&
           claim->role != IA_CLAIM_OTHER;
}

static void release_targets(struct ia_claims *claims)
{
    for (size_t i = 0; i < claims->all.len; i++)
        free(claims->all.items[i].path);
    claims->all.len = 0;
}

void ia_claims_release(struct ia_claims *claims)
{
    release_targets(claims);
    ia_vec_release(&claims->all);
    for (size_t i = 0; i < claims->before.len; i++)
        free(claims->before.items[i].path);
    ia_vec_release(&claims->before);
    ia_inventory_release(&claims->inventory);
}

static int by_path_before(const void *left, const void *right)
{
    return strcmp(((const struct ia_claim_before *)left)->path, ((const struct ia_claim_before *)right)->path);
}

static const struct ia_claim_before *led_to(const struct ia_claims *claims, const char *path)
{
    const struct ia_claim_before wanted = {.path = (char *)path};
    size_t at;
    size_t count =
        ia_equal_range(&wanted, claims->before.items, claims->before.len, sizeof(wanted), by_path_before, &at);
    return count > 0 ? &claims->before.items[at] : NULL;
}

static enum ia_claim_state state_of(const struct ia_resolved *resolved, size_t file)
{
    if (file != IA_NO_FILE)
        return IA_CLAIM_FOUND;
    switch (resolved->state) {
    case IA_RESOLVE_OUTSIDE:
        return IA_CLAIM_OUTSIDE;
    case IA_RESOLVE_DENIED:
        return IA_CLAIM_UNREADABLE;
    case IA_RESOLVE_FOLLOWED:
    case IA_RESOLVE_NOT_A_FILE:
        return IA_CLAIM_UNSCANNED;
    default:
        return IA_CLAIM_MISSING;
    }
}

/* The file is an image of this format, as an overlay would state it. */
static enum ia_status mark(struct ia_links *links, const struct ia_claim *claim, size_t number, struct ia_error *err)
{
    struct ia_node *node = links->catalog->files.items[number]->node;
    node->is_claimed |= claim->role != IA_CLAIM_BACKING; /* that is settled when it is known what names it */
    node->is_disk = node->is_disk || claim->role == IA_CLAIM_DISK;
    node->is_below = node->is_below || claim->role == IA_CLAIM_BACKING;
    if (!ia_claim_is_image(claim))
        return IA_OK;
    node->is_claimed_image = true;
    if (claim->format == NULL || node->stated_format != NULL)
        return IA_OK;
    node->stated_format = strdup(claim->format);
    return node->stated_format != NULL ? IA_OK : ia_no_memory(err);
}

static bool is_empty(const char *directory)
{
    DIR *opened = opendir(directory);
    bool is_empty = opened != NULL;
    for (const struct dirent *entry; is_empty && (entry = readdir(opened)) != NULL;)
        is_empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (opened != NULL)
        closedir(opened);
    return is_empty;
}

/* Where no scan looks, what is left of the path is as empty as a directory on which nothing is mounted. */
static enum ia_status look_for_mount(const struct ia_links *links, const char *path, bool *is_unmounted,
                                     struct ia_error *err)
{
    IA_AUTO_FREE char *above = strdup(path);
    if (above == NULL)
        return ia_no_memory(err);
    do { /* ends: a component goes each time */
        size_t len = ia_path_directory_length(above);
        above[len > 1 ? len - 1 : len] = '\0';
    } while (above[0] == '/' && above[1] != '\0' && access(above, F_OK) != 0 && errno == ENOENT);
    IA_AUTO_FREE char *canonical = NULL;
    struct ia_error cause = {0};
    enum ia_status status = ia_confine_resolve(&links->catalog->confine, above, &canonical, &cause);
    *is_unmounted = status == IA_REFUSED && is_empty(above);
    return status == IA_NOMEM ? ia_no_memory(err) : IA_OK;
}

static enum ia_status resolve(struct ia_links *links, struct ia_claim_target *target, struct ia_error *err)
{
    const struct ia_resolve_rules rules = ia_links_rules(links);
    const struct ia_claim *claim = ia_claim_of(&links->claims, target);
    IA_AUTO_RESOLVED struct ia_resolved resolved = {0};
    if (claim->path[0] == '/') /* else it is a server's */
        IA_TRY(ia_resolve_path(&rules, NULL, claim->path, &resolved, err));
    target->file = ia_links_file_of(links, &resolved);
    target->state = state_of(&resolved, target->file);
    if (target->state != IA_CLAIM_MISSING)
        target->path = ia_steal_ptr(resolved.path);
    if (target->file != IA_NO_FILE)
        return mark(links, claim, target->file, err);
    const struct ia_claim_before *before = led_to(&links->claims, claim->path);
    bool is_missing = target->state == IA_CLAIM_MISSING;
    target->was_outside = target->state == IA_CLAIM_OUTSIDE || (is_missing && before != NULL && before->was_outside);
    target->is_unmounted = is_missing && target->was_outside;
    target->before_id = before != NULL ? before->file_id : 0;
    if (is_missing && !target->was_outside && !claim->is_optional && claim->path[0] == '/')
        IA_TRY(look_for_mount(links, claim->path, &target->is_unmounted, err));
    target->base_id = before != NULL ? before->base_id : 0;
    return IA_OK;
}

static enum ia_status resolve_one(struct ia_links *links, size_t machine, size_t claim, struct ia_error *err)
{
    struct ia_claim_target target = {
        .machine = machine, .claim = claim, .file = IA_NO_FILE, .before = IA_NO_FILE, .base = IA_NO_FILE};
    enum ia_status status = resolve(links, &target, err);
    if (status == IA_OK && ia_vec_push(&links->claims.all, target))
        return IA_OK;
    free(target.path);
    return status != IA_OK ? status : ia_no_memory(err);
}

enum ia_status ia_links_resolve_claims(struct ia_links *links, struct ia_error *err)
{
    const struct ia_inventory *inventory = &links->claims.inventory;
    release_targets(&links->claims);
    for (size_t i = 0; i < links->catalog->files.len && inventory->machines.len > 0; i++) {
        struct ia_node *node = links->catalog->files.items[i]->node;
        node->is_claimed = node->is_disk = node->is_below = node->is_claimed_image = false;
    }
    for (size_t m = 0; m < inventory->machines.len; m++)
        for (size_t c = 0; c < inventory->machines.items[m].claims.len; c++)
            IA_TRY(resolve_one(links, m, c, err));
    return IA_OK;
}

/* What lies below another file is read whole, unless that one's image names it: then it is read through that. */
static void settle_backing(struct ia_links *links, size_t number)
{
    const struct ia_claims *claims = &links->claims;
    const struct ia_claim_target *target = &claims->all.items[number];
    const struct ia_claim *claim = ia_claim_of(claims, target);
    if (target->file == IA_NO_FILE || claim->role != IA_CLAIM_BACKING)
        return;
    size_t first = number - target->claim; /* where the machine's claims begin */
    size_t over = claim->over == 0 ? IA_NO_FILE : claims->all.items[first + claim->over - 1].file;
    bool is_named = over != IA_NO_FILE && links->catalog->files.items[over]->node->backing == target->file;
    links->catalog->files.items[target->file]->node->is_claimed |= !is_named;
}

/* A file of an earlier scan, and where its number in the catalog goes. */
struct wanted {
    int64_t file_id;
    size_t *number;
};

static int by_file_id(const void *left, const void *right)
{
    const struct wanted *a = left;
    const struct wanted *b = right;
    return (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

static size_t first_of(const struct wanted *wanted, size_t count, int64_t file_id)
{
    const struct wanted key = {.file_id = file_id};
    return ia_lower_bound(&key, wanted, count, sizeof(key), by_file_id);
}

/* Where the files are now that lost claims led to, and what these were based on. */
static enum ia_status find_before(struct ia_links *links, struct ia_error *err)
{
    struct ia_catalog *catalog = links->catalog;
    struct ia_claims *claims = &links->claims;
    IA_AUTO_FREE struct wanted *wanted = calloc(2 * claims->all.len + 1, sizeof(*wanted));
    size_t count = 0;
    if (wanted == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < claims->all.len; i++) {
        struct ia_claim_target *target = &claims->all.items[i];
        if (target->before_id != 0)
            wanted[count++] = (struct wanted){target->before_id, &target->before};
        if (target->base_id != 0)
            wanted[count++] = (struct wanted){target->base_id, &target->base};
    }
    if (count > 1)
        qsort(wanted, count, sizeof(*wanted), by_file_id);
    for (size_t i = 0; i < catalog->files.len && count > 0; i++) {
        const struct ia_previous *previous = ia_catalog_previous(catalog, catalog->files.items[i]);
        size_t at = previous == NULL ? count : first_of(wanted, count, previous->file_id);
        for (; at < count && wanted[at].file_id == previous->file_id; at++)
            *wanted[at].number = i;
    }
    return IA_OK;
}

enum ia_status ia_links_settle_claims(struct ia_links *links, struct ia_error *err)
{
    struct ia_catalog *catalog = links->catalog;
    for (size_t i = 0; i < links->claims.all.len; i++)
        settle_backing(links, i);
    ia_links_check_parents(links);
    for (size_t i = 0; i < catalog->files.len && links->claims.all.len > 0; i++) {
        struct ia_file *file = catalog->files.items[i];
        for (size_t p = 0; p < file->read->parts.len && !file->node->is_claimed; p++) {
            size_t part = file->read->parts.items[p].file;
            file->node->is_claimed = part != IA_NO_FILE && catalog->files.items[part]->node->is_claimed;
        }
    }
    IA_TRY(find_before(links, err));
    return ia_links_drop_absent_claims(links, err);
}
