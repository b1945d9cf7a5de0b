/* SPDX-License-Identifier: MIT */
/* The readers that there are, and the words that ask for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/places.h"
#include "inventory/reader.h"

static const struct ia_inventory_reader *const readers[] = {&ia_libvirt_reader, &ia_list_reader, &ia_proxmox_reader};
static const struct ia_beside_reader *const beside[] = {
    &ia_vmware_reader,    &ia_virtualbox_reader, &ia_opennebula_reader, &ia_nova_reader,
    &ia_glance_reader,    &ia_cinder_reader,     &ia_cloudstack_reader, &ia_longhorn_reader,
    &ia_ovirt_reader,     &ia_ganeti_reader,     &ia_vagrant_reader,    &ia_lima_reader,
    &ia_multipass_reader, &ia_incus_reader,      &ia_minikube_reader,   &ia_android_reader};
enum { READERS = sizeof(readers) / sizeof(readers[0]), BESIDE = sizeof(beside) / sizeof(beside[0]) };

/* The reader of a source's word, and the place behind its colon, or where it is as a rule. */
static const struct ia_inventory_reader *find(const char *source, const char **place)
{
    size_t len = strcspn(source, ":");
    for (size_t i = 0; i < READERS; i++) {
        if (strlen(readers[i]->kind) != len || memcmp(readers[i]->kind, source, len) != 0)
            continue;
        *place = source[len] == ':' ? source + len + 1 : readers[i]->place;
        return *place != NULL && (*place)[0] != '\0' ? readers[i] : NULL;
    }
    return NULL;
}

enum ia_status ia_inventory_check(const char *source, struct ia_error *err)
{
    const char *place;
    if (strcmp(source, "auto") == 0 || strcmp(source, "none") == 0 || strcmp(source, "-") == 0 ||
        find(source, &place) != NULL)
        return IA_OK;
    IA_AUTO_BUF struct ia_buf known = {0};
    for (size_t i = 0; i < READERS; i++)
        ia_buf_addf(&known, ", %s%s", readers[i]->kind, readers[i]->place != NULL ? "[:DIR]" : ":FILE");
    return known.failed
               ? ia_no_memory(err)
               : ia_fail(err, IA_USAGE, "unknown inventory '%s': there are auto, none, -%s", source, known.data);
}

enum ia_status ia_inventory_read(struct ia_inventory *inventory, const char *source, struct ia_error *err)
{
    const char *place = NULL;
    IA_TRY(ia_inventory_check(source, err));
    const struct ia_inventory_reader *reader = strcmp(source, "-") == 0 ? &ia_list_reader : find(source, &place);
    if (reader != NULL)
        reader->read(inventory, place != NULL ? place : "-");
    for (size_t i = 0; i < READERS && strcmp(source, "auto") == 0; i++)
        if (readers[i]->is_there != NULL && readers[i]->is_there(readers[i]->place))
            readers[i]->read(inventory, readers[i]->place);
    return inventory->failed ? ia_no_memory(err) : IA_OK;
}

char *ia_inventory_at_home(const char *source)
{
    const char *place = NULL;
    const struct ia_inventory_reader *reader = find(source, &place);
    IA_AUTO_FREE char *whole = reader != NULL && reader->at_home != NULL ? reader->at_home(place) : NULL;
    char *out = NULL;
    if (whole == NULL)
        return strdup(source);
    return asprintf(&out, "%s:%s", reader->kind, whole) < 0 ? NULL : out;
}

static void each_place_of(const struct ia_inventory_reader *reader, const char *place,
                          void (*each)(void *ctx, const char *path), void *ctx)
{
    if (reader->each_place != NULL)
        reader->each_place(place, each, ctx);
    else
        each(ctx, place);
}

void ia_inventory_each_place(const char *source, void (*each)(void *ctx, const char *path), void *ctx)
{
    const char *place = NULL;
    const struct ia_inventory_reader *reader = find(source, &place);
    if (reader != NULL)
        each_place_of(reader, place, each, ctx);
    for (size_t i = 0; i < READERS && strcmp(source, "auto") == 0; i++)
        if (readers[i]->is_there != NULL)
            each_place_of(readers[i], readers[i]->place, each, ctx);
}

static const struct ia_beside_reader *beside_reader(const char *path)
{
    for (size_t i = 0; i < BESIDE; i++)
        if (beside[i]->takes != NULL ? beside[i]->takes(path)
                                     : ia_place_of(beside[i]->places, beside[i]->place_count, path) != NULL)
            return beside[i];
    return NULL;
}

/* The rules that files of the directory may meet, in the order of the readers. */
static bool choose_rules(struct ia_beside_walk *walk)
{
    walk->rules.len = 0;
    for (size_t i = 0; i < BESIDE; i++) {
        const struct ia_beside_reader *reader = beside[i];
        if (reader->takes != NULL && !ia_vec_push(&walk->rules, ((struct ia_beside_rule){reader, NULL})))
            return false;
        for (size_t j = 0; j < reader->place_count && reader->takes == NULL; j++) {
            struct ia_beside_rule rule = {reader, ia_place_form_in(&reader->places[j], walk->directory)};
            if (rule.form != NULL && !ia_vec_push(&walk->rules, rule))
                return false;
        }
    }
    return true;
}

/* Files of a directory come together as a rule. */
static bool enter(struct ia_beside_walk *walk, const char *path)
{
    size_t len = ia_path_directory_length(path);
    size_t bare = len > 1 ? len - 1 : len;
    if (walk->directory != NULL && walk->len == len && memcmp(walk->directory, path, bare) == 0)
        return true;
    free(walk->directory);
    walk->directory = strndup(path, bare);
    walk->len = len;
    if (walk->directory == NULL)
        return false;
    if (choose_rules(walk))
        return true;
    free(walk->directory);
    walk->directory = NULL;
    return false;
}

static bool meets(const struct ia_beside_rule *rule, const char *path, const char *name)
{
    return rule->form != NULL ? ia_place_name_has(name, rule->form) : rule->reader->takes(path);
}

void ia_beside_walk_release(struct ia_beside_walk *walk)
{
    free(walk->directory);
    ia_vec_release(&walk->rules);
    *walk = (struct ia_beside_walk){0};
}

/* A link that is another name of such a file beside it is nothing more than that. */
static bool is_same_beside(const struct ia_beside_reader *reader, const char *path)
{
    IA_AUTO_FREE char *target = realpath(path, NULL);
    IA_AUTO_FREE char *named = strndup(path, ia_path_directory_length(path));
    IA_AUTO_FREE char *directory = named == NULL ? NULL : realpath(named, NULL);
    const char *below = target == NULL || directory == NULL ? NULL : ia_path_below(target, directory);
    return below != NULL && strchr(below, '/') == NULL && beside_reader(target) == reader;
}

bool ia_inventory_is_beside(struct ia_beside_walk *walk, const char *path, bool is_link)
{
    const struct ia_beside_reader *reader = NULL;
    if (!enter(walk, path))
        reader = beside_reader(path); /* without memory it only takes longer */
    for (size_t i = 0; walk->directory != NULL && reader == NULL && i < walk->rules.len; i++)
        if (meets(&walk->rules.items[i], path, path + walk->len))
            reader = walk->rules.items[i].reader;
    return reader != NULL && (reader->by_name || !is_link || !is_same_beside(reader, path));
}

static void add_source(struct ia_inventory *inventory, const struct ia_beside_reader *reader, const char *path)
{
    size_t count = inventory->sources.len;
    if (reader->by_name && count > 0 && inventory->sources.items[count - 1].kind == reader->kind)
        return;
    ia_inventory_add_source(inventory, reader->kind, path, false);
    if (inventory->sources.len > count)
        inventory->sources.items[count].formats = reader->formats;
}

/* A link is not followed: whoever may write to the directory made it. */
static void read_link(struct ia_inventory *inventory, const char *path)
{
    IA_AUTO_FREE char *target = realpath(path, NULL);
    if (target == NULL)
        ia_inventory_add_problem(inventory, path, "a symbolic link that leads nowhere");
    else
        ia_inventory_add_problem(inventory, path, "a symbolic link to '%s', which is not followed", target);
}

static bool is_link(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

void ia_inventory_read_beside(struct ia_inventory *inventory, const char *path)
{
    const struct ia_beside_reader *reader = beside_reader(path);
    IA_AUTO_BUF struct ia_buf text = {0};
    if (reader == NULL)
        return;
    if (!reader->by_name && is_link(path)) {
        read_link(inventory, path);
        return;
    }
    add_source(inventory, reader, path);
    inventory->loaded_ns = 0;
    if (reader->read == NULL)
        ia_place_claim(inventory, ia_place_of(reader->places, reader->place_count, path), path);
    else if (reader->by_name || ia_inventory_load(inventory, path, IA_INVENTORY_FILE_BYTES, &text))
        reader->read(inventory, path, text.data, text.len);
}
