/* SPDX-License-Identifier: MIT */
/* Who holds unchanged files open, and what they share on the host: neither shows in their time stamps. The kernel's
 * list of locks tells it of most of them at once; the others are opened. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "io/host_blocks.h"
#include "scan/internal.h"
#include "scan/locks.h"

struct device {
    int64_t dev;
    bool tells; /* files share no blocks, and the kernel lists all locks */
};

struct look {
    struct ia_scan *scan;
    bool have_list;
    struct ia_lock_list locked;
    IA_VEC(struct device) devices;
    IA_VEC(size_t) opened; /* items that have to be */
};

/* By one of its files, as it is open now: another file system may be mounted there since the walk. */
static bool ask_device(const struct ia_scan *scan, const struct ia_item *item)
{
    struct stat st;
    struct ia_error cause;
    IA_AUTO_CLOSE int fd = -1;
    return ia_confine_open_again(&scan->confine, ia_item_path(item), &fd, &st, &cause) == IA_OK &&
           (int64_t)st.st_dev == item->key.dev && ia_host_lists_locks(fd) && !ia_host_can_share(fd);
}

static bool device_tells(struct look *look, const struct ia_item *item)
{
    for (size_t i = 0; i < look->devices.len; i++)
        if (look->devices.items[i].dev == item->key.dev)
            return look->devices.items[i].tells;
    struct device device = {.dev = item->key.dev, .tells = ask_device(look->scan, item)};
    return ia_vec_push(&look->devices, device) && device.tells;
}

/* Images that a report may call unused are asked themselves, whatever the list says. */
static bool is_told(struct look *look, const struct ia_item *item)
{
    return look->have_list && !item->block_device && !ia_lock_list_has(&look->locked, (uint64_t)item->key.inode) &&
           !ia_scan_may_be_base(look->scan, item) && device_tells(look, item);
}

enum ia_status ia_scan_look(struct ia_scan *scan, struct ia_error *err)
{
    struct look look = {.scan = scan};
    enum ia_status status = IA_OK;
    look.have_list = ia_lock_list_read(&look.locked);
    for (size_t i = 0; i < scan->inventory.items.len && status == IA_OK; i++) {
        struct ia_item *item = &scan->inventory.items.items[i];
        if ((!ia_item_is_image(item) && !item->is_part) || item->sharing.asked)
            continue;
        if (is_told(&look, item)) {
            item->lock_state = "none";
            item->sharing = (struct ia_sharing){.asked = true, .known = true, .placed = true};
        } else if (!ia_vec_push(&look.opened, i)) {
            status = ia_fail(err, IA_NOMEM, "out of memory");
        }
    }
    if (status == IA_OK)
        status = ia_scan_look_again(scan, look.opened.items, look.opened.len, err);
    ia_lock_list_release(&look.locked);
    ia_vec_release(&look.devices);
    ia_vec_release(&look.opened);
    return status;
}
