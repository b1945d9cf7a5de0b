/* SPDX-License-Identifier: MIT */
/* The raw driver: guest bytes are the file's bytes. */
#ifndef IA_FORMAT_RAW_RAW_H
#define IA_FORMAT_RAW_RAW_H

#include "format/format.h"

extern const struct ia_format ia_format_raw;

/* What the content shows a raw image to be, whatever it is called: "gpt", "mbr", "iso9660", "iso9660 gpt", "iso9660
 * mbr", or "" where nothing does. Const text; "" with an error. At most three short reads, none past the end. */
IA_MUST_CHECK enum ia_status ia_raw_kind(struct ia_source *source, const char **kind, struct ia_error *err);

/* The file system, or swap space, or physical volume of LVM, that fills it from its first byte on: "ext", "xfs",
 * "btrfs", "ntfs", "fat", "exfat", "squashfs", "swap", "lvm", or "" where none does, or the file is no disk by its
 * length. Const text; "" with an error. At most two short reads, none past the end. Any file may be one: it is an image
 * where others are. */
IA_MUST_CHECK enum ia_status ia_raw_file_system(struct ia_source *source, const char **name, struct ia_error *err);

#endif
