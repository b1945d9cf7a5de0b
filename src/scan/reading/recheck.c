/* SPDX-License-Identifier: MIT */
/* Who has unchanged files open, and what they share on the host: neither shows in their time stamps. The kernel's list
 * of locks has it of most of them at once; the others are opened. */

#include "base/cleanup.h"
#include "io/host_blocks.h"
#include "scan/reading/locks.h"
#include "scan/reading/reading.h"

struct device {
    int64_t dev;
    bool is_listed; /* files share no blocks, and the kernel lists all locks */
};

struct recheck {
    struct ia_reading *reading;
    bool have_list;
    struct ia_lock_list locked;
    IA_VEC(struct device) devices;
};

/* By one of its files, as it is open now: another file system may be mounted there since the walk. */
static bool lists_locks(const struct ia_reading *reading, const struct ia_file *file)
{
    struct stat st;
    struct ia_error cause;
    IA_AUTO_CLOSE int fd = -1;
    return ia_confine_open_again(&reading->catalog->confine, ia_file_path(file), &fd, &st, &cause) == IA_OK &&
           (int64_t)st.st_dev == file->key.dev && ia_host_lists_locks(fd) && !ia_host_can_share(fd);
}

static bool is_on_listed_device(struct recheck *recheck, const struct ia_file *file)
{
    for (size_t i = 0; i < recheck->devices.len; i++)
        if (recheck->devices.items[i].dev == file->key.dev)
            return recheck->devices.items[i].is_listed;
    struct device device = {.dev = file->key.dev, .is_listed = lists_locks(recheck->reading, file)};
    return ia_vec_push(&recheck->devices, device) && device.is_listed;
}

/* Nobody has it open, and it shares no blocks, as far as the list of locks is enough to be sure. */
static bool is_known_idle(struct recheck *recheck, const struct ia_file *file)
{
    return recheck->have_list && !file->block_device &&
           !ia_lock_list_has(&recheck->locked, (uint64_t)file->key.inode) && is_on_listed_device(recheck, file);
}

static enum ia_status recheck_file(struct recheck *recheck, size_t number, enum ia_recheck how, struct ia_error *err)
{
    const struct ia_parse_request request = {.lock_only = true};
    struct ia_file *file = recheck->reading->catalog->files.items[number];
    if (how == IA_RECHECK_NONE || file->read->sharing.asked)
        return IA_OK;
    if (how == IA_RECHECK_OPENED || !is_known_idle(recheck, file))
        return ia_reading_submit(recheck->reading, number, &request, err);
    file->read->lock = IA_LOCK_NONE;
    file->read->sharing = (struct ia_sharing){.asked = true, .known = true, .placed = true};
    return IA_OK;
}

enum ia_status ia_reading_recheck(struct ia_reading *reading, const enum ia_recheck *how, struct ia_error *err)
{
    struct recheck recheck = {.reading = reading};
    enum ia_status status = IA_OK;
    recheck.have_list = ia_lock_list_read(&recheck.locked);
    for (size_t i = 0; i < reading->catalog->files.len && status == IA_OK; i++)
        status = recheck_file(&recheck, i, how[i], err);
    if (status == IA_OK)
        status = ia_reading_drain(reading, err);
    ia_lock_list_release(&recheck.locked);
    ia_vec_release(&recheck.devices);
    return status;
}
