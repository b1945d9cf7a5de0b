/* SPDX-License-Identifier: MIT */
/* The one result type of the program and the message that goes with a failure.
 * Every function that can fail returns enum ia_status and fills the ia_error; on success the error is untouched. */
#ifndef IA_BASE_STATUS_H
#define IA_BASE_STATUS_H

#include <stdint.h>

enum ia_status {
    IA_OK = 0,
    IA_NOT_MINE,    /* the bytes are of another format */
    IA_UNSUPPORTED, /* a valid format or feature that is not read here */
    IA_CORRUPT,     /* the bytes contradict the format's specification */
    IA_LIMIT,       /* a bound of struct ia_limits was hit */
    IA_MISSING,     /* a named file does not exist */
    IA_DENIED,      /* the operating system refused access */
    IA_REFUSED,     /* our own policy refused to open it */
    IA_LOOP,        /* a chain that comes back to itself */
    IA_CHANGED,     /* the file changed while it was read */
    IA_BUSY,        /* another connection holds the store's write lock */
    IA_FULL,        /* no space left for the store */
    IA_FOREIGN,     /* a database that is not ours, or of a newer version */
    IA_INTERRUPTED, /* the user ended it */
    IA_IO,          /* a read, write or system call failed */
    IA_NOMEM,
    IA_USAGE, /* the caller's words make no sense */
    IA_BUG,
};

struct ia_error {
    enum ia_status status;
    int sys_errno;     /* errno of the failed call, 0 where there is none */
    char message[512]; /* lower case, one line, with the numbers; always terminated */
};

#define IA_MUST_CHECK __attribute__((warn_unused_result))
#define IA_PRINTF(f, a) __attribute__((format(printf, f, a), nonnull(f)))

/* Fills err (which may be NULL) and returns status, so that a failure is one statement. */
IA_PRINTF(3, 4) enum ia_status ia_fail(struct ia_error *err, enum ia_status status, const char *format, ...);

/* The same for a failed system call: appends strerror(sys_errno) and picks IA_MISSING, IA_DENIED, IA_NOMEM,
 * IA_FULL or IA_IO. */
IA_PRINTF(3, 4) enum ia_status ia_fail_errno(struct ia_error *err, int sys_errno, const char *format, ...);

/* The same for memory that was not given: IA_NOMEM, "out of memory". */
enum ia_status ia_no_memory(struct ia_error *err);

/* A stable lower-case word for each status ("corrupt", "missing"...). */
const char *ia_status_word(enum ia_status status);

/* Ends the function with the status of a call that fails. Only where nothing is left to be released but by the cleanup
 * attributes of base/cleanup.h. */
#define IA_TRY(call)                                                                                                   \
    do {                                                                                                               \
        enum ia_status ia_try_status = (call);                                                                         \
        if (ia_try_status != IA_OK)                                                                                    \
            return ia_try_status;                                                                                      \
    } while (0)

#endif
