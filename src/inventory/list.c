/* SPDX-License-Identifier: MIT */
/* list:FILE and "-": one path a line, or each ended by a NUL where there is any; behind tabs the name of a machine and
 * a role. What a database of machines, Ansible or a query can print, on whatever system that runs. */
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/reader.h"

struct lines {
    struct ia_inventory *inventory;
    const char *place;
    bool has_nul; /* they are separated by NULs, and have paths of any bytes */
    bool has_any; /* that is not empty */
    size_t number;
    size_t unnamed; /* the machine of the lines that name none; SIZE_MAX: there is none yet */
    size_t last;    /* the machine of the line before */
};

/* Lines of one machine lie together as a rule; else it is there more than once, which does no harm. */
static struct ia_machine *machine_of(struct lines *lines, const char *name)
{
    struct ia_inventory *inventory = lines->inventory;
    bool is_named = name != NULL && name[0] != '\0';
    size_t *known = is_named ? &lines->last : &lines->unnamed;
    if (*known < inventory->machines.len && (!is_named || strcmp(inventory->machines.items[*known].name, name) == 0))
        return &inventory->machines.items[*known];
    *known = inventory->machines.len;
    return ia_inventory_add_machine(inventory, is_named ? IA_MACHINE_VM : IA_MACHINE_LIST,
                                    is_named ? name : lines->place, lines->place);
}

static char *cut(char *text)
{
    char *tab = text == NULL ? NULL : strchr(text, '\t');
    if (tab != NULL)
        *tab++ = '\0';
    return tab;
}

/* What was printed in columns of a fixed width has blanks behind its paths, which may be in them as well. */
static void claim(struct lines *lines, const char *name, enum ia_claim_role role, char *path)
{
    struct ia_machine *machine = machine_of(lines, name);
    size_t len = strlen(path);
    ia_inventory_add_claim(lines->inventory, machine, role, path);
    while (path[len - 1] == ' ') /* ends: the first byte is a slash */
        len--;
    if (lines->has_nul || path[len] == '\0')
        return;
    path[len] = '\0';
    struct ia_claim *trimmed = ia_inventory_add_claim(lines->inventory, machine, role, path);
    if (trimmed != NULL)
        trimmed->is_optional = true;
}

static void read_line(struct lines *lines, char *line)
{
    size_t len = strlen(line);
    if (!lines->has_nul && len > 0 && line[len - 1] == '\r')
        line[len - 1] = '\0';
    char *name = cut(line);
    char *word = cut(name);
    cut(word);
    enum ia_claim_role role =
        word == NULL || word[0] == '\0' ? IA_CLAIM_DISK : ia_claim_role_by_word(word, strlen(word));
    if (line[0] == '\0')
        return;
    lines->has_any = true;
    if (line[0] != '/')
        ia_inventory_add_problem(lines->inventory, lines->place, "line %zu: '%s' is no absolute path", lines->number,
                                 line);
    else if (role == IA_CLAIM_ROLES)
        ia_inventory_add_problem(lines->inventory, lines->place, "line %zu: '%s' is no role", lines->number, word);
    else
        claim(lines, name, role, line);
}

static void read_list(struct ia_inventory *inventory, const char *place)
{
    struct lines lines = {.inventory = inventory, .place = place, .unnamed = SIZE_MAX, .last = SIZE_MAX};
    IA_AUTO_BUF struct ia_buf text = {0};
    ia_inventory_add_source(inventory, ia_list_reader.kind, place, true);
    if (!ia_inventory_load_list(inventory, place, IA_INVENTORY_LIST_BYTES, &text))
        return;
    lines.has_nul = memchr(text.data, '\0', text.len) != NULL;
    char end = lines.has_nul ? '\0' : '\n';
    char *behind = text.data + text.len; /* a NUL */
    for (char *line = text.data; line < behind;) {
        char *stop = memchr(line, end, (size_t)(behind - line));
        if (stop == NULL)
            stop = behind;
        *stop = '\0';
        lines.number++;
        read_line(&lines, line);
        line = stop + 1;
    }
    if (!lines.has_any) /* what should have printed it has failed, or there was nobody to ask */
        ia_inventory_add_problem(inventory, place, "names no file");
}

/* And its directory: who keeps a list may put another in its place meanwhile. */
static void each_place(const char *place, void (*each)(void *ctx, const char *path), void *ctx)
{
    IA_AUTO_FREE char *directory = strndup(place, ia_path_directory_length(place));
    each(ctx, place);
    if (directory != NULL && strlen(directory) > 1)
        each(ctx, directory);
}

const struct ia_inventory_reader ia_list_reader = {.kind = "list", .each_place = each_place, .read = read_list};
