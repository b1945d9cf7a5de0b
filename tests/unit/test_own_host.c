/* SPDX-License-Identifier: MIT */
/* Which names and addresses of servers mean this host. */
#include "scan/graph/own_host.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include "support/temp_dir.h"
#include "support/unit.h"

static struct ia_error err;

static void assert_own(const struct ia_own_host *host, const char *const *servers, size_t count, bool expected)
{
    for (size_t i = 0; i < count; i++)
        if (ia_own_host_is(host, servers[i]) != expected)
            fail_msg("%s is %sthis host", servers[i], expected ? "not " : "");
}

static void loopback_is_this_host(void **state)
{
    (void)state;
    const struct ia_own_host host = {0};
    static const char *const own[] = {
        "",
        "localhost",
        "LocalHost.",
        "x.localhost",
        "localhost.localdomain",
        "ip6-localhost",
        "127.0.0.1",
        "127.9.8.7",
        "127.1",
        "0x7f000001",
        "2130706433",
        "0.0.0.0",
        "::1",
        "0:0::1",
        "::",
        "::ffff:127.0.0.2",
        "::1%lo",
    };
    static const char *const others[] = {"192.0.2.1", "128.0.0.1",  "2001:db8::1",  "::ffff:192.0.2.1", "::127.0.0.1",
                                         "host",      "localhosts", "notlocalhost", "localhost.example"};
    assert_own(&host, own, COUNT(own), true);
    assert_own(&host, others, COUNT(others), false);
}

static void own_names_are_this_host_short_and_full(void **state)
{
    (void)state;
    struct ia_own_host host = {0};
    static const char *const own[] = {
        "node1", "NODE1", "node1.example.com", "node1.example.com.", "storage.example.org", "storage"};
    static const char *const others[] = {"node", "node11", "node2.example.com", "example.com", "storage.example.com"};
    assert_true(ia_own_host_add_name(&host, "node1") && ia_own_host_add_name(&host, "storage.example.org"));
    assert_own(&host, own, COUNT(own), true);
    assert_own(&host, others, COUNT(others), false);
    ia_own_host_release(&host);
}

static void the_host_has_its_name_and_those_in_etc_hosts(void **state)
{
    (void)state;
    char name[256] = "";
    struct ia_own_host host = {0};
    static const char lines[] =
        "# 127.0.0.1 commented\n127.0.1.1 full.example.com short # behind\n192.0.2.7 elsewhere\n"
        "::1\tsix\nnonsense\n";
    write_file("hosts", lines, strlen(lines));
    assert_ok(ia_own_host_load("hosts", &host, &err));
    assert_int_equal(gethostname(name, sizeof(name) - 1), 0);
    static const char *const own[] = {"full.example.com", "short", "six", "127.0.0.1"};
    static const char *const others[] = {"elsewhere", "commented", "behind", "nonsense"};
    assert_true(ia_own_host_is(&host, name));
    assert_own(&host, own, COUNT(own), true);
    assert_own(&host, others, COUNT(others), false);
    for (size_t i = 0; i < host.addresses.len; i++) {
        char text[INET6_ADDRSTRLEN];
        assert_non_null(inet_ntop(AF_INET6, &host.addresses.items[i], text, sizeof(text)));
        assert_true(ia_own_host_is(&host, text));
    }
    assert_true(host.addresses.len > 0); /* the loopback interface at least */
    ia_own_host_release(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_this_host),
        cmocka_unit_test(own_names_are_this_host_short_and_full),
        in_temp_dir(the_host_has_its_name_and_those_in_etc_hosts),
    };
    return cmocka_run_group_tests_name("own_host", tests, NULL, NULL);
}
