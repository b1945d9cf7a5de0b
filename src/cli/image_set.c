/* SPDX-License-Identifier: MIT */
/* From names to a what-if. */
#include "cli/image_set.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "report/lookup.h"
#include "store/what_if_tables.h"

struct paths {
    IA_VEC(char *) all;
};

static void paths_release(struct paths *paths)
{
    for (size_t i = 0; i < paths->all.len; i++)
        free(paths->all.items[i]);
    ia_vec_release(&paths->all);
}
#define AUTO_PATHS __attribute__((cleanup(paths_release)))

static enum ia_status look_up(struct ia_reader *reader, const char *name, struct paths *paths, struct ia_error *err)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    IA_TRY(ia_image_lookup(reader, name, &path, err));
    char *text = ia_buf_steal(&path);
    if (text != NULL && ia_vec_push(&paths->all, text))
        return IA_OK;
    free(text);
    return ia_no_memory(err);
}

enum ia_status ia_cli_what_if(struct ia_reader *reader, enum ia_what_if_action action, const char *const *names,
                              size_t count, struct ia_error *err)
{
    AUTO_PATHS struct paths paths = {0};
    for (size_t i = 0; i < count; i++)
        IA_TRY(look_up(reader, names[i], &paths, err));
    IA_TRY(ia_what_if_define(reader, err));
    return ia_what_if_fill(reader, action, (const char *const *)paths.all.items, count, err);
}
