/* SPDX-License-Identifier: MIT */
/* Reading the files of inventories: regular files of a bounded size, and nothing that one could wait for but the
 * administrator's own list. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "inventory/reader.h"

enum {
    STEP = 64 * 1024,
    FIRST_WRITER_MS = 3000, /* how long a pipe may have none */
};

static void wait_for_bytes(int fd, int timeout_ms)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    (void)poll(&wanted, 1, timeout_ms); /* what comes of it is seen by who reads */
}

/* Up to one byte more than `most`. False: errno is set. A pipe is waited for as long as somebody has it open to write
 * to.
 */
static bool read_all(int fd, int64_t most, struct ia_buf *out)
{
    struct stat st;
    bool may_be_early = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
    while ((int64_t)out->len <= most) {
        char *room = ia_buf_room(out, STEP);
        if (room == NULL) {
            errno = ENOMEM;
            return false;
        }
        ssize_t got = read(fd, room, STEP);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        if (got < 0 && errno == EAGAIN)
            wait_for_bytes(fd, -1);
        else if (got == 0 && may_be_early)
            wait_for_bytes(fd, FIRST_WRITER_MS);
        else if (got == 0)
            break;
        if (got > 0)
            ia_buf_advance(out, (size_t)got);
        may_be_early = may_be_early && got < 0 && errno == EINTR;
    }
    ia_buf_add(out, "", 1); /* a NUL that is counted for a moment: an empty file has one, too */
    if (!out->failed)
        out->len--;
    return !out->failed;
}

/* How a file is read. */
struct loading {
    int64_t most;
    bool is_whole;    /* false: not more than that of it, and the rest does not matter */
    bool may_vanish;  /* it was listed a moment ago: that it is gone is no problem */
    bool may_be_pipe; /* whoever named it may have meant one */
};

static bool load(int fd, const struct loading *how, struct ia_buf *out, int64_t *mtime_ns, const char **why)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        *why = strerror(errno);
        return false;
    }
    if (!S_ISREG(st.st_mode) && fd != STDIN_FILENO && !(how->may_be_pipe && S_ISFIFO(st.st_mode))) {
        *why = "it is no regular file";
        return false;
    }
    *mtime_ns = S_ISREG(st.st_mode) ? ia_timespec_ns(st.st_mtim) : 0;
    if (!read_all(fd, how->is_whole ? how->most : how->most - 1, out)) {
        *why = strerror(errno);
        return false;
    }
    if (!how->is_whole && (int64_t)out->len > how->most) {
        out->len = (size_t)how->most;
        out->data[out->len] = '\0';
    }
    *why = "it is larger than an inventory is taken to be";
    return (int64_t)out->len <= how->most;
}

static void note_change(struct ia_inventory *inventory, int64_t mtime_ns)
{
    struct ia_inventory_source *last =
        inventory->sources.len > 0 ? &inventory->sources.items[inventory->sources.len - 1] : NULL;
    if (last != NULL && last->newest_ns < mtime_ns)
        last->newest_ns = mtime_ns;
    inventory->loaded_ns = mtime_ns;
}

bool ia_inventory_leads_nowhere(const char *path)
{
    struct stat st;
    IA_AUTO_FREE char *part = strdup(path);
    while (part != NULL && lstat(part, &st) != 0) /* ends: the path becomes shorter */
        if (!ia_path_go_up(part))
            return false;
    return part == NULL || (S_ISLNK(st.st_mode) && stat(part, &st) != 0);
}

static bool load_path(struct ia_inventory *inventory, const char *path, const struct loading *how, struct ia_buf *out)
{
    int64_t mtime_ns = 0;
    const char *why = NULL;
    bool is_stdin = strcmp(path, "-") == 0;
    IA_AUTO_CLOSE int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (!is_stdin && opened < 0) {
        why = strerror(errno);
        if (errno == ENOENT && ia_inventory_leads_nowhere(path))
            why = "a symbolic link that leads nowhere";
        else if (errno == ENOENT && how->may_vanish)
            return false;
    }
    if (why == NULL && load(is_stdin ? STDIN_FILENO : opened, how, out, &mtime_ns, &why)) {
        note_change(inventory, mtime_ns);
        return true;
    }
    ia_inventory_add_problem(inventory, path, "cannot be read: %s", why);
    return false;
}

bool ia_inventory_load(struct ia_inventory *inventory, const char *path, int64_t most, struct ia_buf *out)
{
    return load_path(inventory, path, &(struct loading){.most = most, .is_whole = true}, out);
}

bool ia_inventory_load_list(struct ia_inventory *inventory, const char *path, int64_t most, struct ia_buf *out)
{
    return load_path(inventory, path, &(struct loading){.most = most, .is_whole = true, .may_be_pipe = true}, out);
}

bool ia_inventory_load_listed(struct ia_inventory *inventory, const char *path, int64_t most, struct ia_buf *out)
{
    return load_path(inventory, path, &(struct loading){.most = most, .is_whole = true, .may_vanish = true}, out);
}

bool ia_inventory_load_start(struct ia_inventory *inventory, const char *path, int64_t length, struct ia_buf *out)
{
    return load_path(inventory, path, &(struct loading){.most = length, .may_vanish = true}, out);
}

static int by_bytes(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

struct names {
    IA_VEC(char *) all; /* owned */
};

static bool list(DIR *directory, const char *suffix, struct names *names)
{
    for (const struct dirent *entry; errno = 0, (entry = readdir(directory)) != NULL;) {
        if (!ia_path_ends_in(entry->d_name, suffix) || strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        char *name = strdup(entry->d_name);
        if (name == NULL || !ia_vec_push(&names->all, name)) {
            free(name);
            errno = ENOMEM;
            return false;
        }
    }
    return errno == 0;
}

static void visit(struct ia_inventory *inventory, const char *directory, const char *name,
                  void (*each)(struct ia_inventory *inventory, const char *path, void *ctx), void *ctx)
{
    IA_AUTO_BUF struct ia_buf path = {0};
    ia_buf_addf(&path, "%s/%s", directory, name);
    inventory->failed = inventory->failed || path.failed;
    if (!path.failed)
        each(inventory, path.data, ctx);
}

bool ia_inventory_each_file(struct ia_inventory *inventory, const char *directory, const char *suffix,
                            void (*each)(struct ia_inventory *inventory, const char *path, void *ctx), void *ctx)
{
    struct names names = {0};
    DIR *opened = opendir(directory);
    bool done = opened != NULL ? list(opened, suffix, &names) : errno == ENOENT;
    const char *why = done ? NULL : strerror(errno);
    if (opened == NULL && done && ia_inventory_leads_nowhere(directory))
        why = "a symbolic link that leads nowhere";
    if (why != NULL)
        ia_inventory_add_problem(inventory, directory, "cannot be listed: %s", why);
    if (opened != NULL)
        closedir(opened);
    if (names.all.len > 0)
        qsort(names.all.items, names.all.len, sizeof(names.all.items[0]), by_bytes);
    for (size_t i = 0; i < names.all.len; i++) {
        visit(inventory, directory, names.all.items[i], each, ctx);
        free(names.all.items[i]);
    }
    ia_vec_release(&names.all);
    return why == NULL;
}
