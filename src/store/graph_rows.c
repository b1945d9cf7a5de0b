/* SPDX-License-Identifier: MIT */
/* The rows of the judge's graph: one statement a table, each in the order of its numbers. */
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "judge/finding_kind.h"
#include "store/graph_columns.h"

static bool add_volume(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_volume volume = {
        .mount = ia_graph_column_text_or_empty(stored, stmt, 1),
        .type = ia_graph_column_text_or_empty(stored, stmt, 2),
        .is_shared = sqlite3_column_int(stmt, 3) != 0,
        .is_twin = sqlite3_column_int(stmt, 4) != 0,
    };
    return ia_vec_push(&stored->volume_ids, sqlite3_column_int64(stmt, 0)) &&
           ia_vec_push(&stored->graph.volumes, volume);
}

static bool add_file(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_file file = {.mtime_ns = sqlite3_column_int64(stmt, 1),
                                 .is_part = sqlite3_column_int(stmt, 2) != 0,
                                 .ctime_ns = sqlite3_column_int64(stmt, 3),
                                 .birth_ns = sqlite3_column_int64(stmt, 4),
                                 .volume = ia_graph_column_place(stored->volume_ids.items, stored->volume_ids.len,
                                                                 sqlite3_column_int64(stmt, 5))};
    return ia_vec_push(&stored->file_ids, sqlite3_column_int64(stmt, 0)) && ia_vec_push(&stored->graph.files, file);
}

/* The names of a file come together. */
static bool add_name(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph *graph = &stored->graph;
    size_t number = ia_graph_column_file(stored, stmt, 0);
    if (number == IA_GRAPH_NONE)
        return true;
    struct ia_graph_file *file = &graph->files.items[number];
    if (file->names++ == 0)
        file->first_name = graph->names.len;
    return ia_vec_push(&graph->names, ((struct ia_graph_name){ia_graph_column_text_or_empty(stored, stmt, 1)}));
}

static bool add_image(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    static const char *const locks[] = IA_LOCK_WORDS;
    const char *state = ia_graph_column_text_or_empty(stored, stmt, 4);
    struct ia_graph_image image = {
        .file = ia_graph_column_file(stored, stmt, 1),
        .path = ia_graph_column_text_or_empty(stored, stmt, 2),
        .format = ia_graph_column_text_or_empty(stored, stmt, 3),
        .problem = strcmp(state, "ok") == 0 ? NULL : state,
        .backing = IA_GRAPH_NONE, /* see link_image */
        .backing_path = ia_graph_column_text(stored, stmt, 5),
        .backing_format = ia_graph_column_text(stored, stmt, 6),
        .cross_linked = sqlite3_column_type(stmt, 7) == SQLITE_NULL ? -1 : sqlite3_column_int(stmt, 7),
        .lock = (enum ia_image_lock)IA_GRAPH_COLUMN_WORD(stmt, 8, locks, IA_LOCK_UNKNOWN),
        .is_template = sqlite3_column_int(stmt, 9) != 0,
        .has_snapshots = sqlite3_column_int(stmt, 10) != 0,
        .named_scan = sqlite3_column_int64(stmt, 11),
        .named_by = ia_graph_column_text(stored, stmt, 12),
        .named_mtime_ns = sqlite3_column_type(stmt, 13) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, 13),
        .accounted = sqlite3_column_type(stmt, 14) != SQLITE_NULL,
        .visible_present = sqlite3_column_int64(stmt, 14),
        .masked_bytes = sqlite3_column_int64(stmt, 15),
        .format_stated = sqlite3_column_int(stmt, 16) != 0,
        .is_nameless = sqlite3_column_int(stmt, 17) != 0,
        .unsettled = sqlite3_column_int(stmt, 18) != 0,
        .identity = ia_graph_column_text(stored, stmt, 19),
        .expects = ia_graph_column_text(stored, stmt, 20),
        .named_path = ia_graph_column_text(stored, stmt, 21),
        .base_before = ia_graph_column_file(stored, stmt, 22),
        .base_lost_ns = sqlite3_column_int64(stmt, 34),
        .parent_differs = sqlite3_column_int(stmt, 23) != 0,
        .named_uncertain = sqlite3_column_int(stmt, 24) != 0,
        .link_is_newer = sqlite3_column_int(stmt, 25) != 0,
        .path_since_ns = sqlite3_column_int64(stmt, 26),
        .seen_since_ns = sqlite3_column_int64(stmt, 27),
        .past_base_is_known = sqlite3_column_int64(stmt, 28) > 0,
        .past_base = ia_graph_column_file(stored, stmt, 29),
        .is_claimed = sqlite3_column_int(stmt, 30) != 0,
        .is_disk = sqlite3_column_int(stmt, 31) != 0,
        .is_below = sqlite3_column_int(stmt, 32) != 0,
        .is_hidden = sqlite3_column_int(stmt, 33) != 0,
    };
    return image.file == IA_GRAPH_NONE || (ia_vec_push(&stored->image_ids, sqlite3_column_int64(stmt, 0)) &&
                                           ia_vec_push(&stored->graph.images, image));
}

static bool link_image(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    size_t image = ia_graph_column_image(stored, stmt, 0);
    if (image != IA_GRAPH_NONE)
        stored->graph.images.items[image].backing = ia_graph_column_image(stored, stmt, 1);
    return true;
}

static bool set_can_be_empty(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    size_t image = ia_graph_column_image(stored, stmt, 0);
    if (image != IA_GRAPH_NONE)
        stored->graph.images.items[image].can_be_empty = true;
    return true;
}

/* As enum ia_graph_state. */
static const char *const states[] = {"followed", "missing", "ambiguous", "remote", "earlier"};

static bool set_earlier(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    size_t number = ia_graph_column_image(stored, stmt, 0);
    if (number == IA_GRAPH_NONE)
        return true;
    struct ia_graph_image *image = &stored->graph.images.items[number];
    image->was = ia_candidate_by_word(ia_graph_column_text_or_empty(stored, stmt, 1));
    image->was_scan = sqlite3_column_int64(stmt, 2);
    image->was_since_ns = sqlite3_column_int64(stmt, 3);
    image->was_meant = sqlite3_column_int(stmt, 4) != 0;
    image->was_clear_ns = sqlite3_column_int64(stmt, 5);
    return true;
}

static bool set_times(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    stored->graph.began_ns = sqlite3_column_int64(stmt, 0);
    stored->graph.now_ns = sqlite3_column_int64(stmt, 1);
    ia_graph_set_min_age(&stored->graph, sqlite3_column_int64(stmt, 2));
    return true;
}

static bool add_reference(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    static const char *const kinds[] = {"backing", "alias", "data-file", "extent", "nested", "content"};
    struct ia_graph_reference reference = {
        .image = ia_graph_column_image(stored, stmt, 0),
        .kind = (enum ia_graph_kind)IA_GRAPH_COLUMN_WORD(stmt, 1, kinds, IA_GRAPH_CONTENT),
        .state = (enum ia_graph_state)IA_GRAPH_COLUMN_WORD(stmt, 2, states, IA_GRAPH_OTHER),
        .name = ia_graph_column_text_or_empty(stored, stmt, 3),
        .path = ia_graph_column_text_or_empty(stored, stmt, 4),
        .target = ia_graph_column_file(stored, stmt, 5),
    };
    return reference.image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.references, reference);
}

static bool add_part(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_part part = {.image = ia_graph_column_image(stored, stmt, 0),
                                 .file = ia_graph_column_file(stored, stmt, 1),
                                 .path = ia_graph_column_text_or_empty(stored, stmt, 2)};
    return part.image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.parts, part);
}

static bool add_packed(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    int64_t written_ns = sqlite3_column_int64(stmt, 8);
    struct ia_graph_packed packed = {
        .archive = ia_graph_column_text_or_empty(stored, stmt, 0),
        .member = ia_graph_column_text_or_empty(stored, stmt, 1),
        .state = (enum ia_graph_state)IA_GRAPH_COLUMN_WORD(stmt, 2, states, IA_GRAPH_OTHER),
        .name = ia_graph_column_text_or_empty(stored, stmt, 3),
        .path = ia_graph_column_text_or_empty(stored, stmt, 4),
        .target = ia_graph_column_file(stored, stmt, 5),
        .is_base = sqlite3_column_int64(stmt, 6) > 0,
        .unknown = (enum ia_graph_unknown)ia_min(sqlite3_column_int64(stmt, 6), 0),
        .stated = ia_graph_column_text(stored, stmt, 7),
        .written_ns = written_ns,
        .made_ns = ia_made_ns(sqlite3_column_int64(stmt, 9), written_ns, written_ns),
    };
    return ia_vec_push(&stored->graph.packed, packed);
}

static bool add_former(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_former former = {ia_graph_column_image(stored, stmt, 0),
                                     ia_graph_column_text_or_empty(stored, stmt, 1), sqlite3_column_int64(stmt, 2),
                                     sqlite3_column_int64(stmt, 3)};
    return former.image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.former, former);
}

static bool add_finding(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    const char *code = ia_graph_column_text_or_empty(stored, stmt, 1);
    const struct ia_finding_kind *kind = ia_finding_kind_by_code(code);
    const char *doubt = (const char *)sqlite3_column_text(stmt, 2);
    struct ia_graph_finding finding = {
        .path = ia_graph_column_text_or_empty(stored, stmt, 0),
        .code = code,
        .of_all = doubt == NULL ? IA_DOUBT_NONE : ia_doubt_by_code(doubt),
        .of_readers = kind == NULL ? IA_DOUBT_NONE : kind->of_readers,
        .image = IA_GRAPH_NONE,
        .accepted_by = sqlite3_column_int64(stmt, 3),
    };
    return ia_vec_push(&stored->graph.findings, finding);
}

static bool add_holder(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    bool of_all = sqlite3_column_type(stmt, 0) == SQLITE_NULL;
    struct ia_graph_holder holder = {of_all ? IA_GRAPH_NONE : ia_graph_column_file(stored, stmt, 0),
                                     ia_graph_column_text_or_empty(stored, stmt, 1)};
    return (!of_all && holder.file == IA_GRAPH_NONE) || ia_vec_push(&stored->graph.holders, holder);
}

static bool add_former_base(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_former_base pair = {ia_graph_column_image(stored, stmt, 0), ia_graph_column_file(stored, stmt, 1)};
    return pair.image == IA_GRAPH_NONE || pair.file == IA_GRAPH_NONE || ia_vec_push(&stored->graph.former_bases, pair);
}

static bool add_overlay_name(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_overlay_name name = {ia_graph_column_image(stored, stmt, 0),
                                         ia_graph_column_text_or_empty(stored, stmt, 1)};
    return name.image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.overlay_names, name);
}

static bool add_lost_base(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_lost_base lost = {ia_graph_column_image(stored, stmt, 0), ia_graph_column_file(stored, stmt, 1)};
    return lost.image == IA_GRAPH_NONE || lost.file == IA_GRAPH_NONE || ia_vec_push(&stored->graph.lost_bases, lost);
}

static bool add_glob(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    return ia_vec_push(&stored->graph.backing_globs, ia_graph_column_text_or_empty(stored, stmt, 0));
}

static bool add_inventory(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_inventory inventory = {ia_graph_column_text_or_empty(stored, stmt, 0),
                                           sqlite3_column_int(stmt, 1) != 0, ia_graph_column_text(stored, stmt, 2)};
    return ia_vec_push(&stored->graph.inventories, inventory);
}

static bool add_claim(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    struct ia_graph_claim claim = {
        .path = ia_graph_column_text_or_empty(stored, stmt, 0),
        .machine = ia_graph_column_text_or_empty(stored, stmt, 1),
        .format = ia_graph_column_text(stored, stmt, 2),
        .was_found = sqlite3_column_type(stmt, 3) != SQLITE_NULL,
        .before = ia_graph_column_file(stored, stmt, 3),
        .defined_ns = sqlite3_column_int64(stmt, 4),
        .base = ia_graph_column_file(stored, stmt, 5),
        .is_directory = sqlite3_column_int(stmt, 6) != 0,
        .image = ia_graph_column_image(stored, stmt, 7),
    };
    return ia_vec_push(&stored->graph.claims, claim);
}

static bool set_vouched(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    (void)stmt;
    stored->graph.is_vouched = true;
    return true;
}

static bool add_walked(struct ia_stored_graph *stored, sqlite3_stmt *stmt)
{
    return ia_vec_push(&stored->graph.walked, ia_graph_column_text_or_empty(stored, stmt, 0));
}

enum ia_status ia_graph_rows_load(struct ia_stored_graph *stored, struct ia_error *err)
{
    static const struct {
        bool (*add)(struct ia_stored_graph *, sqlite3_stmt *);
        const char *sql;
    } tables[] = {
        {add_volume, "SELECT volume_id, mount, type, is_shared AND NOT is_sole_host, is_twin FROM volume"
                     " ORDER BY volume_id"},
        {add_file, "SELECT file_id, mtime_ns, class = 'part', ctime_ns, coalesce(birth_ns, -1), volume_id FROM file"
                   " ORDER BY file_id"},
        {add_name, "SELECT file_id, path FROM file_name ORDER BY file_id, path"},
        {add_image,
         "SELECT i.image_id, i.file_id, i.path, i.format,"
         " CASE WHEN h.image_id IS NULL OR a.image_id IS NULL OR r.image_id IS NULL THEN 'incomplete' ELSE i.state END,"
         " i.backing_path, h.backing_format,"
         " a.overlapping, i.lock_state, i.is_template,"
         " EXISTS (SELECT 1 FROM mapping AS m WHERE m.image_id = i.image_id AND m.snapshot IS NOT NULL),"
         " r.referenced_scan, r.referenced_by, r.referenced_mtime_ns, u.visible_present, u.masked_bytes,"
         " i.format_basis = 'stated', h.backing_by_identity, i.unsettled, h.identity,"
         " h.parent_identity, r.referenced_path, r.base_id, i.parent_differs, r.referenced_uncertain,"
         " i.link_is_newer, r.path_since_ns, r.seen_since_ns, r.past_base_id, abs(r.past_base_id), i.is_claimed,"
         " EXISTS (SELECT 1 FROM claim AS c WHERE c.file_id = i.file_id AND c.role = 'disk'),"
         " EXISTS (SELECT 1 FROM claim AS c WHERE c.file_id = i.file_id AND c.role = 'backing'),"
         " h.hidden, r.base_lost_ns"
         " FROM image AS i LEFT JOIN image_header AS h USING (image_id) LEFT JOIN image_account AS a USING (image_id)"
         " LEFT JOIN image_memory AS r USING (image_id) LEFT JOIN usage AS u USING (image_id)"
         " ORDER BY i.image_id"},
        {link_image, "SELECT image_id, backing_id FROM image WHERE backing_id IS NOT NULL"},
        {set_can_be_empty, "SELECT image_id FROM image_ability WHERE can_be_empty"},
        {set_earlier, "SELECT image_id, status, since_scan, since_ns, is_meant, clear_ns FROM candidate"},
        {set_times,
         "SELECT started_ns, finished_ns, (SELECT CAST(o.value AS INTEGER) FROM scan_option AS o"
         " WHERE o.kind = 'min-age' AND o.scan_id = s.scan_id) FROM scan AS s ORDER BY scan_id DESC LIMIT 1"},
        {add_reference, "SELECT image_id, kind, state, name, path, target_id FROM reference"
                        " WHERE kind NOT IN ('parent-path', 'companion')"},
        {add_part, "SELECT image_id, file_id, path FROM image_file WHERE number > 0"},
        {add_former_base, "SELECT i.image_id, b.base_id FROM former_base AS b JOIN image AS i USING (file_id)"},
        {add_lost_base,
         "WITH RECURSIVE below (image_id, file_id) AS (SELECT m.image_id, v.base_id FROM image_memory AS m"
         " JOIN vanished AS v ON v.file_id = m.base_id"
         " UNION SELECT b.image_id, v.base_id FROM below AS b JOIN vanished AS v USING (file_id))"
         " SELECT image_id, file_id FROM below JOIN file USING (file_id)"},
        {add_holder, "SELECT file_id, subject FROM holder"},
        {add_packed, "SELECT f.path, p.member, p.state, p.name, p.path, p.target_id, p.base_id, p.stated, f.mtime_ns,"
                     " coalesce(f.birth_ns, -1)"
                     " FROM packed_reference AS p"
                     " JOIN file AS f USING (file_id) ORDER BY p.file_id, p.number"},
        {add_former, "SELECT image_id, path, since_ns, until_ns FROM former_name"},
        {add_overlay_name, "SELECT f.image_id, f.path FROM former_overlay AS f JOIN image AS i USING (image_id)"
                           " JOIN file_name AS n ON n.path = f.path AND n.file_id = i.file_id"},
        {add_finding, "SELECT path, code, doubt, (SELECT a.number FROM acceptance AS a WHERE a.number = f.accepted_by"
                      " AND (a.until_ns IS NULL OR a.until_ns > strftime('%s', 'now') * 1000000000))"
                      " FROM finding AS f WHERE last_scan = (SELECT max(scan_id) FROM scan)"},
        {add_inventory, "SELECT place, is_of_host, formats FROM inventory ORDER BY number"},
        {add_claim,
         "SELECT CASE WHEN c.is_directory THEN coalesce(c.target, c.path) ELSE c.path END, m.name, c.format,"
         " c.before_id, m.defined_ns, c.base_id, c.is_directory AND c.target IS NOT NULL, i.image_id"
         " FROM claim AS c JOIN machine AS m USING (machine_id) LEFT JOIN image AS i ON i.file_id = c.file_id"
         " WHERE c.state IN ('missing', 'unreadable') OR (c.is_directory AND c.target IS NOT NULL)"
         " OR (i.image_id IS NOT NULL AND c.base_id IS NOT NULL)"
         " ORDER BY machine_id, c.number"},
        {set_vouched, "SELECT 1 FROM scan_option WHERE kind = 'inventory' AND value = 'none'"
                      " AND scan_id = (SELECT max(scan_id) FROM scan)"},
        {add_walked, "SELECT value FROM scan_option WHERE kind = 'walked'"
                     " AND scan_id = (SELECT max(scan_id) FROM scan)"},
        {add_glob, "SELECT value FROM scan_option WHERE kind = 'backing-glob'"
                   " AND scan_id = (SELECT max(scan_id) FROM scan)"},
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        IA_TRY(ia_graph_columns_each_row(stored, tables[i].sql, tables[i].add, err));
    return IA_OK;
}
