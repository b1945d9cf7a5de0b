/* SPDX-License-Identifier: MIT */
/* Joining the uses of a file's bytes with the runs of blocks that the host keeps for them. */
#include "scan/reading/account.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "format/format.h"
#include "io/host_blocks.h"

struct sums {
    int64_t bytes, disk_bytes, unwritten_bytes;
};

struct file_account {
    const struct ia_space *space;
    uint32_t number;
    int64_t size;    /* of the file */
    int64_t limit;   /* end of the block that the last byte is in */
    bool exact;      /* unwritten_bytes are known */
    bool has_blocks; /* a block device has none; what it takes itself ends where the device does */
    int64_t from, until;
    enum ia_account_use use; /* of bytes [from, until) */
    struct sums sums[IA_ACCOUNT_USES];
};

const char *ia_account_use_word(enum ia_account_use use)
{
    return use == IA_ACCOUNT_TAIL ? "tail" : ia_space_use_name((enum ia_space_use)use);
}

void ia_account_release(struct ia_account *account)
{
    ia_vec_release(&account->rows);
}

/* The use at pos, and in a->until where it ends. Asked in ascending order, mostly. */
static enum ia_account_use use_at(struct file_account *a, int64_t pos)
{
    if (pos < a->from || pos >= a->until) {
        a->from = pos;
        a->use = (enum ia_account_use)ia_space_at(a->space, a->number, pos, &a->until);
        if (a->use == IA_ACCOUNT_UNUSED && pos >= ia_space_end(a->space, a->number))
            a->use = IA_ACCOUNT_TAIL; /* nothing unused goes on past the end of what is used */
    }
    return a->use;
}

static void count_bytes(struct file_account *a)
{
    int64_t end;
    for (int64_t pos = 0; pos < a->size; pos = end) {
        enum ia_account_use use = use_at(a, pos);
        end = ia_min(a->until, a->size);
        a->sums[use].bytes += end - pos;
    }
}

static void count_block_bytes(struct file_account *a, enum ia_account_use use, int64_t bytes, bool unwritten)
{
    a->sums[use].disk_bytes += bytes;
    a->sums[use].unwritten_bytes += unwritten ? bytes : 0;
}

static void count_run(struct file_account *a, const struct ia_host_run *run)
{
    int64_t run_end = run->start + run->length;
    if (!a->exact && run_end == a->size) /* seeking ends at the file's end, the block does not */
        run_end = a->limit;
    int64_t inside = ia_min(run_end, a->size);
    int64_t end;
    for (int64_t pos = run->start; pos < inside; pos = end) {
        enum ia_account_use use = use_at(a, pos);
        end = ia_min(a->until, inside);
        count_block_bytes(a, use, end - pos, run->unwritten);
    }
    int64_t past = ia_min(run_end, a->limit) - ia_max(run->start, a->size);
    if (past > 0)
        count_block_bytes(a, use_at(a, a->size - 1), past, run->unwritten);
}

/* IA_OK with *known false where there is no FIEMAP. */
static enum ia_status count_runs(struct file_account *a, int fd, bool *known, struct ia_error *err)
{
    struct ia_host_blocks *blocks = NULL;
    enum ia_status status = ia_host_blocks_open(fd, &blocks, err);
    if (status != IA_OK)
        return status;
    a->exact = ia_host_blocks_exact(blocks);
    struct ia_host_run run;
    bool have = true;
    while (status == IA_OK && have) {
        status = ia_host_blocks_next(blocks, &run, &have, NULL);
        if (status == IA_OK && have)
            count_run(a, &run);
    }
    ia_host_blocks_close(blocks);
    *known = status == IA_OK;
    return IA_OK;
}

static enum ia_status add_rows(const struct file_account *a, struct ia_account *out, struct ia_error *err)
{
    for (enum ia_account_use use = 0; use < IA_ACCOUNT_USES; use++) {
        const struct sums *sums = &a->sums[use];
        struct ia_account_row row = {
            .file = a->number,
            .use = use,
            .bytes = sums->bytes,
            .disk_bytes = a->has_blocks            ? sums->disk_bytes
                          : use == IA_ACCOUNT_TAIL ? sums->bytes
                                                   : -1,
            .unwritten_bytes = a->exact ? sums->unwritten_bytes : -1,
        };
        bool any = sums->bytes > 0 || sums->disk_bytes > 0 || use == IA_ACCOUNT_UNUSED;
        if (any && !ia_vec_push(&out->rows, row))
            return ia_no_memory(err);
    }
    return IA_OK;
}

/* A block device keeps what it keeps elsewhere: which of its bytes take how many blocks is not known. What nothing uses
 * behind all that is used is the device's length less that. */
static enum ia_status account_file(struct ia_image *image, uint32_t number, bool *known, struct ia_account *out,
                                   struct ia_error *err)
{
    const struct ia_source *source = ia_image_source(image, number);
    int fd = ia_source_fd(source);
    struct stat st;
    *known = fd >= 0 && fstat(fd, &st) == 0;
    if (!*known)
        return IA_OK;
    /* A power of two on file systems with blocks; what network file systems would like to be asked for is more. */
    int64_t block = st.st_blksize >= 512 && st.st_blksize <= 65536 ? (int64_t)st.st_blksize : 4096;
    struct file_account a = {
        .space = image->space,
        .number = number,
        .size = source->size,
        .limit = ia_round_up(source->size, block),
        .has_blocks = S_ISREG(st.st_mode),
    };
    count_bytes(&a);
    enum ia_status status = a.has_blocks ? count_runs(&a, fd, known, err) : IA_OK;
    return status == IA_OK && *known ? add_rows(&a, out, err) : status;
}

struct identity {
    dev_t dev;
    ino_t inode;
};

static int by_identity(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct identity));
}

/* One host file is two files of the image: what one leaves unused, the other may use. */
static enum ia_status has_file_twice(struct ia_image *image, bool *twice, struct ia_error *err)
{
    size_t count = 1 + image->facts.parts.len;
    struct identity *files = calloc(count, sizeof(*files));
    if (files == NULL)
        return ia_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        if (fstat(ia_source_fd(ia_image_source(image, (uint32_t)i)), &st) == 0) {
            files[i].dev = st.st_dev;
            files[i].inode = st.st_ino;
        }
    }
    qsort(files, count, sizeof(*files), by_identity);
    *twice = false;
    for (size_t i = 1; i < count; i++)
        *twice = *twice || by_identity(&files[i - 1], &files[i]) == 0;
    free(files);
    return IA_OK;
}

static bool has_leaks(const struct ia_account *account)
{
    for (size_t i = 0; i < account->rows.len; i++)
        if (account->rows.items[i].use == IA_ACCOUNT_LEAKED && account->rows.items[i].bytes > 0)
            return true;
    return false;
}

enum ia_status ia_account_image(struct ia_image *image, struct ia_account *out, struct ia_error *err)
{
    *out = (struct ia_account){0};
    bool twice = false;
    if (image->space == NULL || ia_space_failed(image->space))
        return IA_OK;
    enum ia_status status = has_file_twice(image, &twice, err);
    bool known = !twice;
    for (uint32_t i = 0; status == IA_OK && known && i <= image->facts.parts.len; i++)
        status = account_file(image, i, &known, out, err);
    if (status != IA_OK || !known)
        ia_account_release(out);
    image->facts.may_be_lost = image->facts.has_empty_table && has_leaks(out);
    return status;
}
