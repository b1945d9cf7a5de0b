/* SPDX-License-Identifier: MIT */
/* The lists and numbers among the options. */
#include "scan/options.h"

#define LIST(function, member, counter)                                                                                \
    static void set_##function(struct ia_scan_options *options, const char *const *values, size_t count)               \
    {                                                                                                                  \
        options->member = values;                                                                                      \
        options->counter = count;                                                                                      \
    }                                                                                                                  \
    static const char *const *get_##function(const struct ia_scan_options *options, size_t *count)                     \
    {                                                                                                                  \
        *count = options->counter;                                                                                     \
        return options->member;                                                                                        \
    }

LIST(roots, roots, root_count)
LIST(allow, allow, allow_count)
LIST(exclude, exclude, exclude_count)
LIST(backing_globs, backing_globs, backing_glob_count)
LIST(templates, templates, template_count)
LIST(raw_suffixes, raw_suffixes, raw_suffix_count)
LIST(sole_hosts, sole_hosts, sole_host_count)
LIST(inventories, inventories, inventory_count)

static void set_trust_locks(struct ia_scan_options *options, const char *const *values, size_t count)
{
    (void)values;
    options->trust_locks = count > 0;
}

static const char *const *get_trust_locks(const struct ia_scan_options *options, size_t *count)
{
    static const char *const values[] = {""};
    *count = options->trust_locks ? 1 : 0;
    return values;
}

const struct ia_scan_list ia_scan_lists[IA_SCAN_LISTS] = {
    [IA_SCAN_ROOTS] = {"root", get_roots, set_roots},
    [IA_SCAN_ALLOW] = {"allow", get_allow, set_allow},
    [IA_SCAN_EXCLUDE] = {"exclude", get_exclude, set_exclude},
    [IA_SCAN_BACKING_GLOBS] = {"backing-glob", get_backing_globs, set_backing_globs},
    [IA_SCAN_TEMPLATES] = {"template", get_templates, set_templates},
    [IA_SCAN_RAW_SUFFIXES] = {"raw-suffix", get_raw_suffixes, set_raw_suffixes},
    [IA_SCAN_TRUST_LOCKS] = {"trust-locks", get_trust_locks, set_trust_locks},
    [IA_SCAN_SOLE_HOSTS] = {"sole-host", get_sole_hosts, set_sole_hosts},
    [IA_SCAN_INVENTORIES] = {"inventory", get_inventories, set_inventories},
};

static int64_t get_min_age(const struct ia_scan_options *options)
{
    return options->min_age;
}

static void set_min_age(struct ia_scan_options *options, int64_t seconds)
{
    options->min_age = seconds;
}

const struct ia_scan_number ia_scan_numbers[IA_SCAN_NUMBERS] = {
    [IA_SCAN_MIN_AGE] = {"min-age", get_min_age, set_min_age},
};
