/* SPDX-License-Identifier: MIT */
/* The process that reads files: what it gives up, what it is asked, what it answers. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "scan/reading/local_pool.h"
#include "scan/reading/process.h"
#include "scan/reading/wire.h"

void ia_process_add_rules(struct ia_sandbox_rules *rules, const struct ia_confine *confine)
{
    for (size_t i = 0; i < confine->allowed.len; i++) {
        const char *path = confine->allowed.items[i].path;
        struct stat st;
        ia_sandbox_rules_add(rules, path, IA_SANDBOX_READ);
        if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        IA_AUTO_FREE char *directory = strndup(path, ia_path_directory_length(path));
        if (directory == NULL)
            rules->failed = true;
        else
            ia_sandbox_rules_add(rules, directory, IA_SANDBOX_READ);
    }
}

/* -- Answers ------------------------------------------------------------------------------------------------------- */

struct answers {
    pthread_mutex_t mutex; /* one event is written after the other */
    bool failed;           /* nobody reads them any more */
};

/* Ends: each write takes some of it. */
static bool write_all(struct iovec *pieces, int count)
{
    while (count > 0) {
        ssize_t done = writev(IA_PROCESS_OUT, pieces, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return false;
        for (; count > 0 && (size_t)done >= pieces->iov_len; pieces++, count--)
            done -= (ssize_t)pieces->iov_len;
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + done;
            pieces->iov_len -= (size_t)done;
        }
    }
    return true;
}

static bool send_all(struct answers *answers, struct ia_process_head *head, const void *bytes)
{
    struct iovec pieces[] = {{head, sizeof(*head)}, {(void *)bytes, head->length}};
    pthread_mutex_lock(&answers->mutex);
    answers->failed = answers->failed || !write_all(pieces, head->length > 0 ? 2 : 1);
    bool well = !answers->failed;
    pthread_mutex_unlock(&answers->mutex);
    return well;
}

/* What was asked ends with its answer. */
static bool send_event(void *ctx, const struct ia_event *event)
{
    struct ia_process_head head = {.kind = event->kind, .number = (uint32_t)event->file};
    IA_AUTO_BUF struct ia_buf result = {0};
    if (event->kind == IA_EVENT_EXTENTS) {
        head.value = event->mapping;
        head.length = event->count * sizeof(event->extents[0]);
        return send_all(ctx, &head, event->extents);
    }
    if (event->kind == IA_EVENT_DONE) {
        struct ia_parse_request request = event->request;
        if (event->status == IA_OK)
            ia_wire_pack_result(&result, &event->result);
        ia_wire_release_request(&request);
        head.value = result.failed ? IA_NOMEM : event->status;
        head.length = result.failed ? 0 : result.len;
    }
    return send_all(ctx, &head, result.data);
}

/* -- Requests ------------------------------------------------------------------------------------------------------ */

/* Those that are in `bytes` as a whole; returns how many bytes they took. */
static bool submit_all(struct ia_local_pool *pool, const char *bytes, size_t len, size_t *taken)
{
    struct ia_process_head head;
    struct ia_error err;
    for (*taken = 0; len - *taken >= sizeof(head); *taken += sizeof(head) + head.length) {
        struct ia_parse_request request;
        memcpy(&head, bytes + *taken, sizeof(head));
        if (len - *taken - sizeof(head) < head.length)
            return true;
        bool well = ia_wire_unpack_request(bytes + *taken + sizeof(head), head.length, &request);
        request.file = head.number;
        if (!well || ia_local_pool_submit(pool, &request, &err) != IA_OK) {
            ia_wire_release_request(&request);
            return false;
        }
    }
    return true;
}

static void serve(struct ia_local_pool *pool)
{
    enum { PIECE = 64 * 1024 };
    IA_AUTO_BUF struct ia_buf in = {0};
    for (;;) { /* ends with the coordinator's end of the pipe */
        size_t taken = 0;
        char *room = ia_buf_room(&in, PIECE);
        ssize_t got = room == NULL ? -1 : read(IA_PROCESS_IN, room, PIECE);
        if (got < 0 && errno == EINTR && room != NULL)
            continue;
        if (got <= 0)
            return;
        ia_buf_advance(&in, (size_t)got);
        if (!submit_all(pool, in.data, in.len, &taken))
            return;
        memmove(in.data, in.data + taken, in.len - taken);
        in.len -= taken;
        ia_local_pool_wake(pool);
    }
}

/* -- The process --------------------------------------------------------------------------------------------------- */

/* What the kernel lacks is the same for the coordinator, which reports it. */
static enum ia_status give_up(const struct ia_parse_env *env)
{
    IA_AUTO_SANDBOX_RULES struct ia_sandbox_rules rules = {0};
    struct ia_error err;
    ia_sandbox_limit();
    ia_sandbox_rules_add_libraries(&rules);
    ia_sandbox_rules_add(&rules, "/sys/devices", IA_SANDBOX_READ); /* sizes of block devices */
    ia_process_add_rules(&rules, env->confine);
    enum ia_status files = ia_sandbox_landlock(&rules, &err);
    enum ia_status calls = ia_sandbox_seccomp(IA_SANDBOX_NO_WRITES, &err);
    return files != IA_OK ? files : calls;
}

void ia_process_serve(int workers, const struct ia_parse_env *env, enum ia_sandbox_mode mode)
{
    struct answers answers = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    const struct ia_pool_output output = {.put = send_event, .ctx = &answers};
    struct ia_local_pool *pool = NULL;
    struct ia_error err;
    enum ia_status status = give_up(env);
    struct ia_process_head ready = {.kind = IA_PROCESS_READY, .value = status};
    if (!send_all(&answers, &ready, NULL) || (status != IA_OK && mode == IA_SANDBOX_REQUIRE))
        return;
    if (ia_local_pool_start(workers, env, &output, &pool, &err) == IA_OK)
        serve(pool);
}
