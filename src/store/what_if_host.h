/* SPDX-License-Identifier: MIT */
/* What-if on the host: blocks that files share, and what is freed when files go. */
#ifndef IA_STORE_WHAT_IF_HOST_H
#define IA_STORE_WHAT_IF_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/host_ranges.h"
#include "base/status.h"
#include "store/reader.h"

/* Host bytes of an image's files that lie in blocks which something else uses too, added to an empty set and sealed;
 * the caller releases it, also on failure. *known is false where all of them may. */
IA_MUST_CHECK enum ia_status ia_what_if_shared_ranges(struct ia_reader *reader, int64_t image,
                                                      struct ia_host_ranges *out, bool *known, struct ia_error *err);

/* Takes off what_if_file.most_bytes what files that stay use too, and counts what several files that go have in common
 * with the one of them that goes last. */
IA_MUST_CHECK enum ia_status ia_what_if_share_files(struct ia_reader *reader, struct ia_error *err);

#endif
