/* SPDX-License-Identifier: MIT */
/* Landlock by its three system calls, as much of it as the kernel's version has. Numbers and structures are those of
 * include/uapi/linux/landlock.h of Linux 6.12, which headers of older ones have in part. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sandbox/internal.h"
#include "sandbox/sandbox.h"

/* The same on every architecture. */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { ASK_VERSION = 1, RULE_PATH_BENEATH = 1 };

#define EXECUTE (UINT64_C(1) << 0)
#define WRITE_FILE (UINT64_C(1) << 1)
#define READ_FILE (UINT64_C(1) << 2)
#define READ_DIR (UINT64_C(1) << 3)
#define REMOVE_FILE (UINT64_C(1) << 5)
#define MAKE_REG (UINT64_C(1) << 8)
#define FIRST_RIGHTS ((UINT64_C(1) << 13) - 1) /* of version 1: to make and remove what else there is, too */
#define REFER (UINT64_C(1) << 13)              /* 2 */
#define TRUNCATE (UINT64_C(1) << 14)           /* 3 */
#define TCP (UINT64_C(3))                      /* 4: bind, connect */
#define SCOPES (UINT64_C(3))                   /* 6: abstract sockets, signals */

#define OF_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE) /* what a rule about a file may have */

struct ruleset {
    uint64_t fs, net, scoped;
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

/* What is taken away. */
static struct ruleset handled(long version)
{
    struct ruleset handled = {.fs = FIRST_RIGHTS};
    if (version >= 2)
        handled.fs |= REFER;
    if (version >= 3)
        handled.fs |= TRUNCATE;
    if (version >= 4)
        handled.net = TCP;
    if (version >= 6)
        handled.scoped = SCOPES;
    return handled;
}

/* Of the structure; a kernel takes none that is longer than its own unless the rest is zeroes. */
static size_t size_of(long version)
{
    return version >= 6   ? sizeof(struct ruleset)
           : version >= 4 ? offsetof(struct ruleset, scoped)
                          : offsetof(struct ruleset, net);
}

static uint64_t rights_of(unsigned rights)
{
    uint64_t all = 0;
    if ((rights & (IA_SANDBOX_LIST | IA_SANDBOX_READ | IA_SANDBOX_WRITE)) != 0)
        all |= READ_DIR;
    if ((rights & (IA_SANDBOX_READ | IA_SANDBOX_WRITE)) != 0)
        all |= READ_FILE;
    if ((rights & IA_SANDBOX_WRITE) != 0)
        all |= WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE;
    return all;
}

static enum ia_status add(int ruleset, const struct ruleset *handled, const struct ia_sandbox_rule *rule,
                          struct ia_error *err)
{
    struct stat st;
    IA_AUTO_CLOSE int fd = open(rule->path, O_PATH | O_CLOEXEC);
    if (fd < 0) /* it is not there, or is not for this user: nothing is taken away */
        return IA_OK;
    if (fstat(fd, &st) != 0)
        return ia_fail_errno(err, errno, "Landlock: '%s'", rule->path);
    struct path_beneath beneath = {.allowed = rights_of(rule->rights) & handled->fs, .parent = fd};
    if (!S_ISDIR(st.st_mode))
        beneath.allowed &= OF_FILES;
    if (beneath.allowed == 0 || syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &beneath, 0) == 0)
        return IA_OK;
    if (errno == EBADFD) /* of pipes and the like nothing is taken away */
        return IA_OK;
    return ia_fail_errno(err, errno, "Landlock: '%s'", rule->path);
}

enum ia_status ia_sandbox_landlock(const struct ia_sandbox_rules *rules, struct ia_error *err)
{
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    if (rules->failed)
        return ia_no_memory(err);
    if (version < 1)
        return ia_fail(err, IA_UNSUPPORTED, "this kernel has no Landlock");
    struct ruleset what = handled(version);
    IA_AUTO_CLOSE int ruleset = (int)syscall(CREATE_RULESET, &what, size_of(version), 0);
    if (ruleset < 0)
        return ia_fail_errno(err, errno, "Landlock");
    for (size_t i = 0; i < rules->all.len; i++)
        IA_TRY(add(ruleset, &what, &rules->all.items[i], err));
    char proc[] = "/proc";
    const struct ia_sandbox_rule own_threads = {.path = proc, .rights = IA_SANDBOX_READ};
    if (IA_IS_SANITIZED) /* what looks for leaks at the end lists them */
        IA_TRY(add(ruleset, &what, &own_threads, err));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(RESTRICT_SELF, ruleset, 0) != 0)
        return ia_fail_errno(err, errno, "Landlock");
    return IA_OK;
}
