/* SPDX-License-Identifier: MIT */
/* From names to a what-if. */
#include "cli/image_set.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "report/lookup.h"

static enum ia_status look_up(struct ia_reader *reader, const char *const *names, size_t count, char **paths,
                              struct ia_error *err)
{
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < count && status == IA_OK; i++) {
        IA_AUTO_BUF struct ia_buf path = {0};
        status = ia_image_lookup(reader, names[i], &path, err);
        paths[i] = status == IA_OK ? ia_buf_steal(&path) : NULL;
        if (status == IA_OK && paths[i] == NULL)
            status = ia_no_memory(err);
    }
    return status;
}

enum ia_status ia_cli_what_if(struct ia_reader *reader, enum ia_what_if_action action, const char *const *names,
                              size_t count, struct ia_error *err)
{
    char **paths = calloc(count + 1, sizeof(*paths));
    if (paths == NULL)
        return ia_no_memory(err);
    enum ia_status status = look_up(reader, names, count, paths, err);
    if (status == IA_OK)
        status = ia_what_if_define(reader, err);
    if (status == IA_OK)
        status = ia_what_if_fill(reader, action, (const char *const *)paths, count, err);
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    return status;
}
