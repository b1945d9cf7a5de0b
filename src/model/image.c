/* SPDX-License-Identifier: MIT */
/* Releasing what the facts of an image own. */
#include "model/image.h"

#include <stdlib.h>

void ia_image_facts_release(struct ia_image_facts *facts)
{
    for (size_t i = 0; i < facts->snapshots.len; i++) {
        free(facts->snapshots.items[i].id);
        free(facts->snapshots.items[i].name);
    }
    ia_vec_release(&facts->snapshots);
    free(facts->backing_name);
    free(facts->backing_format);
    free(facts->data_file);
    *facts = (struct ia_image_facts){0};
}
