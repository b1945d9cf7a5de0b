/* SPDX-License-Identifier: MIT */
/* A scan's rows into the store, all in its one transaction. */
#ifndef IA_SCAN_PUBLISH_PUBLISH_H
#define IA_SCAN_PUBLISH_PUBLISH_H

#include "scan/graph/links.h"

struct ia_publish {
    struct ia_catalog *catalog;
    struct ia_reading *reading;
    struct ia_links *links;
    struct ia_writer *writer; /* borrowed */
    struct ia_scan_row row;   /* counted on the way */
};

/* record.c: everything but the scan's own row. */
IA_MUST_CHECK enum ia_status ia_publish_rows(struct ia_publish *publish, struct ia_error *err);
/* The scan's row and options; the history is cut, and all is committed. */
IA_MUST_CHECK enum ia_status ia_publish_scan(struct ia_publish *publish, struct ia_error *err);

/* Of the first: */
/* images.c: gives every image its number, and counts what is new, changed and renamed. A lack of memory shows in
 * findings.failed. */
void ia_publish_number_images(struct ia_publish *publish);
/* images.c: their rows, where they are not as they were, and those of mappings and host space. */
IA_MUST_CHECK enum ia_status ia_publish_images(struct ia_publish *publish, struct ia_error *err);
/* copies.c: the names of originals become former ones of their new copies. Before the originals go. */
IA_MUST_CHECK enum ia_status ia_publish_names_of_copies(struct ia_publish *publish, struct ia_error *err);
/* files.c: what the scan before had and this one has not, or has anew, goes. */
IA_MUST_CHECK enum ia_status ia_publish_drop_old(struct ia_publish *publish, struct ia_error *err);
/* files.c: each volume, with what is free now; then files, where they are not as they were. */
IA_MUST_CHECK enum ia_status ia_publish_volumes(struct ia_publish *publish, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_publish_files(struct ia_publish *publish, struct ia_error *err);
/* files.c: what came back is remembered as what it is. */
IA_MUST_CHECK enum ia_status ia_publish_returned(struct ia_publish *publish, struct ia_error *err);
/* former_bases.c: what backing names led to besides. After all files have their numbers. */
IA_MUST_CHECK enum ia_status ia_publish_former_bases(struct ia_publish *publish, struct ia_error *err);
/* accept.c: marks the findings that an administrator accepted. */
IA_MUST_CHECK enum ia_status ia_publish_accept(struct ia_publish *publish, struct ia_error *err);
/* references.c: names and references, where they are not as they were. */
IA_MUST_CHECK enum ia_status ia_publish_references(struct ia_publish *publish, struct ia_error *err);
/* analyse.c: the forest's results, for the trees that are not as they were. */
IA_MUST_CHECK enum ia_status ia_publish_forest(struct ia_publish *publish, struct ia_error *err);
/* hosts.c: what the files share on the host, compared. */
IA_MUST_CHECK enum ia_status ia_publish_sharing(struct ia_publish *publish, struct ia_error *err);
/* claims.c: inventories, machines and what these use. */
IA_MUST_CHECK enum ia_status ia_publish_claims(struct ia_publish *publish, struct ia_error *err);
/* verdicts.c: candidates, evidence and doubts, after all else; counts those about every candidate. */
IA_MUST_CHECK enum ia_status ia_publish_verdicts(struct ia_publish *publish, struct ia_error *err);

#endif
