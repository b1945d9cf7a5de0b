/* SPDX-License-Identifier: MIT */
/* System calls that are taken away, by libseccomp: the only file that includes its header. All others go on working:
 * the C library decides which it uses, and one that is missing would be an answer that is missing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/internal.h"
#include "sandbox/sandbox.h"

/* Beyond files: the network, other programs and processes, the host. */
static const int no_others[] = {
    SCMP_SYS(socket),
    SCMP_SYS(socketpair),
    SCMP_SYS(socketcall),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(shutdown),
    /* programs */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(uselib),
    SCMP_SYS(memfd_secret),
    /* other processes */
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(process_madvise),
    SCMP_SYS(process_mrelease),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(migrate_pages),
    SCMP_SYS(move_pages),
    SCMP_SYS(shmget),
    SCMP_SYS(shmat),
    SCMP_SYS(shmctl),
    SCMP_SYS(msgget),
    SCMP_SYS(msgsnd),
    SCMP_SYS(semget),
    SCMP_SYS(semop),
    SCMP_SYS(mq_open),
    SCMP_SYS(mq_unlink),
    SCMP_SYS(ipc),
    /* mounts and namespaces */
    SCMP_SYS(mount),
    SCMP_SYS(umount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(quotactl_fd),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(fanotify_mark),
    /* the kernel and the host */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(create_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(io_setup),
    SCMP_SYS(io_submit),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(reboot),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(stime),
    SCMP_SYS(clock_settime),
    SCMP_SYS(clock_settime64),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(clock_adjtime64),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(acct),
    SCMP_SYS(syslog),
    SCMP_SYS(lookup_dcookie),
    SCMP_SYS(vhangup),
    SCMP_SYS(nfsservctl),
    SCMP_SYS(_sysctl),
    SCMP_SYS(sysfs),
    SCMP_SYS(ustat),
    SCMP_SYS(personality),
    /* who one is */
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(setuid32),
    SCMP_SYS(setgid32),
    SCMP_SYS(setreuid32),
    SCMP_SYS(setregid32),
    SCMP_SYS(setresuid32),
    SCMP_SYS(setresgid32),
    SCMP_SYS(setfsuid32),
    SCMP_SYS(setfsgid32),
    SCMP_SYS(setgroups32),
    SCMP_SYS(capset),
    /* names, owners and modes, which Landlock does not cover: SQLite uses fchmod and fchown alone */
    SCMP_SYS(chmod),
    SCMP_SYS(fchmodat),
    SCMP_SYS(chown),
    SCMP_SYS(chown32),
    SCMP_SYS(lchown),
    SCMP_SYS(lchown32),
    SCMP_SYS(fchownat),
    SCMP_SYS(utime),
    SCMP_SYS(utimes),
    SCMP_SYS(futimesat),
    SCMP_SYS(utimensat),
    SCMP_SYS(utimensat_time64),
    SCMP_SYS(setxattr),
    SCMP_SYS(lsetxattr),
    SCMP_SYS(fsetxattr),
    SCMP_SYS(removexattr),
    SCMP_SYS(lremovexattr),
    SCMP_SYS(fremovexattr),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
};

/* Newer than libseccomp's list; the same on every architecture. */
static const int no_others_numbers[] = {
    452, /* fchmodat2 */
    463, /* setxattrat */
    466, /* removexattrat */
    467, /* open_tree_attr */
    469, /* file_setattr */
};

static const int no_writes[] = {
    SCMP_SYS(pwrite64),        SCMP_SYS(pwritev),   SCMP_SYS(pwritev2),     SCMP_SYS(sendfile),
    SCMP_SYS(sendfile64),      SCMP_SYS(splice),    SCMP_SYS(tee),          SCMP_SYS(vmsplice),
    SCMP_SYS(copy_file_range), SCMP_SYS(truncate),  SCMP_SYS(truncate64),   SCMP_SYS(ftruncate),
    SCMP_SYS(ftruncate64),     SCMP_SYS(fallocate), SCMP_SYS(rename),       SCMP_SYS(renameat),
    SCMP_SYS(renameat2),       SCMP_SYS(link),      SCMP_SYS(linkat),       SCMP_SYS(symlink),
    SCMP_SYS(symlinkat),       SCMP_SYS(unlink),    SCMP_SYS(unlinkat),     SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),         SCMP_SYS(rmdir),     SCMP_SYS(creat),        SCMP_SYS(fchmod),
    SCMP_SYS(fchown),          SCMP_SYS(fchown32),  SCMP_SYS(memfd_create), SCMP_SYS(remap_file_pages),
    SCMP_SYS(flock),           SCMP_SYS(sync),      SCMP_SYS(syncfs),       SCMP_SYS(sync_file_range),
    SCMP_SYS(setrlimit),
};

/* Of descriptors that are open for reading alone; those that are as old as Linux need no more than its number. */
static const unsigned long ioctls[] = {
    TIOCSTI,         0x541c /* TIOCLINUX */, /* words put into a terminal are commands of whoever sits there */
    FIFREEZE,        FITHAW,
    FITRIM,          FICLONE,
    FICLONERANGE,    FIDEDUPERANGE,
    FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR,
    BLKROSET,        BLKRRPART,
    BLKDISCARD,      BLKSECDISCARD,
    BLKZEROOUT,      _IO(0x12, 105) /* BLKPG */,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int deny(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++)
        code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    return code;
}

static int deny_where(scmp_filter_ctx filter, int call, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &condition);
}

/* A process: threads are clones that share all. clone3 has its flags in memory, where no filter looks: without it the C
 * library uses clone. */
static int deny_processes(scmp_filter_ctx filter)
{
#ifdef __s390__
    const unsigned flags = 1;
#else
    const unsigned flags = 0;
#endif
    if (IA_IS_SANITIZED)
        return 0;
    int code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (code == 0)
        code = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0);
    return code == 0
               ? deny_where(filter, SCMP_SYS(clone), (struct scmp_arg_cmp){flags, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0})
               : code;
}

static int deny_ioctls(scmp_filter_ctx filter)
{
    int code = 0;
    for (size_t i = 0; i < COUNT(ioctls) && code == 0; i++)
        code = deny_where(filter, SCMP_SYS(ioctl), SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, ioctls[i]));
    return code;
}

/* What is open cannot be written to, but for the first three descriptors. */
static int deny_output(scmp_filter_ctx filter)
{
    enum { OF_TYPE = 0xf, SHARED = 1, VALIDATED = 3 };
    const struct scmp_arg_cmp others = SCMP_A0_64(SCMP_CMP_GT, STDERR_FILENO);
    int code = deny_where(filter, SCMP_SYS(write), others);
    if (code == 0)
        code = deny_where(filter, SCMP_SYS(writev), others);
    static const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2)};
    for (size_t i = 0; i < COUNT(maps) && code == 0; i++) {
        code = deny_where(filter, maps[i], SCMP_A3_64(SCMP_CMP_MASKED_EQ, OF_TYPE, SHARED));
        if (code == 0)
            code = deny_where(filter, maps[i], SCMP_A3_64(SCMP_CMP_MASKED_EQ, OF_TYPE, VALIDATED));
    }
    return code;
}

/* openat2 has its flags in memory: there Landlock alone is in the way. */
static int deny_opening(scmp_filter_ctx filter)
{
    static const unsigned flags[] = {O_CREAT, O_TRUNC};
    int code = 0;
    for (unsigned access = O_WRONLY; access <= O_RDWR && code == 0; access++) {
        code = deny_where(filter, SCMP_SYS(open), SCMP_A1_64(SCMP_CMP_MASKED_EQ, O_ACCMODE, access));
        if (code == 0)
            code = deny_where(filter, SCMP_SYS(openat), SCMP_A2_64(SCMP_CMP_MASKED_EQ, O_ACCMODE, access));
    }
    for (size_t i = 0; i < COUNT(flags) && code == 0; i++) {
        code = deny_where(filter, SCMP_SYS(open), SCMP_A1_64(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
        if (code == 0)
            code = deny_where(filter, SCMP_SYS(openat), SCMP_A2_64(SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
    }
    return code;
}

static int deny_locks(scmp_filter_ctx filter)
{
    static const int locks[] = {F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW, F_SETLEASE};
    int code = 0;
    for (size_t i = 0; i < COUNT(locks) && code == 0; i++) {
        code = deny_where(filter, SCMP_SYS(fcntl), SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, (unsigned)locks[i]));
        if (code == 0)
            code =
                deny_where(filter, SCMP_SYS(fcntl64), SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, (unsigned)locks[i]));
    }
    return code;
}

static int deny_all(scmp_filter_ctx filter, enum ia_sandbox_calls calls)
{
    int code = deny(filter, no_others, COUNT(no_others));
    if (code == 0)
        code = deny(filter, no_others_numbers, COUNT(no_others_numbers));
    if (code == 0)
        code = deny_processes(filter);
    if (code == 0)
        code = deny_ioctls(filter);
    if (calls != IA_SANDBOX_NO_WRITES || code != 0)
        return code;
    code = deny(filter, no_writes, COUNT(no_writes));
    if (code == 0)
        code = deny_output(filter);
    if (code == 0)
        code = deny_opening(filter);
    if (code == 0)
        code = deny_locks(filter);
    return code == 0 ? deny_where(filter, SCMP_SYS(prlimit64), SCMP_A2_64(SCMP_CMP_NE, 0, 0)) : code;
}

enum ia_status ia_sandbox_seccomp(enum ia_sandbox_calls calls, struct ia_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL)
        return ia_no_memory(err);
    /* Calls that are always let through cost next to nothing by a tree; that the kernel treats what runs under a filter
     * as if it guarded secrets of its own from itself costs much. */
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
    int code = deny_all(filter, calls);
    if (code != 0) {
        seccomp_release(filter);
        return ia_fail_errno(err, -code, "seccomp: cannot make the filter");
    }
    code = seccomp_load(filter);
    seccomp_release(filter);
    return code == 0 ? IA_OK : ia_fail(err, IA_UNSUPPORTED, "this kernel has no seccomp filters");
}
