/* SPDX-License-Identifier: MIT */
/* What the files of src/judge share: which image names which file, worked out once for a graph. */
#ifndef IA_JUDGE_INTERNAL_H
#define IA_JUDGE_INTERNAL_H

#include "judge/judge.h"

/* An image has to do with a file: it refers to it, by what was followed or by a name that was not; or it is made of it.
 */
struct ia_judge_link {
    size_t file, image;
    bool accounted; /* a reference: it is the one backing link that the forest follows */
};
struct ia_judge_links {
    IA_VEC(struct ia_judge_link) all; /* by file and image */
};

/* Numbers of some things by image. */
struct ia_judge_groups {
    size_t *members;
    size_t *first; /* of each image in `members`, and the end; NULL: there are no members */
};

/* A packed image names one of the image's files, or may do. */
struct ia_judge_packed_link {
    size_t image, packed; /* places in the graph */
};

struct ia_judge {
    const struct ia_graph *graph;
    struct ia_judge_links references, owners;
    IA_VEC(struct ia_judge_packed_link) packed; /* by image */
    IA_VEC(size_t) unknown;                     /* packed images whose base nothing is known of */
    IA_VEC(size_t) dated;              /* former names, by image, of which it is known when; where `unknown` is */
    struct ia_judge_groups overlays;   /* images that have a backing image, by that one */
    struct ia_judge_groups parts;      /* parts, by image; empty where none has any */
    IA_VEC(size_t) findings;           /* those about readers, by path */
    IA_VEC(size_t) remote;             /* references: what other machines are asked for */
    IA_VEC(size_t) seekers;            /* images that expect some identity of a parent, by that and format */
    IA_VEC(size_t) broken;             /* references: what was not found, or is not what was expected */
    IA_VEC(size_t) exchanged;          /* images whose backing name led to another file before */
    IA_VEC(size_t) inventory_problems; /* findings: inventories that were not read whole */
    IA_VEC(size_t) open_claims;        /* claims that lead to no image */
    IA_VEC(size_t) covered;            /* inventories of directories, by these */
    IA_VEC(size_t) by_path;            /* all findings by path, if any is accepted; else none */
    IA_VEC(char *) subjects;           /* owned; those that were put together */
    IA_VEC(size_t) readers;            /* of the candidate in question, and a mark for each image that is among them */
    unsigned char *is_reader;
    bool is_host_covered; /* an inventory has all machines of the host */
    bool is_meant;        /* the candidate in question, by some name */
};

static inline size_t ia_judge_members(const struct ia_judge_groups *groups, size_t image, const size_t **first)
{
    *first = groups->first == NULL ? NULL : groups->members + groups->first[image];
    return groups->first == NULL ? 0 : groups->first[image + 1] - groups->first[image];
}

/* The images that name this one as their backing file, and were followed. */
static inline size_t ia_judge_overlays(const struct ia_judge *judge, size_t image, const size_t **first)
{
    return ia_judge_members(&judge->overlays, image, first);
}

/* A file that the image is made of: number 0 is its main one, then come those of its parts, IA_GRAPH_NONE for one that
 * is not identified. False: there are not as many. */
bool ia_judge_file_of(const struct ia_judge *judge, size_t image, size_t number, size_t *file);
/* The file is one of them. */
bool ia_judge_has_file(const struct ia_judge *judge, size_t image, size_t file);

/* meant.c: the image, by this one of its files, has the format that a name states of what it means; NULL: it states
 * none. What holds an image's data may pass for raw. */
bool ia_judge_fits(const struct ia_graph_image *image, size_t file, const char *format);

/* Works out everything but `findings`, `packed` and `unknown`; false: out of memory. */
bool ia_judge_link_up(struct ia_judge *judge);

/* packed.c: works out `packed`, `unknown` and `dated`, once owners are known; false: out of memory. */
bool ia_judge_link_packed(struct ia_judge *judge);
/* The packed images that name the image: their number, and the first of them. */
size_t ia_judge_packed_of(const struct ia_judge *judge, size_t image, const struct ia_judge_packed_link **first);

/* dated.c: works out `dated`; false: out of memory. */
bool ia_judge_list_dated(struct ia_judge *judge);
/* Scans before that time and after it found the image by the same path, and by no other. */
bool ia_judge_had_its_path(const struct ia_judge *judge, size_t image, int64_t ns);

/* The links of a file: their number, and the first of them. */
size_t ia_judge_links_of(const struct ia_judge_links *links, size_t file, const struct ia_judge_link **first);

/* Somebody reads the file otherwise than by the backing link that the forest follows. */
bool ia_judge_has_other_readers(const struct ia_judge *judge, size_t file);
/* The same of any of the image's files; those that others are made of, too, do not count for that. */
bool ia_judge_is_read_otherwise(const struct ia_judge *judge, size_t image);

/* Works out by_path; false: out of memory. */
bool ia_judge_list_accepted(struct ia_judge *judge);
/* Orders by the identity that the image expects of its parent, and by its format. */
int ia_judge_by_expected(const struct ia_graph_image *image, const char *identity, const char *format);

/* The accepted finding about this path because of which such a doubt is none; NULL where there is none, or another that
 * is not accepted raises it, too. */
const struct ia_graph_finding *ia_judge_accepted(const struct ia_judge *judge, enum ia_doubt doubt, const char *path);

/* Works out covered; false: out of memory. */
bool ia_judge_list_covered(struct ia_judge *judge);
/* An inventory that was read has the machines of the image's place. */
bool ia_judge_is_covered(const struct ia_judge *judge, size_t image);
/* An inventory of the host was read, and whole: what is claimed by none of its machines is the disk of none. */
bool ia_judge_has_all_machines(const struct ia_judge *judge);
/* A name of the image's file matches --backing-glob. */
bool ia_judge_matches_glob(const struct ia_judge *judge, size_t image);
/* It may be a restore point of a machine, by its place in the chain. */
bool ia_judge_is_snapshot(const struct ia_judge *judge, size_t image);
bool ia_judge_has_evidence(const struct ia_judge *judge, size_t image);

/* graph_delete.c: the image has its backing image, if any, no more. */
void ia_graph_lose_overlay(struct ia_graph *graph, size_t number);

#endif
