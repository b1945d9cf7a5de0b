/* SPDX-License-Identifier: MIT */
/* The options of the latest scan, to scan again as it did. */
#ifndef IA_SCAN_STORED_OPTIONS_H
#define IA_SCAN_STORED_OPTIONS_H

#include "base/status.h"
#include "base/vec.h"
#include "scan/options.h"
#include "store/reader.h"

struct ia_stored_list {
    IA_VEC(const char *) all;
};

/* All zero at first. `options` points into the rest. */
struct ia_stored_options {
    struct ia_scan_options options; /* without those that a store does not keep: db, workers, keep, limits, progress */
    struct ia_stored_list lists[IA_SCAN_LISTS];
    IA_VEC(char *) texts; /* owned */
};

void ia_stored_options_release(struct ia_stored_options *stored);
#define IA_AUTO_STORED_OPTIONS __attribute__((cleanup(ia_stored_options_release)))

/* IA_MISSING where no scan was published; IA_UNSUPPORTED for an option that this version does not know. */
IA_MUST_CHECK enum ia_status ia_stored_options_load(struct ia_reader *reader, struct ia_stored_options *out,
                                                    struct ia_error *err);

#endif
