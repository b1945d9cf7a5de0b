/* SPDX-License-Identifier: MIT */
/* Reading one file: is it an image, of what format, and what are its extents. Runs in a worker: touches nothing shared.
 */
#ifndef IA_SCAN_READING_PARSE_H
#define IA_SCAN_READING_PARSE_H

#include <sys/stat.h>

#include "chain/confine.h"
#include "chain/resolve.h"
#include "format/format.h"
#include "model/lock.h"
#include "scan/catalog/catalog.h"
#include "scan/reading/account.h"
#include "scan/reading/request.h"
#include "scan/reading/sharing.h"

struct ia_parse_env {
    const struct ia_confine *confine;
    const struct ia_limits *limits;
};

/* What became of one of the image's facts.parts. */
struct ia_parsed_part {
    enum ia_status status; /* IA_OK, or why it could not be had */
    char *message;         /* owned; the same in words */
    struct ia_resolved file;
    bool opened;
};

struct ia_parse_result {
    enum ia_file_class class;
    enum ia_skip_reason reason;
    struct ia_parsed parsed;          /* mappings have no map_id here */
    struct ia_account account;        /* of an image */
    struct ia_packed_content *packed; /* owned; NULL: it is not packed, or that was not asked */
    bool looks_packed;                /* it is no image, begins as packed files do, and a short look found none in it */
    struct stat st;
    bool opened;        /* st and birth_ns hold */
    int64_t birth_ns;   /* as in struct ia_file */
    int64_t checked_ns; /* when reading began; 0: too soon after a change to trust the time stamps */
    enum ia_image_lock lock;
    struct ia_sharing sharing;           /* asked of images, and where lock_only is set */
    IA_VEC(struct ia_parsed_part) parts; /* as parsed.facts.parts */
    int64_t table_bytes;
};
void ia_parse_result_release(struct ia_parse_result *result);

/* Where extents go while they are read. begin is called before each attempt: what came before is void. */
struct ia_parse_sink {
    void *ctx;
    enum ia_status (*begin)(void *ctx, struct ia_error *err);
    enum ia_status (*extents)(void *ctx, size_t mapping, const struct ia_extent *extents, size_t count,
                              struct ia_error *err);
};

/* What is wrong with the file is in the result; a failing status is the sink's, or IA_NOMEM. */
IA_MUST_CHECK enum ia_status ia_parse_file(const struct ia_parse_request *request, const struct ia_parse_env *env,
                                           const struct ia_parse_sink *sink, struct ia_parse_result *result,
                                           struct ia_error *err);

#endif
