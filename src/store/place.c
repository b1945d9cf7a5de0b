/* SPDX-License-Identifier: MIT */
/* Following a path as the kernel does, to see whom its parts belong to; and files that are read without a lock. */
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/path.h"

enum { MOST_LINKS = 40 }; /* as in Linux: path_resolution(7) */

static const char *const companions[] = {"-wal", "-shm", "-journal"};

/* What was followed so far, and what is left. */
struct path_walk {
    char done[PATH_MAX]; /* a directory, without symbolic links; "/" or without a slash at its end */
    char rest[PATH_MAX];
    int links;
};

static bool join(char out[PATH_MAX], const char *directory, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s%s%s", directory, strcmp(directory, "/") == 0 ? "" : "/", name);
    return len >= 0 && len < PATH_MAX;
}

static enum ia_status too_long(const char *path, struct ia_error *err)
{
    return ia_fail(err, IA_USAGE, "'%.100s...' is too long a path for a store", path);
}

/* Takes the first component off the rest; "" at its end. */
static void take_component(struct path_walk *walk, char name[NAME_MAX + 1])
{
    const char *start = walk->rest + strspn(walk->rest, "/");
    size_t len = strcspn(start, "/");
    snprintf(name, NAME_MAX + 1, "%.*s", (int)len, start);
    memmove(walk->rest, start + len, strlen(start + len) + 1);
}

static bool anybody_makes_files_in(const char *directory)
{
    struct stat st;
    return stat(directory, &st) == 0 && (st.st_mode & S_ISVTX) != 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* A thing of another user, in such a directory. */
static enum ia_status check_owner(const char *directory, const char *thing, const struct stat *st, struct ia_error *err)
{
    if (st->st_uid == 0 || !anybody_makes_files_in(directory))
        return IA_OK;
    return ia_fail(err, IA_REFUSED,
                   "'%s' is user %ju's, in a directory where anybody may make files: refused for root; copy the store "
                   "to a directory of your own",
                   thing, (uintmax_t)st->st_uid);
}

static enum ia_status follow(struct path_walk *walk, const char *thing, struct ia_error *err)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t len = readlink(thing, target, sizeof(target) - 1);
    if (len < 0)
        return ia_fail_errno(err, errno, "cannot read the link '%s'", thing);
    target[len] = '\0';
    if (++walk->links > MOST_LINKS)
        return ia_fail(err, IA_LOOP, "'%s': too many symbolic links", thing);
    memcpy(rest, walk->rest, sizeof(rest));
    if (!join(walk->rest, target, rest))
        return too_long(thing, err);
    if (target[0] == '/')
        memcpy(walk->done, "/", 2);
    return IA_OK;
}

/* *found: the component is there. */
static enum ia_status walk_one(struct path_walk *walk, const char *name, bool *found, struct ia_error *err)
{
    char thing[PATH_MAX];
    struct stat st;
    *found = true;
    if (strcmp(name, ".") == 0)
        return IA_OK;
    if (strcmp(name, "..") == 0) {
        ia_path_go_up(walk->done);
        return IA_OK;
    }
    if (!join(thing, walk->done, name))
        return too_long(name, err);
    *found = lstat(thing, &st) == 0;
    if (*found)
        IA_TRY(check_owner(walk->done, thing, &st, err));
    if (*found && S_ISLNK(st.st_mode))
        return follow(walk, thing, err);
    memcpy(walk->done, thing, sizeof(thing));
    return IA_OK;
}

/* Ends: each component makes the rest shorter, but for links, of which there are MOST_LINKS. */
static enum ia_status walk_path(struct path_walk *walk, struct ia_error *err)
{
    char name[NAME_MAX + 1];
    for (bool found = true; found;) {
        take_component(walk, name);
        if (name[0] == '\0')
            return IA_OK;
        IA_TRY(walk_one(walk, name, &found, err));
    }
    return IA_OK;
}

static enum ia_status check_companions(char *path, struct ia_error *err)
{
    char directory[PATH_MAX], thing[PATH_MAX + sizeof("-journal")];
    struct stat st;
    memcpy(directory, path, sizeof(directory));
    ia_path_go_up(directory);
    for (size_t i = 0; i < sizeof(companions) / sizeof(companions[0]); i++) {
        snprintf(thing, sizeof(thing), "%s%s", path, companions[i]);
        if (lstat(thing, &st) == 0)
            IA_TRY(check_owner(directory, thing, &st, err));
    }
    return IA_OK;
}

enum ia_status ia_place_check(const char *path, struct ia_error *err)
{
    struct path_walk walk = {.done = "/"};
    if (geteuid() != 0)
        return IA_OK;
    if (path[0] != '/' && getcwd(walk.done, sizeof(walk.done)) == NULL)
        return ia_fail_errno(err, errno, "cannot find the working directory");
    if (strlen(path) >= sizeof(walk.rest))
        return too_long(path, err);
    memcpy(walk.rest, path, strlen(path) + 1);
    IA_TRY(walk_path(&walk, err));
    return check_companions(walk.done, err);
}

void ia_place_make(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0)
        return; /* to close it would drop the locks that another connection of this process has on it */
    IA_AUTO_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, S_IRUSR | S_IWUSR);
    (void)fd;
}

static bool has_log(const char *path)
{
    IA_AUTO_BUF struct ia_buf log = {0};
    struct stat st;
    ia_buf_addf(&log, "%s-wal", path);
    return log.failed || (stat(log.data, &st) == 0 ? st.st_size > 0 : errno != ENOENT);
}

enum ia_status ia_frozen_begin(const char *path, struct ia_frozen *frozen, struct ia_error *err)
{
    if (has_log(path))
        return ia_fail(err, IA_DENIED,
                       "'%s' cannot be read where it is: its log '%s-wal' has changes, and its directory cannot be "
                       "written; copy both files to a directory of your own",
                       path, path);
    if (stat(path, &frozen->st) != 0)
        return ia_fail_errno(err, errno, "cannot look at '%s'", path);
    frozen->is_frozen = true;
    return IA_OK;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

enum ia_status ia_frozen_check(const char *path, const struct ia_frozen *frozen, struct ia_error *err)
{
    struct stat now;
    const struct stat *then = &frozen->st;
    if (!frozen->is_frozen)
        return IA_OK;
    if (stat(path, &now) == 0 && now.st_dev == then->st_dev && now.st_ino == then->st_ino &&
        now.st_size == then->st_size && is_same_time(&now.st_mtim, &then->st_mtim) && !has_log(path))
        return IA_OK;
    return ia_fail(err, IA_CHANGED, "'%s' was written to while it was read: try again", path);
}
