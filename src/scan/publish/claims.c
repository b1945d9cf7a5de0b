/* SPDX-License-Identifier: MIT */
/* Writing inventories, machines and claims: all anew, as there are few. */
#include "scan/publish/publish.h"

static enum ia_status put_sources(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_inventory *inventory = &publish->links->claims.inventory;
    for (size_t i = 0; i < inventory->sources.len; i++) {
        const struct ia_inventory_source *source = &inventory->sources.items[i];
        struct ia_inventory_row row = {.number = (int64_t)i + 1,
                                       .source = source->kind,
                                       .place = source->place,
                                       .is_of_host = source->is_of_host,
                                       .formats = source->formats,
                                       .newest_ns = source->newest_ns};
        IA_TRY(ia_writer_put_inventory(publish->writer, &row, err));
    }
    return IA_OK;
}

static enum ia_status put_machines(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_inventory *inventory = &publish->links->claims.inventory;
    for (size_t i = 0; i < inventory->machines.len; i++) {
        const struct ia_machine *machine = &inventory->machines.items[i];
        struct ia_machine_row row = {.machine_id = (int64_t)i + 1,
                                     .inventory = (int64_t)machine->source + 1,
                                     .kind = ia_machine_kind_word(machine->kind),
                                     .name = machine->name,
                                     .uuid = machine->uuid,
                                     .state = ia_machine_state_word(machine->state),
                                     .defined_in = machine->defined_in,
                                     .defined_ns = machine->defined_ns};
        IA_TRY(ia_writer_put_machine(publish->writer, &row, err));
    }
    return IA_OK;
}

/* What the file is based on, as far as that is known. */
static int64_t base_of(const struct ia_publish *publish, const struct ia_claim_target *target)
{
    struct ia_file *const *files = publish->catalog->files.items;
    if (target->file == IA_NO_FILE)
        return target->base_id;
    const struct ia_node *node = files[target->file]->node;
    if (node->backing != IA_NO_FILE)
        return files[node->backing]->file_id;
    return node->base_id > 0 ? node->base_id : 0;
}

static enum ia_status put_claim(struct ia_publish *publish, const struct ia_claim_target *target, struct ia_error *err)
{
    const struct ia_claims *claims = &publish->links->claims;
    const struct ia_claim *claim = ia_claim_of(claims, target);
    int64_t file_id = target->file == IA_NO_FILE ? 0 : publish->catalog->files.items[target->file]->file_id;
    struct ia_claim_row row = {
        .machine_id = (int64_t)target->machine + 1,
        .number = (int64_t)target->claim,
        .path = claim->path,
        .format = claim->format,
        .role = ia_claim_role_word(claim->role),
        .read_only = claim->read_only,
        .shareable = claim->shareable,
        .transient = claim->transient,
        .state = ia_claim_state_word(target->state),
        .target = target->path,
        .file_id = file_id,
        .before_id = file_id != 0 ? file_id : target->before_id,
        .base_id = base_of(publish, target),
        .was_outside = target->was_outside,
        .is_directory = claim->is_directory,
    };
    return ia_writer_put_claim(publish->writer, &row, err);
}

enum ia_status ia_publish_claims(struct ia_publish *publish, struct ia_error *err)
{
    const struct ia_claims *claims = &publish->links->claims;
    IA_TRY(ia_writer_clear_inventories(publish->writer, err));
    IA_TRY(put_sources(publish, err));
    IA_TRY(put_machines(publish, err));
    for (size_t i = 0; i < claims->all.len; i++)
        IA_TRY(put_claim(publish, &claims->all.items[i], err));
    return IA_OK;
}
