/* SPDX-License-Identifier: MIT */
/* Words, rules and limits. */
#include "sandbox/sandbox.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "sandbox/internal.h"

bool ia_sandbox_mode_by_word(const char *word, enum ia_sandbox_mode *out)
{
    static const char *const words[IA_SANDBOX_MODES] = {
        [IA_SANDBOX_OFF] = "off", [IA_SANDBOX_AUTO] = "auto", [IA_SANDBOX_REQUIRE] = "require"};
    for (size_t i = 0; i < IA_SANDBOX_MODES; i++) {
        if (strcmp(words[i], word) == 0) {
            *out = (enum ia_sandbox_mode)i;
            return true;
        }
    }
    return false;
}

void ia_sandbox_rules_release(struct ia_sandbox_rules *rules)
{
    for (size_t i = 0; i < rules->all.len; i++)
        free(rules->all.items[i].path);
    ia_vec_release(&rules->all);
}

void ia_sandbox_rules_add(struct ia_sandbox_rules *rules, const char *path, unsigned rights)
{
    struct ia_sandbox_rule rule = {strdup(path), rights};
    if (rule.path != NULL && ia_vec_push(&rules->all, rule))
        return;
    free(rule.path);
    rules->failed = true;
}

/* Directories with colons between them. */
static void add_list(struct ia_sandbox_rules *rules, const char *list)
{
    char *copy = strdup(list);
    char *rest = NULL;
    rules->failed = rules->failed || copy == NULL;
    for (char *at = copy == NULL ? NULL : strtok_r(copy, ":;", &rest); at != NULL; at = strtok_r(NULL, ":;", &rest))
        ia_sandbox_rules_add(rules, at, IA_SANDBOX_READ);
    free(copy);
}

void ia_sandbox_rules_add_libraries(struct ia_sandbox_rules *rules)
{
    static const char *const places[] = {"/usr",       "/lib",      "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
                                         "/nix/store", "/gnu/store"};
    const char *own = getenv("LD_LIBRARY_PATH");
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        ia_sandbox_rules_add(rules, places[i], IA_SANDBOX_READ);
    if (own != NULL)
        add_list(rules, own);
}

static void lower(int what, rlim_t most)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > most)
        limit.rlim_max = most;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > most)
        limit.rlim_cur = most;
    setrlimit((__rlimit_resource_t)what, &limit);
}

bool ia_sandbox_is_sanitized(void)
{
    return IA_IS_SANITIZED;
}

void ia_sandbox_limit(void)
{
    enum { LEAST = 1 << 30 }; /* stacks of threads count as well */
    struct sysinfo info;
    uint64_t bytes = 0;
    lower(RLIMIT_CORE, 0);
    if (IA_IS_SANITIZED || sysinfo(&info) != 0 ||
        __builtin_mul_overflow((uint64_t)info.totalram + info.totalswap, info.mem_unit, &bytes))
        return;
    bytes = bytes > LEAST ? bytes : LEAST;
    if (bytes < RLIM_INFINITY)
        lower(RLIMIT_DATA, (rlim_t)bytes);
}
