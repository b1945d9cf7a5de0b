/* SPDX-License-Identifier: MIT */
/* What is taken away, in a process of its own each; what a taken over parser may do is in tests/e2e/test_sandbox.py. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/temp_dir.h"
#include "support/unit.h"

enum { YES = 7, NO = 8, SKIPPED = 9 };

/* What `question` answers in a process that ends with it. */
static void check(int (*question)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(question());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), YES);
}

static int answer(bool yes)
{
    return yes ? YES : NO;
}

static bool can_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* In the working directory: `in` may be read, `out` written. SKIPPED: the kernel has no Landlock. */
static int restrict_files(void)
{
    struct ia_sandbox_rules rules = {0};
    struct ia_error err;
    mkdir("in", 0700);
    mkdir("out", 0700);
    write_file("in/file", "a", 1);
    write_file("out/file", "a", 1);
    write_file("file", "a", 1);
    ia_sandbox_rules_add(&rules, "in", IA_SANDBOX_READ);
    ia_sandbox_rules_add(&rules, "in/file", IA_SANDBOX_READ); /* a rule about a file has the rights of one */
    ia_sandbox_rules_add(&rules, "out", IA_SANDBOX_WRITE);
    ia_sandbox_rules_add(&rules, "nothing", IA_SANDBOX_READ);
    enum ia_status status = ia_sandbox_landlock(&rules, &err);
    ia_sandbox_rules_release(&rules);
    return status == IA_OK ? YES : status == IA_UNSUPPORTED ? SKIPPED : NO;
}

static int ask_files(void)
{
    struct stat st;
    int made = restrict_files();
    if (made != YES)
        return made;
    bool in = can_open("in/file", O_RDONLY) && !can_open("in/file", O_WRONLY) &&
              !can_open("in/new", O_WRONLY | O_CREAT) && unlink("in/file") != 0 &&
              can_open("in", O_RDONLY | O_DIRECTORY);
    bool out = can_open("out/file", O_RDWR | O_TRUNC) && can_open("out/new", O_WRONLY | O_CREAT) &&
               unlink("out/new") == 0 && mkdir("out/directory", 0700) != 0;
    bool others = !can_open("file", O_RDONLY) && !can_open(".", O_RDONLY | O_DIRECTORY) &&
                  !can_open("/etc/passwd", O_RDONLY) && stat("file", &st) == 0 && stat("/etc/passwd", &st) == 0;
    return answer(in && out && others && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void files_are_those_of_the_rules(void **state)
{
    (void)state;
    check(ask_files);
}

static void *look(void *arg)
{
    bool *well = arg;
    *well = can_open("in/file", O_RDONLY) && !can_open("file", O_RDONLY);
    return NULL;
}

static int ask_thread(void)
{
    pthread_t thread;
    bool well = false;
    int made = restrict_files();
    if (made != YES)
        return made;
    return answer(pthread_create(&thread, NULL, look, &well) == 0 && pthread_join(thread, NULL) == 0 && well);
}

static void threads_started_later_have_the_rules_too(void **state)
{
    (void)state;
    check(ask_thread);
}

static bool has_sockets(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || errno != EPERM;
}

static void *nothing(void *arg)
{
    return arg;
}

static bool can_work(void)
{
    pthread_t thread;
    size_t size = (size_t)4 << 20;
    char *memory = malloc(size);
    bool well = memory != NULL && pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
    if (memory != NULL)
        memory[size - 1] = 1;
    free(memory);
    return well;
}

/* SKIPPED: the kernel has no seccomp. */
static int restrict_calls(enum ia_sandbox_calls calls)
{
    struct ia_error err;
    enum ia_status status = ia_sandbox_seccomp(calls, &err);
    return status == IA_OK ? YES : status == IA_UNSUPPORTED ? SKIPPED : NO;
}

static int ask_others(void)
{
    int made = restrict_calls(IA_SANDBOX_NO_OTHERS);
    if (made != YES)
        return made;
    char *const none[] = {NULL};
    bool no_programs = execve("/nothing", none, none) != 0 && errno == EPERM;
    return answer(!has_sockets() && no_programs && can_work() && can_open("new", O_RDWR | O_CREAT) &&
                  unlink("new") == 0);
}

static void a_writer_has_files_and_threads_and_no_sockets(void **state)
{
    (void)state;
    check(ask_others);
}

static int ask_writes(void)
{
    write_file("file", "a", 1);
    int fd = open("file", O_RDWR | O_CLOEXEC);
    int made = restrict_calls(IA_SANDBOX_NO_WRITES);
    char byte = 0;
    if (made != YES)
        return made;
    bool by_descriptor = write(fd, "b", 1) < 0 && pwrite(fd, "b", 1, 0) < 0 && ftruncate(fd, 0) < 0 &&
                         mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED;
    bool by_name = !can_open("file", O_WRONLY) && !can_open("new", O_RDONLY | O_CREAT) && unlink("file") != 0 &&
                   rename("file", "other") != 0 && truncate("file", 0) != 0;
    bool reads = can_open("file", O_RDONLY) && pread(fd, &byte, 1, 0) == 1 && byte == 'a';
    return answer(by_descriptor && by_name && reads && !has_sockets() && can_work());
}

static void a_reader_has_threads_and_can_write_nothing(void **state)
{
    (void)state;
    check(ask_writes);
}

/* A kernel that has no seccomp. */
static bool forget_seccomp(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 2, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {COUNT(code), code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int ask_without(void)
{
    struct ia_error err;
    if (!forget_seccomp())
        return SKIPPED;
    return answer(ia_sandbox_seccomp(IA_SANDBOX_NO_WRITES, &err) == IA_UNSUPPORTED && has_sockets());
}

static void a_kernel_without_seccomp_takes_nothing_away(void **state)
{
    (void)state;
    check(ask_without);
}

static int ask_limits(void)
{
    struct rlimit core;
    struct rlimit data;
    ia_sandbox_limit();
    bool well = getrlimit(RLIMIT_CORE, &core) == 0 && getrlimit(RLIMIT_DATA, &data) == 0 && core.rlim_max == 0;
    return answer(well && (ia_sandbox_is_sanitized() || (data.rlim_cur >= 1 << 30 && data.rlim_cur != RLIM_INFINITY)) &&
                  can_work());
}

static void there_is_no_core_file_and_an_end_of_memory(void **state)
{
    (void)state;
    check(ask_limits);
}

static void modes_have_words_and_others_are_none(void **state)
{
    enum ia_sandbox_mode mode = IA_SANDBOX_OFF;
    (void)state;
    assert_true(ia_sandbox_mode_by_word("require", &mode));
    assert_int_equal(mode, IA_SANDBOX_REQUIRE);
    assert_true(ia_sandbox_mode_by_word("auto", &mode));
    assert_int_equal(mode, IA_SANDBOX_AUTO);
    assert_true(ia_sandbox_mode_by_word("off", &mode));
    assert_int_equal(mode, IA_SANDBOX_OFF);
    assert_false(ia_sandbox_mode_by_word("", &mode));
    assert_false(ia_sandbox_mode_by_word("on", &mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_temp_dir(files_are_those_of_the_rules),
        in_temp_dir(threads_started_later_have_the_rules_too),
        in_temp_dir(a_writer_has_files_and_threads_and_no_sockets),
        in_temp_dir(a_reader_has_threads_and_can_write_nothing),
        in_temp_dir(a_kernel_without_seccomp_takes_nothing_away),
        in_temp_dir(there_is_no_core_file_and_an_end_of_memory),
        in_temp_dir(modes_have_words_and_others_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
