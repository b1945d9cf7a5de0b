/* SPDX-License-Identifier: MIT */
/* What a backing name led to after the image's first base was exchanged: the image was used on that, too. */
#ifndef IA_SCAN_GRAPH_FORMER_BASES_H
#define IA_SCAN_GRAPH_FORMER_BASES_H

#include "scan/graph/bases.h"

/* Those that are kept, and what each exchanged name leads to now, into links->former_bases. */
IA_MUST_CHECK enum ia_status ia_former_bases_find(struct ia_links *links, struct ia_bases *bases, struct ia_error *err);

#endif
