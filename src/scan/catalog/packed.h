/* SPDX-License-Identifier: MIT */
/* Files that may hold packed images, by their names; and what such a file holds: which files its images name. */
#ifndef IA_SCAN_CATALOG_PACKED_H
#define IA_SCAN_CATALOG_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/* What a name in a packed image is, and so how it is looked up. */
enum ia_packed_kind {
    IA_PACKED_BACKING,   /* a backing name in QEMU's syntax */
    IA_PACKED_PATH,      /* a host path to try for its parent */
    IA_PACKED_IDENTITY,  /* who its parent is */
    IA_PACKED_DATA_FILE, /* as IA_PART_REFERENCE */
    IA_PACKED_EXTENT,    /* as IA_PART_BESIDE */
    IA_PACKED_KINDS
};
/* The word of stores: "backing", "parent-path"... */
const char *ia_packed_kind_word(enum ia_packed_kind kind);

/* A name of another file in a packed image. */
struct ia_packed_name {
    enum ia_packed_kind kind;
    char *member;  /* owned; "": the file is compressed, and no archive */
    char *format;  /* owned; of the packed image */
    char *name;    /* owned; as in the image */
    char *stated;  /* owned; the format that the image states of the file; NULL: none */
    bool was_seen; /* an earlier scan looked it up */
    /* file_ids of that scan: files that the image may have been made on, which may be no more; below 0 as in
     * graph/links.h */
    IA_VEC(int64_t) bases;
    char *misled; /* owned; in the latter case where it led instead at first; else NULL */
};

/* What was found in a packed file. */
struct ia_packed_content {
    char *problem; /* owned; why it could not be read to its end, in words; NULL: it was */
    IA_VEC(struct ia_packed_name) names;
};
void ia_packed_content_free(struct ia_packed_content *content); /* NULL is fine */

/* Adds copies of the texts; false: out of memory. */
bool ia_packed_content_add(struct ia_packed_content *content, const struct ia_packed_name *name);

struct ia_catalog;
struct ia_file;

/* The file's name has an image's ending before another one, or it was found to be packed before: what it holds is
 * looked at to its end if it begins as packed files do. Of others the beginning is, and they count where an image is
 * there. */
bool ia_catalog_may_be_packed(const struct ia_catalog *catalog, const struct ia_file *file);
/* It ends as packed images do (vm.qcow2.gz, export.ova): it is one, whether or not it can be read. */
bool ia_file_claims_packed(const struct ia_file *file);
/* It ends as packed files of any kind do. */
bool ia_name_has_packer_suffix(const char *path);

#endif
