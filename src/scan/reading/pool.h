/* SPDX-License-Identifier: MIT */
/* Workers that read files, and the bounded queue on which what they found comes to the one writer.
 * The coordinator submits requests and takes events; extents of one file come in order, its result last. */
#ifndef IA_SCAN_READING_POOL_H
#define IA_SCAN_READING_POOL_H

#include "sandbox/sandbox.h"
#include "scan/reading/parse.h"

enum ia_event_kind {
    IA_EVENT_BEGIN, /* an attempt begins: what came of this file before is void */
    IA_EVENT_EXTENTS,
    IA_EVENT_DONE,
};

struct ia_event {
    enum ia_event_kind kind;
    enum ia_status status; /* IA_EVENT_DONE: IA_OK, or why the worker itself failed */
    size_t file;
    size_t mapping;
    struct ia_extent *extents; /* owned by the receiver */
    size_t count;
    struct ia_parse_request request; /* IA_EVENT_DONE */
    struct ia_parse_result result;   /* IA_EVENT_DONE; owned by the receiver */
};
void ia_event_release(struct ia_event *event);

struct ia_pool;

IA_MUST_CHECK enum ia_status ia_pool_start(int workers, const struct ia_parse_env *env, struct ia_pool **out,
                                           struct ia_error *err);
/* The same in a process of its own, which reads below the confinement of env and can do nothing else: it has no file of
 * ours, and what comes from it is checked. Fails with IA_UNSUPPORTED where the kernel cannot see to that and `mode`
 * requires it. For a process with one thread. */
IA_MUST_CHECK enum ia_status ia_pool_start_apart(int workers, const struct ia_parse_env *env, enum ia_sandbox_mode mode,
                                                 struct ia_pool **out, struct ia_error *err);
/* Never blocks. Work begins with the next ia_pool_take. */
IA_MUST_CHECK enum ia_status ia_pool_submit(struct ia_pool *pool, const struct ia_parse_request *request,
                                            struct ia_error *err);
/* The next event, waiting for it; false when every submitted request is done. */
bool ia_pool_take(struct ia_pool *pool, struct ia_event *event);
/* Stops early if need be, and waits for the workers. NULL is fine. */
void ia_pool_stop(struct ia_pool *pool);

#endif
