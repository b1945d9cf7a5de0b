/* SPDX-License-Identifier: MIT */
/* Rules about packed images, which read what they were made on once they are unpacked. */
#include "judge/finder.h"

#include "base/path.h"
#include "judge/graph_names.h"

static void doubt_packed(struct ia_finder *finder, const struct ia_graph_packed *packed)
{
    if (packed->member[0] == '\0')
        ia_finder_doubt(finder, IA_DOUBT_PACKED_REFERENCE, packed->archive);
    else
        ia_finder_doubt_with(finder, IA_DOUBT_PACKED_REFERENCE, packed->archive, packed->member);
}

/* Some name of the file lies in the same directory as the path, or has the same last component. */
static bool is_near(const struct ia_graph *graph, size_t file, const char *path)
{
    return ia_path_directory_length(path) > 0 &&
           (ia_graph_names_lie_beside(graph, file, path) || ia_graph_names_end_in(graph, file, ia_path_name(path)));
}

/* It changed since, which a renaming does, and scans before and after that did not find it by one path. */
static bool may_be_renamed_since(const struct ia_judge *judge, size_t number, size_t file, int64_t made_ns)
{
    return judge->graph->files.items[file].ctime_ns >= made_ns && !ia_judge_had_its_path(judge, number, made_ns);
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
    if (is_newer || !ia_judge_fits(&graph->images.items[number], file, packed->stated))
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
