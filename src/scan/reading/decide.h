/* SPDX-License-Identifier: MIT */
/* What a file is taken for: by its content, by what overlays state, by its name. */
#ifndef IA_SCAN_READING_DECIDE_H
#define IA_SCAN_READING_DECIDE_H

#include "format/format.h"
#include "io/source.h"
#include "scan/catalog/file.h"
#include "scan/reading/request.h"

struct ia_decision {
    const struct ia_format *format; /* NULL: no image, or none that is read here */
    enum ia_format_basis basis;
    enum ia_file_class class;
    enum ia_skip_reason reason;
    const char *known; /* a stated format that no driver has */
    bool looks_packed; /* it begins as packed files do */
};

/* Reads a few bytes of it. Fails as ia_source_read does. */
IA_MUST_CHECK enum ia_status ia_decide(const struct ia_parse_request *request, struct ia_source *source,
                                       struct ia_decision *out, struct ia_error *err);

#endif
