/* SPDX-License-Identifier: MIT */
/* What an administrator should know of each file, and which may be called unused. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "judge/judge.h"
#include "scan/internal.h"

static void judge_unknown(struct ia_scan *scan, const struct ia_item *item)
{
    const char *path = ia_item_path(item);
    if (strcmp(item->reason, "empty") == 0)
        ia_findings_add(&scan->findings, IA_FINDING_EMPTY, path, "named like an image, and empty");
    else if (strcmp(item->reason, "unrecognised") == 0)
        ia_findings_add(&scan->findings, IA_FINDING_UNRECOGNISED, path, "named like an image, without a known magic");
    else
        ia_findings_add(&scan->findings, IA_FINDING_UNREADABLE, path, "%s",
                        item->parsed.message == NULL ? "cannot be read" : item->parsed.message);
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
static void judge_part(struct ia_scan *scan, const struct ia_item *item, size_t number)
{
    static const enum ia_finding_code codes[][2] = {
        {IA_FINDING_DATA_FILE_OUTSIDE, IA_FINDING_EXTENT_OUTSIDE},
        {IA_FINDING_DATA_FILE_MISSING, IA_FINDING_EXTENT_MISSING},
        {IA_FINDING_DATA_FILE_UNREADABLE, IA_FINDING_EXTENT_UNREADABLE},
    };
    const char *path = ia_item_path(item);
    const struct ia_image_part *named = &item->parsed.facts.parts.items[number];
    const struct ia_item_part *part = &item->parts.items[number];
    const char *where = part->path == NULL ? "" : part->path;
    bool extent = named->place == IA_PART_BESIDE;
    if (part->status == IA_REFUSED)
        ia_findings_add(&scan->findings, codes[0][extent], path, "%s file '%s' is outside %s", named->role, where,
                        extent ? "the image's directory, or the roots" : "the roots");
    else if (part->status == IA_MISSING)
        ia_findings_add(&scan->findings, codes[1][extent], path, "%s file '%s' does not exist", named->role, where);
    else if (part->status != IA_OK)
        ia_findings_add(&scan->findings, codes[2][extent], path, "%s file '%s' cannot be read: %s", named->role, where,
                        part->message == NULL ? "" : part->message);
    if (part->ambiguous)
        ia_findings_add(&scan->findings, IA_FINDING_DATA_FILE_AMBIGUOUS, path,
                        "%s file '%s' is named relative to a working directory; looked for beside the image",
                        named->role, named->name == NULL ? "" : named->name);
}

/* False: not all of the image's files could be had. */
static bool judge_parts(struct ia_scan *scan, const struct ia_item *item)
{
    bool whole = true;
    for (size_t i = 0; i < item->parts.len; i++) {
        judge_part(scan, item, i);
        whole = whole && item->parts.items[i].status == IA_OK;
    }
    return whole;
}

static void judge_content(struct ia_scan *scan, const struct ia_item *item)
{
    const char *path = ia_item_path(item);
    const struct ia_parsed *parsed = &item->parsed;
    bool whole = judge_parts(scan, item);
    if (parsed->status != IA_OK && whole)
        ia_findings_add(&scan->findings, code_of(parsed->status), path, "%s", parsed->message);
    if (parsed->changed_while_read && parsed->references_changed)
        ia_findings_add(&scan->findings, IA_FINDING_CHANGED_WHILE_READ, path, "changed twice while it was read");
    else if (parsed->changed_while_read)
        ia_findings_add_open(&scan->findings, IA_FINDING_CHANGED_WHILE_READ, path, "changed twice while it was read");
    if (parsed->facts.truncated)
        ia_findings_add(&scan->findings, IA_FINDING_TRUNCATED, path, "tables or clusters lie past the end of the file");
    if (parsed->facts.marked_corrupt)
        ia_findings_add(&scan->findings, IA_FINDING_MARKED_CORRUPT, path, "the image says that it is corrupt");
    if (parsed->facts.overlapping == 1)
        ia_findings_add(&scan->findings, IA_FINDING_OVERLAP, path,
                        "the same bytes of its files are used twice: what is written to one guest address, or to a "
                        "table, changes another (qemu-img check: errors of refcounts or COPIED flags, if it notices)");
    if (parsed->facts.dirty)
        ia_findings_add(&scan->findings, IA_FINDING_DIRTY, path,
                        "in use, or not closed cleanly: its own accounts may be behind");
    if (parsed->facts.encrypted)
        ia_findings_add(&scan->findings, IA_FINDING_ENCRYPTED, path,
                        "its data is encrypted; it is mapped without the key");
    for (size_t i = 1; i < parsed->mappings.len; i++)
        if (parsed->mappings.items[i].failed)
            ia_findings_add(&scan->findings, IA_FINDING_SNAPSHOT_UNREADABLE, path,
                            "internal snapshot %zu: its tables cannot be read", i - 1);
    if (item->content_backing != NULL)
        ia_findings_add(&scan->findings, IA_FINDING_FORMAT_CONFLICT, path,
                        "used as %s, but its content is an image that names the backing file '%s'", parsed->format,
                        item->content_backing);
}

static void judge_backing(struct ia_scan *scan, const struct ia_item *item)
{
    static const struct {
        const char *state;
        enum ia_finding_code code;
        const char *words;
    } kinds[] = {
        {"missing", IA_FINDING_BACKING_MISSING, "does not exist"},
        {"outside", IA_FINDING_BACKING_OUTSIDE, "is outside the roots and was not opened"},
        {"denied", IA_FINDING_BACKING_UNREADABLE, "cannot be reached"},
        {"not-a-file", IA_FINDING_BACKING_UNREADABLE, "is neither a file nor a block device"},
        {"remote", IA_FINDING_BACKING_REMOTE, "is no local file"},
        {"unsupported", IA_FINDING_BACKING_UNSUPPORTED, "is described in a way that is not followed"},
        {"ambiguous", IA_FINDING_BACKING_AMBIGUOUS,
         "is named relative to a working directory; looked for beside the image"},
        {"loop", IA_FINDING_BACKING_LOOP, "leads in a circle"},
        {"several", IA_FINDING_PARENT_SEVERAL, "is known by its identity only, and several images have it"},
    };
    const struct ia_image_facts *facts = &item->parsed.facts;
    if (facts->backing_name == NULL || item->backing_state == NULL)
        return;
    /* Where it is certain which file it is, its format says whether references are hidden in it. */
    bool certain = strcmp(item->backing_state, "missing") == 0 || strcmp(item->backing_state, "outside") == 0;
    bool hides = !certain || ia_judge_may_hide(facts->backing_format);
    const char *where = item->backing_path == NULL ? facts->backing_name : item->backing_path;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(item->backing_state, kinds[i].state) != 0)
            continue;
        if (kinds[i].code == IA_FINDING_BACKING_LOOP && item->backing_target != IA_NO_ITEM)
            continue; /* told by cut_loops */
        if (!hides)
            ia_findings_add_open(&scan->findings, kinds[i].code, ia_item_path(item), "backing file '%s' %s", where,
                                 kinds[i].words);
        else
            ia_findings_add(&scan->findings, kinds[i].code, ia_item_path(item), "backing file '%s' %s", where,
                            kinds[i].words);
    }
    if (item->parent_mismatch != NULL)
        ia_findings_add(&scan->findings, IA_FINDING_PARENT_MISMATCH, ia_item_path(item), "backing file '%s': %s", where,
                        item->parent_mismatch);
    if (item->backing != IA_NO_ITEM && facts->backing_format == NULL && strncmp(facts->backing_name, "json:", 5) != 0)
        ia_findings_add(&scan->findings, IA_FINDING_BACKING_FORMAT_GUESSED, ia_item_path(item),
                        "does not state the format of its backing file '%s': taken for %s", where,
                        scan->inventory.items.items[item->backing].has_parsed
                            ? scan->inventory.items.items[item->backing].parsed.format
                            : "unknown");
}

static bool matches(const struct ia_item *item, const char *glob)
{
    for (size_t i = 0; i < item->names.len; i++)
        if (ia_evidence_matches(item->names.items[i].path, glob))
            return true;
    return false;
}

static void mark_template(struct ia_scan *scan, struct ia_item *item)
{
    for (size_t i = 0; i < scan->templates.len && !item->is_template; i++)
        item->is_template = matches(item, scan->templates.items[i]);
}

bool ia_scan_may_be_base(const struct ia_scan *scan, const struct ia_item *item)
{
    const struct ia_previous *previous =
        item->previous == IA_NO_ITEM ? NULL : &scan->inventory.previous.items[item->previous];
    bool found = item->is_referenced || item->is_template || (previous != NULL && previous->referenced_scan != 0) ||
                 ia_evidence_of_place(ia_item_path(item)) != IA_EVIDENCE_COUNT;
    for (size_t i = 0; i < scan->options->backing_glob_count && !found; i++)
        found = matches(item, scan->options->backing_globs[i]);
    return found;
}

int64_t ia_scan_newest_change(const struct ia_scan *scan, const struct ia_item *item)
{
    int64_t newest = item->key.mtime_ns;
    for (size_t i = 0; i < item->parts.len; i++)
        if (item->parts.items[i].item != IA_NO_ITEM)
            newest = ia_max(newest, scan->inventory.items.items[item->parts.items[i].item].key.mtime_ns);
    return newest;
}

/* Who names the backing file, the first of all, and when the last of them was written to. */
static void note_overlay(struct ia_scan *scan, size_t number)
{
    struct ia_item *items = scan->inventory.items.items;
    const struct ia_item *item = &items[number];
    if (item->backing != IA_NO_ITEM && items[item->backing].referenced_by == IA_NO_ITEM)
        items[item->backing].referenced_by = number;
    if (item->backing_target != IA_NO_ITEM)
        items[item->backing_target].overlaid_ns =
            ia_max(items[item->backing_target].overlaid_ns, ia_scan_newest_change(scan, item));
}

static bool is_only_a_part(const struct ia_item *item)
{
    return item->is_part && !item->is_referenced;
}

/* A file that holds another image's data may look like an overlay itself. Nobody follows that, but who took it for an
 * image would need what it names: the image that it is a part of names that instead. */
static enum ia_status keep_content(struct ia_scan *scan, size_t image, size_t part, struct ia_error *err)
{
    const struct ia_item *item = &scan->inventory.items.items[part];
    enum ia_status status = IA_OK;
    if (item->backing_target != IA_NO_ITEM && item->backing_target != image)
        status = ia_scan_add_alias(scan, "content", image, item->backing_target, item->parsed.facts.backing_name,
                                   item->backing_path != NULL ? item->backing_path : "", err);
    for (size_t i = 0, count = scan->aliases.len; i < count && status == IA_OK; i++) {
        const struct ia_alias alias = scan->aliases.items[i];
        if (alias.image == part && alias.target != image)
            status = ia_scan_add_alias(scan, "content", image, alias.target, alias.name, alias.path, err);
    }
    return status;
}

static enum ia_status judge_image(struct ia_scan *scan, size_t number, struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[number];
    enum ia_status status = IA_OK;
    judge_content(scan, item);
    judge_backing(scan, item);
    mark_template(scan, item);
    note_overlay(scan, number);
    for (size_t i = 0; i < item->parts.len && status == IA_OK; i++) {
        size_t part = item->parts.items[i].item;
        if (part != IA_NO_ITEM && is_only_a_part(&scan->inventory.items.items[part]))
            status = keep_content(scan, number, part, err);
    }
    return status;
}

enum ia_status ia_scan_judge(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < scan->inventory.items.len && status == IA_OK; i++) {
        struct ia_item *item = &scan->inventory.items.items[i];
        if (is_only_a_part(item))
            item->verdict = IA_VERDICT_PART;
        if (item->verdict == IA_VERDICT_UNKNOWN)
            judge_unknown(scan, item);
        else if (item->verdict == IA_VERDICT_PASSED)
            ia_scan_pass_over(scan, item->reason);
        else if (item->verdict == IA_VERDICT_IMAGE)
            status = judge_image(scan, i, err);
    }
    return status;
}
