/* SPDX-License-Identifier: MIT */
/* Opening an image and everything behind it. */
#include "chain/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "chain/parent.h"
#include "chain/reference.h"

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
    const char *path;                 /* as QEMU spells it */
    const char *format;               /* NULL: by content */
    const struct ia_reference *slice; /* NULL: all of the file */
};

static enum ia_status open_source(const struct ia_confine *confine, const char *name, struct ia_source **out,
                                  struct stat *st, struct ia_error *err)
{
    IA_AUTO_FREE char *canonical = NULL;
    IA_AUTO_CLOSE int fd = -1;
    enum ia_status status = ia_confine_resolve(confine, name, &canonical, err);
    if (status == IA_OK)
        status = ia_confine_open(confine, canonical, &fd, st, err);
    if (status == IA_OK)
        status = ia_source_open_fd(fd, out, err);
    if (status == IA_OK)
        ia_steal_fd(&fd);
    return status;
}

/* Words of the caller before the words of the cause. */
static enum ia_status blame(struct ia_error *err, const char *name)
{
    struct ia_error cause = *err;
    if (strchr(cause.message, '\'') != NULL)
        return cause.status;
    return ia_fail(err, cause.status, "'%s': %s", name, cause.message);
}

/* QEMU takes a relative data file name from the working directory, an extent's from the image's directory. */
static enum ia_status name_part(const struct ia_layer *layer, const struct ia_image_part *part, char **out,
                                struct ia_error *err)
{
    if (part->name == NULL)
        return ia_fail(err, IA_CORRUPT, "the image does not name its %s file", part->role);
    if (part->place == IA_PART_BESIDE) {
        *out = ia_reference_combine(layer->name, part->name);
        return *out != NULL ? IA_OK : ia_no_memory(err);
    }
    struct ia_reference reference;
    enum ia_status status = ia_reference_parse(part->name, &reference, err);
    if (status != IA_OK)
        return status;
    if (reference.kind != IA_REFERENCE_PATH && reference.kind != IA_REFERENCE_WORKING_DIR)
        status = ia_fail(err, IA_UNSUPPORTED, "%s file '%s' is not a local file", part->role, part->name);
    else
        *out = ia_steal_ptr(reference.path);
    ia_reference_release(&reference);
    return status;
}

static enum ia_status attach_parts(struct ia_layer *layer, const struct ia_chain_options *options, struct ia_error *err)
{
    const struct ia_image_facts *facts = &layer->image->facts;
    enum ia_status status = IA_OK;
    for (size_t i = 0; i < facts->parts.len && status == IA_OK; i++) {
        IA_AUTO_FREE char *name = NULL;
        struct ia_source *source = NULL;
        struct stat st;
        status = name_part(layer, &facts->parts.items[i], &name, err);
        if (status == IA_OK)
            status = open_source(options->confine, name, &source, &st, err);
        if (status == IA_OK)
            status = ia_image_attach(layer->image, i, source, err);
        if (status != IA_OK)
            ia_source_close(source);
        else if (!ia_vec_push(&layer->part_names, name))
            status = ia_no_memory(err);
        else
            name = NULL;
    }
    return status == IA_OK ? ia_image_assemble(layer->image, err) : status;
}

static enum ia_status find_format(struct ia_source *source, const char *name, const char *stated,
                                  const struct ia_format **out, struct ia_error *err)
{
    if (stated == NULL)
        return ia_chain_probe(source, name, out, err);
    *out = ia_format_by_name(stated);
    return *out != NULL ? IA_OK : ia_fail(err, IA_UNSUPPORTED, "unknown format '%s'", stated);
}

static enum ia_status cut_slice(const struct ia_reference *slice, struct ia_source **source, struct ia_error *err)
{
    return ia_source_open_slice(*source, slice->slice_offset, slice->slice_size, source, err);
}

/* Opens one layer from its name in the file system. */
static enum ia_status open_layer(const struct wanted *wanted, const struct ia_chain_options *options,
                                 struct ia_layer *layer, struct ia_error *err)
{
    struct ia_source *source = NULL;
    struct stat st;
    const struct ia_format *format = NULL;
    enum ia_status status = open_source(options->confine, wanted->path, &source, &st, err);
    if (status == IA_OK && wanted->slice != NULL)
        status = cut_slice(wanted->slice, &source, err);
    if (status == IA_OK)
        status = find_format(source, wanted->path, wanted->format, &format, err);
    if (status == IA_OK)
        status = ia_image_open(format, source, options->limits, &layer->image, err);
    if (status != IA_OK) {
        ia_source_close(source);
        return status;
    }
    layer->dev = st.st_dev;
    layer->inode = st.st_ino;
    layer->name = strdup(wanted->path);
    if (layer->name == NULL)
        return ia_no_memory(err);
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

/* A reference is followed where QEMU would open a local file for it. The format that an overlay states goes before that
 * of the reference: a bare file takes none, and only raw has slices. */
static bool is_followed(const struct ia_reference *reference, const char *format)
{
    switch (reference->kind) {
    case IA_REFERENCE_PATH:
    case IA_REFERENCE_WORKING_DIR:
        return !reference->bare_file || format == NULL;
    case IA_REFERENCE_SLICE:
        return format == NULL || strcmp(format, "raw") == 0;
    default:
        return false;
    }
}

/* Opens the image called `name` (a reference in QEMU's syntax) and appends it. */
static enum ia_status append_reference(struct ia_chain *chain, const struct ia_reference *reference,
                                       const char *relative_to, const char *format,
                                       const struct ia_chain_options *options, struct ia_error *err)
{
    if (reference->kind == IA_REFERENCE_REMOTE)
        return ia_fail(err, IA_UNSUPPORTED, "not a local file");
    if (!is_followed(reference, format))
        return ia_fail(err, IA_UNSUPPORTED,
                       "a protocol or json: description that is not followed"
                       " (for a file with such a name, put ./ before it)");
    bool beside = reference->kind == IA_REFERENCE_PATH && relative_to != NULL;
    IA_AUTO_FREE char *path = beside ? ia_reference_combine(relative_to, reference->path) : strdup(reference->path);
    if (path == NULL)
        return ia_no_memory(err);
    struct wanted wanted = {
        .path = path,
        .format = format != NULL ? format : reference->format,
        .slice = reference->kind == IA_REFERENCE_SLICE ? reference : NULL,
    };
    return append_file(chain, &wanted, options, err);
}

static enum ia_status append(struct ia_chain *chain, const char *name, const char *relative_to, const char *format,
                             const struct ia_chain_options *options, struct ia_error *err)
{
    struct ia_reference reference;
    enum ia_status status = ia_reference_parse(name, &reference, err);
    if (status == IA_OK)
        status = append_reference(chain, &reference, relative_to, format, options, err);
    ia_reference_release(&reference);
    return status == IA_OK ? IA_OK : blame(err, name);
}

/* The parent of an image in a format that names it in its own way. */
static enum ia_status append_parent(struct ia_chain *chain, const struct ia_chain_options *options,
                                    struct ia_error *err)
{
    const struct ia_layer *last = &chain->layers.items[chain->layers.len - 1];
    const struct ia_image_facts *facts = &last->image->facts;
    IA_AUTO_FREE char *path = NULL;
    enum ia_status status =
        facts->backing_by_identity
            ? ia_parent_by_identity(last->name, last->image->identity.parent, last->image->format, options, &path, err)
            : ia_parent_by_path(last->name, facts, options->confine, &path, err);
    if (status == IA_OK)
        status = append_file(chain, &(struct wanted){.path = path, .format = facts->backing_format}, options, err);
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
    struct ia_layer *layers = chain->layers.items;
    return ia_parent_compare(&layers[child].image->identity, &layers[child + 1].image->identity, &layers[child].warning,
                             err);
}

static void set_reach(struct ia_chain *chain)
{
    int64_t reach = INT64_MAX;
    for (size_t i = 0; i < chain->layers.len; i++) {
        reach = ia_min(reach, chain->layers.items[i].image->facts.virtual_size);
        chain->layers.items[i].reach = reach;
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
