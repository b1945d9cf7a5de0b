/* SPDX-License-Identifier: MIT */
/* The state of a running scan, shared by the files of src/scan. Owned by the coordinator's thread. */
#ifndef IA_SCAN_INTERNAL_H
#define IA_SCAN_INTERNAL_H

#include "base/buf.h"
#include "chain/confine.h"
#include "scan/findings.h"
#include "scan/inventory.h"
#include "scan/pool.h"
#include "scan/scan.h"
#include "store/writer.h"

struct ia_passed {
    const char *reason; /* const text */
    int64_t files;
};

/* A file that an image may name in another way than by its followed backing link. */
struct ia_alias {
    const char *kind; /* 'alias': seen from another name of the image; 'content': in a content used as another format */
    size_t image;     /* the image that names it */
    size_t target;    /* the item */
    char *name;       /* owned; the other name of the image */
    char *path;       /* owned; where the reference leads from there */
};

struct ia_absent {
    char *path; /* owned; a directory */
    int64_t dev;
};

/* Item numbers, sorted by identity and format. */
struct ia_identities {
    IA_VEC(size_t) sorted;
};

struct ia_scan {
    const struct ia_scan_options *options;
    struct ia_confine confine; /* roots and --allow */
    struct ia_limits limits;   /* of the options, and as far as descriptors go round */
    struct ia_parse_env env;
    struct ia_inventory inventory;
    struct ia_identities identities;
    IA_VEC(char *) templates; /* owned globs: the store's and the options' */
    struct ia_findings findings;
    struct ia_writer *writer;
    struct ia_pool *pool;
    IA_VEC(struct ia_passed) passed;
    IA_VEC(struct ia_alias) aliases;
    IA_VEC(struct ia_absent) absent; /* mounts that are gone */
    IA_VEC(char *) symlinks;         /* owned; found by the walk */
    struct ia_scan_row row;
    int64_t shared_runs; /* kept of all items */
    int64_t bytes_total, bytes_done, files_total, files_done;
};

/* walk.c: fills the inventory from the roots. */
IA_MUST_CHECK enum ia_status ia_scan_walk(struct ia_scan *scan, struct ia_error *err);
/* previous.c: what the scan before left, and what of it is still true. */
IA_MUST_CHECK enum ia_status ia_scan_load_previous(struct ia_scan *scan, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_scan_match_previous(struct ia_scan *scan, struct ia_error *err);
/* The same for an item that came later, by a reference. */
void ia_scan_match_late(struct ia_scan *scan, size_t number);
/* Images that an earlier scan met through --allow stay watched: adds those that still exist. */
IA_MUST_CHECK enum ia_status ia_scan_add_allowed(struct ia_scan *scan, struct ia_error *err);
/* read.c: submits files to the pool, stores extents, keeps results. */
IA_MUST_CHECK enum ia_status ia_scan_read_new(struct ia_scan *scan, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_scan_read_referenced(struct ia_scan *scan, bool *any, struct ia_error *err);
/* resolve.c: follows the references of all images that were read. */
IA_MUST_CHECK enum ia_status ia_scan_resolve(struct ia_scan *scan, struct ia_error *err);
/* The image may name the target besides; name and path are copied. */
IA_MUST_CHECK enum ia_status ia_scan_add_alias(struct ia_scan *scan, const char *kind, size_t image, size_t target,
                                               const char *name, const char *path, struct ia_error *err);
/* chains.c: loops, depth, which chains are whole. */
IA_MUST_CHECK enum ia_status ia_scan_check_chains(struct ia_scan *scan, struct ia_error *err);
/* absent.c: images that vanished with a mount. */
IA_MUST_CHECK enum ia_status ia_scan_find_absent(struct ia_scan *scan, struct ia_error *err);
/* judge.c: the findings about single files; templates, who names an image and when its overlays were written to. */
IA_MUST_CHECK enum ia_status ia_scan_judge(struct ia_scan *scan, struct ia_error *err);
/* Something says that the image is a backing file, whether or not one names it now. */
bool ia_scan_may_be_base(const struct ia_scan *scan, const struct ia_item *item);
/* When any of the image's files was last written to, by its time stamps: a VMDK's writes go to its extents. */
int64_t ia_scan_newest_change(const struct ia_scan *scan, const struct ia_item *item);
/* record.c: everything into the store. */
IA_MUST_CHECK enum ia_status ia_scan_record(struct ia_scan *scan, struct ia_error *err);
/* The same for what belongs to the published scan: its options and what was passed over. */
IA_MUST_CHECK enum ia_status ia_scan_put_options(struct ia_scan *scan, struct ia_error *err);
/* references.c: names and references into the store, where they are not as they were. */
IA_MUST_CHECK enum ia_status ia_scan_put_references(struct ia_scan *scan, struct ia_error *err);
/* read.c: locks and shared blocks of these items, looked at without reading them. */
IA_MUST_CHECK enum ia_status ia_scan_look_again(struct ia_scan *scan, const size_t *items, size_t count,
                                                struct ia_error *err);
/* look.c: the same for all images and their parts that were not looked at while they were read, with as few opens as
 * can be. After ia_scan_judge, which tells which of them count as bases. */
IA_MUST_CHECK enum ia_status ia_scan_look(struct ia_scan *scan, struct ia_error *err);
/* hosts.c: what the files share on the host, compared and stored. */
IA_MUST_CHECK enum ia_status ia_scan_record_sharing(struct ia_scan *scan, struct ia_error *err);
/* links.c: the names of the item that hold it, each once however many mounts show it. */
int64_t ia_scan_links_met(const struct ia_item *item);
/* verdicts.c: candidates, evidence and doubts into the store, after all else; counts those about every candidate. */
IA_MUST_CHECK enum ia_status ia_scan_put_verdicts(struct ia_scan *scan, struct ia_error *err);
/* analyse.c: the forest's results into the store, for the trees that are not as they were. */
IA_MUST_CHECK enum ia_status ia_scan_analyse(struct ia_scan *scan, struct ia_error *err);

bool ia_scan_is_below_a_root(const struct ia_scan *scan, const char *path);
bool ia_scan_is_excluded(const struct ia_scan *scan, const char *path);
void ia_scan_pass_over(struct ia_scan *scan, const char *reason);
void ia_scan_tell(struct ia_scan *scan, const char *phase);
/* The suffix is one of --raw-suffix; is that of an image format other than raw. */
bool ia_scan_has_raw_suffix(const struct ia_scan *scan, const char *path);
bool ia_scan_claims_image(const char *path);
/* Raw for want of a magic: by suffix, or because the user named this very file as a root. */
bool ia_scan_is_raw_by_name(const struct ia_scan *scan, const struct ia_item *item);

#endif
