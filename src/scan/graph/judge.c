/* SPDX-License-Identifier: MIT */
/* What an administrator should know of each file, and what the judge needs of it beside what it names. */
#include <string.h>

#include "base/checked.h"
#include "base/path.h"
#include "judge/judge.h"
#include "scan/graph/content.h"
#include "scan/graph/links.h"
#include "scan/graph/nested.h"

static void judge_unknown(struct ia_links *links, const struct ia_file *file)
{
    const char *path = ia_file_path(file);
    if (!file->unreadable && file->reason == IA_REASON_EMPTY)
        ia_findings_add(&links->catalog->findings, IA_FINDING_EMPTY, path, "named like an image, and empty");
    else if (!file->unreadable && file->reason == IA_REASON_UNRECOGNISED)
        ia_findings_add(&links->catalog->findings, IA_FINDING_UNRECOGNISED, path,
                        "named like an image, without a known magic");
    else
        ia_findings_add(&links->catalog->findings, IA_FINDING_UNREADABLE, path, "%s",
                        file->parsed->message == NULL ? "cannot be read" : file->parsed->message);
}

static enum ia_finding_code code_of(enum ia_status status)
{
    switch (status) {
    case IA_UNSUPPORTED:
        return IA_FINDING_UNSUPPORTED;
    case IA_LIMIT:
        return IA_FINDING_LIMIT;
    case IA_CORRUPT:
    case IA_NOT_MINE:
        return IA_FINDING_CORRUPT;
    default:
        return IA_FINDING_UNREADABLE;
    }
}

/* A qcow2 data file and the extents of other formats have codes of their own. */
static void judge_part(struct ia_links *links, const struct ia_file *file, size_t number)
{
    static const enum ia_finding_code codes[][2] = {
        {IA_FINDING_DATA_FILE_OUTSIDE, IA_FINDING_EXTENT_OUTSIDE},
        {IA_FINDING_DATA_FILE_MISSING, IA_FINDING_EXTENT_MISSING},
        {IA_FINDING_DATA_FILE_UNREADABLE, IA_FINDING_EXTENT_UNREADABLE},
    };
    const char *path = ia_file_path(file);
    const struct ia_image_part *named = &file->parsed->facts.parts.items[number];
    const struct ia_file_part *part = &file->read->parts.items[number];
    const char *where = part->path == NULL ? "" : part->path;
    bool extent = named->place != IA_PART_REFERENCE;
    /* Without it nothing is known of what the image is made on. */
    bool describes = named->place == IA_PART_OWN_DESCRIPTION || named->place == IA_PART_DESCRIPTION;
    if (part->found == IA_RESOLVE_OUTSIDE)
        ia_findings_add(&links->catalog->findings, codes[0][extent], path, "%s file '%s' is outside %s", named->role,
                        where, extent ? "the image's directory, or the roots" : "the roots");
    else if (part->found == IA_RESOLVE_MISSING)
        ia_findings_add(&links->catalog->findings, codes[describes ? 2 : 1][extent], path,
                        "%s file '%s' does not exist", named->role, where);
    else if (part->found != IA_RESOLVE_FOLLOWED)
        ia_findings_add(&links->catalog->findings, codes[2][extent], path, "%s file '%s' cannot be read: %s",
                        named->role, where, part->message == NULL ? "" : part->message);
    if (part->state == IA_RESOLVE_AMBIGUOUS)
        ia_findings_add(&links->catalog->findings, IA_FINDING_DATA_FILE_AMBIGUOUS, path,
                        "%s file '%s' is named relative to a working directory; looked for beside the image",
                        named->role, named->name == NULL ? "" : named->name);
}

/* False: not all of the image's files could be had. */
static bool judge_parts(struct ia_links *links, const struct ia_file *file)
{
    bool whole = true;
    for (size_t i = 0; i < file->read->parts.len; i++) {
        judge_part(links, file, i);
        whole = whole && file->read->parts.items[i].found == IA_RESOLVE_FOLLOWED;
    }
    return whole;
}

static void judge_content(struct ia_links *links, const struct ia_file *file)
{
    const char *path = ia_file_path(file);
    const struct ia_parsed *parsed = file->parsed;
    bool whole = judge_parts(links, file);
    bool half_read = ia_parsed_is_half_read(parsed);
    if (parsed->status != IA_OK && whole && !half_read)
        ia_findings_add(&links->catalog->findings, code_of(parsed->status), path, "%s", parsed->message);
    if (parsed->changed_while_read && (parsed->references_changed || parsed->status != IA_OK))
        ia_findings_add(&links->catalog->findings, IA_FINDING_CHANGED_WHILE_READ, path,
                        "changed twice while it was read");
    else if (parsed->changed_while_read)
        ia_findings_add_open(&links->catalog->findings, IA_FINDING_CHANGED_WHILE_READ, path,
                             "changed twice while it was read");
    if (parsed->facts.truncated)
        ia_findings_add(&links->catalog->findings, IA_FINDING_TRUNCATED, path,
                        "tables or clusters lie past the end of the file");
    if (parsed->facts.marked_corrupt)
        ia_findings_add(&links->catalog->findings, IA_FINDING_MARKED_CORRUPT, path, "it is marked as corrupt");
    if (parsed->facts.overlapping == 1)
        ia_findings_add(&links->catalog->findings, IA_FINDING_OVERLAP, path,
                        "the same bytes of its files are used twice: what is written to one guest address, or to a "
                        "table, changes another (qemu-img check: errors of refcounts or COPIED flags, if it notices)");
    if (parsed->facts.may_be_lost && !parsed->facts.truncated) /* what was cut off may have named them */
        ia_findings_add(&links->catalog->findings, IA_FINDING_EMPTY_L2_TABLE, path,
                        "an L2 table, or the L1 table, has no entry, and clusters are leaked: they may be the guest's "
                        "data that it named. "
                        "Do not repair leaks before it was looked into");
    if (parsed->facts.dirty)
        ia_findings_add(&links->catalog->findings, IA_FINDING_DIRTY, path,
                        "in use, or not closed cleanly: its own accounts may be behind");
    if (parsed->facts.encrypted)
        ia_findings_add(&links->catalog->findings, IA_FINDING_ENCRYPTED, path,
                        "its data is encrypted; it is mapped without the key");
    for (size_t i = 1; i < parsed->mappings.len; i++)
        if (parsed->mappings.items[i].failed && !half_read)
            ia_findings_add(&links->catalog->findings, IA_FINDING_SNAPSHOT_UNREADABLE, path,
                            "internal snapshot %zu: its tables cannot be read", i - 1);
    if (file->node->content_backing != NULL)
        ia_findings_add(&links->catalog->findings, IA_FINDING_FORMAT_CONFLICT, path,
                        "used as %s, but its content is an image that names the backing file '%s'", parsed->format,
                        file->node->content_backing);
}

static void judge_backing_state(struct ia_links *links, const struct ia_file *file, const char *where)
{
    static const struct {
        const char *words; /* NULL: no finding */
        enum ia_finding_code code;
    } kinds[IA_RESOLVE_STATES] = {
        [IA_RESOLVE_MISSING] = {"does not exist", IA_FINDING_BACKING_MISSING},
        [IA_RESOLVE_OUTSIDE] = {"is outside the roots and was not opened", IA_FINDING_BACKING_OUTSIDE},
        [IA_RESOLVE_DENIED] = {"cannot be reached", IA_FINDING_BACKING_UNREADABLE},
        [IA_RESOLVE_NOT_A_FILE] = {"is neither a file nor a block device", IA_FINDING_BACKING_UNREADABLE},
        [IA_RESOLVE_LOOP] = {"leads in a circle", IA_FINDING_BACKING_LOOP},
        [IA_RESOLVE_REMOTE] = {"is no file of this host", IA_FINDING_BACKING_REMOTE},
        [IA_RESOLVE_UNSUPPORTED] = {"is described in a way that is not followed", IA_FINDING_BACKING_UNSUPPORTED},
        [IA_RESOLVE_AMBIGUOUS] = {"is named relative to a working directory; looked for beside the image",
                                  IA_FINDING_BACKING_AMBIGUOUS},
        [IA_RESOLVE_SEVERAL] = {"is known by its identity only, and several images have it", IA_FINDING_PARENT_SEVERAL},
    };
    enum ia_resolve_state state = file->node->backing_state;
    bool is_reported = state == IA_RESOLVE_LOOP && file->node->backing_target != IA_NO_FILE; /* by cut_loops */
    bool is_here = state == IA_RESOLVE_REMOTE && file->node->backing_is_here; /* by ia_links_judge_nested */
    if (kinds[state].words == NULL || is_reported || is_here)
        return;
    if (state == IA_RESOLVE_NOT_A_FILE && ia_catalog_is_vhd(links->catalog, where)) { /* that has its own finding */
        ia_findings_add_open(&links->catalog->findings, IA_FINDING_BACKING_UNSUPPORTED, ia_file_path(file),
                             "backing file '%s' is a VHD as a directory of files, which is not read", where);
        return;
    }
    /* Where it is certain which file it is, references can be hidden in it by its format alone. */
    bool certain = state == IA_RESOLVE_MISSING || state == IA_RESOLVE_OUTSIDE;
    if (certain && !ia_judge_may_hide(file->parsed->facts.backing_format))
        ia_findings_add_open(&links->catalog->findings, kinds[state].code, ia_file_path(file), "backing file '%s' %s",
                             where, kinds[state].words);
    else
        ia_findings_add(&links->catalog->findings, kinds[state].code, ia_file_path(file), "backing file '%s' %s", where,
                        kinds[state].words);
}

static void judge_backing(struct ia_links *links, const struct ia_file *file)
{
    const struct ia_image_facts *facts = &file->parsed->facts;
    if (facts->backing_name == NULL || file->node->backing_state == IA_RESOLVE_NONE)
        return;
    const char *where = file->node->backing_path == NULL ? facts->backing_name : file->node->backing_path;
    judge_backing_state(links, file, where);
    if (file->node->parent_mismatch != NULL)
        ia_findings_add(&links->catalog->findings, IA_FINDING_PARENT_MISMATCH, ia_file_path(file),
                        "backing file '%s': %s", where, file->node->parent_mismatch);
    if (file->node->backing != IA_NO_FILE && facts->backing_format == NULL &&
        strncmp(facts->backing_name, "json:", 5) != 0)
        ia_findings_add(&links->catalog->findings, IA_FINDING_BACKING_FORMAT_GUESSED, ia_file_path(file),
                        "does not state the format of its backing file '%s': taken for %s", where,
                        links->catalog->files.items[file->node->backing]->has_parsed
                            ? links->catalog->files.items[file->node->backing]->parsed->format
                            : "unknown");
}

static bool matches(const struct ia_file *file, const char *glob)
{
    for (size_t i = 0; i < file->names.len; i++)
        if (ia_path_matches(file->names.items[i].path, glob))
            return true;
    return false;
}

static void mark_template(struct ia_links *links, struct ia_file *file)
{
    file->node->is_template = file->node->is_template || file->parsed->facts.kept;
    for (size_t i = 0; i < links->templates.len && !file->node->is_template; i++)
        file->node->is_template = matches(file, links->templates.items[i]);
}

int64_t ia_links_newest_change(const struct ia_links *links, const struct ia_file *file)
{
    int64_t newest = file->key.mtime_ns;
    for (size_t i = 0; i < file->read->parts.len; i++)
        if (file->read->parts.items[i].file != IA_NO_FILE)
            newest = ia_max(newest, links->catalog->files.items[file->read->parts.items[i].file]->key.mtime_ns);
    return newest;
}

/* Who names the backing file, the first of all, and when the last of them was written to. */
static void add_overlay(struct ia_links *links, size_t number)
{
    struct ia_file **items = links->catalog->files.items;
    const struct ia_file *file = items[number];
    if (file->node->backing != IA_NO_FILE && items[file->node->backing]->node->referenced_by == IA_NO_FILE)
        items[file->node->backing]->node->referenced_by = number;
    if (file->node->backing_target != IA_NO_FILE)
        items[file->node->backing_target]->node->last_overlay_mtime_ns =
            ia_max(items[file->node->backing_target]->node->last_overlay_mtime_ns, ia_links_newest_change(links, file));
}

static void judge_packed(struct ia_links *links, const struct ia_file *file)
{
    if (file->packed != NULL && file->packed->problem != NULL)
        ia_findings_add(&links->catalog->findings, IA_FINDING_PACKED_UNREADABLE, ia_file_path(file), "%s",
                        file->packed->problem);
}

static enum ia_status judge_image(struct ia_links *links, size_t number, struct ia_error *err)
{
    struct ia_file *file = links->catalog->files.items[number];
    enum ia_status status = IA_OK;
    if (file->unreadable)
        judge_unknown(links, file);
    if (!file->not_seen) {
        judge_content(links, file);
        judge_backing(links, file);
        ia_links_judge_nested(links, file);
    }
    mark_template(links, file);
    add_overlay(links, number);
    for (size_t i = 0; i < file->read->parts.len && status == IA_OK; i++) {
        size_t part = file->read->parts.items[i].file;
        if (part != IA_NO_FILE && ia_node_is_only_a_part(links->catalog->files.items[part]->node))
            status = ia_links_keep_content(links, number, part, err);
    }
    return status;
}

/* Not understood, and nothing that has to be. */
static bool is_companion(const struct ia_file *file)
{
    bool is_nothing =
        file->class == IA_CLASS_SKIPPED || (file->class == IA_CLASS_UNKNOWN && file->reason != IA_REASON_UNREADABLE);
    return file->node->is_companion && is_nothing;
}

enum ia_status ia_links_judge(struct ia_links *links, struct ia_error *err)
{
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        struct ia_file *file = links->catalog->files.items[i];
        if (file->gone)
            continue;
        if (ia_node_is_only_a_part(file->node))
            file->class = IA_CLASS_PART;
        if (is_companion(file))
            file->class = IA_CLASS_PART;
        judge_packed(links, file);
        if (file->class == IA_CLASS_UNKNOWN)
            judge_unknown(links, file);
        else if (file->class == IA_CLASS_SKIPPED)
            ia_catalog_skip(links->catalog, file->reason);
        else if (file->class == IA_CLASS_PACKED)
            ia_catalog_skip(links->catalog, IA_REASON_PACKED);
        else if (file->class == IA_CLASS_IMAGE)
            IA_TRY(judge_image(links, i, err));
    }
    return IA_OK;
}
