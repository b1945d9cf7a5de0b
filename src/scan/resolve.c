/* SPDX-License-Identifier: MIT */
/* Following what images name: backing files and data files, from each of an image's names. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "chain/reference.h"
#include "scan/internal.h"

/* Where a name leads. */
struct lead {
    const char *state; /* "followed", "missing", "outside", "denied", "loop", "not-a-file" */
    char *path;        /* owned */
    struct stat st;
};

static enum ia_status find_lead(const struct ia_scan *scan, const char *image_name, const char *path, struct lead *lead,
                                struct ia_error *err)
{
    struct ia_error cause = {0};
    IA_AUTO_FREE char *name = ia_reference_combine(image_name, path);
    if (name == NULL)
        return ia_fail(err, IA_NOMEM, "out of memory");
    enum ia_status resolved = ia_confine_resolve(&scan->confine, name, &lead->path, &cause);
    if (lead->path == NULL)
        lead->path = ia_steal_ptr(name);
    switch (resolved) {
    case IA_OK:
        if (stat(lead->path, &lead->st) != 0)
            lead->state = "denied";
        else
            lead->state = S_ISREG(lead->st.st_mode) || S_ISBLK(lead->st.st_mode) ? "followed" : "not-a-file";
        return IA_OK;
    case IA_REFUSED:
        lead->state = "outside";
        /* One more name of a file inside, by a hard link or mount, is that file. Looked at, never opened. */
        if (stat(lead->path, &lead->st) == 0 &&
            ia_inventory_find(&scan->inventory, (int64_t)lead->st.st_dev, (int64_t)lead->st.st_ino) != IA_NO_ITEM)
            lead->state = "followed";
        return IA_OK;
    case IA_MISSING:
        lead->state = "missing";
        return IA_OK;
    case IA_LOOP:
        lead->state = "loop";
        return IA_OK;
    case IA_NOMEM:
        return ia_fail(err, IA_NOMEM, "out of memory");
    default:
        lead->state = "denied";
        return IA_OK;
    }
}

/* Whether files that the walk did not meet may be added to the inventory, and so be read. */
enum reach { KNOWN_FILES, NEW_FILES };

/* The item that a followed lead ends at; it is new to the inventory if it lies in an --allow directory. With
 * KNOWN_FILES such a one is IA_NO_ITEM. */
static enum ia_status item_of(struct ia_scan *scan, const struct lead *lead, enum reach reach, size_t *number,
                              struct ia_error *err)
{
    *number = ia_inventory_find(&scan->inventory, (int64_t)lead->st.st_dev, (int64_t)lead->st.st_ino);
    if (*number != IA_NO_ITEM || reach == KNOWN_FILES)
        return IA_OK;
    enum ia_status status = ia_inventory_add(&scan->inventory, lead->path, &lead->st, false, number, err);
    if (status == IA_OK)
        ia_scan_match_late(scan, *number);
    return status;
}

static enum ia_status add_alias(struct ia_scan *scan, const char *kind, size_t image, size_t target, const char *name,
                                const char *path, struct ia_error *err)
{
    struct ia_alias alias = {
        .kind = kind, .image = image, .target = target, .name = strdup(name), .path = strdup(path)};
    if (alias.name != NULL && alias.path != NULL && ia_vec_push(&scan->aliases, alias))
        return IA_OK;
    free(alias.name);
    free(alias.path);
    return ia_fail(err, IA_NOMEM, "out of memory");
}

/* The first name of the image from which the reference can be followed decides; other names that lead elsewhere are
 * kept as aliases, so that what they lead to is never called unused. */
static enum ia_status follow(struct ia_scan *scan, size_t image, const char *path, enum reach reach, bool *deferred,
                             struct ia_error *err)
{
    size_t names = scan->inventory.items.items[image].names.len;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < names && status == IA_OK; i++) {
        struct lead lead = {0};
        const char *name = scan->inventory.items.items[image].names.items[i].path;
        status = find_lead(scan, name, path, &lead, err);
        bool followed = status == IA_OK && strcmp(lead.state, "followed") == 0;
        size_t target = IA_NO_ITEM;
        if (followed)
            status = item_of(scan, &lead, reach, &target, err);
        if (status == IA_OK && followed && target == IA_NO_ITEM) {
            *deferred = true;
            free(lead.path);
            return IA_OK;
        }
        struct ia_item *item = &scan->inventory.items.items[image]; /* the array may have moved */
        if (status == IA_OK && (item->backing_state == NULL || (followed && item->backing == IA_NO_ITEM))) {
            item->backing_state = lead.state;
            item->backing = item->backing_target = target;
            free(item->backing_path);
            item->backing_path = ia_steal_ptr(lead.path);
        } else if (status == IA_OK && followed && target != item->backing) {
            status = add_alias(scan, "alias", image, target, name, lead.path, err);
        }
        free(lead.path);
        if (path[0] == '/')
            break;
    }
    return status;
}

static enum ia_status state_format(struct ia_scan *scan, size_t image, const char *format, struct ia_error *err)
{
    const struct ia_item *item = &scan->inventory.items.items[image];
    struct ia_item *target = &scan->inventory.items.items[item->backing];
    target->is_referenced = true;
    if (target->referenced_by == IA_NO_ITEM)
        target->referenced_by = image;
    if (format == NULL)
        return IA_OK;
    if (target->stated_format == NULL) {
        target->stated_format = strdup(format);
        return target->stated_format != NULL ? IA_OK : ia_fail(err, IA_NOMEM, "out of memory");
    }
    if (strcmp(target->stated_format, format) != 0)
        ia_findings_add(&scan->findings, IA_FINDING_FORMAT_CONFLICT, ia_item_path(item),
                        "takes its backing file for %s, another image takes it for %s", format, target->stated_format);
    return IA_OK;
}

static enum ia_status resolve_backing(struct ia_scan *scan, size_t image, enum reach reach, bool *deferred,
                                      struct ia_error *err)
{
    const struct ia_image_facts *facts = &scan->inventory.items.items[image].parsed.facts;
    IA_AUTO_FREE char *stated = facts->backing_format == NULL ? NULL : strdup(facts->backing_format);
    struct ia_reference reference;
    enum ia_status status = ia_reference_parse(facts->backing_name, &reference, err);
    if (status != IA_OK)
        return status;
    if (reference.path != NULL)
        status = follow(scan, image, reference.path, reach, deferred, err);
    if (status != IA_OK || *deferred) {
        ia_reference_release(&reference);
        return status;
    }
    struct ia_item *item = &scan->inventory.items.items[image];
    bool stands_alone = reference.kind == IA_REFERENCE_UNSUPPORTED || (reference.bare_file && stated != NULL);
    if (reference.kind == IA_REFERENCE_REMOTE)
        item->backing_state = "remote";
    else if (stands_alone)
        item->backing_state = "unsupported";
    else if (reference.kind == IA_REFERENCE_WORKING_DIR)
        item->backing_state = "ambiguous";
    const char *format = stated != NULL ? stated : reference.format;
    if (item->backing != IA_NO_ITEM)
        status = state_format(scan, image, stands_alone ? NULL : format, err);
    ia_reference_release(&reference);
    return status;
}

/* The data file of an image that was taken over from the store. */
static enum ia_status resolve_data_file(struct ia_scan *scan, size_t image, struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[image];
    if (item->data_path == NULL && item->from_store && item->parsed.facts.data_file != NULL) {
        struct ia_reference reference;
        struct lead lead = {0};
        enum ia_status status = ia_reference_parse(item->parsed.facts.data_file, &reference, err);
        if (status != IA_OK)
            return status;
        item->data_ambiguous = reference.path == NULL || reference.path[0] != '/';
        if (reference.path != NULL)
            status = find_lead(scan, ia_item_path(item), reference.path, &lead, err);
        item->data_path = lead.path;
        if (status == IA_OK && lead.state != NULL && strcmp(lead.state, "followed") == 0)
            item->data_file = ia_inventory_find(&scan->inventory, (int64_t)lead.st.st_dev, (int64_t)lead.st.st_ino);
        ia_reference_release(&reference);
        if (status != IA_OK)
            return status;
        item->stale = item->data_file == IA_NO_ITEM || !scan->inventory.items.items[item->data_file].from_store;
    }
    if (item->data_file != IA_NO_ITEM)
        scan->inventory.items.items[item->data_file].is_part = true;
    return IA_OK;
}

/* A content that is used as raw, and looks like an image that names a file: nobody follows that, but who took it for
 * an image would need the file. */
static enum ia_status resolve_content(struct ia_scan *scan, size_t image, struct ia_error *err)
{
    const struct ia_item *item = &scan->inventory.items.items[image];
    struct ia_reference reference;
    struct lead lead = {0};
    enum ia_status status = ia_reference_parse(item->content_backing, &reference, err);
    if (status != IA_OK)
        return status;
    if (reference.path != NULL)
        status = find_lead(scan, ia_item_path(item), reference.path, &lead, err);
    if (status == IA_OK && lead.state != NULL && strcmp(lead.state, "followed") == 0) {
        size_t target = ia_inventory_find(&scan->inventory, (int64_t)lead.st.st_dev, (int64_t)lead.st.st_ino);
        if (target != IA_NO_ITEM)
            status = add_alias(scan, "content", image, target, item->content_backing, lead.path, err);
    }
    free(lead.path);
    ia_reference_release(&reference);
    return status;
}

static enum ia_status resolve_item(struct ia_scan *scan, size_t number, enum reach reach, struct ia_error *err)
{
    struct ia_item *item = &scan->inventory.items.items[number];
    bool deferred = false;
    enum ia_status status = IA_OK;
    item->resolved = true;
    item->backing = item->backing_target = IA_NO_ITEM;
    item->backing_state = NULL;
    if (item->parsed.facts.backing_name != NULL)
        status = resolve_backing(scan, number, reach, &deferred, err);
    item = &scan->inventory.items.items[number]; /* the array may have moved */
    item->resolved = !deferred;
    if (status != IA_OK || deferred)
        return status;
    status = resolve_data_file(scan, number, err);
    if (status == IA_OK && item->content_backing != NULL)
        status = resolve_content(scan, number, err);
    return status;
}

/* An overlay says that it is something else than its content looks like: the content has no say in what is opened. */
static bool is_doubted(const struct ia_item *item)
{
    return item->stated_format != NULL && strcmp(item->stated_format, item->parsed.format) != 0 && !item->reread;
}

/* References among files that the walk met come first, so that every format that is stated is known before a file that
 * only a reference names is read. */
enum ia_status ia_scan_resolve(struct ia_scan *scan, struct ia_error *err)
{
    enum ia_status status = IA_OK;
    size_t count = scan->inventory.items.len; /* what is added is resolved in the next round, after it was read */
    for (enum reach reach = KNOWN_FILES; reach <= NEW_FILES; reach++) {
        for (size_t i = 0; i < count && status == IA_OK; i++) {
            const struct ia_item *item = &scan->inventory.items.items[i];
            bool readable = ia_item_is_image(item) && item->has_parsed;
            if (readable && !item->resolved && !(reach == NEW_FILES && is_doubted(item)))
                status = resolve_item(scan, i, reach, err);
        }
    }
    return status;
}
