/* SPDX-License-Identifier: MIT */
/* What is known of a file before it is read. */
#ifndef IA_SCAN_READING_REQUEST_H
#define IA_SCAN_READING_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct ia_format;

struct ia_parse_request {
    size_t file;
    const char *path;                  /* canonical; borrowed until the result came */
    const char *stated;                /* format that an overlay states, NULL: none */
    const struct ia_format *described; /* format that a file beside it shows, NULL: none */
    const char *described_as;          /* the name of this file beside which that lies; borrowed, as path is */
    bool raw_by_suffix;                /* without a magic it is raw */
    bool raw_by_past;                  /* the same, because it was a base once */
    bool raw_by_guess;  /* the same, because an overlay names it without a format; its end is not asked */
    bool raw_by_name;   /* the same, because the user named it as a root; its end is not asked */
    bool claims_image;  /* its suffix is that of an image format */
    bool may_be_packed; /* where it is no image, those that may be packed in it are looked for */
    bool claims_packed; /* its name is that of a packed image */
    bool lock_only;     /* content is known: look at QEMU's locks and at shared blocks only */
};

#endif
