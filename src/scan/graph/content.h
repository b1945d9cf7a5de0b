/* SPDX-License-Identifier: MIT */
/* What contents name that are used as something else than they look like: an image that an overlay takes for another
 * format, a file that holds another image's data. Nothing of that is followed, but who took the content for an image
 * would need it: so it is an alias, and never unused. */
#ifndef IA_SCAN_GRAPH_CONTENT_H
#define IA_SCAN_GRAPH_CONTENT_H

#include "scan/graph/links.h"

/* Of an image, for what its node has of an overridden content. */
IA_MUST_CHECK enum ia_status ia_links_resolve_content(struct ia_links *links, size_t image, struct ia_error *err);
/* Of a part of an image, with its own parts; the image names it all. */
IA_MUST_CHECK enum ia_status ia_links_keep_content(struct ia_links *links, size_t image, size_t part,
                                                   struct ia_error *err);

#endif
