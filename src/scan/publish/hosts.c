/* SPDX-License-Identifier: MIT */
/* Blocks that the files of all images share on their hosts. */
#include <stdlib.h>
#include <string.h>

#include "analysis/host_sharing.h"
#include "base/fingerprint.h"
#include "scan/publish/publish.h"

/* The files of images that share blocks, or of which that is unknown, by path: the order in which shared blocks are
 * counted. */
struct hosts {
    const struct ia_file **files;
    struct ia_host_account *accounts; /* as files */
    uint32_t *members;                /* of the group of which the file is the first */
    IA_VEC(struct ia_shared_run) runs;
    size_t count;
};

static int by_path(const void *left, const void *right)
{
    const struct ia_file *a = *(const struct ia_file *const *)left;
    const struct ia_file *b = *(const struct ia_file *const *)right;
    return strcmp(ia_file_path(a), ia_file_path(b));
}

static bool has_row(const struct ia_file *file)
{
    const struct ia_sharing *sharing = &file->read->sharing;
    return ia_file_is_image_or_part(file) &&
           (!sharing->known || sharing->shared_bytes != 0 || sharing->encoded_bytes != 0);
}

static bool gather(struct hosts *hosts, const struct ia_catalog *catalog)
{
    hosts->files = calloc(catalog->files.len + 1, sizeof(*hosts->files));
    hosts->accounts = calloc(catalog->files.len + 1, sizeof(*hosts->accounts));
    hosts->members = calloc(catalog->files.len + 1, sizeof(*hosts->members));
    if (hosts->files == NULL || hosts->accounts == NULL || hosts->members == NULL)
        return false;
    for (size_t i = 0; i < catalog->files.len; i++)
        if (has_row(catalog->files.items[i]))
            hosts->files[hosts->count++] = catalog->files.items[i];
    qsort(hosts->files, hosts->count, sizeof(struct ia_file *), by_path);
    return true;
}

/* False: where it lies is unknown. */
static bool place(const struct ia_shared_piece *piece, uint64_t volume, uint32_t file, struct ia_shared_run *run)
{
    *run = (struct ia_shared_run){.volume = volume, .physical = piece->physical, .length = piece->length, .file = file};
    return !piece->encoded || ia_shared_run_stretch(run);
}

static bool place_all(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++) {
        const struct ia_sharing *sharing = &hosts->files[i]->read->sharing;
        for (size_t p = 0; p < sharing->pieces.len; p++) {
            struct ia_shared_run run;
            if (place(&sharing->pieces.items[p], sharing->volume, (uint32_t)i, &run) && !ia_vec_push(&hosts->runs, run))
                return false;
        }
    }
    return true;
}

static enum ia_status compare(struct hosts *hosts, struct ia_error *err)
{
    if (!place_all(hosts))
        return ia_no_memory(err);
    enum ia_status status = ia_host_sharing(hosts->runs.items, hosts->runs.len, hosts->accounts, hosts->count, err);
    for (size_t i = 0; i < hosts->count && status == IA_OK; i++)
        hosts->members[hosts->accounts[i].group]++;
    return status;
}

static enum ia_status put_runs(struct ia_publish *publish, const struct ia_file *file, struct ia_error *err)
{
    for (size_t i = 0; i < file->read->sharing.pieces.len; i++) {
        const struct ia_shared_piece *piece = &file->read->sharing.pieces.items[i];
        struct ia_shared_run_row row = {.file_id = file->file_id,
                                        .start = piece->start,
                                        .length = piece->length,
                                        .volume = (int64_t)file->read->sharing.volume,
                                        .physical = piece->physical,
                                        .encoded = piece->encoded};
        IA_TRY(ia_writer_put_shared_run(publish->writer, &row, err));
    }
    return IA_OK;
}

static enum ia_status put_file(struct ia_publish *publish, const struct hosts *hosts, size_t number,
                               struct ia_error *err)
{
    const struct ia_file *file = hosts->files[number];
    const struct ia_sharing *sharing = &file->read->sharing;
    const struct ia_host_account *account = &hosts->accounts[number];
    bool grouped = hosts->members[account->group] > 1;
    struct ia_sharing_row row = {
        .file_id = file->file_id,
        .shared_bytes = sharing->known ? sharing->shared_bytes : -1,
        .encoded_bytes = sharing->encoded_bytes,
        /* What could not be placed has no partner that is known. */
        .unmatched_bytes = sharing->placed ? sharing->shared_bytes - account->bytes + account->unmatched : -1,
        .saved_bytes = account->bytes - account->counted,
        .group_id = grouped ? hosts->files[account->group]->file_id : 0,
    };
    IA_TRY(ia_writer_put_sharing(publish->writer, &row, err));
    return put_runs(publish, file, err);
}

/* All that the tables depend on, as one number. */
static int64_t fingerprint(const struct hosts *hosts)
{
    struct ia_fingerprint print = IA_FINGERPRINT_INIT;
    for (size_t i = 0; i < hosts->count; i++) {
        const struct ia_sharing *sharing = &hosts->files[i]->read->sharing;
        ia_fingerprint_int(&print, hosts->files[i]->file_id);
        ia_fingerprint_int(&print, sharing->known * 2 + sharing->placed);
        ia_fingerprint_int(&print, sharing->shared_bytes);
        ia_fingerprint_int(&print, sharing->encoded_bytes);
        ia_fingerprint_int(&print, (int64_t)sharing->volume);
        for (size_t p = 0; p < sharing->pieces.len; p++) {
            const struct ia_shared_piece *piece = &sharing->pieces.items[p];
            ia_fingerprint_int(&print, piece->start);
            ia_fingerprint_int(&print, piece->length);
            ia_fingerprint_int(&print, piece->physical);
            ia_fingerprint_int(&print, piece->encoded);
        }
    }
    return ia_fingerprint_value(&print);
}

static bool any_new_row(const struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (hosts->files[i]->new_row)
            return true;
    return false;
}

static enum ia_status put_all(struct ia_publish *publish, struct hosts *hosts, struct ia_error *err)
{
    IA_TRY(compare(hosts, err));
    IA_TRY(ia_writer_clear_sharing(publish->writer, err));
    for (size_t i = 0; i < hosts->count; i++)
        IA_TRY(put_file(publish, hosts, i, err));
    return IA_OK;
}

enum ia_status ia_publish_sharing(struct ia_publish *publish, struct ia_error *err)
{
    static const char key[] = "sharing";
    struct hosts hosts = {0};
    int64_t before = 0;
    enum ia_status status = gather(&hosts, publish->catalog) ? ia_writer_get_setting(publish->writer, key, &before, err)
                                                             : ia_no_memory(err);
    int64_t now = status == IA_OK ? fingerprint(&hosts) : 0;
    bool stale = now != before || any_new_row(&hosts);
    if (status == IA_OK && stale)
        status = put_all(publish, &hosts, err);
    if (status == IA_OK && stale)
        status = ia_writer_put_setting(publish->writer, key, now, err);
    free(hosts.files);
    free(hosts.accounts);
    free(hosts.members);
    ia_vec_release(&hosts.runs);
    return status;
}
