/* SPDX-License-Identifier: MIT */
/* What may have had which name when an image was made. A file that had one path all the while was not called otherwise;
 * a symbolic link may have led to any. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "chain/reference.h"
#include "scan/graph/link_age.h"
#include "scan/graph/links.h"

/* -- Since when ---------------------------------------------------------------------------------------------------- */

/* Of one that could not be looked at there is nothing new. */
static bool is_the_same(const struct ia_links *links, const struct ia_file *file, const struct ia_previous *previous)
{
    return previous != NULL && (file->not_seen || ia_catalog_is_same_file(links->catalog, previous, file));
}

static bool has_its_path(const struct ia_file *file, const struct ia_previous *previous)
{
    return file->not_seen ||
           (previous->links == 1 && file->links == 1 && strcmp(previous->path, ia_file_path(file)) == 0);
}

static void date(const struct ia_links *links, struct ia_file *file, int64_t now)
{
    const struct ia_previous *previous = ia_catalog_previous(links->catalog, file);
    struct ia_node *node = file->node;
    bool is_the_same_file = is_the_same(links, file, previous);
    node->seen_since_ns = is_the_same_file && previous->seen_since_ns != 0 ? previous->seen_since_ns : now;
    node->path_since_ns = file->links == 1 ? now : 0;
    if (is_the_same_file && previous->path_since_ns != 0 && has_its_path(file, previous))
        node->path_since_ns = previous->path_since_ns;
}

static int64_t made_ns(const struct ia_file *file)
{
    return ia_made_ns(file->birth_ns, file->key.mtime_ns, -1);
}

/* -- What backing names led to ------------------------------------------------------------------------------------- */

/* The name, with the directory that it lies in as it is without links; NULL: there is none, or out of memory. */
static char *in_real_directory(const char *name)
{
    size_t len = ia_path_directory_length(name);
    IA_AUTO_FREE char *directory = strndup(name, len);
    IA_AUTO_FREE char *real = directory == NULL ? NULL : realpath(directory, NULL);
    if (real == NULL)
        return NULL;
    IA_AUTO_BUF struct ia_buf made = {0};
    ia_buf_addf(&made, "%s%s%s", real, strcmp(real, "/") == 0 ? "" : "/", name + len);
    return made.failed ? NULL : ia_buf_steal(&made);
}

/* What the scan before had at the name. Of a copy it may be the base, and is not known to be, if it is older than the
 * copy alone. */
static enum ia_status find_past_base(struct ia_links *links, struct ia_file *file, const char *name,
                                     struct ia_error *err)
{
    struct ia_past_name past;
    struct stat st;
    IA_AUTO_FREE char *path = in_real_directory(name);
    if (path == NULL)
        return IA_OK;
    IA_TRY(ia_writer_get_name(links->catalog->writer, path, &past, err));
    if (past.file_id != 0 && past.seen_ns < file->birth_ns)
        file->node->past_base_id = past.seen_ns < made_ns(file) ? past.file_id : -past.file_id;
    /* A link that is gone, or whose place a file has. */
    if (past.is_link && (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode)))
        file->node->link_is_newer = true;
    return IA_OK;
}

/* That, or one that came back. */
static bool is_the_same_again(const struct ia_links *links, const struct ia_file *file,
                              const struct ia_previous *previous)
{
    return previous != NULL && (file->not_seen || ia_catalog_is_same_file(links->catalog, previous, file));
}

/* What is known of the image's base, as long as the image has that name for it. */
static bool recall(const struct ia_links *links, struct ia_file *file)
{
    const struct ia_previous *previous = ia_catalog_previous(links->catalog, file);
    if (!is_the_same_again(links, file, previous) || /* 0: all that was known is lost */
        (previous->seen_since_ns == 0 && previous->gone_scan == 0))
        return false;
    const char *before = previous->parsed->facts.backing_name; /* NULL: it was taken over */
    if (!file->from_store && (before == NULL || strcmp(before, file->parsed->facts.backing_name) != 0))
        return false;
    file->node->past_base_id = previous->past_base_id;
    file->node->link_is_newer = previous->link_is_newer;
    return previous->seen_since_ns != 0; /* 0: it was away, and not all was kept */
}

/* Where the image's backing name leads is not what it was made on, as far as is known. */
static bool is_misled(const struct ia_node *node)
{
    return node->backing_target == IA_NO_FILE || node->base_is_newer || node->parent_mismatch != NULL;
}

/* Of an image that is seen with this name for the first time. Most names go by no link: they are the paths that they
 * lead to. */
static enum ia_status find_base(struct ia_links *links, struct ia_file *file, struct ia_error *err)
{
    struct ia_node *node = file->node;
    IA_AUTO_REFERENCE struct ia_reference reference = {0};
    IA_TRY(ia_reference_parse(file->parsed->facts.backing_name, &reference, err));
    if (reference.path == NULL)
        return IA_OK;
    IA_AUTO_FREE char *name = ia_reference_combine(ia_file_path(file), reference.path);
    if (name == NULL)
        return ia_no_memory(err);
    bool is_plain = node->backing_path != NULL && ia_path_is_plainly(name, node->backing_path);
    int64_t youngest = is_plain && node->backing_target != IA_NO_FILE ? -1 : ia_youngest_link(name);
    node->link_is_newer = node->link_is_newer || (youngest >= 0 && youngest >= made_ns(file));
    return node->link_is_newer || is_misled(node) ? find_past_base(links, file, name, err) : IA_OK;
}

/* -- Symbolic links of the scan before, by their last components --------------------------------------------------- */

struct past_link {
    char *path; /* owned */
    int64_t file_id;
};
/* A file that the scan before found. */
struct past_file {
    int64_t file_id;
    size_t number;
};
struct past_links {
    IA_VEC(struct past_link) all;
    bool is_loaded;
    IA_VEC(struct past_file) files; /* by file_id, once one was looked for */
};

static void release(struct past_links *past)
{
    for (size_t i = 0; i < past->all.len; i++)
        free(past->all.items[i].path);
    ia_vec_release(&past->all);
    ia_vec_release(&past->files);
}
#define AUTO_PAST_LINKS __attribute__((cleanup(release)))

static enum ia_status keep(void *ctx, const char *path, int64_t file_id, struct ia_error *err)
{
    struct past_links *past = ctx;
    struct past_link link = {strdup(path), file_id};
    if (link.path != NULL && ia_vec_push(&past->all, link))
        return IA_OK;
    free(link.path);
    return ia_no_memory(err);
}

static int by_component(const void *left, const void *right)
{
    const struct past_link *a = left;
    const struct past_link *b = right;
    return strcmp(ia_path_name(a->path), ia_path_name(b->path));
}

/* Most hosts have no image that lacks its base: there they are not loaded. */
static enum ia_status load_once(struct past_links *past, struct ia_writer *writer, struct ia_error *err)
{
    if (past->is_loaded)
        return IA_OK;
    past->is_loaded = true;
    IA_TRY(ia_writer_load_links(writer, keep, past, err));
    if (past->all.len > 0)
        qsort(past->all.items, past->all.len, sizeof(past->all.items[0]), by_component);
    return IA_OK;
}

/* A copy elsewhere of an image that finds its base by a link finds nothing: the link may have led to that. */
static enum ia_status find_namesake(struct ia_links *links, struct past_links *past, struct ia_file *file,
                                    struct ia_error *err)
{
    struct ia_node *node = file->node;
    if (node->past_base_id != 0 || node->backing_target != IA_NO_FILE || node->base_id > 0 ||
        node->backing_path == NULL)
        return IA_OK;
    IA_TRY(load_once(past, links->catalog->writer, err));
    const struct past_link wanted = {.path = node->backing_path};
    const struct past_link *found =
        past->all.len == 0 ? NULL
                           : bsearch(&wanted, past->all.items, past->all.len, sizeof(past->all.items[0]), by_component);
    if (found != NULL)
        node->past_base_id = -found->file_id;
    return IA_OK;
}

static int by_id(const void *left, const void *right)
{
    const struct past_file *a = left;
    const struct past_file *b = right;
    return (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

static bool list_files(const struct ia_links *links, struct past_links *past)
{
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        const struct ia_file *file = links->catalog->files.items[i];
        const struct ia_previous *previous = ia_catalog_previous(links->catalog, file);
        if (is_the_same_again(links, file, previous) &&
            !ia_vec_push(&past->files, ((struct past_file){previous->file_id, i})))
            return false;
    }
    if (past->files.len > 0)
        qsort(past->files.items, past->files.len, sizeof(past->files.items[0]), by_id);
    return true;
}

/* The file of this scan that past_base_id means. */
static enum ia_status find_past_file(const struct ia_links *links, struct past_links *past, struct ia_node *node,
                                     struct ia_error *err)
{
    const struct past_file wanted = {.file_id = node->past_base_id < 0 ? -node->past_base_id : node->past_base_id};
    if (wanted.file_id == 0)
        return IA_OK;
    if (past->files.len == 0 && !list_files(links, past))
        return ia_no_memory(err);
    const struct past_file *found = past->files.len == 0 ? NULL
                                                         : bsearch(&wanted, past->files.items, past->files.len,
                                                                   sizeof(past->files.items[0]), by_id);
    node->past_base = found == NULL ? IA_NO_FILE : found->number;
    return IA_OK;
}

enum ia_status ia_links_find_past_names(struct ia_links *links, struct ia_error *err)
{
    int64_t now = ia_clock_ns(CLOCK_REALTIME);
    AUTO_PAST_LINKS struct past_links past = {0};
    for (size_t i = 0; i < links->catalog->files.len; i++) {
        struct ia_file *file = links->catalog->files.items[i];
        if (!ia_file_is_image(file) || file->gone)
            continue;
        date(links, file, now);
        if (file->parsed->facts.backing_name == NULL || file->parsed->facts.backing_by_identity)
            continue;
        if (!recall(links, file))
            IA_TRY(find_base(links, file, err));
        IA_TRY(find_namesake(links, &past, file, err));
        IA_TRY(find_past_file(links, &past, file->node, err));
    }
    return IA_OK;
}
