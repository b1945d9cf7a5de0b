/* SPDX-License-Identifier: MIT */
/* Releasing what the facts of an image own. */
#include "model/image.h"

#include <stdlib.h>
#include <string.h>

void ia_image_facts_release(struct ia_image_facts *facts)
{
    for (size_t i = 0; i < facts->snapshots.len; i++) {
        free(facts->snapshots.items[i].id);
        free(facts->snapshots.items[i].name);
    }
    ia_vec_release(&facts->snapshots);
    for (size_t i = 0; i < facts->parts.len; i++)
        free(facts->parts.items[i].name);
    ia_vec_release(&facts->parts);
    for (size_t i = 0; i < facts->backing_paths.len; i++)
        free(facts->backing_paths.items[i]);
    ia_vec_release(&facts->backing_paths);
    free(facts->companion);
    free(facts->backing_name);
    free(facts->backing_format);
    *facts = (struct ia_image_facts){0};
}

bool ia_image_facts_add_part(struct ia_image_facts *facts, const char *name, const char *role, enum ia_part_place place)
{
    struct ia_image_part part = {.name = name == NULL ? NULL : strdup(name), .role = role, .place = place};
    if ((name == NULL || part.name != NULL) && ia_vec_push(&facts->parts, part))
        return true;
    free(part.name);
    return false;
}

bool ia_image_facts_add_backing_path(struct ia_image_facts *facts, const char *path)
{
    char *copy = strdup(path);
    if (copy != NULL && ia_vec_push(&facts->backing_paths, copy))
        return true;
    free(copy);
    return false;
}
