/* SPDX-License-Identifier: MIT */
#include "inventory/places.h"

#include <ctype.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"

struct ia_place_component ia_place_component(const char *path, int number)
{
    const char *end = path + strlen(path);
    const char *start = end;
    for (;; number--) { /* ends: number becomes less, or the path has no more components */
        while (start > path && start[-1] != '/')
            start--;
        if (number == 0)
            return (struct ia_place_component){start, (size_t)(end - start)};
        if (start == path)
            return (struct ia_place_component){path, 0};
        end = --start;
    }
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

/* How many bytes what is of fixed length in a form takes. */
static size_t length_of(const char *form)
{
    size_t len = 0;
    for (; *form != '\0'; form++)
        len += *form == 'U' ? 36 : 1;
    return len;
}

static size_t run(const char *text, size_t len, bool hex)
{
    size_t many = 0;
    while (many < len && (hex ? is_hex(text[many]) : isdigit((unsigned char)text[many])))
        many++;
    return many;
}

static bool matches(struct ia_place_component component, const char *glob)
{
    char name[256]; /* no file system has longer ones */
    if (component.len >= sizeof(name))
        return false;
    memcpy(name, component.text, component.len);
    name[component.len] = '\0';
    return fnmatch(glob, name, 0) == 0;
}

bool ia_place_has_form(struct ia_place_component component, const char *form)
{
    if (form[0] == '?')
        return matches(component, form + 1);
    if (form[0] == '~')
        return memmem(component.text, component.len, form + 1, strlen(form) - 2) != NULL;
    const char *text = component.text;
    size_t left = component.len;
    for (; *form != '\0'; form++) {
        size_t rest = length_of(form + 1);
        size_t taken = 1;
        if (*form == '*')
            taken = left > rest ? left - rest : 0;
        else if (*form == '#' || *form == 'H')
            taken = run(text, left, *form == 'H');
        else if (*form == 'U')
            taken = left >= 36 && is_uuid(text) ? 36 : 0;
        else if (left == 0 || *text != *form)
            return false;
        if (taken == 0)
            return false;
        text += taken;
        left -= taken;
    }
    return left == 0;
}

/* The forms are those up to `end`. */
static bool has_forms(const char *path, const char *forms, const char *end)
{
    for (int number = 0; end > forms; number++) {
        const char *start = end;
        while (start > forms && start[-1] != '/')
            start--;
        char form[64];
        size_t len = (size_t)(end - start);
        if (len >= sizeof(form))
            return false;
        memcpy(form, start, len);
        form[len] = '\0';
        if (!ia_place_has_form(ia_place_component(path, number), form))
            return false;
        end = start > forms ? start - 1 : forms;
    }
    return true;
}

/* Most files are in no place: their last byte is enough to see that. */
static bool may_end(char form, char last)
{
    if (form == '*')
        return true;
    if (form == '#')
        return isdigit((unsigned char)last);
    return form == 'H' || form == 'U' ? isxdigit((unsigned char)last) : form == last;
}

static const char *last_form(const struct ia_place *place)
{
    const char *slash = strrchr(place->forms, '/');
    return slash != NULL ? slash + 1 : place->forms;
}

bool ia_place_name_has(const char *name, const char *form)
{
    size_t len = strlen(name);
    return len > 0 && may_end(form[strlen(form) - 1], name[len - 1]) &&
           ia_place_has_form((struct ia_place_component){name, len}, form);
}

const char *ia_place_form_in(const struct ia_place *place, const char *directory)
{
    const char *form = last_form(place);
    return form == place->forms || has_forms(directory, place->forms, form - 1) ? form : NULL;
}

const struct ia_place *ia_place_of(const struct ia_place *places, size_t count, const char *path)
{
    const char *name = ia_path_name(path);
    for (size_t i = 0; i < count; i++)
        if (ia_place_name_has(name, last_form(&places[i])) &&
            has_forms(path, places[i].forms, places[i].forms + strlen(places[i].forms)))
            return &places[i];
    return NULL;
}

static struct ia_machine *machine_of(struct ia_inventory *inventory, const struct ia_place *place, const char *name,
                                     const char *directory)
{
    struct ia_machine *last =
        inventory->machines.len > 0 ? &inventory->machines.items[inventory->machines.len - 1] : NULL;
    if (last != NULL && last->source + 1 == inventory->sources.len && last->kind == place->kind &&
        strcmp(last->defined_in, directory) == 0 && strcmp(last->name, name) == 0)
        return last;
    return ia_inventory_add_machine(inventory, place->kind, name, directory);
}

struct ia_claim *ia_place_claim(struct ia_inventory *inventory, const struct ia_place *place, const char *path)
{
    struct ia_place_component component = ia_place_component(path, place->machine);
    IA_AUTO_BUF struct ia_buf name = {0};
    IA_AUTO_BUF struct ia_buf directory = {0};
    ia_buf_add_str(&name, place->named);
    ia_buf_add(&name, component.text, component.len);
    ia_buf_add(&directory, path, (size_t)(component.text + component.len - path));
    if (name.failed || directory.failed) {
        inventory->failed = true;
        return NULL;
    }
    struct ia_machine *machine = machine_of(inventory, place, name.data, directory.data);
    struct ia_claim *claim = ia_inventory_add_claim(inventory, machine, place->role, path);
    ia_inventory_set_format(inventory, claim, place->format);
    return claim;
}
