/* SPDX-License-Identifier: MIT */
/* Images that are no more, and of which a packed file may be what is left: vm.qcow2.gz, or vm.qcow2 in an archive. */
#ifndef IA_SCAN_GRAPH_PACKED_ORIGINALS_H
#define IA_SCAN_GRAPH_PACKED_ORIGINALS_H

#include "scan/graph/links.h"

/* It was an overlay. All is borrowed. */
struct ia_packed_original {
    const char *name;         /* last component of its path */
    const char *backing_name; /* NULL: not known */
    int64_t base_id;          /* file_id of what it was made on */
};

/* Zeroes at first. */
struct ia_packed_originals {
    IA_VEC(struct ia_packed_original) all; /* by name, once they were listed */
    bool is_listed;
};
void ia_packed_originals_release(struct ia_packed_originals *originals);

/* Calls for what each was made on that had the name of the packed file without what the packer added, or of the member,
 * and, where that is a backing name, the name that is packed. */
typedef enum ia_status ia_packed_original_base(void *ctx, int64_t file_id, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_packed_originals_each(struct ia_packed_originals *originals,
                                                      const struct ia_catalog *catalog, const char *archive,
                                                      const struct ia_packed_name *name, ia_packed_original_base *each,
                                                      void *ctx, struct ia_error *err);

#endif
