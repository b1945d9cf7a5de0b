/* SPDX-License-Identifier: MIT */
/* What workers send. */
#include <stdlib.h>

#include "scan/reading/pool.h"

void ia_event_release(struct ia_event *event)
{
    free(event->extents);
    ia_parse_result_release(&event->result);
}
