/* SPDX-License-Identifier: MIT */
/* A parser that somebody has taken over, to be preloaded: when the program reads bytes that begin with "COMPROMISED",
 * the thread that read them tries what such a one might want, and prints for each whether the kernel let it. Deeds that
 * would do harm are tried in a way that fails for another reason where they are allowed. The program has nothing of it.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Refused: by the sandbox. Any other failure means that the deed itself got through. */
static void report(const char *deed, long result)
{
    bool is_refused = result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS);
    dprintf(STDERR_FILENO, "deed %s: %s\n", deed, is_refused ? "refused" : "done");
}

/* -- Files --------------------------------------------------------------------------------------------------------- */

static long open_beneath(const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags};
    return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* By any descriptor of this process, and by those of the others. `with` is called for the store's. */
static long by_descriptors(const char *directory, const struct stat *store, long (*with)(int fd, const struct stat *st))
{
    DIR *dir = opendir(directory);
    long best = -1;
    int why = EPERM;
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        if (stat(path, &st) != 0 || st.st_dev != store->st_dev || st.st_ino != store->st_ino)
            continue;
        int own = strstr(directory, "/self/") != NULL ? (int)strtol(entry->d_name, NULL, 10) : open(path, O_RDWR);
        if (own < 0)
            continue;
        long result = with(own, &st);
        why = result < 0 ? errno : why;
        best = result >= 0 ? result : best;
    }
    if (dir != NULL)
        closedir(dir);
    errno = why;
    return best;
}

static long cut(int fd, const struct stat *st)
{
    return ftruncate(fd, st->st_size);
}

static long overwrite(int fd, const struct stat *st)
{
    char byte;
    (void)st;
    return pread(fd, &byte, 1, 0) == 1 ? pwrite(fd, &byte, 1, 0) : -1;
}

static long map_it(int fd, const struct stat *st)
{
    (void)st;
    void *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapped == MAP_FAILED ? -1 : 0;
}

static void try_store(const char *store)
{
    char directory[64];
    struct stat st = {0};
    stat(store, &st);
    report("store-open", open(store, O_RDWR));
    report("store-openat2", open_beneath(store, O_RDWR));
    report("store-truncate", truncate(store, st.st_size));
    report("store-fd-truncate", by_descriptors("/proc/self/fd", &st, cut));
    report("store-fd-write", by_descriptors("/proc/self/fd", &st, overwrite));
    report("store-fd-map", by_descriptors("/proc/self/fd", &st, map_it));
    snprintf(directory, sizeof(directory), "/proc/%d/fd", (int)getppid());
    report("store-fd-of-parent", by_descriptors(directory, &st, cut));
    snprintf(directory, sizeof(directory), "/proc/%d/mem", (int)getppid());
    report("memory-of-parent", open(directory, O_RDWR));
}

static void try_files(const char *victim)
{
    char other[PATH_MAX];
    struct stat st = {0};
    stat(victim, &st);
    snprintf(other, sizeof(other), "%s.other", victim);
    report("shadow", open("/etc/shadow", O_RDONLY));
    report("shadow-openat2", open_beneath("/etc/shadow", O_RDONLY));
    report("image-open", open(victim, O_WRONLY));
    report("image-openat2", open_beneath(victim, O_RDWR));
    report("image-truncate", truncate(victim, st.st_size));
    report("image-chmod", chmod(victim, st.st_mode & 07777));
    report("image-chown", chown(victim, st.st_uid, st.st_gid));
    report("image-times", utimensat(AT_FDCWD, victim, (struct timespec[]){st.st_atim, st.st_mtim}, 0));
    report("image-rename", rename(victim, other));
    rename(other, victim);
    report("image-link", link(victim, other));
    unlink(other);
    report("file-make", open(other, O_WRONLY | O_CREAT, 0600));
    report("file-remove", unlink(other) == 0 || errno == ENOENT ? 0 : -1);
    report("directory-make", mkdir(other, 0700));
    rmdir(other);
    report("symlink-make", symlink("/etc", other));
    unlink(other);
}

/* -- Beyond files -------------------------------------------------------------------------------------------------- */

static void try_network(const char *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    long any = -1;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && any < 0; i++)
        any = socket(families[i], SOCK_STREAM, 0);
    report("socket", any);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", place);
    report("connect", connect((int)any, (struct sockaddr *)&address, sizeof(address)));
    int pair[2];
    report("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

static long start_process(void)
{
    long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return pid;
}

static void try_processes(void)
{
    char name[] = "nothing";
    char *arguments[] = {name, NULL};
    struct iovec piece = {arguments, 1};
    report("exec", execve("/nothing/of/the/kind", arguments, NULL));
    report("execveat", syscall(SYS_execveat, AT_FDCWD, "/nothing/of/the/kind", arguments, NULL, 0));
    report("process", start_process());
    report("ptrace", ptrace(PTRACE_ATTACH, INT32_MAX, NULL, NULL));
    report("vm-write", syscall(SYS_process_vm_writev, getppid(), &piece, 1L, &piece, 1L, 0L));
    report("kill", kill(getppid(), 0));
    report("pidfd", syscall(SYS_pidfd_open, getppid(), 0));
}

static void try_kernel(void)
{
    report("mount", syscall(SYS_mount, "none", "/nothing/of/the/kind", "tmpfs", 0L, NULL));
    report("umount", syscall(SYS_umount2, "/nothing/of/the/kind", 0));
    report("unshare", syscall(SYS_unshare, 0));
    report("setns", syscall(SYS_setns, -1, 0));
    report("init-module", syscall(SYS_init_module, NULL, 0L, NULL));
    report("finit-module", syscall(SYS_finit_module, -1, "", 0));
    report("delete-module", syscall(SYS_delete_module, "nothing_of_the_kind", 0));
    report("bpf", syscall(SYS_bpf, -1, NULL, 0));
    report("io-uring", syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0L));
    report("open-by-handle", syscall(SYS_open_by_handle_at, -1, NULL, 0));
    report("terminal", ioctl(-1, TIOCSTI, ""));
    report("setuid", setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1));
}

static void try_all(void)
{
    static atomic_flag tried = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&tried))
        return;
    const char *store = getenv("COMPROMISED_STORE");
    try_store(store != NULL ? store : "/nothing");
    try_files(getenv("COMPROMISED_VICTIM"));
    try_network(getenv("COMPROMISED_SOCKET"));
    try_processes();
    try_kernel();
    dprintf(STDERR_FILENO, "deeds: tried\n");
}

static void look(const char *bytes, ssize_t got)
{
    static const char mark[] = "COMPROMISED";
    if (got >= (ssize_t)sizeof(mark) - 1 && memcmp(bytes, mark, sizeof(mark) - 1) == 0)
        try_all();
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
    static ssize_t (*next)(int, void *, size_t);
    if (next == NULL)
        next = (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
    ssize_t got = next(fd, buf, nbytes);
    look(buf, got);
    return got;
}

ssize_t pread64(int fd, void *buf, size_t nbytes, off64_t offset)
{
    static ssize_t (*next)(int, void *, size_t, off64_t);
    if (next == NULL)
        next = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
    ssize_t got = next(fd, buf, nbytes, offset);
    look(buf, got);
    return got;
}
