/* SPDX-License-Identifier: MIT */
/* The tables of codes, and the only place where their sentences are put together. */
#include "judge/doubt.h"

#include <stdlib.h>
#include <string.h>

#include "base/path.h"

#define EACH                                                                                                           \
    (IA_CONCERNS(IA_CANDIDATE_UNREFERENCED) | IA_CONCERNS(IA_CANDIDATE_FULLY_MASKED) |                                 \
     IA_CONCERNS(IA_CANDIDATE_PARTLY_MASKED) | IA_CONCERNS(IA_CANDIDATE_UNCLAIMED))
#define UNUSED (IA_CONCERNS(IA_CANDIDATE_UNREFERENCED) | IA_CONCERNS(IA_CANDIDATE_UNCLAIMED))
#define MASKED (IA_CONCERNS(IA_CANDIDATE_FULLY_MASKED) | IA_CONCERNS(IA_CANDIDATE_PARTLY_MASKED))

/* What helps with a doubt, as reports suggest it: to see who uses the file; findings have the reason; nothing that a
 * command could do. */
#define FIND_USERS "find-users"
#define FINDINGS "findings"
#define NOTHING ""

const struct ia_doubt_kind ia_doubt_kinds[IA_DOUBT_COUNT] = {
    [IA_DOUBT_NONE] = {"", NOTHING, 0, ""},
    [IA_DOUBT_SHARED_FILESYSTEM] = {"shared-filesystem", NOTHING, EACH,
                                    "other hosts may have its file system mounted, and use it"},
    [IA_DOUBT_UNREAD] = {"unread", FINDINGS, EACH, "a reference may be hidden in what was not read or not understood"},
    [IA_DOUBT_NOT_WALKED] = {"not-walked", NOTHING, EACH, "overlays of it may lie in a directory that was not walked"},
    [IA_DOUBT_NO_INVENTORY] = {"no-inventory", NOTHING, UNUSED,
                               "no inventory of the machines of this host was read: one may use it"},
    [IA_DOUBT_INVENTORY_INCOMPLETE] = {"inventory-incomplete", FINDINGS, EACH,
                                       "an inventory could not be read whole, or names something that was not found "
                                       "and may be this, or a directory that it is in"},
    [IA_DOUBT_BROKEN_REFERENCE] = {"broken-reference", FINDINGS, EACH,
                                   "a reference that could not be followed, or not for certain, may mean it"},
    [IA_DOUBT_EXCHANGED] = {"exchanged", FINDINGS, EACH,
                            "an image was made on it, and its backing name leads to another file now"},
    [IA_DOUBT_RENAMED] =
        {"renamed", FIND_USERS, IA_CONCERNS(IA_CANDIDATE_UNREFERENCED),
         "it was renamed since it was last seen named, or has the name of what named it: it may be a disk of its own"},
    [IA_DOUBT_LOCAL_SERVICE] = {"local-service", FINDINGS, EACH,
                                "an image reaches its data through a service of this host, which may serve it"},
    [IA_DOUBT_REMOTE_NAME] =
        {"remote-name", FINDINGS, EACH,
         "another machine is asked for a file of its name, which may be this one by way of a share"},
    [IA_DOUBT_CHANGED_DURING_SCAN] = {"changed-during-scan", FINDINGS, EACH, "changed while the scan ran"},
    [IA_DOUBT_NOT_UNDERSTOOD] = {"not-understood", FINDINGS, EACH,
                                 "it, or an image that could read it, was not understood"},
    [IA_DOUBT_CROSS_LINKED] = {"cross-linked", FINDINGS, EACH,
                               "clusters lie over each other, or whether they do is unknown: what one image does not "
                               "read, another may"},
    [IA_DOUBT_IN_USE] = {"in-use", FIND_USERS, EACH, "it may be in use"},
    [IA_DOUBT_IDENTITY_UNCERTAIN] = {"identity-uncertain", FIND_USERS, IA_CONCERNS(IA_CANDIDATE_UNREFERENCED),
                                     "what was named may have been another file, of the same inode number"},
    [IA_DOUBT_WRITTEN_SINCE] = {"written-since", FIND_USERS, EACH,
                                "it was written to since it was last seen named, or after what names or named it: it "
                                "may be a disk of its own"},
    [IA_DOUBT_SHARED_FILE] = {"shared-file", NOTHING, EACH, "one of its files is also used by"},
    [IA_DOUBT_LOOP] = {"loop", FINDINGS, MASKED, "its chain comes back to itself"},
    [IA_DOUBT_CHAIN_BROKEN] = {"chain-broken", FINDINGS, MASKED, "the chain of an image that could read it is broken"},
    [IA_DOUBT_NON_BACKING_READER] = {"non-backing-reader", NOTHING, EACH,
                                     "read otherwise than as a backing file, it or an image that could read it"},
    [IA_DOUBT_PACKED_REFERENCE] = {"packed-reference", NOTHING, EACH,
                                   "a packed image needs all of it, or may do, once it is unpacked"},
    [IA_DOUBT_RECENT] = {"recent", NOTHING, EACH, "not as old as --min-age"},
    [IA_DOUBT_OWN_CHAIN_BROKEN] = {"own-chain-broken", NOTHING, 0, "its own chain is broken"},
    [IA_DOUBT_CANNOT_COMMIT] = {"cannot-commit", NOTHING, 0, "qemu-img does not commit images of this kind"},
    [IA_DOUBT_CANNOT_RECEIVE] = {"cannot-receive", NOTHING, 0, "qemu-img does not commit into images of this kind"},
    [IA_DOUBT_ZEROES_UNKNOWN] = {"zeroes-unknown", NOTHING, 0,
                                 "how QEMU writes zeroes to images of this kind is not followed"},
    [IA_DOUBT_CANNOT_GROW] = {"cannot-grow", NOTHING, 0, "QEMU does not let it grow"},
    [IA_DOUBT_EXTERNAL_DATA] = {"external-data", NOTHING, 0,
                                "it keeps its data in an external file, which QEMU treats in its own way"},
    [IA_DOUBT_OTHER_NAME] = {"other-name", NOTHING, 0, "it may name the file by a name that stays"},
    [IA_DOUBT_CHANGE_UNKNOWN] = {"change-unknown", NOTHING, 0, "how much of it, and what, is not known"},
    [IA_DOUBT_ZEROES_NOT_COPIED] = {"zeroes-not-copied", NOTHING, 0,
                                    "sectors of zeroes are not copied: so much at most"},
    [IA_DOUBT_SHARING_UNKNOWN] = {"sharing-unknown", NOTHING, 0, "the host does not report what its files share"},
    [IA_DOUBT_OTHER_ROWS] = {"other-rows", NOTHING, 0, "rows above have doubts of their own"},
};

const struct ia_evidence_kind ia_evidence_kinds[IA_EVIDENCE_COUNT] = {
    [IA_EVIDENCE_NAMED] = {"named", "named by %s"},
    [IA_EVIDENCE_WAS_NAMED] = {"was-named", "scan %jd saw it named as backing file by '%s'"},
    [IA_EVIDENCE_BACKING_GLOB] = {"backing-glob", "matches --backing-glob '%s'"},
    [IA_EVIDENCE_OPENSTACK_BASE] = {"openstack-base", "lies in a directory _base, where OpenStack keeps base images"},
    [IA_EVIDENCE_HIDDEN] = {"hidden", "is marked as hidden in its footer, as XCP-ng does with what disks are based on"},
    [IA_EVIDENCE_EXTERNAL_SNAPSHOT] = {"external-snapshot", "may be a snapshot of the machine's disk %s"},
    [IA_EVIDENCE_PROXMOX_TEMPLATE] = {"proxmox-template", "has the name of a Proxmox template's disk, base-N-disk-N"},
};

enum ia_doubt ia_doubt_by_code(const char *code)
{
    for (enum ia_doubt doubt = IA_DOUBT_NONE; doubt < IA_DOUBT_COUNT; doubt++)
        if (strcmp(ia_doubt_kinds[doubt].code, code) == 0)
            return doubt;
    return IA_DOUBT_NONE;
}

const char *ia_candidate_word(enum ia_candidate candidate)
{
    static const char *const words[IA_CANDIDATE_COUNT] = {
        [IA_CANDIDATE_NONE] = "",
        [IA_CANDIDATE_UNREFERENCED] = "unreferenced",
        [IA_CANDIDATE_FULLY_MASKED] = "fully-masked",
        [IA_CANDIDATE_PARTLY_MASKED] = "partly-masked",
        [IA_CANDIDATE_UNCLAIMED] = "unclaimed",
    };
    return words[candidate];
}

enum ia_candidate ia_candidate_by_word(const char *word)
{
    for (enum ia_candidate candidate = IA_CANDIDATE_NONE; candidate < IA_CANDIDATE_COUNT; candidate++)
        if (strcmp(ia_candidate_word(candidate), word) == 0)
            return candidate;
    return IA_CANDIDATE_NONE;
}

static int compare(const void *left, const void *right)
{
    const struct ia_candidate_doubt *a = left;
    const struct ia_candidate_doubt *b = right;
    return a->doubt != b->doubt ? (a->doubt > b->doubt) - (a->doubt < b->doubt) : strcmp(a->subject, b->subject);
}

void ia_doubts_sort(struct ia_doubts *doubts)
{
    if (doubts->all.len == 0)
        return;
    qsort(doubts->all.items, doubts->all.len, sizeof(doubts->all.items[0]), compare);
    size_t kept = 1;
    for (size_t i = 1; i < doubts->all.len; i++)
        if (compare(&doubts->all.items[i], &doubts->all.items[kept - 1]) != 0)
            doubts->all.items[kept++] = doubts->all.items[i];
    doubts->all.len = kept;
}

void ia_doubts_subtract(struct ia_doubts *doubts, const struct ia_doubts *others)
{
    size_t kept = 0;
    for (size_t i = 0; i < doubts->all.len; i++) {
        const struct ia_candidate_doubt *doubt = &doubts->all.items[i];
        if (others->all.len == 0 || bsearch(doubt, others->all.items, others->all.len, sizeof(*doubt), compare) == NULL)
            doubts->all.items[kept++] = *doubt;
    }
    doubts->all.len = kept;
}

void ia_doubts_release(struct ia_doubts *doubts)
{
    ia_vec_release(&doubts->all);
}

void ia_doubt_render(struct ia_buf *out, enum ia_doubt doubt, const char *subject)
{
    ia_buf_add_str(out, ia_doubt_kinds[doubt].sentence);
    if (subject[0] != '\0') {
        ia_buf_add_str(out, ": ");
        ia_buf_add_str(out, subject);
    }
}

void ia_doubt_render_unwalked(struct ia_buf *out, const char *path)
{
    size_t len = ia_path_directory_length(path);
    ia_doubt_render(out, IA_DOUBT_NOT_WALKED, "");
    ia_buf_addf(out, ": %.*s", (int)(len > 1 ? len - 1 : len), path);
}

/* A place in sorted doubts, and how many from there on have the code of the first of them. */
struct run {
    const struct ia_candidate_doubt *items;
    size_t left, count;
};

static enum ia_doubt first_code(const struct run *run)
{
    return run->left > 0 ? run->items[0].doubt : IA_DOUBT_COUNT;
}

static void begin(struct run *run, enum ia_doubt code)
{
    run->count = 0;
    while (run->count < run->left && run->items[run->count].doubt == code)
        run->count++;
}

static void skip(struct run *run)
{
    run->items += run->count;
    run->left -= run->count;
}

/* The next of the subjects of two runs, in order. */
static const char *next_subject(const struct run *one, size_t *at_one, const struct run *two, size_t *at_two)
{
    bool from_one = *at_one < one->count &&
                    (*at_two == two->count || strcmp(one->items[*at_one].subject, two->items[*at_two].subject) <= 0);
    return from_one ? one->items[(*at_one)++].subject : two->items[(*at_two)++].subject;
}

static void render_code(struct ia_buf *out, enum ia_doubt code, const struct run *one, const struct run *two)
{
    enum { SHOWN = 3 };
    size_t at_one = 0;
    size_t at_two = 0;
    size_t count = one->count + two->count;
    ia_doubt_render(out, code, next_subject(one, &at_one, two, &at_two));
    for (size_t i = 1; i < count && i < SHOWN; i++) {
        ia_buf_add_str(out, ", ");
        ia_buf_add_str(out, next_subject(one, &at_one, two, &at_two));
    }
    if (count > SHOWN)
        ia_buf_addf(out, " and %zu more", count - SHOWN);
}

/* Calls for each code of two sorted lists, in order; `out` gets `between` between two. */
static void each_code(struct ia_buf *out, const struct ia_doubts *all, const struct ia_doubts *own, const char *between,
                      void (*render)(struct ia_buf *, enum ia_doubt, const struct run *, const struct run *))
{
    struct run one = {.items = all->all.items, .left = all->all.len};
    struct run two = {.items = own->all.items, .left = own->all.len};
    for (bool first = true; one.left > 0 || two.left > 0; first = false) { /* ends: each round skips one at least */
        enum ia_doubt code = first_code(&one) < first_code(&two) ? first_code(&one) : first_code(&two);
        begin(&one, code);
        begin(&two, code);
        if (!first)
            ia_buf_add_str(out, between);
        render(out, code, &one, &two);
        skip(&one);
        skip(&two);
    }
}

void ia_doubts_render(struct ia_buf *out, const struct ia_doubts *all, const struct ia_doubts *own)
{
    each_code(out, all, own, "; ", render_code);
}

static void render_word(struct ia_buf *out, enum ia_doubt code, const struct run *one, const struct run *two)
{
    (void)one, (void)two;
    ia_buf_add_str(out, ia_doubt_kinds[code].code);
}

void ia_doubts_render_codes(struct ia_buf *out, const struct ia_doubts *all, const struct ia_doubts *own)
{
    each_code(out, all, own, ",", render_word);
}

void ia_evidence_render(struct ia_buf *out, enum ia_evidence evidence, const char *subject, int64_t scan)
{
    for (const char *at = ia_evidence_kinds[evidence].sentence; *at != '\0';) {
        size_t plain = strcspn(at, "%");
        ia_buf_add(out, at, plain);
        at += plain;
        if (strncmp(at, "%s", 2) == 0) {
            ia_buf_add_str(out, subject);
            at += 2;
        } else if (strncmp(at, "%jd", 3) == 0) {
            ia_buf_add_int(out, scan);
            at += 3;
        }
    }
}
