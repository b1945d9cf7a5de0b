/* SPDX-License-Identifier: MIT */
/* Where backing names led before. An overlay is right on the file that it was made on only: a template that is
 * refreshed under its old name, a symbolic link that is turned, or a write to the base breaks it in silence. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "scan/graph/former_bases.h"

/* What earlier scans kept of the image's base, as long as the image names it as it did. */
static int64_t base_before(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_previous *row = ia_bases_row_of(links->catalog, file);
    const char *name = file->parsed->facts.backing_name;
    if (row == NULL || row->base_id == 0 || name == NULL)
        return 0;
    const char *before = file->from_store ? name : row->parsed->facts.backing_name;
    return before != NULL && strcmp(before, name) == 0 ? row->base_id : 0;
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
                    node->backing_path == NULL ? file->parsed->facts.backing_name : node->backing_path,
                    known                 ? "'"
                    : node->base_is_newer ? "not known"
                                          : "gone",
                    before, known ? "' now" : "");
}

/* What the image was made on: by its own past, by that of what it is a copy of, by times. */
static bool find_base_id(struct ia_links *links, struct ia_bases *bases, struct ia_file *file)
{
    struct ia_node *node = file->node;
    size_t now = node->backing_target;
    const struct ia_origin *origin = NULL;
    node->base_id = base_before(links, file);
    if (node->base_id == 0 && file->parsed->facts.backing_name != NULL) {
        if (!ia_bases_find_origin(bases, file, &origin))
            return false;
        node->base_id = origin == NULL ? 0 : origin->base_id;
        node->origin_id = origin == NULL ? 0 : origin->file_id;
    }
    if (node->base_id == 0 && now != IA_NO_FILE && node->chain_ok &&
        ia_links_is_newer(links, links->catalog->files.items[now], file))
        node->base_id = IA_BASE_UNKNOWN;
    node->base_is_newer = node->base_id == IA_BASE_UNKNOWN;
    return true;
}

/* A scan before had the image with its base, and this one has it without. One that was away itself is not dated. */
static int64_t base_lost_ns(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_previous *row = ia_catalog_previous(links->catalog, file);
    bool is_lost =
        file->node->base_id > 0 && file->node->base_before == IA_NO_FILE && file->node->backing_target == IA_NO_FILE;
    if (!is_lost || row == NULL || row->gone_scan != 0 || row->base_id != file->node->base_id)
        return 0;
    return row->base_lost_ns != 0 ? row->base_lost_ns : ia_writer_last_scan_ns(links->catalog->writer);
}

/* What is left of the chain below a base that is no more, as scans found it, whatever has its name now. Ends: after as
 * many steps as there may be it is a ring. */
static bool find_lost_base(struct ia_links *links, const struct ia_bases *bases, size_t number)
{
    enum { MOST_STEPS = 1000 };
    const struct ia_node *node = links->catalog->files.items[number]->node;
    bool is_gone = node->base_id > 0 && node->base_before == IA_NO_FILE;
    int64_t id = is_gone ? ia_catalog_base_of(links->catalog, node->base_id) : 0;
    for (int i = 0; i < MOST_STEPS && id != 0; i++, id = ia_catalog_base_of(links->catalog, id)) {
        size_t found = ia_bases_find_itself(bases, id);
        if (found != IA_NO_FILE)
            return ia_vec_push(&links->lost_bases, ((struct ia_lost_base){number, found}));
    }
    return true;
}

static bool compare_base(struct ia_links *links, struct ia_bases *bases, size_t number)
{
    struct ia_file *file = links->catalog->files.items[number];
    struct ia_node *node = file->node;
    size_t now = node->backing_target;
    if (!find_base_id(links, bases, file))
        return false;
    if (node->base_id == 0)
        return true;
    bool is_copy = now != IA_NO_FILE && now != ia_bases_find_itself(bases, node->base_id) &&
                   ia_bases_is_copy(links->catalog, links->catalog->files.items[now], node->base_id);
    if (is_copy) {
        node->base_id = 0; /* to be kept anew */
        return true;
    }
    if (!ia_bases_find(bases, node->base_id, &node->base_before))
        return false;
    node->base_lost_ns = base_lost_ns(links, file);
    if (!find_lost_base(links, bases, number))
        return false;
    if (now == IA_NO_FILE || now == node->base_before)
        return true;
    node->is_exchanged = true;
    report_exchanged(links, file);
    return true;
}

/* When any of its files had last been written to by the scan before; those that it did not find do not count. */
static int64_t newest_before(const struct ia_links *links, const struct ia_file *file)
{
    const struct ia_previous *row = ia_bases_row_of(links->catalog, file);
    int64_t newest = row == NULL ? INT64_MAX : row->key.mtime_ns;
    for (size_t i = 0; i < file->read->parts.len; i++) {
        size_t part = file->read->parts.items[i].file;
        row = part == IA_NO_FILE ? NULL : ia_bases_row_of(links->catalog, links->catalog->files.items[part]);
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

/* A commit of the only overlay writes to the base, and then to the overlay; any other write breaks its overlays. So
 * does one that sets the time back, as a copy of an older file over the base does. */
static void judge_write(struct ia_links *links, size_t number, const struct standing *standing)
{
    const struct ia_file *file = links->catalog->files.items[number];
    if (standing->count == 0)
        return;
    int64_t changed = ia_links_newest_change(links, file);
    int64_t before = newest_before(links, file);
    bool went_back = changed < before && before != INT64_MAX && !ia_time_is_restored(changed, before);
    bool is_commit = standing->count == 1 && standing->oldest_ns >= changed;
    if (!went_back && (changed <= before || is_commit))
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
            catalog->files.items[i]->parsed->facts.backing_name != NULL)
            return true;
    return false;
}

static enum ia_status compare_all(struct ia_links *links, struct ia_bases *bases, struct standing *standing,
                                  struct ia_error *err)
{
    struct ia_catalog *catalog = links->catalog;
    for (size_t i = 0; i < catalog->files.len; i++)
        if (ia_file_is_image(catalog->files.items[i]) && !catalog->files.items[i]->gone &&
            !compare_base(links, bases, i))
            return ia_no_memory(err);
    IA_TRY(ia_former_bases_find(links, bases, err));
    for (size_t i = 0; i < catalog->files.len; i++)
        if (ia_file_is_image(catalog->files.items[i]))
            count_standing(links, standing, i);
    for (size_t i = 0; i < catalog->files.len; i++)
        judge_write(links, i, &standing[i]);
    return IA_OK;
}

enum ia_status ia_links_compare(struct ia_links *links, struct ia_error *err)
{
    struct ia_bases bases = {0};
    if (!any_base(links->catalog))
        return IA_OK;
    struct standing *standing = calloc(links->catalog->files.len + 1, sizeof(*standing));
    bool ok = standing != NULL && ia_bases_list(&bases, links->catalog);
    enum ia_status status = ok ? compare_all(links, &bases, standing, err) : ia_no_memory(err);
    free(standing);
    ia_bases_release(&bases);
    return status;
}
