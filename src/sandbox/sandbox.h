/* SPDX-License-Identifier: MIT */
/* What a process or thread gives up before it reads what others wrote. Landlock takes away the files that it does not
 * need, seccomp the system calls; both are for good, and hold for every thread and process started afterwards. They
 * hold for the calling thread alone: call them before others are started.
 *
 * Landlock takes away more than files: who is under it may not look at /proc/PID/fd of processes that are not. */
#ifndef IA_SANDBOX_SANDBOX_H
#define IA_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/vec.h"

enum ia_sandbox_mode {
    IA_SANDBOX_OFF,
    IA_SANDBOX_AUTO,    /* as much as the kernel has */
    IA_SANDBOX_REQUIRE, /* all of it, or nothing is read */
    IA_SANDBOX_MODES
};
/* "off", "auto", "require"; false: it is no such word. */
bool ia_sandbox_mode_by_word(const char *word, enum ia_sandbox_mode *out);

/* What may be done below a directory, or with a file. */
enum ia_sandbox_right {
    IA_SANDBOX_LIST = 1,  /* open directories */
    IA_SANDBOX_READ = 2,  /* and read files */
    IA_SANDBOX_WRITE = 4, /* and write, make and remove regular files */
};

struct ia_sandbox_rule {
    char *path; /* owned */
    unsigned rights;
};

/* Zero-initialised: nothing may be opened. */
struct ia_sandbox_rules {
    IA_VEC(struct ia_sandbox_rule) all;
    bool failed; /* memory was short */
};
void ia_sandbox_rules_release(struct ia_sandbox_rules *rules);
/* Takes a copy of the path. One that is not there when the rules come into force is left out. */
void ia_sandbox_rules_add(struct ia_sandbox_rules *rules, const char *path, unsigned rights);
/* Where libraries are loaded from. */
void ia_sandbox_rules_add_libraries(struct ia_sandbox_rules *rules);

#define IA_AUTO_SANDBOX_RULES __attribute__((cleanup(ia_sandbox_rules_release)))

/* No new privileges, and files by the rules alone; no TCP, no signal to others, no abstract socket where the kernel's
 * Landlock has that. lstat, readlink and what else opens nothing go on working everywhere. IA_UNSUPPORTED: the kernel
 * has no Landlock; after any failure all is as before. */
IA_MUST_CHECK enum ia_status ia_sandbox_landlock(const struct ia_sandbox_rules *rules, struct ia_error *err);

enum ia_sandbox_calls {
    IA_SANDBOX_NO_OTHERS, /* nothing that reaches beyond files: sockets, programs, processes, mounts, modules... */
    IA_SANDBOX_NO_WRITES, /* nor anything that changes a file, or memory that is shared with one; what is open can be
                             written to where it is one of the descriptors 0 to 2 */
};

/* No new privileges, and no more of these calls: they fail with EPERM. IA_UNSUPPORTED: the kernel has no seccomp;
 * after any failure no call was taken away. */
IA_MUST_CHECK enum ia_status ia_sandbox_seccomp(enum ia_sandbox_calls calls, struct ia_error *err);

/* This build has a sanitizer, which looks at all of the process, and from another one when it ends: memory is not
 * limited, nor is the call that starts processes taken away. */
bool ia_sandbox_is_sanitized(void);

/* No core file, which would have images' bytes in it, and no more memory than the machine has, swap included: what
 * takes more ends with a message before the kernel ends another process, a virtual machine's as a rule. */
void ia_sandbox_limit(void);

#endif
