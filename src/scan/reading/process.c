/* SPDX-License-Identifier: MIT */
/* The coordinator's side of the process that reads files. What comes from it may come from whoever wrote an image: it
 * is checked before anything else sees it. */
#include "scan/reading/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "scan/reading/wire.h"

/* A batch of extents or a result that is larger is none. */
#define MOST_BYTES (UINT64_C(1) << 30)
/* What a pipe may hold without asking, as a rule. */
enum { PIPE_BYTES = 1 << 20, PIECE = 32 << 10, REQUEST_BYTES = 32 * 1024 };

/* What was asked, and what has come of it. */
struct asked {
    struct ia_parse_request request;
    bool begun, done;
    size_t mapping; /* of the last extents */
    int64_t end;    /* where they end */
    uint32_t most;  /* the largest number of a file among them */
};

struct ia_process {
    pid_t pid;
    int to, from;
    int64_t max_parts;
    struct ia_buf requests; /* not sent yet */
    IA_VEC(struct asked) asked;
    size_t pending; /* requests that are not done */
    char *in;       /* what came, of PIECE bytes */
    size_t at, end; /* what is left of it */
};

/* -- Starting ------------------------------------------------------------------------------------------------------ */

static int by_number(const void *left, const void *right)
{
    return (*(const int *)left > *(const int *)right) - (*(const int *)left < *(const int *)right);
}

static void close_between(int first, int last)
{
#ifdef SYS_close_range
    if (first > last || syscall(SYS_close_range, (unsigned)first, (unsigned)last, 0) == 0)
        return;
#endif
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = first; fd <= last && fd < most; fd++)
        close(fd);
}

/* All but the first three, and those of allowed directories. */
static bool close_others(const struct ia_confine *confine)
{
    size_t count = confine->allowed.len;
    IA_AUTO_FREE int *kept = calloc(count + 1, sizeof(*kept));
    if (kept == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        kept[i] = confine->allowed.items[i].fd;
    qsort(kept, count, sizeof(*kept), by_number);
    int next = STDERR_FILENO + 1;
    for (size_t i = 0; i < count; i++) {
        if (kept[i] < next)
            continue;
        close_between(next, kept[i] - 1);
        next = kept[i] + 1;
    }
    close_between(next, INT32_MAX);
    return true;
}

/* The parent may have ended before the signal was asked for. */
static bool take_place(const struct ia_parse_env *env, pid_t parent, int in, int out)
{
    int moved = fcntl(out, F_DUPFD, STDERR_FILENO + 1); /* it may have the number of the other's place */
    return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent && moved >= 0 &&
           dup2(in, IA_PROCESS_IN) >= 0 && dup2(moved, IA_PROCESS_OUT) >= 0 && close_others(env->confine);
}

static void close_pair(int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (pair[i] >= 0)
            close(pair[i]);
}

static enum ia_status start(struct ia_process *process, int workers, const struct ia_parse_env *env,
                            enum ia_sandbox_mode mode, struct ia_error *err)
{
    int requests[2] = {-1, -1};
    int events[2] = {-1, -1};
    pid_t self = getpid();
    bool well = pipe2(requests, O_CLOEXEC) == 0 && pipe2(events, O_CLOEXEC) == 0;
    if (well)
        fcntl(events[0], F_SETPIPE_SZ, PIPE_BYTES); /* less will do */
    process->pid = well ? fork() : -1;
    if (process->pid == 0) {
        if (take_place(env, self, requests[0], events[1]))
            ia_process_serve(workers, env, mode);
        _exit(0);
    }
    if (process->pid < 0) {
        enum ia_status status = ia_fail_errno(err, errno, "cannot start the process that reads images");
        close_pair(requests);
        close_pair(events);
        return status;
    }
    close(requests[0]);
    close(events[1]);
    process->to = requests[1];
    process->from = events[0];
    return IA_OK;
}

/* -- What comes ---------------------------------------------------------------------------------------------------- */

/* Ends: each read gives some of it, or fails. */
static bool receive(struct ia_process *process, void *out, size_t len)
{
    for (char *to = out; len > 0;) {
        size_t have = process->end - process->at;
        if (have > 0) {
            size_t taken = have < len ? have : len;
            memcpy(to, process->in + process->at, taken);
            process->at += taken;
            to += taken;
            len -= taken;
            continue;
        }
        bool is_large = len >= PIECE;
        ssize_t got = read(process->from, is_large ? to : process->in, is_large ? len : PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        process->at = 0;
        process->end = is_large ? 0 : (size_t)got;
        to += is_large ? got : 0;
        len -= is_large ? (size_t)got : 0;
    }
    return true;
}

/* Ascending and apart in each mapping, of known states and files. */
static bool are_extents(const struct ia_process *process, struct asked *asked, const struct ia_event *event)
{
    if (event->mapping != asked->mapping) {
        if (event->mapping < asked->mapping)
            return false;
        asked->mapping = event->mapping;
        asked->end = 0;
    }
    for (size_t i = 0; i < event->count; i++) {
        const struct ia_extent *extent = &event->extents[i];
        if (extent->start < asked->end || extent->length <= 0 || extent->length > INT64_MAX - extent->start ||
            extent->offset < IA_NO_OFFSET || extent->state >= IA_EXTENT_STATES ||
            (int64_t)extent->file > process->max_parts)
            return false;
        asked->end = extent->start + extent->length;
        asked->most = extent->file > asked->most ? extent->file : asked->most;
    }
    return true;
}

static bool take_extents(struct ia_process *process, const struct ia_process_head *head, struct asked *asked,
                         struct ia_event *event)
{
    event->mapping = (size_t)head->value;
    event->count = (size_t)(head->length / sizeof(*event->extents));
    if (event->count == 0 || head->length % sizeof(*event->extents) != 0 || head->value > INT32_MAX || !asked->begun)
        return false;
    event->extents = malloc((size_t)head->length);
    return event->extents != NULL && receive(process, event->extents, (size_t)head->length) &&
           are_extents(process, asked, event);
}

static bool take_done(struct ia_process *process, const struct ia_process_head *head, struct asked *asked,
                      struct ia_event *event)
{
    struct ia_error err;
    IA_AUTO_FREE char *bytes = malloc((size_t)head->length + 1);
    event->status = head->value <= IA_BUG ? (enum ia_status)head->value : IA_BUG;
    event->request = asked->request;
    if (bytes == NULL || !receive(process, bytes, (size_t)head->length))
        return false;
    if (event->status == IA_OK)
        event->status = ia_wire_unpack_result(bytes, (size_t)head->length, &event->result, &err);
    if (event->status == IA_OK && asked->begun && asked->most > event->result.parts.len)
        event->status = IA_BUG;
    asked->done = true;
    process->pending--;
    return true;
}

static bool take(struct ia_process *process, struct ia_event *event)
{
    struct ia_process_head head;
    if (!receive(process, &head, sizeof(head)) || head.number >= process->asked.len || head.length > MOST_BYTES)
        return false;
    struct asked *asked = &process->asked.items[head.number];
    *event = (struct ia_event){.kind = (enum ia_event_kind)head.kind, .file = asked->request.file};
    if (asked->done)
        return false;
    switch (head.kind) {
    case IA_EVENT_BEGIN:
        *asked = (struct asked){.request = asked->request, .begun = true};
        return head.length == 0;
    case IA_EVENT_EXTENTS:
        return take_extents(process, &head, asked, event);
    case IA_EVENT_DONE:
        return take_done(process, &head, asked, event);
    default:
        return false;
    }
}

/* It ended, or sends what makes no sense: the end of the scan, which names a file that was being read. */
static void fail(struct ia_process *process, struct ia_event *event)
{
    const struct asked *culprit = NULL;
    for (size_t i = 0; i < process->asked.len; i++) {
        const struct asked *asked = &process->asked.items[i];
        if (!asked->done && (culprit == NULL || (asked->begun && !culprit->begun)))
            culprit = asked;
    }
    ia_event_release(event);
    *event = (struct ia_event){.kind = IA_EVENT_DONE, .status = IA_BUG};
    if (culprit != NULL)
        event->file = culprit->request.file;
}

/* -- The contract of pool.h ---------------------------------------------------------------------------------------- */

static enum ia_status wait_until_ready(struct ia_process *process, enum ia_sandbox_mode mode, struct ia_error *err)
{
    struct ia_process_head ready;
    if (!receive(process, &ready, sizeof(ready)) || ready.kind != IA_PROCESS_READY)
        return ia_fail(err, IA_IO, "the process that reads images did not start");
    if (ready.value != IA_OK && mode == IA_SANDBOX_REQUIRE)
        return ia_fail(err, IA_UNSUPPORTED, "no sandbox: this kernel has not all of Landlock and seccomp");
    return IA_OK;
}

enum ia_status ia_process_start(int workers, const struct ia_parse_env *env, enum ia_sandbox_mode mode,
                                struct ia_process **out, struct ia_error *err)
{
    struct ia_process *process = calloc(1, sizeof(*process));
    if (process == NULL)
        return ia_no_memory(err);
    *process = (struct ia_process){.to = -1, .from = -1, .max_parts = env->limits->max_parts, .in = malloc(PIECE)};
    enum ia_status status = process->in == NULL ? ia_no_memory(err) : start(process, workers, env, mode, err);
    if (status == IA_OK)
        status = wait_until_ready(process, mode, err);
    if (status == IA_OK)
        *out = process;
    else
        ia_process_stop(process);
    return status;
}

/* Ends: each write takes some of it. The process reads all that it is sent at once. */
static bool flush(struct ia_process *process)
{
    for (size_t done = 0; done < process->requests.len;) {
        ssize_t written = write(process->to, process->requests.data + done, process->requests.len - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false; /* what waits for an answer finds out */
        done += (size_t)written;
    }
    ia_buf_clear(&process->requests);
    return true;
}

enum ia_status ia_process_submit(struct ia_process *process, const struct ia_parse_request *request,
                                 struct ia_error *err)
{
    if (process->pending == 0)
        process->asked.len = 0;
    struct ia_process_head head = {.number = (uint32_t)process->asked.len};
    struct ia_buf *out = &process->requests;
    size_t start = out->len;
    ia_buf_add(out, &head, sizeof(head));
    ia_wire_pack_request(out, request);
    if (out->failed || process->asked.len == UINT32_MAX ||
        !ia_vec_push(&process->asked, ((struct asked){.request = *request})))
        return ia_no_memory(err);
    head.length = out->len - start - sizeof(head);
    memcpy(out->data + start, &head, sizeof(head));
    process->pending++;
    if (out->len >= REQUEST_BYTES)
        (void)flush(process);
    return IA_OK;
}

bool ia_process_take(struct ia_process *process, struct ia_event *event)
{
    (void)flush(process);
    if (process->pending == 0)
        return false;
    *event = (struct ia_event){0};
    if (!take(process, event))
        fail(process, event);
    return true;
}

void ia_process_stop(struct ia_process *process)
{
    if (process == NULL)
        return;
    if (process->to >= 0)
        close(process->to);
    if (process->from >= 0)
        close(process->from);
    while (process->pid > 0 && waitpid(process->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    ia_buf_release(&process->requests);
    ia_vec_release(&process->asked);
    free(process->in);
    free(process);
}
