/* SPDX-License-Identifier: MIT */
/* Parts of a path, and globs on paths. Nothing is resolved: a path is its bytes before and behind the last slash. */
#ifndef IA_BASE_PATH_H
#define IA_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Bytes up to the last slash and with it, 0 where there is none: what a name beside the path begins with. */
static inline size_t ia_path_directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

/* The last component, the whole path where there is no slash; empty behind a slash at the end. */
static inline const char *ia_path_name(const char *path)
{
    return path + ia_path_directory_length(path);
}

/* `path` begins with the directory of `other`, which has one: it lies there or below. */
static inline bool ia_path_is_below_directory_of(const char *path, const char *other)
{
    size_t len = ia_path_directory_length(other);
    return len > 0 && strncmp(path, other, len) == 0;
}

/* What of a path follows a directory and the slash behind it, "" for the directory itself; NULL where it is not below.
 * Both are canonical. */
static inline const char *ia_path_below(const char *path, const char *directory)
{
    size_t len = strlen(directory);
    if (strncmp(path, directory, len) != 0)
        return NULL;
    if (path[len] == '\0' || (len > 0 && directory[len - 1] == '/')) /* itself; the root directory */
        return path + len;
    return path[len] == '/' ? path + len + 1 : NULL;
}

/* The path ends in these bytes, and has more before them. */
static inline bool ia_path_ends_in(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t end = strlen(suffix);
    return len > end && strcmp(path + len - end, suffix) == 0;
}

/* The same whatever their case. */
static inline bool ia_path_has_suffix(const char *path, const char *suffix)
{
    size_t len = strlen(path);
    size_t end = strlen(suffix);
    return len > end && strcasecmp(path + len - end, suffix) == 0;
}

/* Cuts the last component off, and the slash before it unless that is the root directory's. False for a path without
 * a slash, and for the root directory: nothing is changed then. */
static inline bool ia_path_go_up(char *path)
{
    size_t len = ia_path_directory_length(path);
    if (len == 0 || path[1] == '\0')
        return false;
    path[len > 1 ? len - 1 : 1] = '\0';
    return true;
}

/* The glob, as fnmatch reads it without flags, matches the whole path or its last component. A * matches slashes. */
bool ia_path_matches(const char *path, const char *glob);

/* Takes the slashes that are too many, "." and ".." out of an absolute path, as if no component were a symbolic link.
 * In place: it grows no longer. */
void ia_path_simplify(char *path);

#endif
