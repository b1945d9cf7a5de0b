/* SPDX-License-Identifier: MIT */
/* Going by symbolic links, one component after the other. */
#include "scan/graph/link_age.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "scan/catalog/file.h"

bool ia_path_is_plainly(const char *name, const char *canonical)
{
    char made[PATH_MAX] = "";
    size_t len = 0;
    while (*name != '\0') { /* ends: each round takes a component, or slashes */
        name += strspn(name, "/");
        size_t part = strcspn(name, "/");
        if (part == 2 && memcmp(name, "..", 2) == 0) {
            while (len > 0 && made[--len] != '/') {
            }
        } else if (part > 0 && (part != 1 || name[0] != '.')) {
            if (len + part + 2 > sizeof(made))
                return false;
            made[len++] = '/';
            memcpy(made + len, name, part);
            len += part;
        }
        name += part;
    }
    return strlen(canonical) == len && memcmp(made, canonical, len) == 0;
}

/* Writes where the link leads that the first `len` bytes of the path are, with what follows them, over the path. False:
 * it cannot be read, or the path would be too long. */
static bool follow(char path[PATH_MAX], size_t len)
{
    char target[PATH_MAX];
    char kept = path[len];
    path[len] = '\0';
    ssize_t got = readlink(path, target, sizeof(target));
    path[len] = kept;
    if (got <= 0)
        return false;
    size_t size = (size_t)got;
    size_t directory = target[0] == '/' ? 0 : len;
    while (directory > 0 && path[directory - 1] != '/')
        directory--;
    size_t rest = strlen(path + len) + 1;
    if (size + directory + rest > PATH_MAX)
        return false;
    memmove(path + directory + size, path + len, rest);
    memcpy(path + directory, target, size);
    return true;
}

/* The first component that is a link: sets *len to where it ends. False: none is, as far as the path leads. */
static bool find(char path[PATH_MAX], size_t *len, struct stat *st)
{
    for (size_t at = 1; path[at - 1] != '\0'; at++) {
        char kept = path[at];
        if (kept != '/' && kept != '\0')
            continue;
        path[at] = '\0';
        bool known = lstat(path, st) == 0;
        path[at] = kept;
        *len = at;
        if (!known || S_ISLNK(st->st_mode))
            return known;
    }
    return false;
}

/* Ends: the kernel follows no more links either. */
int64_t ia_youngest_link(const char *path)
{
    enum { MOST_LINKS = 40 };
    char way[PATH_MAX];
    size_t len = strlen(path);
    struct stat st;
    int64_t youngest = -1;
    if (len == 0 || len >= sizeof(way))
        return -1;
    memcpy(way, path, len + 1);
    for (int i = 0; i < MOST_LINKS && find(way, &len, &st); i++) {
        struct ia_file_key key;
        ia_file_key_from_stat(&key, &st);
        youngest = ia_max(youngest, key.mtime_ns);
        if (!follow(way, len))
            break;
    }
    return youngest;
}
