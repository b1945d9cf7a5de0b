/* SPDX-License-Identifier: MIT */
/* What a header holds about an image, in terms that hold for every format. */
#ifndef IA_MODEL_IMAGE_H
#define IA_MODEL_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

/* An internal snapshot: a second mapping of the image. */
struct ia_snapshot {
    char *id;         /* owned; NUL-terminated bytes of the image, not always UTF-8 */
    char *name;       /* owned, the same */
    int64_t size;     /* guest bytes */
    int64_t vm_state; /* bytes of saved machine state */
    int64_t date_ns;  /* since 1970 UTC */
};

/* From where a part's name is to be looked up. */
enum ia_part_place {
    IA_PART_REFERENCE, /* QEMU's reference syntax; a relative one from the working directory (qcow2's data file) */
    IA_PART_BESIDE,    /* a plain path, relative to the directory of the image; a scan lets none leave it */
    /* Files beside the image that describe it, and hold none of the guest's bytes: what it is made on is known by them
     * alone, and by nothing else where they are missing. */
    IA_PART_OWN_DESCRIPTION, /* called as the image is, with this behind */
    IA_PART_DESCRIPTION,     /* called so */
};

/* A host file of an image besides its main one. Part n is file number n + 1 of the image's extents. */
struct ia_image_part {
    char *name;       /* owned; as in the image; NULL: the image needs it and does not name it */
    const char *role; /* "data", "extent", "description"...: const text */
    enum ia_part_place place;
};

/* The identity of an image, and the one that its parent should have, in the format's own terms: "cid 5a3b01ff", "uuid
 * ...". Empty: not stated. A child's expectations are compared with its parent's identity, as text; an empty one is
 * not compared. */
struct ia_image_identity {
    char own[64];
    char own_stamp[64];    /* changes with every modification, where the format has such a thing apart from own */
    char parent[64];       /* what parent's own should be */
    char parent_stamp[64]; /* what parent's own_stamp should be */
};

struct ia_image_facts {
    int64_t virtual_size;    /* guest bytes, a multiple of 512 */
    int64_t cluster_size;    /* bytes; 0 where the format has no such thing */
    char variant[96];        /* "v3 zstd extended-l2"... for people: programs find the same in the fields below */
    int version;             /* of the format, its major one, as stated in the header of the main file; 0: not stated */
    bool has_data_file;      /* guest data is in an external data file (qcow2) */
    bool extended_l2;        /* clusters have 32 subclusters (qcow2) */
    bool hidden;             /* it is marked as what others are based on, and no disk of its own (vpc) */
    bool kept;               /* its platform keeps it, read by others or not: a disk, or a point to go back to */
    bool zeroed_grains;      /* grains can be marked as zeroes, which gives nothing back (vmdk) */
    bool read_only;          /* QEMU opens images of this kind for reading alone, whatever it does with the format */
    bool write_once;         /* QEMU writes no cluster of it a second time: streams of compressed ones */
    const char *compression; /* what QEMU compresses its clusters with, in words of `qemu-img create -o
                                compression_type`, const text; NULL: there is no choice */
    char *backing_name;      /* owned; as in the image, NUL-terminated; NULL: no backing file */
    char *backing_format;    /* owned; NULL: not stated */
    /* Host paths to try for the backing file, in this order, relative to the image's directory or absolute: for formats
     * whose parent names are none of QEMU's references. Empty: backing_name is such a reference. */
    IA_VEC(char *) backing_paths; /* owned */
    bool backing_by_identity; /* the parent has no name: it is the image whose own identity is what this one expects */
    IA_VEC(struct ia_image_part) parts;
    char *companion; /* owned; a file beside the image that belongs to it and holds none of the guest's bytes, as
                        changeTrackPath of a VMDK; nothing is read from it, and it may be missing; NULL: none */
    bool encrypted;
    bool dirty;          /* refcounts or log may be behind */
    bool truncated;      /* tables or data lie past the end of the file */
    bool marked_corrupt; /* the image has a mark for it, and it is set */
    int overlapping;     /* 1: bytes of its files are used for two things that cannot share them; 0: none are, as far as
                            the account of host space shows; -1: not known (yet: once that account is complete) */
    bool has_empty_table; /* a mapping table that was read has no entry at all: nothing was ever written there, all of
                             it was discarded, or the table is lost */
    bool may_be_lost;     /* has_empty_table, and clusters that nothing names (leaks), which may be what it named */
    IA_VEC(struct ia_snapshot) snapshots;
    int64_t metadata_bytes;  /* host bytes; -1: not known (yet: complete once the active mapping was read) */
    int64_t compressed_host; /* host bytes that hold the active mapping's compressed extents */
};

void ia_image_facts_release(struct ia_image_facts *facts);

/* Adds copies; false: out of memory. name may be NULL. */
bool ia_image_facts_add_part(struct ia_image_facts *facts, const char *name, const char *role,
                             enum ia_part_place place);
bool ia_image_facts_add_backing_path(struct ia_image_facts *facts, const char *path);

#endif
