/* SPDX-License-Identifier: MIT */
/* Resolving and opening names below allowed directories. */
#include "chain/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW };

void ia_confine_release(struct ia_confine *confine)
{
    for (size_t i = 0; i < confine->allowed.len; i++) {
        free(confine->allowed.items[i].path);
        if (confine->allowed.items[i].fd >= 0)
            close(confine->allowed.items[i].fd);
    }
    ia_vec_release(&confine->allowed);
}

enum ia_status ia_confine_add(struct ia_confine *confine, const char *path, struct ia_error *err)
{
    struct stat st;
    struct ia_allowed allowed = {.path = realpath(path, NULL), .fd = -1};
    if (allowed.path == NULL || stat(allowed.path, &st) != 0) {
        enum ia_status status = ia_fail_errno(err, errno, "cannot use '%s'", path);
        free(allowed.path);
        return status;
    }
    if (S_ISDIR(st.st_mode))
        allowed.fd = open(allowed.path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if ((S_ISDIR(st.st_mode) && allowed.fd < 0) || !ia_vec_push(&confine->allowed, allowed)) {
        enum ia_status status = ia_fail_errno(err, errno, "cannot use '%s'", path);
        free(allowed.path);
        if (allowed.fd >= 0)
            close(allowed.fd);
        return status;
    }
    return IA_OK;
}

/* The part of canonical below the allowed directory ("" for the thing itself), NULL when it is not below. */
static const char *below(const struct ia_allowed *allowed, const char *canonical)
{
    const char *rest = ia_path_below(canonical, allowed->path);
    bool is_directory = allowed->fd >= 0;
    return rest == NULL || rest[0] == '\0' || is_directory ? rest : NULL;
}

static const struct ia_allowed *find_allowed(const struct ia_confine *confine, const char *canonical, const char **rest)
{
    for (size_t i = 0; i < confine->allowed.len; i++) {
        *rest = below(&confine->allowed.items[i], canonical);
        if (*rest != NULL)
            return &confine->allowed.items[i];
    }
    return NULL;
}

enum ia_status ia_confine_resolve(const struct ia_confine *confine, const char *name, char **canonical,
                                  struct ia_error *err)
{
    const char *rest;
    *canonical = realpath(name, NULL);
    if (*canonical == NULL)
        return ia_fail_errno(err, errno, "'%s'", name);
    if (confine != NULL && find_allowed(confine, *canonical, &rest) == NULL)
        return ia_fail(err, IA_REFUSED, "'%s' is outside the allowed directories", *canonical);
    return IA_OK;
}

static int open_below(int dir, const char *rest)
{
    struct open_how how = {
        .flags = OPEN_FLAGS,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, dir, rest, &how, sizeof(how));
}

static bool is_readable_kind(mode_t mode)
{
    return S_ISREG(mode) || S_ISBLK(mode);
}

/* Where a path may be opened from: allowed is NULL where all is allowed. */
static enum ia_status find_way(const struct ia_confine *confine, const char *canonical,
                               const struct ia_allowed **allowed, const char **rest, struct ia_error *err)
{
    *allowed = confine == NULL ? NULL : find_allowed(confine, canonical, rest);
    if (confine != NULL && *allowed == NULL)
        return ia_fail(err, IA_REFUSED, "'%s' is outside the allowed directories", canonical);
    return IA_OK;
}

static enum ia_status open_by(const struct ia_allowed *allowed, const char *rest, const char *canonical, int *fd,
                              struct stat *st, struct ia_error *err)
{
    int opened = -1;
    if (allowed != NULL && allowed->fd >= 0)
        opened = open_below(allowed->fd, rest);
    if (allowed == NULL || allowed->fd < 0 || (opened < 0 && errno == ENOSYS))
        opened = open(canonical, OPEN_FLAGS);
    if (opened < 0)
        return ia_fail_errno(err, errno, "cannot open '%s'", canonical);
    if (fstat(opened, st) != 0 || !is_readable_kind(st->st_mode)) {
        close(opened);
        return ia_fail(err, IA_REFUSED, "'%s' was exchanged while it was opened", canonical);
    }
    *fd = opened;
    return IA_OK;
}

enum ia_status ia_confine_open(const struct ia_confine *confine, const char *canonical, int *fd, struct stat *st,
                               struct ia_error *err)
{
    const struct ia_allowed *allowed;
    const char *rest = NULL;
    enum ia_status status = find_way(confine, canonical, &allowed, &rest, err);
    if (status != IA_OK)
        return status;
    if (lstat(canonical, st) != 0)
        return ia_fail_errno(err, errno, "'%s'", canonical);
    if (!is_readable_kind(st->st_mode))
        return ia_fail(err, IA_REFUSED, "'%s' is neither a regular file nor a block device", canonical);
    return open_by(allowed, rest, canonical, fd, st, err);
}

enum ia_status ia_confine_open_again(const struct ia_confine *confine, const char *canonical, int *fd, struct stat *st,
                                     struct ia_error *err)
{
    const struct ia_allowed *allowed;
    const char *rest = NULL;
    IA_TRY(find_way(confine, canonical, &allowed, &rest, err));
    return open_by(allowed, rest, canonical, fd, st, err);
}
