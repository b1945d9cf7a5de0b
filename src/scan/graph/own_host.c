/* SPDX-License-Identifier: MIT */
/* Names and addresses of this host. */
#include "scan/graph/own_host.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

void ia_own_host_release(struct ia_own_host *host)
{
    for (size_t i = 0; i < host->names.len; i++)
        free(host->names.items[i]);
    ia_vec_release(&host->names);
    ia_vec_release(&host->addresses);
}

bool ia_own_host_add_name(struct ia_own_host *host, const char *name)
{
    char *copy = strdup(name);
    if (copy != NULL && ia_vec_push(&host->names, copy))
        return true;
    free(copy);
    return false;
}

static struct in6_addr mapped(struct in_addr v4)
{
    struct in6_addr v6 = {{{[10] = 0xff, [11] = 0xff}}};
    memcpy(&v6.s6_addr[12], &v4, sizeof(v4));
    return v6;
}

/* An address as getaddrinfo takes it: IPv4 in one to four numbers of any base, IPv6 with a zone. */
static bool read_address(const char *text, struct in6_addr *out)
{
    struct in_addr v4;
    char plain[INET6_ADDRSTRLEN];
    size_t len = strcspn(text, "%");
    if (inet_aton(text, &v4) != 0) {
        *out = mapped(v4);
        return true;
    }
    if (len == 0 || len >= sizeof(plain))
        return false;
    memcpy(plain, text, len);
    plain[len] = '\0';
    return inet_pton(AF_INET6, plain, out) == 1;
}

/* 127.0.0.0/8 and ::1; and the addresses of no host, by which connect() reaches this one. */
static bool is_loopback(const struct in6_addr *address)
{
    if (IN6_IS_ADDR_V4MAPPED(address))
        return address->s6_addr[12] == 127 || memcmp(&address->s6_addr[12], "\0\0\0\0", 4) == 0;
    return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address);
}

static bool is_own_address(const struct ia_own_host *host, const struct in6_addr *address)
{
    for (size_t i = 0; i < host->addresses.len; i++)
        if (memcmp(&host->addresses.items[i], address, sizeof(*address)) == 0)
            return true;
    return is_loopback(address);
}

static size_t first_label(const char *name)
{
    return strcspn(name, ".");
}

/* The same name, whatever the case, a dot at the end left out. A short name and a full one are the same if they begin
 * so: in which domain the short one is, is unknown. */
static bool is_same_name(const char *a, const char *b)
{
    size_t a_len = strlen(a) - (a[0] != '\0' && a[strlen(a) - 1] == '.');
    size_t b_len = strlen(b) - (b[0] != '\0' && b[strlen(b) - 1] == '.');
    bool is_short = first_label(a) >= a_len || first_label(b) >= b_len;
    if (is_short) {
        a_len = first_label(a);
        b_len = first_label(b);
    }
    return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

/* RFC 6761: localhost, and all names below it. */
static bool is_localhost(const char *name)
{
    static const char word[] = "localhost";
    size_t len = strlen(name) - (name[0] != '\0' && name[strlen(name) - 1] == '.');
    size_t start = len >= strlen(word) ? len - strlen(word) : len;
    return strncasecmp(name + start, word, strlen(word)) == 0 && (start == 0 || name[start - 1] == '.');
}

bool ia_own_host_is(const struct ia_own_host *host, const char *server)
{
    static const char *const usual[] = {"localhost.localdomain", "localhost4", "localhost6", "ip6-localhost",
                                        "ip6-loopback"};
    struct in6_addr address;
    if (server[0] == '\0' || is_localhost(server))
        return true;
    if (read_address(server, &address))
        return is_own_address(host, &address);
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (is_same_name(server, usual[i]))
            return true;
    for (size_t i = 0; i < host->names.len; i++)
        if (is_same_name(server, host->names.items[i]))
            return true;
    return false;
}

static bool add_addresses(struct ia_own_host *host)
{
    struct ifaddrs *all = NULL;
    bool ok = true;
    if (getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *at = all; at != NULL && ok; at = at->ifa_next) {
        struct in6_addr address;
        if (at->ifa_addr == NULL || (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
            continue;
        if (at->ifa_addr->sa_family == AF_INET)
            address = mapped(((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr);
        else
            address = ((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr;
        ok = ia_vec_push(&host->addresses, address);
    }
    freeifaddrs(all);
    return ok;
}

/* "address name alias... # remark" */
static bool add_line(struct ia_own_host *host, char *line)
{
    static const char blanks[] = " \t\r\n";
    struct in6_addr address;
    char *rest = NULL;
    line[strcspn(line, "#")] = '\0';
    const char *word = strtok_r(line, blanks, &rest);
    if (word == NULL || !read_address(word, &address) || !is_own_address(host, &address))
        return true;
    while ((word = strtok_r(NULL, blanks, &rest)) != NULL) /* ends: each takes a word of the line */
        if (!ia_own_host_add_name(host, word))
            return false;
    return true;
}

static bool add_hosts(struct ia_own_host *host, const char *path)
{
    enum { MAX_LINES = 100000 };
    FILE *file = fopen(path, "re");
    IA_AUTO_FREE char *line = NULL;
    size_t size = 0;
    bool ok = true;
    if (file == NULL)
        return true;
    for (int lines = 0; ok && lines < MAX_LINES && getline(&line, &size, file) >= 0; lines++)
        ok = add_line(host, line);
    fclose(file);
    return ok;
}

enum ia_status ia_own_host_load(const char *hosts, struct ia_own_host *out, struct ia_error *err)
{
    char name[256] = "";
    *out = (struct ia_own_host){0};
    if (gethostname(name, sizeof(name) - 1) != 0)
        name[0] = '\0';
    bool ok = (name[0] == '\0' || ia_own_host_add_name(out, name)) && add_addresses(out) && add_hosts(out, hosts);
    return ok ? IA_OK : ia_no_memory(err);
}
