/* SPDX-License-Identifier: MIT */
/* The workers as threads of this process: those of pool.h where reading needs no process of its own, and those in it.
 */
#ifndef IA_SCAN_READING_LOCAL_POOL_H
#define IA_SCAN_READING_LOCAL_POOL_H

#include "scan/reading/pool.h"

/* Who takes events in place of the queue: called by all workers. false: nobody takes them any more. */
struct ia_pool_output {
    bool (*put)(void *ctx, const struct ia_event *event);
    void *ctx;
};

struct ia_local_pool;

/* As in pool.h. output: NULL: events are queued for ia_local_pool_take; it is borrowed. */
IA_MUST_CHECK enum ia_status ia_local_pool_start(int workers, const struct ia_parse_env *env,
                                                 const struct ia_pool_output *output, struct ia_local_pool **out,
                                                 struct ia_error *err);
IA_MUST_CHECK enum ia_status ia_local_pool_submit(struct ia_local_pool *pool, const struct ia_parse_request *request,
                                                  struct ia_error *err);
bool ia_local_pool_take(struct ia_local_pool *pool, struct ia_event *event);
/* With an output: work begins. */
void ia_local_pool_wake(struct ia_local_pool *pool);
void ia_local_pool_stop(struct ia_local_pool *pool);

#endif
