/* SPDX-License-Identifier: MIT */
/* What an image names another file for. */
#ifndef IA_MODEL_NAME_KIND_H
#define IA_MODEL_NAME_KIND_H

enum ia_name_kind {
    IA_NAME_BACKING,
    IA_NAME_ALIAS,       /* its backing file, seen from another name of the image */
    IA_NAME_DATA_FILE,   /* a file that it is made of, searched for as QEMU does */
    IA_NAME_EXTENT,      /* a file that it is made of, in its own directory */
    IA_NAME_NESTED,      /* in the description of its backing or data file, besides that */
    IA_NAME_CONTENT,     /* by a content that is used as another format */
    IA_NAME_PARENT_PATH, /* a host path to try for its parent */
    IA_NAME_COMPANION,   /* a file that belongs to it and holds none of its data */
    IA_NAME_KINDS
};

/* The word of stores: "backing", "data-file"... */
const char *ia_name_kind_word(enum ia_name_kind kind);
/* IA_NAME_KINDS for a word that is none of these. */
enum ia_name_kind ia_name_kind_by_word(const char *word);

#endif
