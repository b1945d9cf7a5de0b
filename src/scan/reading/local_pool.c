/* SPDX-License-Identifier: MIT */
/* Threads, the list of requests and the queue of events, in this process. */
#include "scan/reading/local_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EVENTS = 128, MAX_EXTENTS = 256 * 1024, MAX_WORKERS = 256 };

/* Looks at locks that a worker takes in one go: each is so short that handing over would take longer. */
enum { MAX_LOOKS = 32 };

struct ia_local_pool {
    const struct ia_parse_env *env;
    pthread_mutex_t mutex;
    pthread_cond_t work; /* there is a request, or the end */
    pthread_cond_t full; /* there is an event, or nothing is under way */
    pthread_cond_t room; /* the event queue has room, or the end */
    IA_VEC(struct ia_parse_request) requests;
    size_t next;    /* first request not taken */
    size_t pending; /* requests without their IA_EVENT_DONE taken */
    struct ia_event events[MAX_EVENTS];
    size_t first, count;
    size_t extents;       /* in the events */
    size_t idle, crowded; /* workers that wait for a request, for room */
    bool taker_waits;
    bool stopping;
    const struct ia_pool_output *output; /* where events go instead of the queue; NULL: to the queue */
    int wanted;                          /* workers that may be started */
    int workers;                         /* that run */
    int busy;                            /* those of them that have a request */
    pthread_t threads[MAX_WORKERS];
};

/* Extents are most of what is queued: a single event of them always fits. */
static bool has_room(const struct ia_local_pool *pool, const struct ia_event *event)
{
    return pool->count < MAX_EVENTS && (pool->extents == 0 || pool->extents + event->count <= MAX_EXTENTS);
}

static void wake_taker(struct ia_local_pool *pool)
{
    if (pool->taker_waits)
        pthread_cond_signal(&pool->full);
}

/* To somebody else; false when nobody takes them any more. */
static bool put_all(struct ia_local_pool *pool, struct ia_event *events, size_t count)
{
    bool is_wanted = true;
    for (size_t i = 0; i < count; i++) {
        is_wanted = is_wanted && pool->output->put(pool->output->ctx, &events[i]);
        ia_event_release(&events[i]);
    }
    return is_wanted;
}

/* Takes the events over; false when the pool stops. */
static bool post_all(struct ia_local_pool *pool, struct ia_event *events, size_t count)
{
    size_t posted = 0;
    if (pool->output != NULL)
        return put_all(pool, events, count);
    pthread_mutex_lock(&pool->mutex);
    for (; posted < count; posted++) {
        while (!has_room(pool, &events[posted]) && !pool->stopping) {
            wake_taker(pool);
            pool->crowded++;
            pthread_cond_wait(&pool->room, &pool->mutex);
            pool->crowded--;
        }
        if (pool->stopping)
            break;
        pool->events[(pool->first + pool->count) % MAX_EVENTS] = events[posted];
        pool->count++;
        pool->extents += events[posted].count;
    }
    wake_taker(pool);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = posted; i < count; i++)
        ia_event_release(&events[i]);
    return posted == count;
}

static bool post(struct ia_local_pool *pool, struct ia_event *event)
{
    return post_all(pool, event, 1);
}

struct worker {
    struct ia_local_pool *pool;
    size_t file;
};

static enum ia_status post_begin(void *ctx, struct ia_error *err)
{
    struct worker *worker = ctx;
    struct ia_event event = {.kind = IA_EVENT_BEGIN, .file = worker->file};
    return post(worker->pool, &event) ? IA_OK : ia_fail(err, IA_BUG, "stopped");
}

static enum ia_status post_extents(void *ctx, size_t mapping, const struct ia_extent *extents, size_t count,
                                   struct ia_error *err)
{
    struct worker *worker = ctx;
    struct ia_event event = {.kind = IA_EVENT_EXTENTS, .file = worker->file, .mapping = mapping, .count = count};
    event.extents = malloc(count * sizeof(*extents));
    if (event.extents == NULL)
        return ia_no_memory(err);
    memcpy(event.extents, extents, count * sizeof(*extents));
    return post(worker->pool, &event) ? IA_OK : ia_fail(err, IA_BUG, "stopped");
}

/* One request; or several, when these only look at locks and there are enough for all workers. Returns how many, 0 at
 * the end. was_busy: the worker had taken others before. */
static size_t take_requests(struct ia_local_pool *pool, struct ia_parse_request *requests, bool was_busy)
{
    size_t taken = 0;
    pthread_mutex_lock(&pool->mutex);
    pool->busy -= was_busy;
    while (pool->next == pool->requests.len && !pool->stopping) {
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->mutex);
        pool->idle--;
    }
    if (!pool->stopping) {
        size_t share = (pool->requests.len - pool->next) / (2 * (size_t)pool->wanted + 1);
        size_t most = share < 1 ? 1 : share < MAX_LOOKS ? share : MAX_LOOKS;
        do
            requests[taken++] = pool->requests.items[pool->next++];
        while (taken < most && requests[taken - 1].lock_only && pool->requests.items[pool->next].lock_only);
        pool->busy++;
    }
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

static struct ia_event answer(struct ia_local_pool *pool, const struct ia_parse_request *request)
{
    struct worker worker = {.pool = pool, .file = request->file};
    const struct ia_parse_sink sink = {.ctx = &worker, .begin = post_begin, .extents = post_extents};
    struct ia_event done = {.kind = IA_EVENT_DONE, .file = request->file, .request = *request};
    struct ia_error err = {0};
    done.status = ia_parse_file(request, pool->env, &sink, &done.result, &err);
    return done;
}

static void *work(void *arg)
{
    struct ia_local_pool *pool = arg;
    struct ia_parse_request requests[MAX_LOOKS];
    struct ia_event done[MAX_LOOKS];
    size_t count = 0;
    while ((count = take_requests(pool, requests, count > 0)) > 0) {
        for (size_t i = 0; i < count; i++)
            done[i] = answer(pool, &requests[i]);
        post_all(pool, done, count);
    }
    return NULL;
}

static int start_worker(struct ia_local_pool *pool)
{
    int code = pthread_create(&pool->threads[pool->workers], NULL, work, pool);
    pool->workers += code == 0;
    return code;
}

/* One for each request that waits, as far as they go. Where none can be started, fewer will do. */
static void start_workers(struct ia_local_pool *pool)
{
    size_t waiting = pool->requests.len - pool->next;
    while (pool->workers < pool->wanted && waiting > (size_t)(pool->workers - pool->busy) && start_worker(pool) == 0) {
    }
}

enum ia_status ia_local_pool_start(int workers, const struct ia_parse_env *env, const struct ia_pool_output *output,
                                   struct ia_local_pool **out, struct ia_error *err)
{
    struct ia_local_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return ia_no_memory(err);
    pool->env = env;
    pool->output = output;
    pool->wanted = workers < MAX_WORKERS ? workers : MAX_WORKERS;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->full, NULL);
    pthread_cond_init(&pool->room, NULL);
    int code = start_worker(pool);
    if (code != 0) {
        ia_local_pool_stop(pool);
        return ia_fail_errno(err, code, "cannot start a thread");
    }
    *out = pool;
    return IA_OK;
}

enum ia_status ia_local_pool_submit(struct ia_local_pool *pool, const struct ia_parse_request *request,
                                    struct ia_error *err)
{
    pthread_mutex_lock(&pool->mutex);
    if (pool->next == pool->requests.len)
        pool->next = pool->requests.len = 0;
    bool ok = ia_vec_push(&pool->requests, *request);
    pool->pending += ok;
    pthread_mutex_unlock(&pool->mutex);
    return ok ? IA_OK : ia_no_memory(err);
}

/* All that was submitted so far, at once. */
static void wake_workers(struct ia_local_pool *pool)
{
    start_workers(pool);
    if (pool->idle > 0 && pool->next < pool->requests.len)
        pthread_cond_broadcast(&pool->work);
}

void ia_local_pool_wake(struct ia_local_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    wake_workers(pool);
    pthread_mutex_unlock(&pool->mutex);
}

bool ia_local_pool_take(struct ia_local_pool *pool, struct ia_event *event)
{
    pthread_mutex_lock(&pool->mutex);
    wake_workers(pool);
    while (pool->count == 0 && pool->pending > 0) {
        pool->taker_waits = true;
        pthread_cond_wait(&pool->full, &pool->mutex);
        pool->taker_waits = false;
    }
    bool got = pool->count > 0;
    if (got) {
        *event = pool->events[pool->first];
        pool->first = (pool->first + 1) % MAX_EVENTS;
        pool->count--;
        pool->extents -= event->count;
        pool->pending -= event->kind == IA_EVENT_DONE;
        if (pool->crowded > 0)
            pthread_cond_signal(&pool->room);
    }
    pthread_mutex_unlock(&pool->mutex);
    return got;
}

void ia_local_pool_stop(struct ia_local_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_cond_broadcast(&pool->room);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->workers; i++)
        pthread_join(pool->threads[i], NULL);
    for (; pool->count > 0; pool->count--, pool->first = (pool->first + 1) % MAX_EVENTS)
        ia_event_release(&pool->events[pool->first]);
    ia_vec_release(&pool->requests);
    pthread_mutex_destroy(&pool->mutex);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->full);
    pthread_cond_destroy(&pool->room);
    free(pool);
}
