/* SPDX-License-Identifier: MIT */
/* Why an image counts as a backing file. */
#include <string.h>

#include "base/path.h"
#include "judge/internal.h"

enum ia_evidence ia_evidence_of_place(const char *path)
{
    const char *name = ia_path_name(path);
    if (strstr(path, "/_base/") != NULL)
        return IA_EVIDENCE_OPENSTACK_BASE;
    if (strncmp(name, "base-", 5) == 0 && strstr(name, "-disk-") != NULL)
        return IA_EVIDENCE_PROXMOX_TEMPLATE;
    return IA_EVIDENCE_COUNT;
}

/* The directory is named by a number: that of a machine. */
static bool is_of_machine(const char *path, size_t len)
{
    size_t digits = 0;
    while (digits < len && path[len - 1 - digits] >= '0' && path[len - 1 - digits] <= '9')
        digits++;
    return digits > 0 && digits < len && path[len - 1 - digits] == '/';
}

size_t ia_evidence_overlays_below(const char *path)
{
    const char *base = strstr(path, "/_base/");
    if (base != NULL)
        return (size_t)(base - path);
    size_t len = ia_path_directory_length(path);
    if (ia_evidence_of_place(path) != IA_EVIDENCE_PROXMOX_TEMPLATE || len < 2 || !is_of_machine(path, len - 1))
        return 0;
    for (len--; path[len - 1] != '/';) /* ends: a slash is before the number */
        len--;
    return len - 1;
}

bool ia_judge_may_hide(const char *stated_format)
{
    return stated_format == NULL || strcmp(stated_format, "raw") != 0;
}

/* The first of the globs that a name of the file matches; NULL: none. */
static const char *glob_of(const struct ia_graph *graph, const struct ia_graph_file *file)
{
    for (size_t i = 0; i < graph->backing_globs.len; i++)
        for (size_t n = 0; n < file->names; n++)
            if (ia_path_matches(graph->names.items[file->first_name + n].path, graph->backing_globs.items[i]))
                return graph->backing_globs.items[i];
    return NULL;
}

bool ia_judge_has_all_machines(const struct ia_judge *judge)
{
    return judge->is_host_covered && judge->inventory_problems.len == 0;
}

bool ia_judge_matches_glob(const struct ia_judge *judge, size_t number)
{
    return glob_of(judge->graph, &judge->graph->files.items[judge->graph->images.items[number].file]) != NULL;
}

/* The disk of a machine that is based on the image, through images that have one overlay each: a template has several,
 * or another sign of one. Ends: after as many steps as there are images it is a ring. */
static const struct ia_graph_image *disk_above(const struct ia_judge *judge, size_t number)
{
    const struct ia_graph *graph = judge->graph;
    const size_t *overlay;
    if (graph->images.items[number].is_template || ia_judge_matches_glob(judge, number) ||
        ia_evidence_of_place(graph->images.items[number].path) != IA_EVIDENCE_COUNT)
        return NULL;
    for (size_t steps = 0; steps < graph->images.len && ia_judge_overlays(judge, number, &overlay) == 1; steps++) {
        number = *overlay;
        if (graph->images.items[number].is_disk)
            return &graph->images.items[number];
    }
    return NULL;
}

bool ia_judge_is_snapshot(const struct ia_judge *judge, size_t number)
{
    return disk_above(judge, number) != NULL;
}

bool ia_judge_evidence(const struct ia_judge *judge, size_t number, ia_evidence_sink *each, void *ctx)
{
    const struct ia_graph *graph = judge->graph;
    const struct ia_graph_image *image = &graph->images.items[number];
    const size_t *overlay;
    size_t overlays = ia_judge_overlays(judge, number, &overlay);
    for (size_t i = 0; i < overlays; i++)
        if (!each(ctx, IA_EVIDENCE_NAMED, graph->images.items[overlay[i]].path, 0))
            return false;
    if (overlays == 0 && image->named_scan != 0 &&
        !each(ctx, IA_EVIDENCE_WAS_NAMED, image->named_by == NULL ? "" : image->named_by, image->named_scan))
        return false;
    const char *glob = glob_of(graph, &graph->files.items[image->file]);
    if (glob != NULL && !each(ctx, IA_EVIDENCE_BACKING_GLOB, glob, 0))
        return false;
    const struct ia_graph_image *disk = disk_above(judge, number);
    if (disk != NULL && !each(ctx, IA_EVIDENCE_EXTERNAL_SNAPSHOT, disk->path, 0))
        return false;
    if (image->is_hidden && !each(ctx, IA_EVIDENCE_HIDDEN, "", 0))
        return false;
    enum ia_evidence place = ia_evidence_of_place(image->path);
    return place == IA_EVIDENCE_COUNT || each(ctx, place, "", 0);
}

static bool stop(void *ctx, enum ia_evidence evidence, const char *subject, int64_t scan)
{
    (void)ctx, (void)evidence, (void)subject, (void)scan;
    return false;
}

bool ia_judge_has_evidence(const struct ia_judge *judge, size_t image)
{
    return !ia_judge_evidence(judge, image, stop, NULL);
}
