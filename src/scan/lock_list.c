/* SPDX-License-Identifier: MIT */
/* Reading /proc/locks. The kernel hands it out by the page, and may skip a lock when another one, on a page before,
 * goes meanwhile: only a list that comes out the same twice in a row is taken to be whole. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "scan/locks.h"

enum { TRIES = 8, MAX_BYTES = 64 * 1024 * 1024 };

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

/* "1: OFDLCK ADVISORY  READ  -1 fe:00:1835009 100 100": number, four words, the device's number in base 16, the inode's
 * in base 10, and the range; of a lock that is waited for, "->" after the number. The kernel prints "<none>" for a lock
 * without a file. */
static bool parse_line(struct ia_lock_list *list, const char *line)
{
    enum { WORDS = 4 };
    uint64_t number;
    uint64_t major;
    uint64_t minor;
    uint64_t inode;
    const char *at = line;
    if (!parse_number(&at, 10, ':', &number))
        return false;
    at += strspn(at, " ");
    if (strncmp(at, "->", 2) == 0)
        at += 2 + strspn(at + 2, " ");
    for (int i = 0; i < WORDS; i++) {
        at += strcspn(at, " \n");
        at += strspn(at, " ");
    }
    if (strncmp(at, "<none>", 6) == 0)
        return true;
    return parse_number(&at, 16, ':', &major) && parse_number(&at, 16, ':', &minor) &&
           parse_number(&at, 10, ' ', &inode) && ia_vec_push(&list->inodes, inode);
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

static bool read_all(int fd, struct ia_buf *out)
{
    char page[16384];
    ssize_t got;
    out->len = 0;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return false;
    while ((got = read(fd, page, sizeof(page))) > 0 && out->len < MAX_BYTES)
        ia_buf_add(out, page, (size_t)got);
    return got == 0 && !out->failed;
}

static bool is_same(const struct ia_buf *a, const struct ia_buf *b)
{
    return a->len == b->len && a->len > 0 && memcmp(a->data, b->data, a->len) == 0;
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
    IA_AUTO_BUF struct ia_buf again = {0};
    IA_AUTO_CLOSE int probe = take_probe(&own);
    IA_AUTO_CLOSE int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
    if (probe < 0 || fd < 0 || !read_all(fd, &text))
        return false;
    for (int i = 0; i < TRIES && !whole; i++) {
        struct ia_buf *earlier = i % 2 == 0 ? &text : &again;
        struct ia_buf *later = i % 2 == 0 ? &again : &text;
        if (!read_all(fd, later))
            return false;
        whole = is_same(earlier, later);
    }
    if (whole && ia_lock_list_parse(list, text.data) && ia_lock_list_has(list, own))
        return true;
    ia_lock_list_release(list);
    return false;
}

bool ia_lock_list_has(const struct ia_lock_list *list, uint64_t inode)
{
    return list->inodes.len > 0 &&
           bsearch(&inode, list->inodes.items, list->inodes.len, sizeof(list->inodes.items[0]), by_number) != NULL;
}
