/* SPDX-License-Identifier: MIT */
/* What became of the files of the scan before. */
#include "scan/catalog/successors.h"

#include <stdlib.h>

enum { MOST_COPIES = 256 }; /* a stamp that more have identifies nothing */

static int by_row(const void *left, const void *right)
{
    const struct ia_successor *a = left;
    const struct ia_successor *b = right;
    return (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

static int compare_stamps(const struct ia_file_key *a, const struct ia_file_key *b)
{
    int order = (a->size > b->size) - (a->size < b->size);
    return order != 0 ? order : (a->mtime_ns > b->mtime_ns) - (a->mtime_ns < b->mtime_ns);
}

static int by_stamps(const void *left, const void *right, void *ctx)
{
    const struct ia_catalog *catalog = ctx;
    return compare_stamps(&catalog->files.items[*(const size_t *)left]->key,
                          &catalog->files.items[*(const size_t *)right]->key);
}

bool ia_successors_list(const struct ia_catalog *catalog, struct ia_successors *out)
{
    *out = (struct ia_successors){.catalog = catalog};
    for (size_t i = 0; i < catalog->files.len; i++) {
        const struct ia_file *file = catalog->files.items[i];
        const struct ia_previous *row = ia_catalog_previous(catalog, file);
        if (file->gone)
            continue;
        if ((row != NULL && !ia_vec_push(&out->rows, ((struct ia_successor){row->file_id, i}))) ||
            (ia_file_is_image(file) && !ia_vec_push(&out->images, i)))
            return false;
    }
    if (out->rows.len > 0)
        qsort(out->rows.items, out->rows.len, sizeof(out->rows.items[0]), by_row);
    if (out->images.len > 0)
        qsort_r(out->images.items, out->images.len, sizeof(out->images.items[0]), by_stamps, (void *)catalog);
    return true;
}

void ia_successors_release(struct ia_successors *successors)
{
    ia_vec_release(&successors->rows);
    ia_vec_release(&successors->images);
}

bool ia_file_numbers_add(struct ia_file_numbers *numbers, size_t number)
{
    for (size_t i = 0; i < numbers->all.len; i++)
        if (numbers->all.items[i] == number)
            return true;
    return ia_vec_push(&numbers->all, number);
}

static bool add_copies(const struct ia_successors *successors, const struct ia_file_key *key,
                       struct ia_file_numbers *out)
{
    const struct ia_catalog *catalog = successors->catalog;
    size_t low = 0;
    for (size_t high = successors->images.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (compare_stamps(&catalog->files.items[successors->images.items[middle]]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < successors->images.len &&
           compare_stamps(&catalog->files.items[successors->images.items[end]]->key, key) == 0)
        end++;
    for (size_t i = low; i < end && end - low <= MOST_COPIES; i++)
        if (!ia_file_numbers_add(out, successors->images.items[i]))
            return false;
    return true;
}

bool ia_successors_add(const struct ia_successors *successors, int64_t file_id, struct ia_file_numbers *out)
{
    size_t low = 0;
    for (size_t high = successors->rows.len; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (successors->rows.items[middle].file_id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < successors->rows.len && successors->rows.items[low].file_id == file_id; low++)
        if (!ia_file_numbers_add(out, successors->rows.items[low].number))
            return false;
    const struct ia_file_key *key = ia_catalog_key_of(successors->catalog, file_id);
    return key == NULL || add_copies(successors, key, out);
}

bool ia_successors_add_copies(const struct ia_successors *successors, size_t number, struct ia_file_numbers *out)
{
    return add_copies(successors, &successors->catalog->files.items[number]->key, out);
}
