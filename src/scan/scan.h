/* SPDX-License-Identifier: MIT */
/* One scan: walk the roots, read what changed, follow references, analyse the forest, publish it all as one. */
#ifndef IA_SCAN_SCAN_H
#define IA_SCAN_SCAN_H

#include "base/status.h"
#include "scan/options.h"
#include "store/rows.h"

/* On success *row is the scan's row as published. On failure nothing was. */
IA_MUST_CHECK enum ia_status ia_scan_run(const struct ia_scan_options *options, struct ia_scan_row *row,
                                         struct ia_error *err);

#endif
