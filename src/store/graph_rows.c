/* SPDX-License-Identifier: MIT */
/* The columns of the judge's graph: files, images, what they name and what was found. Tables come before those that
 * name their rows. */
#include <string.h>

#include "judge/finding_kind.h"
#include "store/graph_columns.h"

static unsigned lock_by_word(const char *word)
{
    static const char *const words[] = IA_LOCK_WORDS;
    unsigned lock = IA_LOCK_NONE;
    while (lock < IA_LOCK_UNKNOWN && strcmp(word, words[lock]) != 0)
        lock++;
    return lock;
}

/* What CHECKs keep out of the store is the first of its kind. */
static unsigned reference_kind_by_word(const char *word)
{
    enum ia_name_kind kind = ia_name_kind_by_word(word);
    return kind == IA_NAME_KINDS ? IA_NAME_BACKING : kind;
}

static unsigned finding_by_code(const char *word)
{
    enum ia_finding_code code = ia_finding_by_code(word);
    return code == IA_FINDING_COUNT ? IA_FINDING_UNREADABLE : code;
}

struct volume_row {
    int64_t volume_id;
    struct ia_graph_volume volume;
};

static const struct ia_graph_column volume_columns[] = {
    IA_GRAPH_VALUE(volume_row, volume_id, "volume_id"),
    IA_GRAPH_TEXT_OR_EMPTY(volume_row, volume.mount, "mount"),
    IA_GRAPH_TEXT_OR_EMPTY(volume_row, volume.type, "type"),
    IA_GRAPH_VALUE(volume_row, volume.is_shared, "is_shared AND NOT is_sole_host"),
    IA_GRAPH_VALUE(volume_row, volume.is_twin, "is_twin"),
};

static bool add_volume(struct ia_stored_graph *stored, const void *data)
{
    const struct volume_row *row = data;
    return ia_vec_push(&stored->volume_ids, row->volume_id) && ia_vec_push(&stored->graph.volumes, row->volume);
}

struct file_row {
    int64_t file_id;
    struct ia_graph_file file;
};

static const struct ia_graph_column file_columns[] = {
    IA_GRAPH_VALUE(file_row, file_id, "file_id"),
    IA_GRAPH_VALUE(file_row, file.mtime_ns, "mtime_ns"),
    IA_GRAPH_VALUE(file_row, file.ctime_ns, "ctime_ns"),
    IA_GRAPH_VALUE(file_row, file.birth_ns, "coalesce(birth_ns, -1)"),
    IA_GRAPH_PLACE(file_row, file.volume, "volume_id", VOLUME),
    IA_GRAPH_VALUE(file_row, file.is_part, "class = 'part'"),
};

static bool add_file(struct ia_stored_graph *stored, const void *data)
{
    const struct file_row *row = data;
    return ia_vec_push(&stored->file_ids, row->file_id) && ia_vec_push(&stored->graph.files, row->file);
}

struct name_row {
    size_t file;
    struct ia_graph_name name;
};

static const struct ia_graph_column name_columns[] = {
    IA_GRAPH_PLACE(name_row, file, "file_id", FILE),
    IA_GRAPH_TEXT_OR_EMPTY(name_row, name.path, "path"),
};

/* The names of a file come together. */
static bool add_name(struct ia_stored_graph *stored, const void *data)
{
    const struct name_row *row = data;
    if (row->file == IA_GRAPH_NONE)
        return true;
    struct ia_graph_file *file = &stored->graph.files.items[row->file];
    if (file->names++ == 0)
        file->first_name = stored->graph.names.len;
    return ia_vec_push(&stored->graph.names, row->name);
}

struct image_row {
    int64_t image_id;
    struct ia_graph_image image;
};

static const struct ia_graph_column image_columns[] = {
    IA_GRAPH_VALUE(image_row, image_id, "i.image_id"),
    IA_GRAPH_PLACE(image_row, image.file, "i.file_id", FILE),
    IA_GRAPH_TEXT_OR_EMPTY(image_row, image.path, "i.path"),
    IA_GRAPH_TEXT_OR_EMPTY(image_row, image.format, "i.format"),
    IA_GRAPH_VALUE(image_row, image.format_stated, "i.format_basis = 'stated'"),
    IA_GRAPH_VALUE(image_row, image.problem,
                   "CASE WHEN h.image_id IS NULL OR a.image_id IS NULL OR r.image_id IS NULL THEN 'incomplete'"
                   " ELSE nullif(i.state, 'ok') END"),
    IA_GRAPH_VALUE(image_row, image.backing_path, "i.backing_path"),
    IA_GRAPH_VALUE(image_row, image.backing_format, "h.backing_format"),
    IA_GRAPH_VALUE(image_row, image.cross_linked, "coalesce(a.overlapping, -1)"),
    IA_GRAPH_WORD(image_row, image.lock, "i.lock_state", lock_by_word),
    IA_GRAPH_VALUE(image_row, image.identity, "h.identity"),
    IA_GRAPH_VALUE(image_row, image.expects, "h.parent_identity"),
    IA_GRAPH_VALUE(image_row, image.is_nameless, "h.backing_by_identity"),
    IA_GRAPH_VALUE(image_row, image.is_template, "i.is_template"),
    IA_GRAPH_VALUE(image_row, image.is_hidden, "h.hidden"),
    IA_GRAPH_VALUE(image_row, image.is_claimed, "i.is_claimed"),
    IA_GRAPH_VALUE(image_row, image.is_disk,
                   "EXISTS (SELECT 1 FROM claim AS c WHERE c.file_id = i.file_id AND c.role = 'disk')"),
    IA_GRAPH_VALUE(image_row, image.is_below,
                   "EXISTS (SELECT 1 FROM claim AS c WHERE c.file_id = i.file_id AND c.role = 'backing')"),
    IA_GRAPH_VALUE(image_row, image.has_snapshots,
                   "EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL)"),
    IA_GRAPH_VALUE(image_row, image.can_be_empty, "b.can_be_empty"),
    IA_GRAPH_VALUE(image_row, image.unsettled, "i.unsettled"),
    IA_GRAPH_VALUE(image_row, image.accounted, "u.visible_present IS NOT NULL"),
    IA_GRAPH_VALUE(image_row, image.visible_present, "u.visible_present"),
    IA_GRAPH_VALUE(image_row, image.masked_bytes, "u.masked_bytes"),
    IA_GRAPH_VALUE(image_row, image.named_scan, "r.referenced_scan"),
    IA_GRAPH_VALUE(image_row, image.named_by, "r.referenced_by"),
    IA_GRAPH_VALUE(image_row, image.named_path, "r.referenced_path"),
    IA_GRAPH_VALUE(image_row, image.named_mtime_ns, "coalesce(r.referenced_mtime_ns, -1)"),
    IA_GRAPH_VALUE(image_row, image.named_uncertain, "r.referenced_uncertain"),
    IA_GRAPH_VALUE(image_row, image.parent_differs, "i.parent_differs"),
    IA_GRAPH_VALUE(image_row, image.link_is_newer, "i.link_is_newer"),
    IA_GRAPH_VALUE(image_row, image.past_base_is_known, "coalesce(r.past_base_id, 0) > 0"),
    IA_GRAPH_PLACE(image_row, image.past_base, "abs(r.past_base_id)", FILE),
    IA_GRAPH_PLACE(image_row, image.base_before, "r.base_id", FILE),
    IA_GRAPH_VALUE(image_row, image.base_lost_ns, "r.base_lost_ns"),
    IA_GRAPH_VALUE(image_row, image.seen_since_ns, "r.seen_since_ns"),
    IA_GRAPH_VALUE(image_row, image.path_since_ns, "r.path_since_ns"),
    IA_GRAPH_WORD(image_row, image.was, "c.status", ia_candidate_by_word),
    IA_GRAPH_VALUE(image_row, image.was_scan, "c.since_scan"),
    IA_GRAPH_VALUE(image_row, image.was_since_ns, "c.since_ns"),
    IA_GRAPH_VALUE(image_row, image.was_meant, "c.is_meant"),
    IA_GRAPH_VALUE(image_row, image.was_clear_ns, "c.clear_ns"),
};

static bool add_image(struct ia_stored_graph *stored, const void *data)
{
    const struct image_row *row = data;
    if (row->image.file == IA_GRAPH_NONE)
        return true;
    struct ia_graph_image image = row->image;
    image.backing = IA_GRAPH_NONE; /* see link_image */
    return ia_vec_push(&stored->image_ids, row->image_id) && ia_vec_push(&stored->graph.images, image);
}

struct image_link {
    size_t image, backing;
};

static const struct ia_graph_column link_columns[] = {
    IA_GRAPH_PLACE(image_link, image, "image_id", IMAGE),
    IA_GRAPH_PLACE(image_link, backing, "backing_id", IMAGE),
};

static bool link_image(struct ia_stored_graph *stored, const void *data)
{
    const struct image_link *row = data;
    if (row->image != IA_GRAPH_NONE)
        stored->graph.images.items[row->image].backing = row->backing;
    return true;
}

static const struct ia_graph_column reference_columns[] = {
    IA_GRAPH_PLACE(ia_graph_reference, image, "image_id", IMAGE),
    IA_GRAPH_WORD(ia_graph_reference, kind, "kind", reference_kind_by_word),
    IA_GRAPH_WORD(ia_graph_reference, state, "state", ia_graph_state_by_word),
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_reference, name, "name"),
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_reference, path, "path"),
    IA_GRAPH_PLACE(ia_graph_reference, target, "target_id", FILE),
};

static bool add_reference(struct ia_stored_graph *stored, const void *data)
{
    const struct ia_graph_reference *row = data;
    return row->image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.references, *row);
}

static const struct ia_graph_column part_columns[] = {
    IA_GRAPH_PLACE(ia_graph_part, image, "image_id", IMAGE),
    IA_GRAPH_PLACE(ia_graph_part, file, "file_id", FILE),
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_part, path, "path"),
};

static bool add_part(struct ia_stored_graph *stored, const void *data)
{
    const struct ia_graph_part *row = data;
    return row->image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.parts, *row);
}

static const struct ia_graph_column finding_columns[] = {
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_finding, path, "path"),
    IA_GRAPH_WORD(ia_graph_finding, code, "code", finding_by_code),
    IA_GRAPH_WORD(ia_graph_finding, of_all, "doubt", ia_doubt_by_code),
    IA_GRAPH_VALUE(ia_graph_finding, accepted_by,
                   "(SELECT a.number FROM acceptance AS a WHERE a.number = f.accepted_by"
                   " AND (a.until_ns IS NULL OR a.until_ns > strftime('%s', 'now') * 1000000000))"),
};

static bool add_finding(struct ia_stored_graph *stored, const void *data)
{
    struct ia_graph_finding finding = *(const struct ia_graph_finding *)data;
    finding.of_readers = ia_finding_kinds[finding.code].of_readers;
    finding.image = IA_GRAPH_NONE;
    return ia_vec_push(&stored->graph.findings, finding);
}

struct scan_row {
    int64_t began_ns, now_ns, min_age;
    bool is_vouched;
};

static const struct ia_graph_column scan_columns[] = {
    IA_GRAPH_VALUE(scan_row, began_ns, "started_ns"),
    IA_GRAPH_VALUE(scan_row, now_ns, "finished_ns"),
    IA_GRAPH_VALUE(scan_row, min_age,
                   "(SELECT CAST(o.value AS INTEGER) FROM scan_option AS o"
                   " WHERE o.kind = 'min-age' AND o.scan_id = s.scan_id)"),
    IA_GRAPH_VALUE(scan_row, is_vouched,
                   "EXISTS (SELECT 1 FROM scan_option AS o"
                   " WHERE o.kind = 'inventory' AND o.value = 'none' AND o.scan_id = s.scan_id)"),
};

static bool set_scan(struct ia_stored_graph *stored, const void *data)
{
    const struct scan_row *row = data;
    stored->graph.began_ns = row->began_ns;
    stored->graph.now_ns = row->now_ns;
    stored->graph.is_vouched = row->is_vouched;
    ia_graph_set_min_age(&stored->graph, row->min_age);
    return true;
}

struct option_row {
    const char *value;
};

static const struct ia_graph_column option_columns[] = {
    IA_GRAPH_TEXT_OR_EMPTY(option_row, value, "value"),
};

static bool add_walked(struct ia_stored_graph *stored, const void *data)
{
    return ia_vec_push(&stored->graph.walked, ((const struct option_row *)data)->value);
}

static bool add_glob(struct ia_stored_graph *stored, const void *data)
{
    return ia_vec_push(&stored->graph.backing_globs, ((const struct option_row *)data)->value);
}

static const struct ia_graph_table tables[] = {
    IA_GRAPH_TABLE(volume_columns, volume_row, add_volume, "FROM volume ORDER BY volume_id"),
    IA_GRAPH_TABLE(file_columns, file_row, add_file, "FROM file ORDER BY file_id"),
    IA_GRAPH_TABLE(name_columns, name_row, add_name, "FROM file_name ORDER BY file_id, path"),
    IA_GRAPH_TABLE(
        image_columns, image_row, add_image,
        "FROM image AS i LEFT JOIN image_header AS h USING (image_id) LEFT JOIN image_account AS a USING (image_id)"
        " LEFT JOIN image_memory AS r USING (image_id) LEFT JOIN usage AS u USING (image_id)"
        " LEFT JOIN image_ability AS b USING (image_id) LEFT JOIN candidate AS c USING (image_id)"
        " ORDER BY i.image_id"),
    IA_GRAPH_TABLE(link_columns, image_link, link_image, "FROM image WHERE backing_id IS NOT NULL"),
    IA_GRAPH_TABLE(scan_columns, scan_row, set_scan, "FROM scan AS s ORDER BY scan_id DESC LIMIT 1"),
    IA_GRAPH_TABLE(reference_columns, ia_graph_reference, add_reference,
                   "FROM reference WHERE kind NOT IN ('parent-path', 'companion')"),
    IA_GRAPH_TABLE(part_columns, ia_graph_part, add_part, "FROM image_file WHERE number > 0"),
    IA_GRAPH_TABLE(finding_columns, ia_graph_finding, add_finding,
                   "FROM finding AS f WHERE last_scan = (SELECT max(scan_id) FROM scan)"),
    IA_GRAPH_TABLE(option_columns, option_row, add_walked,
                   "FROM scan_option WHERE kind = 'walked' AND scan_id = (SELECT max(scan_id) FROM scan)"),
    IA_GRAPH_TABLE(option_columns, option_row, add_glob,
                   "FROM scan_option WHERE kind = 'backing-glob' AND scan_id = (SELECT max(scan_id) FROM scan)"),
};

enum ia_status ia_graph_rows_load(struct ia_stored_graph *stored, struct ia_error *err)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        IA_TRY(ia_graph_table_load(stored, &tables[i], err));
    return IA_OK;
}
