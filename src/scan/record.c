/* SPDX-License-Identifier: MIT */
/* Writing what a scan found. Everything here is inside the scan's one transaction. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "scan/internal.h"

static const struct ia_previous *previous_of(const struct ia_scan *scan, const struct ia_item *item)
{
    return item->previous == IA_NO_ITEM ? NULL : &scan->inventory.previous.items[item->previous];
}

static enum ia_status drop_mappings(struct ia_scan *scan, const struct ia_parsed *parsed, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < parsed->mappings.len && status == IA_OK; i++)
        status = ia_writer_drop_mapping(scan->writer, parsed->mappings.items[i].map_id, err);
    return status;
}

static bool same_identity(const struct ia_previous *previous, const struct ia_item *item)
{
    return previous->key.dev == item->key.dev && previous->key.inode == item->key.inode;
}

/* What the scan before had and this one has not, or has anew. */
static enum ia_status drop_old(struct ia_scan *scan, struct ia_error *err)
{
    struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < inventory->previous.len && status == IA_OK; i++) {
        const struct ia_previous *previous = &inventory->previous.items[i];
        if (previous->taken)
            continue;
        scan->row.vanished += previous->image_id != 0;
        status = drop_mappings(scan, &previous->parsed, err);
        if (status == IA_OK)
            status = ia_writer_drop_file(scan->writer, previous->file_id, err);
    }
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        const struct ia_previous *previous = previous_of(scan, item);
        if (!ia_item_is_image(item)) /* read as one before it turned out to be a part */
            status = drop_mappings(scan, &item->parsed, err);
        if (previous == NULL)
            continue;
        if (status == IA_OK && !item->from_store)
            status = drop_mappings(scan, &previous->parsed, err);
        if (status == IA_OK && !same_identity(previous, item))
            status = ia_writer_drop_file(scan->writer, previous->file_id, err);
        else if (status == IA_OK && previous->image_id != 0 && !ia_item_is_image(item))
            status = ia_writer_drop_image(scan->writer, previous->image_id, err);
    }
    return status;
}

static enum ia_status put_files(struct ia_scan *scan, struct ia_error *err)
{
    struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        struct ia_item *item = &inventory->items.items[i];
        const struct ia_previous *previous = previous_of(scan, item);
        bool known = previous != NULL && same_identity(previous, item);
        item->file_id = known ? previous->file_id : 0;
        if (known && item->from_store && strcmp(previous->path, ia_item_path(item)) == 0 &&
            previous->verdict == item->verdict)
            continue; /* the row stands */
        struct ia_file_row row = {
            .file_id = item->file_id,
            .path = ia_item_path(item),
            .dev = item->key.dev,
            .inode = item->key.inode,
            .size = item->key.size,
            .disk_size = item->disk_size,
            .mtime_ns = item->key.mtime_ns,
            .ctime_ns = item->key.ctime_ns,
            /* What its content names has to be looked at each time: the store keeps one format of a file. */
            .checked_ns = item->content_backing != NULL ? 0 : item->checked_ns,
            .verdict = ia_verdict_word(item->verdict),
            .reason = item->reason == NULL ? "" : item->reason,
        };
        status = ia_writer_put_file(scan->writer, &row, err);
        item->file_id = row.file_id;
    }
    return status;
}

static void number_images(struct ia_scan *scan)
{
    for (size_t i = 0; i < scan->inventory.items.len; i++) {
        struct ia_item *item = &scan->inventory.items.items[i];
        const struct ia_previous *previous = previous_of(scan, item);
        if (!ia_item_is_image(item))
            continue;
        bool known = previous != NULL && previous->image_id != 0;
        item->image_id = known ? previous->image_id : ia_writer_new_image_id(scan->writer);
        scan->row.images++;
        scan->row.added += !known;
        scan->row.parsed += item->parsed_now;
        scan->row.unchanged += item->from_store;
        scan->row.changed += known && !item->from_store;
        scan->row.renamed += known && strcmp(previous->path, ia_item_path(item)) != 0;
        if (item->parsed.mappings.len == 0) { /* nothing could be read: an active mapping without extents */
            struct ia_mapping none = {.map_id = ia_writer_new_map_id(scan->writer), .failed = true};
            if (!ia_vec_push(&item->parsed.mappings, none))
                scan->findings.failed = true;
        }
    }
}

/* Places where virtualisation software keeps nothing but bases. */
static void add_convention(struct ia_buf *out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    if (strstr(path, "/_base/") != NULL)
        ia_buf_add_str(out, "lies in a directory _base, where OpenStack keeps base images");
    else if (strncmp(name, "base-", 5) == 0 && strstr(name, "-disk-") != NULL)
        ia_buf_add_str(out, "has the name of a Proxmox template's disk, base-N-disk-N");
}

static void describe_base(const struct ia_item *item, const struct ia_previous *previous, struct ia_buf *out)
{
    if (previous != NULL && previous->referenced_scan != 0)
        ia_buf_addf(out, "scan %jd saw it named as backing file by '%s'", (intmax_t)previous->referenced_scan,
                    previous->referenced_by == NULL ? "" : previous->referenced_by);
    else if (item->is_base_by_glob != NULL)
        ia_buf_addf(out, "matches --backing-glob '%s'", item->is_base_by_glob);
    else
        add_convention(out, ia_item_path(item));
}

static bool has_failed_snapshot(const struct ia_parsed *parsed)
{
    for (size_t i = 1; i < parsed->mappings.len; i++)
        if (parsed->mappings.items[i].failed)
            return true;
    return false;
}

/* When any of the image's files was last written: a VMDK's writes go to its extents. */
static int64_t newest_change(const struct ia_scan *scan, const struct ia_item *item)
{
    int64_t newest = item->key.mtime_ns;
    for (size_t i = 0; i < item->parts.len; i++)
        if (item->parts.items[i].item != IA_NO_ITEM)
            newest = ia_max(newest, scan->inventory.items.items[item->parts.items[i].item].key.mtime_ns);
    return newest;
}

/* What is needed to look up the image's other files again without reading it. */
static enum ia_status put_image_names(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_image_facts *facts = &item->parsed.facts;
    enum ia_status status = ia_writer_drop_image_names(scan->writer, item->image_id, err);
    for (size_t i = 0; i < facts->parts.len && status == IA_OK; i++) {
        const struct ia_image_part *part = &facts->parts.items[i];
        struct ia_name_row row = {item->image_id, "part", (int64_t)i, part->role, part->place, part->name};
        status = ia_writer_put_image_name(scan->writer, &row, err);
    }
    for (size_t i = 0; i < facts->backing_paths.len && status == IA_OK; i++) {
        struct ia_name_row row = {item->image_id, "backing", (int64_t)i, "", 0, facts->backing_paths.items[i]};
        status = ia_writer_put_image_name(scan->writer, &row, err);
    }
    return status;
}

/* An image that was taken over keeps its rows. */
static enum ia_status put_space(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_account *account = &item->parsed.account;
    enum ia_status status = ia_writer_drop_space(scan->writer, item->image_id, err);
    for (size_t i = 0; i < account->rows.len && status == IA_OK; i++) {
        const struct ia_account_row *made = &account->rows.items[i];
        struct ia_space_row row = {.image_id = item->image_id,
                                   .file = made->file,
                                   .use = made->use,
                                   .bytes = made->bytes,
                                   .disk_bytes = made->disk_bytes,
                                   .unwritten_bytes = made->unwritten_bytes};
        status = ia_writer_put_space(scan->writer, &row, err);
    }
    return status;
}

static enum ia_status put_image(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_parsed *parsed = &item->parsed;
    const struct ia_image_facts *facts = &parsed->facts;
    const struct ia_previous *previous = previous_of(scan, item);
    const struct ia_item *items = scan->inventory.items.items;
    IA_AUTO_BUF struct ia_buf base = {0};
    describe_base(item, previous, &base);
    if (base.failed || parsed->mappings.len == 0)
        return ia_fail(err, IA_NOMEM, "out of memory");
    bool named = item->referenced_by != IA_NO_ITEM;
    bool read = parsed->status == IA_OK || facts->virtual_size > 0;
    struct ia_image_row row = {
        .image_id = item->image_id,
        .file_id = item->file_id,
        .path = ia_item_path(item),
        .format = parsed->format,
        .format_basis = parsed->basis,
        .variant = facts->variant,
        .state = parsed->status != IA_OK       ? ia_status_word(parsed->status)
                 : parsed->changed_while_read  ? "changed"
                 : has_failed_snapshot(parsed) ? "snapshot-unreadable"
                 : facts->truncated            ? "truncated"
                                               : "ok",
        .problem = parsed->message,
        .virtual_size = read ? facts->virtual_size : -1,
        .cluster_size = facts->cluster_size > 0 ? facts->cluster_size : -1,
        .encrypted = facts->encrypted,
        .dirty = facts->dirty,
        .corrupt = facts->marked_corrupt,
        .truncated = facts->truncated,
        .chain_ok = item->chain_ok,
        .backing_name = facts->backing_name,
        .backing_format = facts->backing_format,
        .backing_path = item->backing_path,
        .identity = &facts->identity,
        .backing_by_identity = facts->backing_by_identity,
        .is_template = item->is_template,
        .backing_id = item->backing != IA_NO_ITEM ? items[item->backing].image_id : 0,
        .map_id = parsed->mappings.items[0].map_id,
        .compressed_host = facts->compressed_host,
        .metadata_bytes = parsed->status == IA_OK ? facts->metadata_bytes : -1,
        .lock_state = item->lock_state,
        .is_base_by = base.len > 0 ? base.data : NULL,
        .first_scan =
            previous != NULL && previous->first_scan != 0 ? previous->first_scan : ia_writer_scan_id(scan->writer),
        .referenced_scan = named              ? ia_writer_scan_id(scan->writer)
                           : previous != NULL ? previous->referenced_scan
                                              : 0,
        .referenced_mtime_ns = named              ? newest_change(scan, item)
                               : previous != NULL ? previous->referenced_mtime_ns
                                                  : 0,
        .referenced_by = named              ? ia_item_path(&items[item->referenced_by])
                         : previous != NULL ? previous->referenced_by
                                            : NULL,
    };
    memcpy(row.state_bytes, parsed->state_bytes, sizeof(row.state_bytes));
    enum ia_status status = ia_writer_put_image(scan->writer, &row, err);
    return status == IA_OK && !item->from_store ? put_image_names(scan, item, err) : status;
}

static enum ia_status put_mappings(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_parsed *parsed = &item->parsed;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < parsed->mappings.len && status == IA_OK && !item->from_store; i++) {
        const struct ia_mapping *mapping = &parsed->mappings.items[i];
        const struct ia_snapshot *snapshot = i > 0 ? &parsed->facts.snapshots.items[i - 1] : NULL;
        struct ia_mapping_row row = {
            .map_id = mapping->map_id,
            .image_id = item->image_id,
            .snapshot = (int64_t)i - 1,
            .id = snapshot == NULL ? NULL : snapshot->id,
            .name = snapshot == NULL ? NULL : snapshot->name,
            .size = mapping->size,
            .vm_state = snapshot == NULL ? 0 : snapshot->vm_state,
            .date_ns = snapshot == NULL ? 0 : snapshot->date_ns,
            .extents = mapping->extents,
            .failed = mapping->failed,
        };
        status = ia_writer_put_mapping(scan->writer, &row, err);
    }
    return status;
}

static enum ia_status put_images(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < scan->inventory.items.len && status == IA_OK; i++) {
        const struct ia_item *item = &scan->inventory.items.items[i];
        if (!ia_item_is_image(item))
            continue;
        status = put_image(scan, item, err);
        if (status == IA_OK)
            status = put_mappings(scan, item, err);
        if (status == IA_OK && !item->from_store)
            status = put_space(scan, item, err);
    }
    return status;
}

static enum ia_status put_part_reference(struct ia_scan *scan, const struct ia_item *item, size_t number,
                                         struct ia_error *err)
{
    const struct ia_image_part *named = &item->parsed.facts.parts.items[number];
    const struct ia_item_part *part = &item->parts.items[number];
    struct ia_reference_row row = {
        .image_id = item->image_id,
        .kind = named->place == IA_PART_REFERENCE ? "data-file" : "extent",
        .name = named->name == NULL ? "" : named->name,
        .path = part->path == NULL ? "" : part->path,
        .state = part->ambiguous              ? "ambiguous"
                 : part->status == IA_OK      ? "followed"
                 : part->status == IA_REFUSED ? "outside"
                 : part->status == IA_MISSING ? "missing"
                                              : "denied",
        .target_id = part->item != IA_NO_ITEM ? scan->inventory.items.items[part->item].file_id : 0,
    };
    return ia_writer_put_reference(scan->writer, &row, err);
}

static enum ia_status put_references(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_item *items = scan->inventory.items.items;
    enum ia_status status = IA_OK;
    if (item->parsed.facts.backing_name != NULL) {
        struct ia_reference_row row = {
            .image_id = item->image_id,
            .kind = "backing",
            .name = item->parsed.facts.backing_name,
            .path = item->backing_path == NULL ? "" : item->backing_path,
            .state = item->backing_state == NULL ? "unsupported" : item->backing_state,
            .target_id = item->backing_target != IA_NO_ITEM ? items[item->backing_target].file_id : 0,
        };
        status = ia_writer_put_reference(scan->writer, &row, err);
    }
    for (size_t i = 0; i < item->parts.len && status == IA_OK; i++)
        status = put_part_reference(scan, item, i, err);
    return status;
}

static enum ia_status put_image_files(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    const struct ia_item *items = scan->inventory.items.items;
    enum ia_status status =
        ia_writer_put_image_file(scan->writer, item->image_id, 0, "main", ia_item_path(item), item->file_id, err);
    for (size_t i = 0; i < item->parts.len && status == IA_OK; i++) {
        const struct ia_item_part *part = &item->parts.items[i];
        if (part->path != NULL)
            status = ia_writer_put_image_file(scan->writer, item->image_id, (int64_t)i + 1,
                                              item->parsed.facts.parts.items[i].role, part->path,
                                              part->item != IA_NO_ITEM ? items[part->item].file_id : 0, err);
    }
    return status;
}

static enum ia_status put_names(struct ia_scan *scan, const struct ia_item *item, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < item->names.len && status == IA_OK; i++)
        status = ia_writer_put_name(scan->writer, item->names.items[i].path, item->file_id,
                                    item->names.items[i].symlink ? "symlink" : "file", err);
    return status;
}

static enum ia_status put_links(struct ia_scan *scan, struct ia_error *err)
{
    const struct ia_inventory *inventory = &scan->inventory;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < inventory->items.len && status == IA_OK; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->verdict == IA_VERDICT_IMAGE || item->verdict == IA_VERDICT_PART)
            status = put_names(scan, item, err);
        if (status == IA_OK && ia_item_is_image(item))
            status = put_references(scan, item, err);
        if (status == IA_OK && ia_item_is_image(item))
            status = put_image_files(scan, item, err);
    }
    for (size_t i = 0; i < scan->aliases.len && status == IA_OK; i++) {
        const struct ia_alias *alias = &scan->aliases.items[i];
        struct ia_reference_row row = {
            .image_id = inventory->items.items[alias->image].image_id,
            .kind = alias->kind,
            .name = alias->name,
            .path = alias->path,
            .state = "followed",
            .target_id = inventory->items.items[alias->target].file_id,
        };
        if (row.image_id != 0)
            status = ia_writer_put_reference(scan->writer, &row, err);
    }
    return status;
}

static enum ia_status put_findings(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = scan->findings.failed ? ia_fail(err, IA_NOMEM, "out of memory for findings") : IA_OK;
    for (size_t i = 0; i < scan->findings.all.len && status == IA_OK; i++) {
        const struct ia_finding *finding = &scan->findings.all.items[i];
        const struct ia_finding_kind *kind = &ia_finding_kinds[finding->code];
        struct ia_finding_row row = {kind->code, kind->severity, finding->path, finding->detail, finding->hides};
        status = ia_writer_put_finding(scan->writer, &row, err);
    }
    return status;
}

static enum ia_status put_options(struct ia_scan *scan, const char *kind, const char *const *values, size_t count,
                                  struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < count && status == IA_OK; i++)
        status = ia_writer_put_option(scan->writer, kind, values[i], err);
    return status;
}

enum ia_status ia_scan_put_options(struct ia_scan *scan, struct ia_error *err)
{
    const struct ia_scan_options *options = scan->options;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < options->root_count && status == IA_OK; i++)
        status = ia_writer_put_option(scan->writer, "root", scan->confine.allowed.items[i].path, err);
    if (status == IA_OK)
        status = put_options(scan, "allow", options->allow, options->allow_count, err);
    if (status == IA_OK)
        status = put_options(scan, "exclude", options->exclude, options->exclude_count, err);
    if (status == IA_OK)
        status = put_options(scan, "backing-glob", options->backing_globs, options->backing_glob_count, err);
    if (status == IA_OK)
        status = put_options(scan, "template", options->templates, options->template_count, err);
    if (status == IA_OK)
        status = put_options(scan, "raw-suffix", options->raw_suffixes, options->raw_suffix_count, err);
    for (size_t i = 0; i < scan->passed.len && status == IA_OK; i++)
        status = ia_writer_put_passed(scan->writer, scan->passed.items[i].reason, scan->passed.items[i].files, err);
    return status;
}

/* All that names, links and the forest's results depend on, as one number: the same number, the same rows. */
struct fingerprint {
    uint64_t value;
};

static void mix(struct fingerprint *print, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++)
        print->value = (print->value ^ p[i]) * UINT64_C(0x100000001b3);
}

static void mix_int(struct fingerprint *print, int64_t value)
{
    mix(print, &value, sizeof(value));
}

static void mix_text(struct fingerprint *print, const char *text)
{
    mix(print, text == NULL ? "" : text, text == NULL ? 1 : strlen(text) + 1);
}

static int64_t fingerprint(const struct ia_scan *scan)
{
    const struct ia_inventory *inventory = &scan->inventory;
    struct fingerprint print = {.value = UINT64_C(0xcbf29ce484222325)};
    for (size_t i = 0; i < inventory->items.len; i++) {
        const struct ia_item *item = &inventory->items.items[i];
        if (item->verdict != IA_VERDICT_IMAGE && item->verdict != IA_VERDICT_PART)
            continue;
        mix_int(&print, item->file_id);
        mix_int(&print, item->image_id);
        mix_int(&print, item->chain_ok);
        mix_int(&print, item->is_template);
        mix_int(&print, item->backing == IA_NO_ITEM ? -1 : inventory->items.items[item->backing].image_id);
        mix_int(&print, item->backing_target == IA_NO_ITEM ? -1 : inventory->items.items[item->backing_target].file_id);
        for (size_t n = 0; n < item->parts.len; n++) {
            size_t part = item->parts.items[n].item;
            mix_int(&print, part == IA_NO_ITEM ? -1 : inventory->items.items[part].file_id);
            mix_text(&print, item->parts.items[n].path);
        }
        mix_text(&print, item->backing_state);
        mix_text(&print, item->backing_path);
        mix_int(&print, item->parsed.status);
        for (size_t n = 0; n < item->names.len; n++)
            mix_text(&print, item->names.items[n].path);
        for (size_t n = 0; n < item->parsed.mappings.len; n++)
            mix_int(&print, item->parsed.mappings.items[n].map_id);
    }
    for (size_t i = 0; i < scan->aliases.len; i++) {
        mix_int(&print, inventory->items.items[scan->aliases.items[i].image].image_id);
        mix_int(&print, inventory->items.items[scan->aliases.items[i].target].file_id);
        mix_text(&print, scan->aliases.items[i].path);
    }
    return (int64_t)print.value;
}

enum ia_status ia_scan_record(struct ia_scan *scan, struct ia_error *err)
{
    static const char key[] = "forest";
    int64_t before = 0;
    number_images(scan);
    enum ia_status status = ia_writer_get_setting(scan->writer, key, &before, err);
    if (status == IA_OK)
        status = ia_writer_unlink(scan->writer, err);
    if (status == IA_OK)
        status = drop_old(scan, err);
    if (status == IA_OK)
        status = put_files(scan, err);
    if (status == IA_OK)
        status = put_images(scan, err);
    int64_t now = fingerprint(scan);
    if (status == IA_OK && now != before) {
        status = ia_writer_clear_derived(scan->writer, err);
        if (status == IA_OK)
            status = put_links(scan, err);
        if (status == IA_OK)
            status = ia_scan_analyse(scan, err);
        if (status == IA_OK)
            status = ia_writer_put_setting(scan->writer, key, now, err);
    }
    return status == IA_OK ? put_findings(scan, err) : status;
}
