/* SPDX-License-Identifier: MIT */
/* Words, rules and limits. */
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

void ia_sandbox_rules_add_libraries(struct ia_sandbox_rules *rules)
{
    static const char *const places[] = {"/usr",       "/lib",      "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
                                         "/nix/store", "/gnu/store"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        ia_sandbox_rules_add(rules, places[i], IA_SANDBOX_READ);
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
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    lower(RLIMIT_CORE, 0);
    if (!IA_IS_SANITIZED && pages > 0 && page > 0 && (uint64_t)pages <= UINT64_MAX / 2 / (uint64_t)page) {
        uint64_t bytes = (uint64_t)pages * (uint64_t)page;
        if (bytes <= (rlim_t)-1 / 2)
            lower(RLIMIT_DATA, (rlim_t)bytes);
    }
}
