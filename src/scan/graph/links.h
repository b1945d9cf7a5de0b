/* SPDX-License-Identifier: MIT */
/* What images name: their backing files and parts, followed from each of their names; chains; and what is wrong with
 * any of it. */
#ifndef IA_SCAN_GRAPH_LINKS_H
#define IA_SCAN_GRAPH_LINKS_H

#include "scan/graph/claims.h"
#include "scan/graph/identities.h"
#include "scan/graph/own_host.h"
#include "scan/holders/holders.h"
#include "scan/reading/reading.h"

enum ia_alias_kind {
    IA_ALIAS_NAME,    /* seen from another name of the image */
    IA_ALIAS_CONTENT, /* in a content that is used as another format */
};

/* A file that an image may name besides the backing file that was followed. */
struct ia_alias {
    enum ia_alias_kind kind;
    size_t image;  /* the image that names it */
    size_t target; /* the file */
    char *name;    /* owned; the other name of the image */
    char *path;    /* owned; where the reference leads from there */
};

/* A part as the image names it. */
struct ia_content_part {
    char *name; /* owned */
    enum ia_part_place place;
};

/* What a name of an image leads to besides its main file: a file, or what is asked for at another machine. */
struct ia_nested {
    enum ia_resolve_state state;
    size_t target; /* IA_NO_FILE: none */
    char *name;    /* owned; as in the description; of what is remote, its last component */
    char *path;    /* owned; where it leads, "" when that is not a path */
    bool of_part;  /* in the name of a data file, which is not followed then, and a finding itself */
};

/* Where a name in a packed image leads, or led. An identity and a description may lead to several files. */
struct ia_packed_target {
    size_t name;                 /* place in the file's packed->names */
    enum ia_resolve_state state; /* not NONE */
    size_t file;                 /* the file; IA_NO_FILE: none of the catalog */
    char *path;                  /* owned; NULL: none */
    bool is_base;                /* the image may have been made on it, whatever it is called by now */
    bool is_earlier;             /* that, and the name leads there no more */
    int64_t base_id;             /* file_id of such a one that is not in the catalog, or one of the above; else 0 */
};

/* Where the image would look for a name that is packed. */
struct ia_packed_place {
    size_t file, name; /* the packed file, and the place in its packed->names */
    char *path;        /* owned */
    bool is_end;       /* of all symbolic links on the way */
};

/* A file's place in the graph. Numbers are those of the catalog. */
struct ia_node {
    size_t backing;                      /* IA_NO_FILE: none or not reachable */
    size_t backing_target;               /* the same, and kept where the link was cut: what it names is not unused */
    enum ia_resolve_state backing_state; /* NONE: no backing file, or not resolved */
    char *backing_path;                  /* owned */
    char *parent_mismatch; /* owned; in what the backing image is not the one it was made on, NULL: in nothing */
    IA_VEC(char *)
    alias_directories;   /* owned, canonical directories from which other images name it, besides those of its names */
    char *stated_format; /* owned; the format that an overlay states */
    IA_VEC(struct ia_nested) nested; /* in its backing name and those of its data files */
    bool backing_is_here;            /* its backing name leads to a service of this host */
    bool data_is_here;               /* the name of a data file does */
    bool is_nested;                  /* some image names it so */
    bool reread;                     /* already read a second time because of its stated format */
    bool is_referenced;              /* some image names it as its backing file */
    bool is_part;                    /* some image keeps its data in it */
    bool is_companion;               /* some image has it beside itself, without data */
    bool stale;                      /* unchanged, but one of its parts is not: to be read again */
    bool resolved;                   /* its own references were followed */
    bool chain_ok;                   /* the image and all below it could be read */
    bool is_template;                /* to be kept whole */
    bool is_claimed;                 /* a machine uses it */
    bool is_disk;                    /* as its disk */
    bool is_below;                   /* an inventory has it below a disk of a machine */
    bool is_beside_images;           /* its directory holds images by their own content or name */
    bool is_claimed_image;           /* as a disk: it is an image, whatever its content looks like */
    bool unsettled;                  /* it changed while the scan ran; looked at where it may be called unused */
    size_t referenced_by;            /* an image that names it as its backing file */
    int64_t base_id;                 /* file_id of the file that its backing name led to before; 0: not known */
    int64_t origin_id;               /* file_id of the image that it is a copy of; 0: not known */
    bool is_exchanged;               /* its backing name leads elsewhere now */
    bool base_is_newer;    /* its backing file was made and written to after the image was: it is another one */
    size_t base_before;    /* the same, of the catalog; IA_NO_FILE: none */
    int64_t base_lost_ns;  /* the name leads nowhere, and that file is no more: when the last scan ended that had it; 0:
                            * it is there, or unknown */
    int64_t past_base_id;  /* file_id of the file that the scan before had at its backing name when the image was
                            * made; 0: not known, or no matter; negative: it may have had another then, or
                            * it is what a symbolic link of the same last component led to, elsewhere */
    size_t past_base;      /* the same, of the catalog; IA_NO_FILE: none */
    bool link_is_newer;    /* a symbolic link in the way of its backing name was made, turned or removed after it
                            * was made */
    int64_t seen_since_ns; /* when the first of the scans looked at it that all saw this very file */
    int64_t path_since_ns; /* the same of those that saw it by its path and by no other hard link; 0: it has others */
    int64_t last_overlay_mtime_ns; /* when the last of those that name it was written to; 0: none does */
    /* What a content names that the stated format overrides. */
    char *content_backing; /* owned; its backing name; NULL: none */
    IA_VEC(struct ia_content_part) content_parts;
    IA_VEC(struct ia_packed_target) packed; /* in the order of the names */
};
void ia_node_init(struct ia_node *node);
void ia_node_release(struct ia_node *node);
void ia_node_release_nested(struct ia_node *node);

/* It holds another image's data, and no overlay names it: whatever its content looks like, it is no image. */
static inline bool ia_node_is_only_a_part(const struct ia_node *node)
{
    return node->is_part && !node->is_referenced;
}

/* A name that an image had in an earlier scan. */
struct ia_former_name {
    int64_t image_id;
    char *path;                 /* owned */
    int64_t since_ns, until_ns; /* as in the table */
};

/* What an image's base was based on that is no more, or the first file that is left of that chain. */
struct ia_lost_base {
    size_t image, file;
};

/* A file that an image's backing name led to in an earlier scan, after the first; see the table former_base. */
struct ia_former_base {
    size_t image, base;       /* IA_NO_FILE: not of this scan */
    int64_t file_id, base_id; /* as the scan before had them; 0: none */
};

struct ia_links {
    struct ia_catalog *catalog;
    struct ia_reading *reading;
    struct ia_identities identities;
    struct ia_aside *aside;    /* borrowed; who looks at processes; NULL: whoever asks */
    struct ia_holders holders; /* of files by their numbers, once they were looked for */
    IA_VEC(struct ia_alias) aliases;
    IA_VEC(struct ia_packed_place) places;       /* by file and name, until bases were looked for */
    IA_VEC(struct ia_former_name) former;        /* names that images have no more, once they were loaded */
    IA_VEC(struct ia_former_name) overlay_names; /* those of former overlays that images have now; the same */
    IA_VEC(struct ia_former_base) former_bases;
    IA_VEC(struct ia_lost_base) lost_bases;
    bool had_former_bases;    /* the store has some */
    IA_VEC(char *) templates; /* owned globs: the store's and the options' */
    struct ia_own_host host;
    IA_VEC(char *) sources;  /* owned; those of the options' inventories, once they were found */
    struct ia_claims claims; /* of machines */
};
void ia_links_release(struct ia_links *links);
void ia_links_release_places(struct ia_links *links);

/* The store's templates, and those of this scan alone. */
IA_MUST_CHECK enum ia_status ia_links_load_templates(struct ia_links *links, struct ia_error *err);
/* inventories.c: finds where the inventories are that the options name; no file is opened for that but those of users.
 */
IA_MUST_CHECK enum ia_status ia_links_find_inventories(struct ia_links *links, struct ia_error *err);
/* Reads the inventories of machines, and what an earlier scan had of them. */
IA_MUST_CHECK enum ia_status ia_links_read_inventories(struct ia_links *links, struct ia_error *err);
/* Finds the files that machines use, and takes what is stated of their formats. */
IA_MUST_CHECK enum ia_status ia_links_resolve_claims(struct ia_links *links, struct ia_error *err);
/* Once all images were read: an image is used with its parts; and where files are now that claims led to before. */
IA_MUST_CHECK enum ia_status ia_links_settle_claims(struct ia_links *links, struct ia_error *err);
/* stated_parents.c: adds the findings about images that name another backing file than an inventory has for them. */
void ia_links_check_parents(struct ia_links *links);
/* absent_claims.c: takes out what need not be there and is not, if no image may be what is meant. */
IA_MUST_CHECK enum ia_status ia_links_drop_absent_claims(struct ia_links *links, struct ia_error *err);
/* claim_findings.c: adds the findings about inventories and machines. */
IA_MUST_CHECK enum ia_status ia_links_report_claims(struct ia_links *links, struct ia_error *err);
/* The file's reason not to be an image is that it is a file system. */
bool ia_file_is_file_system(const struct ia_file *file);
/* Which of these lie beside images. */
IA_MUST_CHECK enum ia_status ia_links_find_file_systems(struct ia_links *links, struct ia_error *err);
/* Reads and follows until no file needs another look. */
IA_MUST_CHECK enum ia_status ia_links_follow(struct ia_links *links, struct ia_error *err);
/* After a second look at the directories: reads what came and what changed, and follows all names anew. */
IA_MUST_CHECK enum ia_status ia_links_start_over(struct ia_links *links, struct ia_error *err);
/* resolve.c: follows the references of all images that were read. */
IA_MUST_CHECK enum ia_status ia_links_resolve(struct ia_links *links, struct ia_error *err);
/* parts.c: of an image that was taken over from the store: are its parts still there, and unchanged? */
IA_MUST_CHECK enum ia_status ia_links_resolve_parts(struct ia_links *links, size_t image, struct ia_error *err);
/* Which files hold the data of images, as these were read last. */
void ia_links_mark_parts(struct ia_links *links);
/* Which files images have beside themselves, without data. */
IA_MUST_CHECK enum ia_status ia_links_mark_companions(struct ia_links *links, struct ia_error *err);
/* unseen.c: what those name that cannot be seen, where it cannot be followed now. */
IA_MUST_CHECK enum ia_status ia_links_restore_unseen(struct ia_links *links, struct ia_error *err);
/* lookup.c: the image names its backing file, which was followed; format: as it states it, NULL: it does not. */
IA_MUST_CHECK enum ia_status ia_links_state_format(struct ia_links *links, size_t image, const char *format,
                                                   struct ia_error *err);
/* Whether files that the walk did not find may be added to the catalog, and so be read. */
enum ia_files_read { IA_KNOWN_FILES, IA_NEW_FILES };
/* The file that was found; with IA_NEW_FILES one in an --allow directory is added. */
IA_MUST_CHECK enum ia_status ia_links_file_or_new(struct ia_links *links, const struct ia_resolved *file,
                                                  enum ia_files_read allowed, size_t *number, struct ia_error *err);
/* An image calls the file by this name: its directory is one more place to look from. */
IA_MUST_CHECK enum ia_status ia_links_add_directory(struct ia_links *links, size_t target, const char *named,
                                                    struct ia_error *err);
/* The image may name the target besides; name and path are copied. */
IA_MUST_CHECK enum ia_status ia_links_add_alias(struct ia_links *links, enum ia_alias_kind kind, size_t image,
                                                size_t target, const char *name, const char *path,
                                                struct ia_error *err);
/* How names in images are looked up: beside the image, within the confinement; a file outside that has another name
 * inside is followed. */
struct ia_resolve_rules ia_links_rules(const struct ia_links *links);
/* The file that was found, IA_NO_FILE: none of the catalog. */
size_t ia_links_file_of(const struct ia_links *links, const struct ia_resolved *file);
/* packed.c: where the names in packed images lead. Once all images are known. */
IA_MUST_CHECK enum ia_status ia_links_resolve_packed(struct ia_links *links, struct ia_error *err);
/* packed_bases.c: after that, what packed images were made on, wherever it is called now. */
IA_MUST_CHECK enum ia_status ia_links_find_packed_bases(struct ia_links *links, struct ia_error *err);
/* former.c: names that images have no more, where packed images may mean these; and names of former overlays. After
 * they were written. */
IA_MUST_CHECK enum ia_status ia_links_load_former(struct ia_links *links, struct ia_error *err);
/* chains.c: loops, depth, which chains are whole. */
IA_MUST_CHECK enum ia_status ia_links_check_chains(struct ia_links *links, struct ia_error *err);
/* history.c: where backing names led in the scan before: findings about bases that were exchanged or written to. */
IA_MUST_CHECK enum ia_status ia_links_compare(struct ia_links *links, struct ia_error *err);
/* past_names.c: what names led to, and what they were, before this scan. After that. */
IA_MUST_CHECK enum ia_status ia_links_find_past_names(struct ia_links *links, struct ia_error *err);
/* The one was made and written to after the other was last written to, and so is not what that was made on. */
bool ia_links_is_newer(const struct ia_links *links, const struct ia_file *base, const struct ia_file *file);
/* judge.c: the findings about single files; templates, who names an image and when its overlays were written to. */
IA_MUST_CHECK enum ia_status ia_links_judge(struct ia_links *links, struct ia_error *err);
/* After that: looks at locks and shared blocks of what was not read; of what may be called unused by opening it. */
IA_MUST_CHECK enum ia_status ia_links_recheck(struct ia_links *links, struct ia_error *err);
/* There is evidence that the image is a backing file, whether or not one names it now. */
bool ia_links_may_be_base(const struct ia_links *links, const struct ia_file *file);
/* holders.c: looks for all who hold files of images, as late as can be. */
IA_MUST_CHECK enum ia_status ia_links_find_holders(struct ia_links *links, struct ia_error *err);
/* When any of the image's files was last written to, by its time stamps: a VMDK's writes go to its extents. */
int64_t ia_links_newest_change(const struct ia_links *links, const struct ia_file *file);
/* When a base had last been written to; -1: after all its overlays. */
int64_t ia_links_idle_since(const struct ia_links *links, const struct ia_file *file);

#endif
