/* SPDX-License-Identifier: MIT */
/* Building error messages. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void set_message(struct ia_error *err, enum ia_status status, int sys_errno, const char *format, va_list args)
{
    err->status = status;
    err->sys_errno = sys_errno;
    vsnprintf(err->message, sizeof(err->message), format, args);
}

enum ia_status ia_fail(struct ia_error *err, enum ia_status status, const char *format, ...)
{
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        set_message(err, status, 0, format, args);
        va_end(args);
    }
    return status;
}

static enum ia_status status_of_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOENT:
    case ENOTDIR:
        return IA_MISSING;
    case EACCES:
    case EPERM:
        return IA_DENIED;
    case ENOMEM:
        return IA_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return IA_FULL;
    case ELOOP:
        return IA_LOOP;
    default:
        return IA_IO;
    }
}

enum ia_status ia_fail_errno(struct ia_error *err, int sys_errno, const char *format, ...)
{
    enum ia_status status = status_of_errno(sys_errno);
    if (err != NULL) {
        va_list args;
        va_start(args, format);
        set_message(err, status, sys_errno, format, args);
        va_end(args);
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof(err->message) - used, ": %s", strerror(sys_errno));
    }
    return status;
}

enum ia_status ia_no_memory(struct ia_error *err)
{
    return ia_fail(err, IA_NOMEM, "out of memory");
}

const char *ia_status_word(enum ia_status status)
{
    static const char *const words[] = {
        [IA_OK] = "ok",
        [IA_NOT_MINE] = "not-mine",
        [IA_UNSUPPORTED] = "unsupported",
        [IA_CORRUPT] = "corrupt",
        [IA_LIMIT] = "limit",
        [IA_MISSING] = "missing",
        [IA_DENIED] = "denied",
        [IA_REFUSED] = "refused",
        [IA_LOOP] = "loop",
        [IA_CHANGED] = "changed",
        [IA_BUSY] = "busy",
        [IA_FULL] = "full",
        [IA_FOREIGN] = "foreign",
        [IA_INTERRUPTED] = "interrupted",
        [IA_IO] = "io",
        [IA_NOMEM] = "no-memory",
        [IA_USAGE] = "usage",
        [IA_BUG] = "bug",
    };
    return words[status];
}
