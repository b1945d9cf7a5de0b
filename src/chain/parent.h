/* SPDX-License-Identifier: MIT */
/* Parents that are not named in QEMU's way: by one of several host paths, or only by who they are. */
#ifndef IA_CHAIN_PARENT_H
#define IA_CHAIN_PARENT_H

#include "chain/chain.h"
#include "chain/resolve.h"

/* The first of facts->backing_paths that can be followed from the image called `name`; where none can, where the first
 * of all leads. There is at least one. The caller releases *file. */
IA_MUST_CHECK enum ia_status ia_parent_by_path(const char *name, const struct ia_image_facts *facts,
                                               const struct ia_confine *confine, struct ia_resolved *file,
                                               struct ia_error *err);

/* The one image of `format` in the directory of `name`, or in the one above it, whose identity is this one: where
 * VirtualBox keeps a machine's disks and their snapshots. Looks at headers only. IA_MISSING where there is none,
 * IA_REFUSED where there are several. The caller releases *file. */
IA_MUST_CHECK enum ia_status ia_parent_by_identity(const char *name, const char *identity,
                                                   const struct ia_format *format,
                                                   const struct ia_chain_options *options, struct ia_resolved *file,
                                                   struct ia_error *err);

/* *difference: in what the parent is not the one that the child was made on, with both values; NULL: in nothing that is
 * known. The caller frees it. */
IA_MUST_CHECK enum ia_status ia_parent_compare(const struct ia_image_identity *child,
                                               const struct ia_image_identity *parent, char **difference,
                                               struct ia_error *err);

/* The same of lengths, where the format has a backing file fit. Guest bytes of both. */
IA_MUST_CHECK enum ia_status ia_parent_compare_lengths(const struct ia_format *format, int64_t child, int64_t parent,
                                                       char **difference, struct ia_error *err);

#endif
