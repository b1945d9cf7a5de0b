/* SPDX-License-Identifier: MIT */
/* Where backing names led before. An overlay is right on the file that it was made on only: a template that is
 * refreshed under its old name, a symbolic link that is turned, or a write to the base breaks it in silence. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "scan/graph/links.h"

/* The row that the scan before left of this very file; NULL: none. */
static const struct ia_previous *row_of(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_previous *previous = ia_catalog_previous(links->catalog, file);
    return previous != NULL && ia_catalog_is_row_of(links->catalog, previous, file) ? previous : NULL;
}

/* Files that the scan before knew, by file_id. */
struct known {
    int64_t file_id;
    size_t number;
};
struct all_known {
    IA_VEC(struct known) all;
};

static int by_id(const void *left, const void *right)
{
    const struct known *a = left;
    const struct known *b = right;
    return (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

static bool list_known(const struct ia_links *links, struct all_known *known)
{
    const struct ia_catalog *catalog = links->catalog;
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_previous *row = row_of(links, catalog->files.items[i]);
        if (row != NULL && !ia_vec_push(&known->all, ((struct known){row->file_id, i})))
            return false;
    }
    if (known->all.len > 0)
        qsort(known->all.items, known->all.len, sizeof(known->all.items[0]), by_id);
    return true;
}

static size_t find_known(const struct all_known *known, int64_t file_id)
{
    const struct known wanted = {.file_id = file_id};
    const struct known *found =
        known->all.len == 0 ? NULL
                            : bsearch(&wanted, known->all.items, known->all.len, sizeof(known->all.items[0]), by_id);
    return found == NULL ? IA_NO_FILE : found->number;
}

/* The row of a file that may be no more; the catalog has them by ascending file_id. */
static const struct ia_previous *row_by_id(const struct ia_catalog *catalog, int64_t file_id)
{
    size_t low = 0;
    for (size_t high = catalog->previous.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (catalog->previous.items[middle].file_id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < catalog->previous.len && catalog->previous.items[low].file_id == file_id;
    return found ? &catalog->previous.items[low] : NULL;
}

/* What the scan before kept of the image's base, as long as the image names it as it did. */
static int64_t base_before(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_previous *row = row_of(links, file);
    const char *name = file->parsed.facts.backing_name;
    if (row == NULL || row->base_id == 0 || name == NULL)
        return 0;
    const char *before = file->from_store ? name : row->parsed.facts.backing_name;
    return before != NULL && strcmp(before, name) == 0 ? row->base_id : 0;
}

/* It is a copy with the time stamp of the original (cp -p, rsync -t), which is as good as that. */
static bool is_copy_of(const struct ia_links *links, const struct ia_file *file, int64_t file_id)
{
    const struct ia_previous *row = row_by_id(links->catalog, file_id);
    return row != NULL && row->key.size == file->key.size && row->key.mtime_ns == file->key.mtime_ns;
}

/* Of an image that is seen there for the first time. What was made and written to after the image was last written to
 * is not what the image was made on; a copy with its time stamps is not taken for that. */
bool ia_links_is_newer(const struct ia_links *links, const struct ia_file *base, const struct ia_file *file)
{
    int64_t written = ia_links_newest_change(links, file);
    return base->birth_ns > written && ia_links_newest_change(links, base) > written;
}

static void report_exchanged(struct ia_links *links, const struct ia_file *file)
{
    const struct ia_node *node = file->node;
    bool known = node->base_before != IA_NO_FILE;
    const char *before = known ? ia_file_path(links->catalog->files.items[node->base_before]) : "";
    ia_findings_add(&links->catalog->findings, IA_FINDING_BACKING_EXCHANGED, ia_file_path(file),
                    "its backing file '%s' is another file than the one that it was made on, which is %s%s%s",
                    node->backing_path == NULL ? file->parsed.facts.backing_name : node->backing_path,
                    known                 ? "'"
                    : node->base_is_newer ? "not known"
                                          : "gone",
                    before, known ? "' now" : "");
}

static void compare_base(struct ia_links *links, const struct all_known *known, struct ia_file *file)
{
    struct ia_node *node = file->node;
    size_t now = node->backing_target;
    node->base_id = base_before(links, file);
    if (node->base_id == 0 && now != IA_NO_FILE && node->chain_ok &&
        ia_links_is_newer(links, links->catalog->files.items[now], file))
        node->base_id = IA_BASE_UNKNOWN;
    if (node->base_id == 0)
        return;
    node->base_is_newer = node->base_id == IA_BASE_UNKNOWN;
    node->base_before = find_known(known, node->base_id);
    if (now == IA_NO_FILE || now == node->base_before)
        return;
    if (is_copy_of(links, links->catalog->files.items[now], node->base_id)) {
        node->base_id = 0; /* to be kept anew */
        node->base_before = IA_NO_FILE;
        return;
    }
    report_exchanged(links, file);
}

/* When any of its files had last been written to by the scan before; those that it did not know do not count. */
static int64_t newest_before(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_previous *row = row_of(links, file);
    int64_t newest = row == NULL ? INT64_MAX : row->key.mtime_ns;
    for (size_t i = 0; i < file->read->parts.len; i++) {
        size_t part = file->read->parts.items[i].item;
        row = part == IA_NO_FILE ? NULL : row_of(links, links->catalog->files.items[part]);
        if (row != NULL)
            newest = ia_max(newest, row->key.mtime_ns);
    }
    return newest;
}

/* Overlays of a base that were based on it in the scan before, too. */
struct standing {
    size_t count;
    size_t first;
    int64_t oldest_ns; /* when the one was written to that was not for the longest time */
};

/* A commit of the only overlay writes to the base, and then to the overlay; any other write breaks its overlays.
 */
static void judge_write(struct ia_links *links, size_t number, const struct standing *standing)
{
    const struct ia_file *file = links->catalog->files.items[number];
    int64_t changed = ia_links_newest_change(links, file);
    if (standing->count == 0 || changed <= newest_before(links, file) ||
        (standing->count == 1 && standing->oldest_ns >= changed))
        return;
    ia_findings_add(&links->catalog->findings, IA_FINDING_BACKING_WRITTEN, ia_file_path(file),
                    "written to since the last scan, under %zu image%s that %s on it: '%s'%s", standing->count,
                    standing->count == 1 ? "" : "s", standing->count == 1 ? "is based" : "are based",
                    ia_file_path(links->catalog->files.items[standing->first]),
                    standing->count == 1 ? "" : " and others");
}

static void count_standing(const struct ia_links *links, struct standing *all, size_t number)
{
    const struct ia_file *file = links->catalog->files.items[number];
    size_t base = file->node->base_before;
    if (base == IA_NO_FILE || base != file->node->backing_target)
        return;
    int64_t changed = ia_links_newest_change(links, file);
    if (all[base].count++ == 0)
        all[base] = (struct standing){.count = 1, .first = number, .oldest_ns = changed};
    all[base].oldest_ns = ia_min(all[base].oldest_ns, changed);
}

static bool any_base(const struct ia_catalog *catalog)
{
    for (size_t i = 0; i < catalog->files.len; i++)
        if (catalog->files.items[i]->node->backing_target != IA_NO_FILE ||
            catalog->files.items[i]->parsed.facts.backing_name != NULL)
            return true;
    return false;
}

static void compare_all(struct ia_links *links, const struct all_known *known, struct standing *standing)
{
    struct ia_catalog *catalog = links->catalog;
    for (size_t i = 0; i < catalog->files.len; i++)
        if (ia_file_is_image(catalog->files.items[i]) && !catalog->files.items[i]->gone)
            compare_base(links, known, catalog->files.items[i]);
    for (size_t i = 0; i < catalog->files.len; i++)
        if (ia_file_is_image(catalog->files.items[i]))
            count_standing(links, standing, i);
    for (size_t i = 0; i < catalog->files.len; i++)
        judge_write(links, i, &standing[i]);
}

enum ia_status ia_links_compare(struct ia_links *links, struct ia_error *err)
{
    struct all_known known = {0};
    if (!any_base(links->catalog))
        return IA_OK;
    struct standing *standing = calloc(links->catalog->files.len + 1, sizeof(*standing));
    bool ok = standing != NULL && list_known(links, &known);
    if (ok)
        compare_all(links, &known, standing);
    free(standing);
    ia_vec_release(&known.all);
    return ok ? IA_OK : ia_no_memory(err);
}
