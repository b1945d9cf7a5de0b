/* SPDX-License-Identifier: MIT */
/* Rules about packed images, which read what they were made on once they are unpacked. */
#include "judge/finder.h"

#include <string.h>

#include "base/path.h"

static void doubt_packed(struct ia_finder *finder, const struct ia_graph_packed *packed)
{
    if (packed->member[0] == '\0')
        ia_finder_doubt(finder, IA_DOUBT_PACKED_REFERENCE, packed->archive);
    else
        ia_finder_doubt_with(finder, IA_DOUBT_PACKED_REFERENCE, packed->archive, packed->member);
}

/* Some name of the file lies in the same directory as the path, or has the same last component. */
static bool is_near(const struct ia_graph *graph, size_t number, const char *path)
{
    const struct ia_graph_file *file = &graph->files.items[number];
    size_t len = ia_path_directory_length(path);
    for (size_t i = 0; i < file->names && len > 0; i++) {
        const char *own = graph->names.items[file->first_name + i].path;
        size_t own_len = ia_path_directory_length(own);
        if ((own_len == len && memcmp(own, path, len) == 0) || strcmp(own + own_len, path + len) == 0)
            return true;
    }
    return false;
}

/* It changed since, which a renaming does, and scans before and after that did not find it by one path. */
static bool may_be_renamed_since(const struct ia_judge *judge, size_t number, size_t file, int64_t made_ns)
{
    return judge->graph->files.items[file].ctime_ns >= made_ns && !ia_judge_had_its_path(judge, number, made_ns);
}

/* NULL: not stated. What holds an image's data may pass for raw. */
static bool fits(const struct ia_graph_image *image, size_t file, const char *format)
{
    return format == NULL || strcmp(format, image->format) == 0 || (file != image->file && strcmp(format, "raw") == 0);
}

/* What a packed image was made on, and nothing is known of, was there when it was written, in the stated format. A
 * symbolic link led to it that was turned, or removed: then it lies beside what is there now, or is called so in
 * another directory. Or it had the name that another file has now, or none. */
static bool may_be_base_of(const struct ia_judge *judge, const struct ia_graph_packed *packed, size_t number,
                           size_t file)
{
    const struct ia_graph *graph = judge->graph;
    bool is_newer = graph->files.items[file].birth_ns > packed->written_ns &&
                    ia_graph_newest_change(graph, number) > packed->written_ns;
    if (is_newer || !fits(&graph->images.items[number], file, packed->stated))
        return false;
    return is_near(graph, file, packed->path) ||
           (packed->unknown != IA_GRAPH_UNKNOWN_LINKED && may_be_renamed_since(judge, number, file, packed->made_ns));
}

static bool may_have_base_of(const struct ia_judge *judge, const struct ia_graph_packed *packed, size_t number)
{
    size_t file;
    for (size_t n = 0; ia_judge_file_of(judge, number, n, &file); n++)
        if (file != IA_GRAPH_NONE && may_be_base_of(judge, packed, number, file))
            return true;
    return false;
}

static void find_packed_of_image(struct ia_finder *finder, size_t number)
{
    const struct ia_judge *judge = finder->judge;
    const struct ia_judge_packed_link *link;
    size_t count = ia_judge_packed_of(judge, number, &link);
    for (size_t i = 0; i < count; i++)
        doubt_packed(finder, &judge->graph->packed.items[link[i].packed]);
    for (size_t i = 0; i < judge->unknown.len; i++) {
        const struct ia_graph_packed *packed = &judge->graph->packed.items[judge->unknown.items[i]];
        if (may_have_base_of(judge, packed, number))
            doubt_packed(finder, packed);
    }
}

/* Once it is unpacked, it reads what others hide: all of what it names, and of what is behind that. */
void ia_rule_packed(struct ia_finder *finder)
{
    if (finder->judge->packed.len == 0 && finder->judge->unknown.len == 0)
        return;
    find_packed_of_image(finder, finder->number);
    ia_finder_find_readers(finder);
    for (size_t i = 0; i < finder->judge->readers.len; i++)
        find_packed_of_image(finder, finder->judge->readers.items[i]);
}
