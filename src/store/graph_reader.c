/* SPDX-License-Identifier: MIT */
/* The graph of the judge, as the store has it. */
#include "store/graph_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/graph_columns.h"
#include "store/reader_internal.h"
#include "store/writer_internal.h"

static enum ia_status load_from(sqlite3 *db, struct ia_stored_graph **out, struct ia_error *err)
{
    IA_AUTO_STORED_GRAPH struct ia_stored_graph *stored = calloc(1, sizeof(*stored));
    if (stored == NULL)
        return ia_no_memory(err);
    stored->db = db;
    IA_TRY(ia_graph_rows_load(stored, err));
    IA_TRY(ia_graph_rows_load_users(stored, err));
    *out = ia_steal_ptr(stored);
    return IA_OK;
}

enum ia_status ia_stored_graph_load(struct ia_reader *reader, struct ia_stored_graph **out, struct ia_error *err)
{
    return load_from(ia_reader_connection(reader), out, err);
}

enum ia_status ia_stored_graph_load_written(struct ia_writer *writer, struct ia_stored_graph **out,
                                            struct ia_error *err)
{
    return load_from(ia_writer_statements(writer)->db, out, err);
}

void ia_stored_graph_free(struct ia_stored_graph *stored)
{
    if (stored == NULL)
        return;
    for (size_t i = 0; i < stored->texts.len; i++)
        free(stored->texts.items[i]);
    ia_vec_release(&stored->texts);
    ia_vec_release(&stored->volume_ids);
    ia_vec_release(&stored->file_ids);
    ia_vec_release(&stored->image_ids);
    ia_graph_release(&stored->graph);
    free(stored);
}

struct ia_graph *ia_stored_graph(struct ia_stored_graph *stored)
{
    return &stored->graph;
}

int64_t ia_stored_graph_image_id(const struct ia_stored_graph *stored, size_t image)
{
    return stored->image_ids.items[image];
}

size_t ia_stored_graph_image(const struct ia_stored_graph *stored, int64_t image_id)
{
    return ia_graph_place(stored->image_ids.items, stored->image_ids.len, image_id);
}
