/* SPDX-License-Identifier: MIT */
/* Reading /proc/locks. The kernel hands it out by the page: what it shows by one read is of one moment, but the next
 * read goes on from a number of locks, and when others before that go meanwhile, some are skipped. So each read begins
 * well before the end of the last one, and has to show the same there: locks keep their order, so between one that is
 * in both and the end of the list none is missing that was held all the time. Where locks come and go so fast that this
 * does not come about, the list is not believed. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "scan/reading/locks.h"

/* OVERLAP: some sixteen locks, a fourth of what one read shows where pages have 4096 bytes. */
enum { TRIES = 16, OVERLAP = 1024, READ = 65536, MAX_BYTES = 64 * 1024 * 1024 };

void ia_lock_list_release(struct ia_lock_list *list)
{
    ia_vec_release(&list->inodes);
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Digits up to one that ends them, which is passed over. */
static bool parse_number(const char **at, int base, char end, uint64_t *out)
{
    char *after;
    errno = 0;
    *out = strtoull(*at, &after, base);
    bool is_number = isxdigit((unsigned char)**at) != 0 && errno == 0 && *after == end;
    *at = after + is_number;
    return is_number;
}

static const char *next_word(const char *at)
{
    at += strcspn(at, " \n");
    return at + strspn(at, " ");
}

/* "100 100" or "0 EOF": QEMU's bytes are from 100 on, fewer than 300. */
static bool is_on_bytes_of_qemu(const char *range)
{
    enum { FIRST = 100, END = 300 };
    uint64_t first;
    char *end;
    if (!parse_number(&range, 10, ' ', &first))
        return false;
    uint64_t last = strtoull(range, &end, 10);
    return end != range && (*end == '\n' || *end == '\0') && first >= FIRST && last < END;
}

/* "1: OFDLCK ADVISORY  READ  -1 fe:00:1835009 100 100": number, kind, two words, process, the device's number in base
 * 16, the inode's in base 10, and the range; of a lock that is waited for, "->" after the number. The kernel prints
 * "<none>" for a lock without a file. */
bool ia_lock_parse(const char *line, struct ia_lock *lock)
{
    uint64_t number;
    uint64_t major;
    uint64_t minor;
    const char *at = line;
    *lock = (struct ia_lock){0};
    if (!parse_number(&at, 10, ':', &number))
        return false;
    at += strspn(at, " ");
    if (strncmp(at, "->", 2) == 0)
        at += 2 + strspn(at + 2, " ");
    bool is_of_open_file = strncmp(at, "OFDLCK", 6) == 0;
    at = next_word(next_word(next_word(at)));
    lock->pid = strtoll(at, NULL, 10);
    at = next_word(at);
    lock->has_no_file = strncmp(at, "<none>", 6) == 0;
    if (lock->has_no_file)
        return true;
    if (!parse_number(&at, 16, ':', &major) || !parse_number(&at, 16, ':', &minor) ||
        !parse_number(&at, 10, ' ', &lock->inode))
        return false;
    lock->dev = (int64_t)makedev((unsigned)major, (unsigned)minor);
    lock->is_of_qemu = is_of_open_file && is_on_bytes_of_qemu(at);
    return true;
}

static bool parse_line(struct ia_lock_list *list, const char *line)
{
    struct ia_lock lock;
    return ia_lock_parse(line, &lock) && (lock.has_no_file || ia_vec_push(&list->inodes, lock.inode));
}

bool ia_lock_list_parse(struct ia_lock_list *list, const char *text)
{
    while (*text != '\0') {
        if (!parse_line(list, text))
            return false;
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    if (list->inodes.len > 0)
        qsort(list->inodes.items, list->inodes.len, sizeof(list->inodes.items[0]), by_number);
    return true;
}

/* Where the first record begins that is no more than OVERLAP bytes from the end. Lines of those who wait are of the
 * record before them, and its text may come of an earlier moment. */
static size_t overlap_start(const struct ia_buf *text)
{
    size_t at = text->len > OVERLAP ? text->len - OVERLAP : 0;
    while (at > 0 && at < text->len && text->data[at - 1] != '\n')
        at++;
    for (size_t line = at; line < text->len; line = at) {
        const char *end = memchr(text->data + line, '\n', text->len - line);
        at = end == NULL ? text->len : (size_t)(end - text->data) + 1;
        if (memmem(text->data + line, at - line, "->", 2) == NULL)
            return line;
    }
    return 0; /* one record, longer than a page */
}

/* False: it changed meanwhile, or cannot be read. Ends: each round adds to the text, which has an end. */
static bool read_all(int fd, struct ia_buf *text)
{
    ia_buf_clear(text);
    for (;;) {
        size_t known = text->len;
        size_t from = overlap_start(text);
        char *room = ia_buf_room(text, READ);
        ssize_t got = room == NULL || known > MAX_BYTES ? -1 : pread(fd, room, READ, (off_t)from);
        if (got < 0 || (size_t)got < known - from || memcmp(room, text->data + from, known - from) != 0)
            return false;
        size_t more = (size_t)got - (known - from);
        memmove(room, room + (known - from), more);
        ia_buf_advance(text, more); /* ends the text with a NUL again, too */
        /* The end; or the next record, of a lock that many wait for, did not fit behind what was read again. */
        if (more == 0)
            return pread(fd, room, READ, (off_t)text->len) == 0;
    }
}

bool ia_sees_all_processes(void)
{
    static const ino_t initial = 0xEFFFFFFC; /* PROC_PID_INIT_INO of Linux */
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == initial;
}

/* A file in memory with a lock, by which we see whether the list shows locks at all: under other kernels and in some
 * containers it exists and is empty. */
static int take_probe(uint64_t *inode)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};
    struct stat st;
    IA_AUTO_CLOSE int fd = memfd_create("imgaudit-lock", MFD_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0 || fcntl(fd, F_OFD_SETLK, &lock) != 0)
        return -1;
    *inode = (uint64_t)st.st_ino;
    return ia_steal_fd(&fd);
}

bool ia_lock_list_read(struct ia_lock_list *list)
{
    uint64_t own = 0;
    bool whole = false;
    *list = (struct ia_lock_list){0};
    IA_AUTO_BUF struct ia_buf text = {0};
    IA_AUTO_CLOSE int probe = take_probe(&own);
    IA_AUTO_CLOSE int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
    if (probe < 0 || fd < 0 || !ia_sees_all_processes())
        return false;
    for (int i = 0; i < TRIES && !whole; i++)
        whole = read_all(fd, &text);
    if (whole && text.len > 0 && ia_lock_list_parse(list, text.data) && ia_lock_list_has(list, own))
        return true;
    ia_lock_list_release(list);
    return false;
}

bool ia_lock_list_has(const struct ia_lock_list *list, uint64_t inode)
{
    return list->inodes.len > 0 &&
           bsearch(&inode, list->inodes.items, list->inodes.len, sizeof(list->inodes.items[0]), by_number) != NULL;
}
