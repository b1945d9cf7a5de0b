/* SPDX-License-Identifier: MIT */
/* The columns of the judge's graph: what may use a file besides an image that the scan saw: packed images, processes,
 * machines, and images of earlier scans. */
#include "base/checked.h"
#include "base/clock.h"
#include "store/graph_columns.h"

struct packed_row {
    struct ia_graph_packed packed;
    int64_t base_id; /* < 0: an enum ia_graph_unknown */
    int64_t birth_ns;
};

static const struct ia_graph_column packed_columns[] = {
    IA_GRAPH_TEXT_OR_EMPTY(packed_row, packed.archive, "f.path"),
    IA_GRAPH_TEXT_OR_EMPTY(packed_row, packed.member, "p.member"),
    IA_GRAPH_WORD(packed_row, packed.state, "p.state", ia_graph_state_by_word),
    IA_GRAPH_TEXT_OR_EMPTY(packed_row, packed.name, "p.name"),
    IA_GRAPH_TEXT_OR_EMPTY(packed_row, packed.path, "p.path"),
    IA_GRAPH_PLACE(packed_row, packed.target, "p.target_id", FILE),
    IA_GRAPH_VALUE(packed_row, packed.stated, "p.stated"),
    IA_GRAPH_VALUE(packed_row, packed.written_ns, "f.mtime_ns"),
    IA_GRAPH_VALUE(packed_row, base_id, "p.base_id"),
    IA_GRAPH_VALUE(packed_row, birth_ns, "coalesce(f.birth_ns, -1)"),
};

static bool add_packed(struct ia_stored_graph *stored, const void *data)
{
    const struct packed_row *row = data;
    struct ia_graph_packed packed = row->packed;
    packed.is_base = row->base_id > 0;
    packed.unknown = (enum ia_graph_unknown)ia_min(row->base_id, 0);
    packed.made_ns = ia_made_ns(row->birth_ns, packed.written_ns, packed.written_ns);
    return ia_vec_push(&stored->graph.packed, packed);
}

static const struct ia_graph_column former_columns[] = {
    IA_GRAPH_PLACE(ia_graph_former, image, "image_id", IMAGE),
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_former, path, "path"),
    IA_GRAPH_VALUE(ia_graph_former, since_ns, "since_ns"),
    IA_GRAPH_VALUE(ia_graph_former, until_ns, "until_ns"),
};

static bool add_former(struct ia_stored_graph *stored, const void *data)
{
    const struct ia_graph_former *row = data;
    return row->image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.former, *row);
}

static const struct ia_graph_column overlay_name_columns[] = {
    IA_GRAPH_PLACE(ia_graph_overlay_name, image, "f.image_id", IMAGE),
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_overlay_name, path, "f.path"),
};

static bool add_overlay_name(struct ia_stored_graph *stored, const void *data)
{
    const struct ia_graph_overlay_name *row = data;
    return row->image == IA_GRAPH_NONE || ia_vec_push(&stored->graph.overlay_names, *row);
}

static const struct ia_graph_column former_base_columns[] = {
    IA_GRAPH_PLACE(ia_graph_former_base, image, "i.image_id", IMAGE),
    IA_GRAPH_PLACE(ia_graph_former_base, file, "b.base_id", FILE),
};

static bool add_former_base(struct ia_stored_graph *stored, const void *data)
{
    const struct ia_graph_former_base *row = data;
    return row->image == IA_GRAPH_NONE || row->file == IA_GRAPH_NONE || ia_vec_push(&stored->graph.former_bases, *row);
}

static const struct ia_graph_column lost_base_columns[] = {
    IA_GRAPH_PLACE(ia_graph_lost_base, image, "image_id", IMAGE),
    IA_GRAPH_PLACE(ia_graph_lost_base, file, "file_id", FILE),
};

static bool add_lost_base(struct ia_stored_graph *stored, const void *data)
{
    const struct ia_graph_lost_base *row = data;
    return row->image == IA_GRAPH_NONE || row->file == IA_GRAPH_NONE || ia_vec_push(&stored->graph.lost_bases, *row);
}

struct holder_row {
    struct ia_graph_holder holder;
    bool is_of_all;
};

static const struct ia_graph_column holder_columns[] = {
    IA_GRAPH_PLACE(holder_row, holder.file, "file_id", FILE),
    IA_GRAPH_TEXT_OR_EMPTY(holder_row, holder.subject, "subject"),
    IA_GRAPH_VALUE(holder_row, is_of_all, "file_id IS NULL"),
};

static bool add_holder(struct ia_stored_graph *stored, const void *data)
{
    const struct holder_row *row = data;
    return (row->holder.file == IA_GRAPH_NONE && !row->is_of_all) || ia_vec_push(&stored->graph.holders, row->holder);
}

static const struct ia_graph_column inventory_columns[] = {
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_inventory, place, "place"),
    IA_GRAPH_VALUE(ia_graph_inventory, is_of_host, "is_of_host"),
    IA_GRAPH_VALUE(ia_graph_inventory, formats, "formats"),
};

static bool add_inventory(struct ia_stored_graph *stored, const void *data)
{
    return ia_vec_push(&stored->graph.inventories, *(const struct ia_graph_inventory *)data);
}

static const struct ia_graph_column claim_columns[] = {
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_claim, path,
                           "CASE WHEN c.is_directory THEN coalesce(c.target, c.path) ELSE c.path END"),
    IA_GRAPH_TEXT_OR_EMPTY(ia_graph_claim, machine, "m.name"),
    IA_GRAPH_VALUE(ia_graph_claim, format, "c.format"),
    IA_GRAPH_PLACE(ia_graph_claim, image, "i.image_id", IMAGE),
    IA_GRAPH_VALUE(ia_graph_claim, was_found, "c.before_id IS NOT NULL"),
    IA_GRAPH_PLACE(ia_graph_claim, before, "c.before_id", FILE),
    IA_GRAPH_PLACE(ia_graph_claim, base, "c.base_id", FILE),
    IA_GRAPH_VALUE(ia_graph_claim, is_directory, "c.is_directory AND c.target IS NOT NULL"),
    IA_GRAPH_VALUE(ia_graph_claim, is_medium, "c.role IN ('cdrom', 'floppy', 'firmware')"),
    IA_GRAPH_VALUE(ia_graph_claim, defined_ns, "m.defined_ns"),
};

static bool add_claim(struct ia_stored_graph *stored, const void *data)
{
    return ia_vec_push(&stored->graph.claims, *(const struct ia_graph_claim *)data);
}

static const struct ia_graph_table tables[] = {
    IA_GRAPH_TABLE(former_base_columns, ia_graph_former_base, add_former_base,
                   "FROM former_base AS b JOIN image AS i USING (file_id)"),
    IA_GRAPH_TABLE(lost_base_columns, ia_graph_lost_base, add_lost_base,
                   "FROM (WITH RECURSIVE below (image_id, file_id) AS ("
                   "SELECT m.image_id, v.base_id FROM image_memory AS m JOIN vanished AS v ON v.file_id = m.base_id"
                   " UNION SELECT b.image_id, v.base_id FROM below AS b JOIN vanished AS v USING (file_id))"
                   " SELECT image_id, file_id FROM below) JOIN file USING (file_id)"),
    IA_GRAPH_TABLE(holder_columns, holder_row, add_holder, "FROM holder"),
    IA_GRAPH_TABLE(packed_columns, packed_row, add_packed,
                   "FROM packed_reference AS p JOIN file AS f USING (file_id) ORDER BY p.file_id, p.number"),
    IA_GRAPH_TABLE(former_columns, ia_graph_former, add_former, "FROM former_name"),
    IA_GRAPH_TABLE(overlay_name_columns, ia_graph_overlay_name, add_overlay_name,
                   "FROM former_overlay AS f CROSS JOIN image AS i USING (image_id)"
                   " CROSS JOIN file_name AS n ON n.path = f.path AND n.file_id = i.file_id"),
    IA_GRAPH_TABLE(inventory_columns, ia_graph_inventory, add_inventory, "FROM inventory ORDER BY number"),
    IA_GRAPH_TABLE(claim_columns, ia_graph_claim, add_claim,
                   "FROM claim AS c JOIN machine AS m USING (machine_id) LEFT JOIN image AS i ON i.file_id = c.file_id"
                   " WHERE c.state IN ('missing', 'unreadable') OR (c.is_directory AND c.target IS NOT NULL)"
                   " OR (i.image_id IS NOT NULL AND c.base_id IS NOT NULL)"
                   " ORDER BY machine_id, c.number"),
};

enum ia_status ia_graph_rows_load_users(struct ia_stored_graph *stored, struct ia_error *err)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        IA_TRY(ia_graph_table_load(stored, &tables[i], err));
    return IA_OK;
}
