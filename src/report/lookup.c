/* SPDX-License-Identifier: MIT */
/* Looking a file name up in the store. */
#include "report/lookup.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static enum ia_status is_stored(struct ia_reader *reader, const char *path, bool *found, struct ia_error *err)
{
    IA_AUTO_QUERY struct ia_query *query = NULL;
    IA_TRY(ia_query_open(reader,
                         "SELECT 1 FROM file_name WHERE path = :image"
                         " UNION ALL SELECT 1 FROM image WHERE path = :image LIMIT 1",
                         &query, err));
    IA_TRY(ia_query_bind_text(query, ":image", path, strlen(path), err));
    return ia_query_step(query, found, err);
}

enum ia_status ia_image_lookup(struct ia_reader *reader, const char *name, struct ia_buf *path, struct ia_error *err)
{
    IA_AUTO_FREE char *canonical = realpath(name, NULL);
    const char *const candidates[] = {canonical, name};
    for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        bool found = false;
        if (candidates[i] != NULL)
            IA_TRY(is_stored(reader, candidates[i], &found, err));
        if (!found)
            continue;
        ia_buf_clear(path);
        ia_buf_add_str(path, candidates[i]);
        return path->failed ? ia_no_memory(err) : IA_OK;
    }
    return ia_fail(err, IA_MISSING, "the store has no image '%s'", name);
}
