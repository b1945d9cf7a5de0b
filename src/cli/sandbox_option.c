/* SPDX-License-Identifier: MIT */
/* --sandbox, for all commands that read images. */
#include "cli/sandbox_option.h"

#include "cli/common.h"

int ia_cli_parse_sandbox(const char *command, const char *word, enum ia_sandbox_mode *out)
{
    if (ia_sandbox_mode_by_word(word, out))
        return -1;
    return ia_cli_usage(command, "--sandbox takes auto, require or off, not '%s'", word);
}

void ia_cli_note_sandbox(const char *what)
{
    ia_cli_error("note: images are read without all of the sandbox: %s (--sandbox=off reads them so without this note)",
                 what);
}

static int settle(enum ia_sandbox_mode mode, enum ia_status status, const struct ia_error *cause)
{
    if (status == IA_OK)
        return -1;
    if (mode != IA_SANDBOX_REQUIRE) {
        ia_cli_note_sandbox(cause->message);
        return -1;
    }
    ia_cli_error("no sandbox: %s", cause->message);
    return IA_EXIT_FAILED;
}

int ia_cli_enter_sandbox(enum ia_sandbox_mode mode, const struct ia_confine *confine)
{
    IA_AUTO_SANDBOX_RULES struct ia_sandbox_rules rules = {0};
    struct ia_error cause = {0};
    if (mode == IA_SANDBOX_OFF)
        return -1;
    ia_sandbox_limit();
    if (confine == NULL)
        ia_sandbox_rules_add(&rules, "/", IA_SANDBOX_READ);
    for (size_t i = 0; confine != NULL && i < confine->allowed.len; i++)
        ia_sandbox_rules_add(&rules, confine->allowed.items[i].path, IA_SANDBOX_READ);
    int code = settle(mode, ia_sandbox_landlock(&rules, &cause), &cause);
    return code >= 0 ? code : settle(mode, ia_sandbox_seccomp(IA_SANDBOX_NO_WRITES, &cause), &cause);
}
