/* SPDX-License-Identifier: MIT */
/* Opening an image and everything behind it. */
#include "chain/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "chain/described.h"
#include "chain/parent.h"
#include "chain/resolve.h"

static void release_layer(struct ia_layer *layer)
{
    ia_image_close(layer->image);
    free(layer->name);
    for (size_t i = 0; i < layer->part_names.len; i++)
        free(layer->part_names.items[i]);
    ia_vec_release(&layer->part_names);
    free(layer->warning);
}

void ia_chain_release(struct ia_chain *chain)
{
    for (size_t i = 0; i < chain->layers.len; i++)
        release_layer(&chain->layers.items[i]);
    ia_vec_release(&chain->layers);
}

enum ia_status ia_chain_probe(struct ia_source *source, const char *name, const struct ia_format **out,
                              struct ia_error *err)
{
    uint8_t head[IA_PROBE_BYTES] = {0};
    size_t len = (size_t)ia_min(source->size, sizeof(head));
    enum ia_status status = ia_source_read(source, 0, head, len, "the first bytes", err);
    if (status != IA_OK)
        return status;
    const struct ia_format *format = ia_format_probe(head, len > 0 ? sizeof(head) : 0, name);
    *out = format != NULL ? format : ia_format_by_name("raw");
    return IA_OK;
}

/* A file that is to be opened as a layer. */
struct wanted {
    struct ia_resolved *file;
    const char *format;               /* NULL: by content */
    const struct ia_reference *slice; /* NULL: all of the file */
};

/* As QEMU opens a chain from our working directory. */
static struct ia_resolve_rules rules_of(const struct ia_chain_options *options)
{
    return (struct ia_resolve_rules){.confine = options->confine, .from_working_dir = true, .take_slices = true};
}

/* Puts the image's name before a cause that names nothing. */
static enum ia_status blame(struct ia_error *err, const char *name)
{
    struct ia_error cause = *err;
    if (strchr(cause.message, '\'') != NULL)
        return cause.status;
    return ia_fail(err, cause.status, "'%s': %s", name, cause.message);
}

static enum ia_status attach_part(struct ia_layer *layer, size_t number, const struct ia_chain_options *options,
                                  struct ia_error *err)
{
    const struct ia_resolve_rules rules = rules_of(options);
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    struct ia_source *source = NULL;
    enum ia_status status = ia_resolve_part(&rules, layer->name, &layer->image->facts.parts.items[number], &file, err);
    if (status == IA_OK)
        status = ia_resolved_open(options->confine, &file, &source, err);
    if (status == IA_OK)
        status = ia_image_attach(layer->image, number, source, err);
    if (status != IA_OK) {
        ia_source_close(source);
        return status;
    }
    if (!ia_vec_push(&layer->part_names, file.named))
        return ia_no_memory(err);
    file.named = NULL;
    return IA_OK;
}

static enum ia_status attach_parts(struct ia_layer *layer, const struct ia_chain_options *options, struct ia_error *err)
{
    for (size_t i = 0; i < layer->image->facts.parts.len; i++)
        IA_TRY(attach_part(layer, i, options, err));
    return ia_image_assemble(layer->image, err);
}

/* By the name that was given, or by that of the file, which it is opened by then: what it is made on lies beside that
 * one. NULL: no file beside it describes it. */
static enum ia_status find_description(struct ia_resolved *file, const struct ia_format **out, struct ia_error *err)
{
    *out = ia_described_format(file->named);
    if (*out != NULL || (*out = ia_described_format(file->path)) == NULL)
        return IA_OK;
    free(file->named);
    file->named = strdup(file->path);
    return file->named != NULL ? IA_OK : ia_no_memory(err);
}

static enum ia_status find_format(struct ia_source *source, struct ia_resolved *file, const char *stated,
                                  const struct ia_format **out, struct ia_error *err)
{
    *out = NULL;
    if (stated == NULL)
        IA_TRY(find_description(file, out, err));
    if (stated == NULL)
        return *out != NULL ? IA_OK : ia_chain_probe(source, file->named, out, err);
    *out = ia_format_by_name(stated);
    return *out != NULL ? IA_OK : ia_fail(err, IA_UNSUPPORTED, "unknown format '%s'", stated);
}

static enum ia_status cut_slice(const struct ia_reference *slice, struct ia_source **source, struct ia_error *err)
{
    return ia_source_open_slice(*source, slice->slice_offset, slice->slice_size, source, err);
}

/* Opens one layer; takes its name out of wanted->file. */
static enum ia_status open_layer(const struct wanted *wanted, const struct ia_chain_options *options,
                                 struct ia_layer *layer, struct ia_error *err)
{
    struct ia_resolved *file = wanted->file;
    struct ia_source *source = NULL;
    const struct ia_format *format = NULL;
    enum ia_status status = ia_resolved_open(options->confine, file, &source, err);
    if (status == IA_OK && wanted->slice != NULL)
        status = cut_slice(wanted->slice, &source, err);
    if (status == IA_OK)
        status = find_format(source, file, wanted->format, &format, err);
    if (status == IA_OK)
        status = ia_image_open(format, source, options->limits, &layer->image, err);
    if (status != IA_OK) {
        ia_source_close(source);
        return status;
    }
    layer->dev = file->st.st_dev;
    layer->inode = file->st.st_ino;
    layer->name = ia_steal_ptr(file->named);
    return attach_parts(layer, options, err);
}

static enum ia_status check_loop(const struct ia_chain *chain, const struct ia_layer *layer, struct ia_error *err)
{
    for (size_t i = 0; i < chain->layers.len; i++)
        if (chain->layers.items[i].dev == layer->dev && chain->layers.items[i].inode == layer->inode)
            return ia_fail(err, IA_LOOP, "the chain comes back to '%s'", layer->name);
    return IA_OK;
}

static enum ia_status append_file(struct ia_chain *chain, const struct wanted *wanted,
                                  const struct ia_chain_options *options, struct ia_error *err)
{
    struct ia_layer layer = {0};
    enum ia_status status = open_layer(wanted, options, &layer, err);
    if (status == IA_OK)
        status = check_loop(chain, &layer, err);
    if (status == IA_OK && !ia_vec_push(&chain->layers, layer))
        status = ia_no_memory(err);
    if (status != IA_OK)
        release_layer(&layer);
    return status;
}

/* Opens the image called `name` (a reference in QEMU's syntax) and appends it. */
static enum ia_status append_reference(struct ia_chain *chain, const char *name, const char *relative_to,
                                       const char *format, const struct ia_chain_options *options, struct ia_error *err)
{
    const struct ia_resolve_rules rules = rules_of(options);
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    enum ia_status status = ia_reference_parse(name, &reference, err);
    if (status == IA_OK)
        status = ia_resolve(&rules, relative_to, &reference, format, &file, err);
    if (status != IA_OK)
        return status;
    struct wanted wanted = {
        .file = &file,
        .format = format != NULL ? format : reference.format,
        .slice = reference.kind == IA_REFERENCE_SLICE ? &reference : NULL,
    };
    return append_file(chain, &wanted, options, err);
}

static enum ia_status append(struct ia_chain *chain, const char *name, const char *relative_to, const char *format,
                             const struct ia_chain_options *options, struct ia_error *err)
{
    enum ia_status status = append_reference(chain, name, relative_to, format, options, err);
    return status == IA_OK ? IA_OK : blame(err, name);
}

/* The parent of an image in a format that names it in its own way. */
static enum ia_status append_parent(struct ia_chain *chain, const struct ia_chain_options *options,
                                    struct ia_error *err)
{
    const struct ia_layer *last = &chain->layers.items[chain->layers.len - 1];
    const struct ia_image_facts *facts = &last->image->facts;
    IA_AUTO_RESOLVED struct ia_resolved file = {0};
    enum ia_status status =
        facts->backing_by_identity
            ? ia_parent_by_identity(last->name, last->image->identity.parent, last->image->format, options, &file, err)
            : ia_parent_by_path(last->name, facts, options->confine, &file, err);
    if (status == IA_OK)
        status = append_file(chain, &(struct wanted){.file = &file, .format = facts->backing_format}, options, err);
    return status == IA_OK ? IA_OK : blame(err, facts->backing_name);
}

static enum ia_status append_backing(struct ia_chain *chain, const struct ia_chain_options *options,
                                     struct ia_error *err)
{
    size_t child = chain->layers.len - 1;
    const struct ia_image_facts *facts = &chain->layers.items[child].image->facts;
    enum ia_status status =
        facts->backing_by_identity || facts->backing_paths.len > 0
            ? append_parent(chain, options, err)
            : append(chain, facts->backing_name, chain->layers.items[child].name, facts->backing_format, options, err);
    if (status != IA_OK)
        return status;
    const struct ia_image *image = chain->layers.items[child].image;
    const struct ia_image *parent = chain->layers.items[child + 1].image;
    char **warning = &chain->layers.items[child].warning;
    IA_TRY(ia_parent_compare(&image->identity, &parent->identity, warning, err));
    return *warning != NULL ? IA_OK
                            : ia_parent_compare_lengths(image->format, image->facts.virtual_size,
                                                        parent->facts.virtual_size, warning, err);
}

static void set_reach(struct ia_chain *chain)
{
    int64_t visible_size = INT64_MAX;
    for (size_t i = 0; i < chain->layers.len; i++) {
        visible_size = ia_min(visible_size, chain->layers.items[i].image->facts.virtual_size);
        chain->layers.items[i].visible_size = visible_size;
    }
}

enum ia_status ia_chain_open(const char *name, const struct ia_chain_options *options, struct ia_chain *out,
                             struct ia_error *err)
{
    struct ia_chain chain = {0};
    enum ia_status status = append(&chain, name, NULL, options->format, options, err);
    /* Ends: a file that is in the chain already is refused, and so is a chain longer than the limit. */
    while (status == IA_OK && !options->no_backing) {
        const struct ia_layer *last = &chain.layers.items[chain.layers.len - 1];
        const struct ia_image_facts *facts = &last->image->facts;
        if (facts->backing_name == NULL)
            break;
        if (chain.layers.len >= (size_t)options->limits->max_chain_depth)
            status = ia_fail(err, IA_LIMIT, "a chain of more than %d images", options->limits->max_chain_depth);
        else
            status = append_backing(&chain, options, err);
    }
    if (status != IA_OK) {
        ia_chain_release(&chain);
        return status;
    }
    set_reach(&chain);
    *out = chain;
    return IA_OK;
}
