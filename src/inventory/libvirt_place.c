/* SPDX-License-Identifier: MIT */
#include "inventory/libvirt_place.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/status.h"

static const char session_end[] = "/.config/libvirt";
static const char system_end[] = "/etc/libvirt";

void ia_libvirt_place_release(struct ia_libvirt_place *place)
{
    free(place->etc);
    free(place->run[0]);
    free(place->run[1]);
    free(place->lib);
    free(place->covers);
    *place = (struct ia_libvirt_place){0};
}

/* What comes before an ending of a path; -1: it has another one. */
static int before(const char *path, const char *end)
{
    size_t len = strlen(path);
    size_t tail = strlen(end);
    return len >= tail && strcmp(path + len - tail, end) == 0 ? (int)(len - tail) : -1;
}

IA_PRINTF(2, 3)
static char *make(struct ia_libvirt_place *place, const char *format, ...)
{
    char *made = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&made, format, args) < 0)
        made = NULL;
    va_end(args);
    place->failed = place->failed || made == NULL;
    return made;
}

/* A directory of what runs, unless it is one that is known by another name: /var/run is a link as a rule. */
static void add_run(struct ia_libvirt_place *place, char *path)
{
    struct stat first;
    struct stat second;
    bool is_again = path != NULL && place->runs == 1 && stat(place->run[0], &first) == 0 && stat(path, &second) == 0 &&
                    first.st_dev == second.st_dev && first.st_ino == second.st_ino;
    if (path == NULL || is_again)
        free(path);
    else
        place->run[place->runs++] = path;
}

/* XDG_RUNTIME_DIR of a user who logged in, else the cache: virGetUserRuntimeDirectory in src/util/virutil.c. */
static void complete_session(struct ia_libvirt_place *place, int home)
{
    struct stat st;
    place->is_session = true;
    place->covers = make(place, "%.*s/.config", home, place->etc); /* what lies in it is the user's home */
    if (stat(place->etc, &st) == 0)
        add_run(place, make(place, "/run/user/%lu/libvirt", (unsigned long)st.st_uid));
    add_run(place, make(place, "%.*s/.cache/libvirt", home, place->etc));
}

/* The directories that belong to that of the definitions, by its name. */
static void complete(struct ia_libvirt_place *place)
{
    int home = before(place->etc, session_end);
    int prefix = before(place->etc, system_end);
    if (home >= 0) {
        complete_session(place, home);
    } else if (prefix >= 0) {
        add_run(place, make(place, "%.*s/run/libvirt", prefix, place->etc));
        add_run(place, make(place, "%.*s/var/run/libvirt", prefix, place->etc));
        place->lib = make(place, "%.*s/var/lib/libvirt", prefix, place->etc);
    }
}

/* Paths are parted where a colon comes before a slash. */
static void take_apart(struct ia_libvirt_place *place, const char *text)
{
    const char *run = strstr(text, ":/");
    const char *lib = run == NULL ? NULL : strstr(run + 1, ":/");
    place->etc = strndup(text, run == NULL ? strlen(text) : (size_t)(run - text));
    place->failed = place->failed || place->etc == NULL;
    if (place->etc == NULL)
        return;
    for (size_t len = strlen(place->etc); len > 1 && place->etc[len - 1] == '/'; len--)
        place->etc[len - 1] = '\0';
    if (run == NULL) {
        complete(place);
        return;
    }
    run++;
    add_run(place, make(place, "%.*s", (int)(lib == NULL ? strlen(run) : (size_t)(lib - run)), run));
    place->lib = lib == NULL ? NULL : make(place, "%s", lib + 1);
}

static void find_home(struct ia_libvirt_place *place, const char *user)
{
    const struct passwd *entry = user[0] != '\0' ? getpwnam(user) : getpwuid(getuid());
    if (entry == NULL || entry->pw_dir == NULL)
        return;
    place->etc = make(place, "%s%s", entry->pw_dir, session_end);
    if (place->etc != NULL)
        complete(place);
}

bool ia_libvirt_place_find(const char *place, struct ia_libvirt_place *out)
{
    struct stat st;
    if (place[0] == '~')
        find_home(out, place + 1);
    else
        take_apart(out, place);
    return out->etc != NULL && !out->failed && stat(out->etc, &st) == 0 && S_ISDIR(st.st_mode);
}
