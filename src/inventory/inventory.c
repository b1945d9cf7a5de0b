/* SPDX-License-Identifier: MIT */
/* Machines and claims: their words, and how readers add them. */
#include "inventory/inventory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "inventory/reader.h"

const char *ia_machine_kind_word(enum ia_machine_kind kind)
{
    static const char *const words[IA_MACHINE_KINDS] = {"vm", "container", "template", "storage", "list"};
    return words[kind];
}

const char *ia_machine_state_word(enum ia_machine_state state)
{
    static const char *const words[IA_MACHINE_STATES] = {"unknown", "running", "paused", "off"};
    return words[state];
}

static const char *const role_words[IA_CLAIM_ROLES] = {"disk",     "restore-point", "template", "cdrom", "floppy",
                                                       "firmware", "backing",       "unused",   "other"};

const char *ia_claim_role_word(enum ia_claim_role role)
{
    return role_words[role];
}

enum ia_claim_role ia_claim_role_by_word(const char *word, size_t len)
{
    enum ia_claim_role role = IA_CLAIM_DISK;
    while (role < IA_CLAIM_ROLES && (strlen(role_words[role]) != len || memcmp(role_words[role], word, len) != 0))
        role++;
    return role;
}

static void release_machine(struct ia_machine *machine)
{
    for (size_t i = 0; i < machine->claims.len; i++) {
        free(machine->claims.items[i].path);
        free(machine->claims.items[i].format);
    }
    ia_vec_release(&machine->claims);
    free(machine->name);
    free(machine->uuid);
    free(machine->defined_in);
}

static void release_service(struct ia_inventory_service *service)
{
    free(service->host);
    free(service->name);
    free(service->defined_in);
}

void ia_inventory_release(struct ia_inventory *inventory)
{
    for (size_t i = 0; i < inventory->machines.len; i++)
        release_machine(&inventory->machines.items[i]);
    ia_vec_release(&inventory->machines);
    for (size_t i = 0; i < inventory->sources.len; i++)
        free(inventory->sources.items[i].place);
    ia_vec_release(&inventory->sources);
    for (size_t i = 0; i < inventory->problems.len; i++) {
        free(inventory->problems.items[i].path);
        free(inventory->problems.items[i].detail);
    }
    ia_vec_release(&inventory->problems);
    for (size_t i = 0; i < inventory->pools.len; i++) {
        free(inventory->pools.items[i].name);
        free(inventory->pools.items[i].path);
        free(inventory->pools.items[i].defined_in);
    }
    ia_vec_release(&inventory->pools);
    for (size_t i = 0; i < inventory->services.len; i++)
        release_service(&inventory->services.items[i]);
    ia_vec_release(&inventory->services);
    *inventory = (struct ia_inventory){0};
}

/* A copy of a text; NULL where memory is out, which sticks. */
static char *copy(struct ia_inventory *inventory, const char *text)
{
    char *made = strdup(text);
    inventory->failed = inventory->failed || made == NULL;
    return made;
}

void ia_inventory_add_source(struct ia_inventory *inventory, const char *kind, const char *place, bool is_of_host)
{
    struct ia_inventory_source source = {.kind = kind, .place = copy(inventory, place), .is_of_host = is_of_host};
    if (source.place != NULL && ia_vec_push(&inventory->sources, source))
        return;
    free(source.place);
    inventory->failed = true;
}

struct ia_machine *ia_inventory_add_machine(struct ia_inventory *inventory, enum ia_machine_kind kind, const char *name,
                                            const char *defined_in)
{
    struct ia_machine machine = {
        .kind = kind, .name = copy(inventory, name), .defined_in = copy(inventory, defined_in)};
    machine.defined_ns = inventory->loaded_ns;
    machine.source = inventory->sources.len > 0 ? inventory->sources.len - 1 : 0;
    if (machine.name != NULL && machine.defined_in != NULL && ia_vec_push(&inventory->machines, machine))
        return &inventory->machines.items[inventory->machines.len - 1];
    release_machine(&machine);
    inventory->failed = true;
    return NULL;
}

void ia_inventory_set_uuid(struct ia_inventory *inventory, struct ia_machine *machine, const char *uuid)
{
    if (machine == NULL || uuid == NULL)
        return;
    free(machine->uuid);
    machine->uuid = copy(inventory, uuid);
}

struct ia_claim *ia_inventory_add_claim(struct ia_inventory *inventory, struct ia_machine *machine,
                                        enum ia_claim_role role, const char *path)
{
    if (machine == NULL)
        return NULL;
    struct ia_claim claim = {.path = copy(inventory, path), .role = role};
    if (claim.path != NULL && ia_vec_push(&machine->claims, claim))
        return &machine->claims.items[machine->claims.len - 1];
    free(claim.path);
    inventory->failed = true;
    return NULL;
}

struct ia_claim *ia_inventory_add_claim_beside(struct ia_inventory *inventory, struct ia_machine *machine,
                                               enum ia_claim_role role, const char *from, const char *path)
{
    if (path[0] == '/')
        return ia_inventory_add_claim(inventory, machine, role, path);
    IA_AUTO_BUF struct ia_buf whole = {0};
    ia_buf_add(&whole, from, ia_path_directory_length(from));
    ia_buf_add_str(&whole, path);
    inventory->failed = inventory->failed || whole.failed;
    return whole.failed ? NULL : ia_inventory_add_claim(inventory, machine, role, whole.data);
}

void ia_inventory_set_format(struct ia_inventory *inventory, struct ia_claim *claim, const char *format)
{
    if (claim == NULL || format == NULL)
        return;
    free(claim->format);
    claim->format = copy(inventory, format);
}

void ia_inventory_add_problem(struct ia_inventory *inventory, const char *path, const char *format, ...)
{
    struct ia_inventory_problem problem = {.path = copy(inventory, path)};
    va_list args;
    va_start(args, format);
    if (vasprintf(&problem.detail, format, args) < 0)
        problem.detail = NULL;
    va_end(args);
    if (problem.path != NULL && problem.detail != NULL && ia_vec_push(&inventory->problems, problem))
        return;
    free(problem.path);
    free(problem.detail);
    inventory->failed = true;
}

void ia_inventory_add_pool(struct ia_inventory *inventory, const char *name, const char *path, const char *defined_in)
{
    struct ia_inventory_pool pool = {copy(inventory, name), copy(inventory, path), copy(inventory, defined_in)};
    if (pool.name != NULL && pool.path != NULL && pool.defined_in != NULL && ia_vec_push(&inventory->pools, pool))
        return;
    free(pool.name);
    free(pool.path);
    free(pool.defined_in);
    inventory->failed = true;
}

void ia_inventory_add_service(struct ia_inventory *inventory, size_t machine, enum ia_claim_role role, const char *host,
                              const char *name, const char *defined_in)
{
    struct ia_inventory_service service = {.machine = machine,
                                           .role = role,
                                           .host = host == NULL ? NULL : copy(inventory, host),
                                           .name = copy(inventory, name),
                                           .defined_in = copy(inventory, defined_in)};
    if ((service.host != NULL || host == NULL) && service.name != NULL && service.defined_in != NULL &&
        ia_vec_push(&inventory->services, service))
        return;
    release_service(&service);
    inventory->failed = true;
}

enum ia_status ia_inventory_settle_service(struct ia_inventory *inventory, const struct ia_inventory_service *service,
                                           bool is_own, struct ia_error *err)
{
    if (is_own) {
        ia_inventory_add_problem(inventory, service->defined_in,
                                 "'%s' is handed out by this host: what file that is, is unknown", service->name);
    } else {
        struct ia_claim *claim = ia_inventory_add_claim(inventory, &inventory->machines.items[service->machine],
                                                        service->role, service->name);
        if (claim != NULL)
            claim->is_optional = true;
    }
    return inventory->failed ? ia_no_memory(err) : IA_OK;
}
