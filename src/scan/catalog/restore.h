/* SPDX-License-Identifier: MIT */
/* Rows that the scan before left, one by one. Private to load.c and restore.c. */
#ifndef IA_SCAN_CATALOG_RESTORE_H
#define IA_SCAN_CATALOG_RESTORE_H

#include "scan/catalog/catalog.h"

/* Callbacks of the writer: ctx is the catalog, which gets one more of the scan before. */
IA_MUST_CHECK enum ia_status ia_restore_volume(void *ctx, const struct ia_volume_row *row, struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_restore_file(void *ctx, const struct ia_file_row *row, struct ia_error *err);
/* The file was an image. One whose row is not whole, or whose state may have ended, is to be read again. */
IA_MUST_CHECK enum ia_status ia_restore_image(struct ia_previous *previous, const struct ia_image_row *row,
                                              struct ia_error *err);

IA_MUST_CHECK enum ia_status ia_restore_vanished(void *ctx, const struct ia_vanished_row *row, struct ia_error *err);

#endif
