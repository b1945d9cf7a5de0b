/* SPDX-License-Identifier: MIT */
/* Suggestions as commands: each action, and that a shell takes any name for one word. */
#include "report/advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/shell.h"
#include "support/unit.h"

#define FIELDS(text) text, sizeof(text) - 1

/* Texts with NUL in them: the length is that of the literal. */
static const struct {
    const char *advice;
    size_t len;
    const char *command;
} commands[] = {
    {FIELDS("remove\0/a"), "imgaudit prove '/a' && rm -- '/a'"},
    {FIELDS("remove\0/a b\0/it's"), "imgaudit prove '/a b' '/it'\\''s' && rm -- '/a b' '/it'\\''s'"},
    {FIELDS("find-users\0/a"), "fuser -v '/a'"},
    {FIELDS("findings"), "imgaudit report --findings"},
    {FIELDS("dependents\0/a"), "imgaudit report --dependents '/a'"},
    {FIELDS("flatten\0/a\0/b"), "imgaudit report --what-if-flatten '/a' '/b'"},
    {FIELDS("rebase\0qcow2\0\0\0/a"), "qemu-img rebase -f qcow2 -b '' '/a'"},
    {FIELDS("rebase\0qcow2\0/g\0raw\0/a\0qed\0/g\0raw\0/b"),
     "qemu-img rebase -f qcow2 -b '/g' -F raw '/a' && qemu-img rebase -f qed -b '/g' -F raw '/b'"},
    {FIELDS("rebase\0qcow2\0/g\0raw; rm x\0/a"), "qemu-img rebase -f qcow2 -b '/g' -F 'raw; rm x' '/a'"},
    {FIELDS("rebase\0a b\0/g\0\0/a"), "qemu-img rebase -f 'a b' -b '/g' -F '' '/a'"},
    {FIELDS("rename-backing\0qcow2\0/new/it's\0raw\0/a"), "qemu-img rebase -u -f qcow2 -b '/new/it'\\''s' -F raw '/a'"},
    {FIELDS("commit\0/a"), "imgaudit report --what-if-commit '/a'"},
    {FIELDS("copy-sparsely\0/it's"), "cp --preserve=all --sparse=always '/it'\\''s' '/it'\\''s.new'"},
    {FIELDS("repair-leaks\0qcow2\0/a"), "qemu-img check -r leaks -f qcow2 '/a'"},
    {FIELDS("cut-tail\0/a\0"
            "1735689600000000001\0"
            "65536"),
     "[ \"$(LC_ALL=C stat -c %.9Y '/a')\" = 1735689600.000000001 ] && truncate -s 65536 '/a'"},
    {FIELDS("cut-tail\0/a\0"
            "5\0"
            "0"),
     "[ \"$(LC_ALL=C stat -c %.9Y '/a')\" = 0.000000005 ] && truncate -s 0 '/a'"},
    {FIELDS("cut-tail\0/a\0"
            "1234567890\0"
            "0"),
     "[ \"$(LC_ALL=C stat -c %.9Y '/a')\" = 1.234567890 ] && truncate -s 0 '/a'"},
    {FIELDS("convert\0qcow2\0/a\0"
            "65536\0"
            "3\0zlib\0"
            "0\0\0"),
     "qemu-img convert -f qcow2 -O qcow2 -o cluster_size=65536 '/a' '/a.new'"},
    {FIELDS("convert\0qcow2\0/a\0"
            "512\0"
            "2\0\0"
            "0\0\0"),
     "qemu-img convert -f qcow2 -O qcow2 -o cluster_size=512,compat=0.10 '/a' '/a.new'"},
    {FIELDS("convert\0qcow2\0/a\0"
            "65536\0"
            "3\0zstd\0"
            "1\0-b's\0raw"),
     "qemu-img convert -f qcow2 -O qcow2 -o cluster_size=65536,compression_type=zstd,extended_l2=on"
     " -B '-b'\\''s' -F 'raw' '/a' '/a.new'"},
};

static void every_action_is_a_command(void **state)
{
    (void)state;
    struct ia_error err = {0};
    for (size_t i = 0; i < COUNT(commands); i++) {
        struct ia_buf out = {0};
        assert_ok(ia_advice_render(&out, commands[i].advice, commands[i].len, &err));
        assert_string_equal(out.data, commands[i].command);
        assert_int_equal(out.len, strlen(commands[i].command));
        ia_buf_release(&out);
    }
}

static void what_is_no_suggestion_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *advice;
        size_t len;
        const char *message;
    } cases[] = {
        {FIELDS(""), "there is no suggestion ''"},
        {FIELDS("remov"), "there is no suggestion 'remov'"},
        {FIELDS("removed\0/a"), "there is no suggestion 'removed'"},
        {FIELDS("remove"), "the 0 arguments of the suggestion 'remove' are none of it"},
        {FIELDS("findings\0/a"), "the 1 arguments of the suggestion 'findings' are none of it"},
        {FIELDS("find-users\0/a\0/b"), "the 2 arguments of the suggestion 'find-users' are none of it"},
        {FIELDS("rebase"), "the 0 arguments of the suggestion 'rebase' are none of it"},
        {FIELDS("rebase\0qcow2\0\0\0/a\0qcow2"), "the 5 arguments of the suggestion 'rebase' are none of it"},
        {FIELDS("cut-tail\0/a\0"
                "5\0$(x)"),
         "the 3 arguments of the suggestion 'cut-tail' are none of it"},
        {FIELDS("cut-tail\0/a\0-5\0"
                "5"),
         "the 3 arguments of the suggestion 'cut-tail' are none of it"},
        {FIELDS("convert\0qcow2\0/a\0\0"
                "3\0\0"
                "0\0\0"),
         "the 8 arguments of the suggestion 'convert' are none of it"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_buf out = {0};
        struct ia_error err = {0};
        assert_status(IA_USAGE, ia_advice_render(&out, cases[i].advice, cases[i].len, &err));
        assert_string_equal(err.message, cases[i].message);
        ia_buf_release(&out);
    }
}

static void every_text_is_quoted_as_one_word(void **state)
{
    (void)state;
    static const struct {
        const char *text, *quoted;
    } cases[] = {
        {"", "''"},
        {"plain", "'plain'"},
        {"two words", "'two words'"},
        {"it's", "'it'\\''s'"},
        {"'", "''\\'''"},
        {"''", "''\\'''\\'''"},
        {"new\nline", "'new\nline'"},
        {"-rf", "'-rf'"},
        {"$(touch x)`id`\\\"", "'$(touch x)`id`\\\"'"},
        {"\xff\xfe\xe9", "'\xff\xfe\xe9'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ia_buf out = {0};
        ia_shell_quote(&out, cases[i].text, strlen(cases[i].text));
        assert_string_equal(out.data, cases[i].quoted);
        ia_buf_release(&out);
    }
}

/* What the shell itself makes of each byte that a path may have. */
static void a_shell_reads_back_every_byte(void **state)
{
    (void)state;
    char name[256];
    char got[512];
    struct ia_buf command = {0};
    for (int byte = 1; byte < 256; byte++)
        name[byte - 1] = (char)byte;
    name[255] = '\0';
    ia_buf_add_str(&command, "printf %s ");
    ia_shell_quote(&command, name, strlen(name));
    FILE *shell = popen(command.data, "r");
    assert_non_null(shell);
    size_t len = fread(got, 1, sizeof(got), shell);
    assert_int_equal(pclose(shell), 0);
    assert_int_equal(len, strlen(name));
    assert_memory_equal(got, name, len);
    ia_buf_release(&command);
}

/* Not even a name that looks like an option is one. */
static void a_leading_dash_is_no_option(void **state)
{
    (void)state;
    struct ia_error err = {0};
    struct ia_buf out = {0};
    assert_ok(ia_advice_render(&out, FIELDS("find-users\0-k"), &err));
    assert_string_equal(out.data, "fuser -v './-k'");
    ia_buf_clear(&out);
    assert_ok(ia_advice_render(&out, FIELDS("copy-sparsely\0--"), &err));
    assert_string_equal(out.data, "cp --preserve=all --sparse=always './--' './--.new'");
    ia_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_is_a_command),        cmocka_unit_test(what_is_no_suggestion_is_refused),
        cmocka_unit_test(every_text_is_quoted_as_one_word), cmocka_unit_test(a_shell_reads_back_every_byte),
        cmocka_unit_test(a_leading_dash_is_no_option),
    };
    return cmocka_run_group_tests_name("report advice", tests, NULL, NULL);
}
