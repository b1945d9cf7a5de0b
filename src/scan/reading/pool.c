/* SPDX-License-Identifier: MIT */
/* Workers, wherever they are. */
#include "scan/reading/pool.h"

#include <stdlib.h>

#include "scan/reading/local_pool.h"
#include "scan/reading/process.h"

/* One of the two. */
struct ia_pool {
    struct ia_local_pool *local;
    struct ia_process *process;
};

enum ia_status ia_pool_start(int workers, const struct ia_parse_env *env, struct ia_pool **out, struct ia_error *err)
{
    struct ia_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return ia_no_memory(err);
    enum ia_status status = ia_local_pool_start(workers, env, NULL, &pool->local, err);
    if (status == IA_OK)
        *out = pool;
    else
        free(pool);
    return status;
}

enum ia_status ia_pool_start_apart(int workers, const struct ia_parse_env *env, enum ia_sandbox_mode mode,
                                   struct ia_pool **out, struct ia_error *err)
{
    struct ia_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return ia_no_memory(err);
    enum ia_status status = ia_process_start(workers, env, mode, &pool->process, err);
    if (status == IA_OK)
        *out = pool;
    else
        free(pool);
    return status;
}

enum ia_status ia_pool_submit(struct ia_pool *pool, const struct ia_parse_request *request, struct ia_error *err)
{
    return pool->process != NULL ? ia_process_submit(pool->process, request, err)
                                 : ia_local_pool_submit(pool->local, request, err);
}

bool ia_pool_take(struct ia_pool *pool, struct ia_event *event)
{
    return pool->process != NULL ? ia_process_take(pool->process, event) : ia_local_pool_take(pool->local, event);
}

void ia_pool_stop(struct ia_pool *pool)
{
    if (pool == NULL)
        return;
    ia_local_pool_stop(pool->local);
    ia_process_stop(pool->process);
    free(pool);
}
