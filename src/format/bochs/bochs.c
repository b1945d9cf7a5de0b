/* SPDX-License-Identifier: MIT */
/* The Bochs driver's entry points. */
#include "format/bochs/bochs.h"

#include <stdlib.h>

#include "format/bochs/internal.h"

static enum ia_status bochs_open(struct ia_image *image, struct ia_error *err)
{
    struct bochs *bochs = calloc(1, sizeof(*bochs));
    if (bochs == NULL)
        return ia_no_memory(err);
    image->state = bochs;
    return bochs_read_header(image, bochs, err);
}

static void bochs_close(struct ia_image *image)
{
    free(image->state);
}

const struct ia_format ia_format_bochs = {
    .name = "bochs",
    .probe = bochs_probe,
    .open = bochs_open,
    .close = bochs_close,
    .account = bochs_account,
    .map_begin = bochs_map_begin,
    .map_step = bochs_map_step,
    .map_end = bochs_map_end,
};
