/* SPDX-License-Identifier: MIT */
/* The files that are asked about, by all that they are known as, and what was found of them. */
#include "scan/holders/holders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fingerprint.h"
#include "format/format.h"
#include "scan/holders/internal.h"

void ia_holders_release(struct ia_holders *holders)
{
    for (size_t i = 0; i < holders->all.len; i++)
        free(holders->all.items[i].subject);
    ia_vec_release(&holders->all);
    ia_vec_release(&holders->keys);
    free(holders->ends);
    ia_vec_release(&holders->volumes);
    ia_vec_release(&holders->block_devices);
    free(holders->unseen);
    *holders = (struct ia_holders){0};
}

void ia_holders_add_key(struct ia_holders *holders, int64_t dev, int64_t inode, size_t file)
{
    if (!ia_vec_push(&holders->keys, ((struct ia_holder_key){dev, inode, file})))
        holders->failed = true;
}

void ia_holders_add(struct ia_holders *holders, size_t file, int64_t dev, int64_t inode, const char *path)
{
    ia_holders_add_key(holders, dev, inode, file);
    for (size_t i = holders->volumes.len; i > 0; i--) /* files of one come together, and there are few */
        if (holders->volumes.items[i - 1].dev == dev)
            return;
    if (!ia_vec_push(&holders->volumes, ((struct ia_holder_volume){dev, dev, path})))
        holders->failed = true;
}

void ia_holders_add_block_device(struct ia_holders *holders, size_t file, int64_t rdev)
{
    ia_holders_add_key(holders, IA_HOLDER_BLOCK_DEVICE, rdev, file);
    if (!ia_vec_push(&holders->block_devices, rdev))
        holders->failed = true;
}

static bool exists(const char *path)
{
    return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* "disk.vmdk.lck" beside disk.vmdk, or "disk.lck". */
void ia_holders_look_beside(struct ia_holders *holders, size_t file, const char *path)
{
    IA_AUTO_BUF struct ia_buf beside = {0};
    ia_buf_addf(&beside, "%s.lck", path);
    holders->failed = holders->failed || beside.failed;
    if (!beside.failed && exists(beside.data)) {
        ia_holders_hold_file(holders, file, 0, "lock file %s", beside.data);
        return;
    }
    if (!ia_format_may_have_lock_file(NULL, path))
        return;
    ia_buf_clear(&beside);
    ia_buf_add(&beside, path, (size_t)(strrchr(path, '.') - path));
    ia_buf_add_str(&beside, ".lck");
    if (!beside.failed && exists(beside.data))
        ia_holders_hold_file(holders, file, 0, "lock file %s", beside.data);
}

/* -- Before and after ---------------------------------------------------------------------------------------------- */

static int by_identity(const void *left, const void *right)
{
    const struct ia_holder_key *a = left;
    const struct ia_holder_key *b = right;
    if (a->inode != b->inode)
        return (a->inode > b->inode) - (a->inode < b->inode);
    return a->dev != b->dev ? (a->dev > b->dev) - (a->dev < b->dev) : (a->file > b->file) - (a->file < b->file);
}

static size_t bucket_of(const struct ia_holders *holders, int64_t dev, int64_t inode)
{
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    ia_fingerprint_int(&print, dev);
    ia_fingerprint_int(&print, inode);
    return (size_t)print.value % holders->buckets;
}

/* Moves the keys into their buckets. ends[] has where each begins, and then where it ends. */
static bool distribute(struct ia_holders *holders, size_t *ends)
{
    size_t count = holders->keys.len;
    struct ia_holder_key *keys = holders->keys.items;
    struct ia_holder_key *sorted = calloc(count, sizeof(*sorted));
    if (sorted == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        ends[bucket_of(holders, keys[i].dev, keys[i].inode) + 1]++;
    for (size_t i = 0; i < holders->buckets; i++)
        ends[i + 1] += ends[i];
    for (size_t i = 0; i < count; i++)
        sorted[ends[bucket_of(holders, keys[i].dev, keys[i].inode)]++] = keys[i];
    memcpy(keys, sorted, count * sizeof(*keys));
    free(sorted);
    return true;
}

void ia_holders_sort_keys(struct ia_holders *holders)
{
    holders->buckets = holders->keys.len;
    if (holders->buckets == 0)
        return;
    free(holders->ends);
    holders->ends = calloc(holders->buckets + 1, sizeof(*holders->ends));
    if (holders->ends == NULL || !distribute(holders, holders->ends)) {
        holders->failed = true;
        holders->buckets = 0;
        return;
    }
    for (size_t i = 0, start = 0; i < holders->buckets; start = holders->ends[i++])
        if (holders->ends[i] - start > 1)
            qsort(&holders->keys.items[start], holders->ends[i] - start, sizeof(holders->keys.items[0]), by_identity);
}

static int by_file(const void *left, const void *right)
{
    const struct ia_holder *a = left;
    const struct ia_holder *b = right;
    return a->file != b->file ? (a->file > b->file) - (a->file < b->file) : strcmp(a->subject, b->subject);
}

void ia_holders_settle(struct ia_holders *holders)
{
    struct ia_holder *all = holders->all.items;
    size_t kept = 0;
    if (holders->all.len > 0)
        qsort(all, holders->all.len, sizeof(all[0]), by_file);
    for (size_t i = 0; i < holders->all.len; i++) {
        if (kept > 0 && by_file(&all[kept - 1], &all[i]) == 0)
            free(all[i].subject);
        else
            all[kept++] = all[i];
    }
    holders->all.len = kept;
}

/* -- What is found ------------------------------------------------------------------------------------------------- */

const struct ia_holder_key *ia_holders_match(const struct ia_holders *holders, int64_t dev, int64_t inode,
                                             size_t *count)
{
    const struct ia_holder_key wanted = {dev, inode, 0};
    const struct ia_holder_key *items = holders->keys.items;
    *count = 0;
    if (holders->buckets == 0)
        return NULL;
    size_t bucket = bucket_of(holders, dev, inode);
    size_t low = bucket > 0 ? holders->ends[bucket - 1] : 0;
    for (size_t high = holders->ends[bucket]; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (by_identity(&items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    while (low + *count < holders->keys.len && items[low + *count].dev == dev && items[low + *count].inode == inode)
        ++*count;
    return *count > 0 ? &items[low] : NULL;
}

static void push(struct ia_holders *holders, size_t file, int64_t pid, const char *subject)
{
    struct ia_holder found = {.file = file, .pid = pid, .subject = strdup(subject)};
    if (found.subject != NULL && ia_vec_push(&holders->all, found))
        return;
    free(found.subject);
    holders->failed = true;
}

static void hold_all(struct ia_holders *holders, int64_t dev, int64_t inode, const char *subject)
{
    size_t count;
    const struct ia_holder_key *key = ia_holders_match(holders, dev, inode, &count);
    for (size_t i = 0; i < count; i++)
        push(holders, key[i].file, 0, subject);
}

/* Formats the arguments behind `format`; the caller frees it. NULL: out of memory. */
#define FORMAT(out, format)                                                                                            \
    do {                                                                                                               \
        va_list args;                                                                                                  \
        va_start(args, format);                                                                                        \
        if (vasprintf(&(out), format, args) < 0)                                                                       \
            (out) = NULL;                                                                                              \
        va_end(args);                                                                                                  \
    } while (0)

void ia_holders_hold(struct ia_holders *holders, int64_t dev, int64_t inode, const char *format, ...)
{
    IA_AUTO_FREE char *subject = NULL;
    FORMAT(subject, format);
    if (subject == NULL)
        holders->failed = true;
    else
        hold_all(holders, dev, inode, subject);
}

bool ia_holders_hold_path(struct ia_holders *holders, const char *path, const char *format, ...)
{
    struct stat st;
    if (path[0] != '/' || stat(path, &st) != 0)
        return false;
    IA_AUTO_FREE char *subject = NULL;
    FORMAT(subject, format);
    if (subject == NULL) {
        holders->failed = true;
        return true;
    }
    if (S_ISBLK(st.st_mode))
        hold_all(holders, IA_HOLDER_BLOCK_DEVICE, (int64_t)st.st_rdev, subject);
    else
        hold_all(holders, (int64_t)st.st_dev, (int64_t)st.st_ino, subject);
    return true;
}

void ia_holders_hold_file(struct ia_holders *holders, size_t file, int64_t pid, const char *format, ...)
{
    IA_AUTO_FREE char *subject = NULL;
    FORMAT(subject, format);
    if (subject == NULL)
        holders->failed = true;
    else
        push(holders, file, pid, subject);
}

void ia_holders_add_unseen(struct ia_holders *holders, const char *format, ...)
{
    if (holders->unseen != NULL)
        return;
    FORMAT(holders->unseen, format);
    holders->failed = holders->failed || holders->unseen == NULL;
}

/* -- Reading --------------------------------------------------------------------------------------------------- */

bool ia_host_text(const char *path, struct ia_buf *out)
{
    enum { PIECE = 65536, MOST = 256 * 1024 * 1024 };
    IA_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ia_buf_clear(out);
    ia_buf_add_str(out, "");
    while (fd >= 0 && out->len < MOST) { /* ends: such files do, and there is a bound */
        char *room = ia_buf_room(out, PIECE);
        ssize_t got = room == NULL ? -1 : read(fd, room, PIECE);
        if (got <= 0)
            return got == 0;
        ia_buf_advance(out, (size_t)got);
    }
    return false;
}

bool ia_host_line(const char *path, struct ia_buf *out)
{
    if (!ia_host_text(path, out))
        return false;
    out->len = strcspn(out->data, "\n");
    out->data[out->len] = '\0';
    return true;
}
