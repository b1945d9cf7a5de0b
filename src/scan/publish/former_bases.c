/* SPDX-License-Identifier: MIT */
/* What backing names led to after the first base of each; few have any. */
#include "scan/publish/publish.h"

static int64_t id_of(const struct ia_publish *publish, size_t file, int64_t before)
{
    return file == IA_NO_FILE ? before : publish->catalog->files.items[file]->file_id;
}

enum ia_status ia_publish_former_bases(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_links *links = publish->links;
    if (links->had_former_bases)
        IA_TRY(ia_writer_clear_former_bases(publish->writer, err));
    for (size_t i = 0; i < links->former_bases.len; i++) {
        const struct ia_former_base *pair = &links->former_bases.items[i];
        IA_TRY(ia_writer_put_former_base(publish->writer, id_of(publish, pair->image, pair->file_id),
                                         id_of(publish, pair->base, pair->base_id), err));
    }
    return IA_OK;
}
