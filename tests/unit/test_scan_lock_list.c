/* SPDX-License-Identifier: MIT */
/* The kernel's list of locks. The lines are those that Linux prints (fs/locks.c, lock_get_status). */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scan/reading/locks.h"
#include "support/temp_dir.h"
#include "support/unit.h"

static void every_kind_of_line_is_understood(void **state)
{
    (void)state;
    struct ia_lock_list list = {0};
    assert_true(ia_lock_list_parse(&list, "1: POSIX  ADVISORY  READ  1185 fe:00:11395638 123 123\n"
                                          "2: FLOCK  ADVISORY  WRITE 12 00:1a:7 0 EOF\n"
                                          "3: OFDLCK ADVISORY  READ  -1 08:11:18446744073709551615 100 101\n"
                                          "3: -> OFDLCK ADVISORY  WRITE -1 08:11:99 100 101\n"
                                          "3:   -> POSIX  ADVISORY  WRITE 5 08:11:98 100 101\n"
                                          "4: LEASE  ACTIVE    READ  1185 103:04:5 0 EOF\n"
                                          "5: DELEG  BREAKING  READ  1185 103:04:6 0 EOF\n"
                                          "6: POSIX  *NOINODE* WRITE 77 <none>:0 0 EOF\n"));
    const uint64_t inodes[] = {5, 6, 7, 98, 99, 11395638, UINT64_MAX};
    assert_int_equal(list.inodes.len, COUNT(inodes));
    for (size_t i = 0; i < COUNT(inodes); i++)
        assert_true(ia_lock_list_has(&list, inodes[i]));
    assert_false(ia_lock_list_has(&list, 8));
    ia_lock_list_release(&list);
}

static void a_line_that_is_not_understood_makes_the_list_useless(void **state)
{
    (void)state;
    const char *const texts[] = {"nothing\n", "1: POSIX ADVISORY READ\n", "1: POSIX ADVISORY READ 5 fe:00 0 EOF\n",
                                 "\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct ia_lock_list list = {0};
        assert_false(ia_lock_list_parse(&list, texts[i]));
        ia_lock_list_release(&list);
    }
}

/* A list is believed only where no other process takes or drops locks meanwhile, which on a busy machine is seldom. */
static bool read_patiently(struct ia_lock_list *list)
{
    enum { TRIES = 500 };
    for (int i = 0; i < TRIES; i++) {
        if (ia_lock_list_read(list))
            return true;
        usleep(2000);
    }
    return false;
}

static void a_file_is_listed_while_it_is_locked(void **state)
{
    (void)state;
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1};
    struct ia_lock_list list;
    struct stat st;
    int fd = open("locked", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    if (!read_patiently(&list))
        skip();
    assert_false(ia_lock_list_has(&list, (uint64_t)st.st_ino));
    ia_lock_list_release(&list);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_true(read_patiently(&list));
    assert_true(ia_lock_list_has(&list, (uint64_t)st.st_ino));
    ia_lock_list_release(&list);
    close(fd);
}

enum { FILES = 200 };

static int held[FILES];
static uint64_t inodes[FILES];

/* More locks than the kernel shows by one read. */
static void hold_files(void)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 1};
    for (int i = 0; i < FILES; i++) {
        char name[16];
        struct stat st;
        snprintf(name, sizeof(name), "%d", i);
        held[i] = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(held[i] >= 0 && fstat(held[i], &st) == 0 && fcntl(held[i], F_OFD_SETLK, &lock) == 0);
        inodes[i] = (uint64_t)st.st_ino;
    }
}

static void let_files_go(void)
{
    for (int i = 0; i < FILES; i++)
        close(held[i]);
}

/* Reads so many lists; how many of those that were believed lack a file that is held. */
static int read_lists(int count, int *believed)
{
    int missing = 0;
    *believed = 0;
    for (int n = 0; n < count; n++) {
        struct ia_lock_list list;
        bool all = true;
        if (!ia_lock_list_read(&list))
            continue;
        ++*believed;
        for (int i = 0; i < FILES; i++)
            all = all && ia_lock_list_has(&list, inodes[i]);
        missing += !all;
        ia_lock_list_release(&list);
    }
    return missing;
}

static void *wait_for_lock(void *arg)
{
    (void)arg;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    int fd = open("wanted", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    fcntl(fd, F_OFD_SETLKW, &lock);
    close(fd);
    return NULL;
}

/* Its record in the list takes more than a page. */
static void a_lock_that_many_wait_for_hides_none_behind_it(void **state)
{
    (void)state;
    enum { WAITERS = 90 };
    pthread_t threads[WAITERS];
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    hold_files();
    int fd = open("wanted", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_lock, NULL), 0);
    usleep(200000); /* until they wait; where they do not yet, the test shows less */
    int believed;
    int missing = read_lists(20, &believed);
    close(fd);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(threads[i], NULL);
    let_files_go();
    print_message("# %d of 20 lists were believed\n", believed);
    assert_int_equal(missing, 0);
}

static atomic_bool stop;

/* Takes and drops a lock as fast as it can: the locks behind it in the list move all the time. */
static void *flap(void *arg)
{
    (void)arg;
    int fd = open("flapping", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    while (!atomic_load(&stop)) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        fcntl(fd, F_OFD_SETLK, &lock);
        lock.l_type = F_UNLCK;
        fcntl(fd, F_OFD_SETLK, &lock);
    }
    close(fd);
    return NULL;
}

static void no_held_file_is_missing_while_other_locks_come_and_go(void **state)
{
    (void)state;
    enum { LISTS = 300 };
    pthread_t thread;
    int believed;
    hold_files();
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, flap, NULL), 0);
    int missing = read_lists(LISTS, &believed);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    let_files_go();
    print_message("# %d of %d lists were believed\n", believed, LISTS);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_line_is_understood),
        cmocka_unit_test(a_line_that_is_not_understood_makes_the_list_useless),
        in_temp_dir(a_file_is_listed_while_it_is_locked),
        in_temp_dir(a_lock_that_many_wait_for_hides_none_behind_it),
        in_temp_dir(no_held_file_is_missing_while_other_locks_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
