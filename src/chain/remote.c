/* SPDX-License-Identifier: MIT */
/* Servers in names and descriptions, by the options of QEMU's drivers (qapi/block-core.json, block/nbd.c, ssh.c, nfs.c,
 * gluster.c, iscsi.c, curl.c). What cannot be made out is taken for this host. */
#include "chain/remote.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct driver {
    const char *name;
    bool serves_files; /* its server may hand out a file of its host; others store objects, or make bytes up */
};

static const struct driver drivers[] = {
    {"nbd", true},          {"nbd+tcp", true},      {"nbd+unix", true},      {"nbds", true},
    {"nbds+unix", true},    {"iscsi", true},        {"iser", true},          {"http", true},
    {"https", true},        {"ftp", true},          {"ftps", true},          {"ssh", true},
    {"sftp", true},         {"nfs", true},          {"gluster", true},       {"gluster+tcp", true},
    {"gluster+unix", true}, {"gluster+rdma", true}, {"vxhs", true},          {"virtio-blk-vhost-user", true},
    {"rbd", false},         {"sheepdog", false},    {"sheepdog+tcp", false}, {"sheepdog+unix", false},
    {"null-co", false},     {"null-aio", false},
};

static const struct driver *find_driver(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (strlen(drivers[i].name) == len && strncmp(drivers[i].name, name, len) == 0)
            return &drivers[i];
    return NULL;
}

bool ia_remote_is(const char *driver, size_t len)
{
    return find_driver(driver, len) != NULL;
}

static bool serves_files(const char *driver, size_t len)
{
    const struct driver *found = find_driver(driver, len);
    return found != NULL && found->serves_files;
}

void ia_services_release(struct ia_services *services)
{
    for (size_t i = 0; i < services->all.len; i++) {
        free(services->all.items[i].host);
        free(services->all.items[i].object);
    }
    ia_vec_release(&services->all);
}

/* A stretch of a text. at is NULL where there is none. */
struct text {
    const char *at;
    size_t len;
};

static struct text text_of(const char *text)
{
    return (struct text){text, text == NULL ? 0 : strlen(text)};
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c + ('a' - 'A')) : c;
    const char *digit = lower == '\0' ? NULL : strchr(digits, lower);
    return digit == NULL ? -1 : (int)(digit - digits);
}

/* With %XX made characters; %00 stays. NULL: out of memory. */
static char *unescape(struct text text)
{
    IA_AUTO_BUF struct ia_buf out = {0};
    ia_buf_add_str(&out, "");
    for (size_t i = 0; i < text.len; i++) {
        int high = text.at[i] == '%' && i + 2 < text.len ? hex(text.at[i + 1]) : -1;
        int low = high >= 0 ? hex(text.at[i + 2]) : -1;
        bool escaped = low >= 0 && high + low > 0;
        const char meant = (char)(high * 16 + low);
        ia_buf_add_char(&out, escaped ? meant : text.at[i]);
        i += escaped ? 2 : 0;
    }
    return ia_buf_steal(&out);
}

/* Its last component, with slashes at the end left out. */
static struct text last_component(struct text path)
{
    while (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    for (size_t i = path.len; i > 0; i--)
        if (path.at[i - 1] == '/')
            return (struct text){path.at + i, path.len - i};
    return path;
}

/* An empty host or object is none. */
static enum ia_status add(struct ia_services *services, struct text host, struct text path, bool escaped,
                          struct ia_error *err)
{
    struct ia_service service = {0};
    IA_AUTO_FREE char *plain_host = NULL;
    IA_AUTO_FREE char *plain_path = NULL;
    if (host.len > 0 && (plain_host = escaped ? unescape(host) : strndup(host.at, host.len)) == NULL)
        return ia_no_memory(err);
    if (path.len > 0 && (plain_path = escaped ? unescape(path) : strndup(path.at, path.len)) == NULL)
        return ia_no_memory(err);
    struct text object = last_component(text_of(plain_path));
    if (object.len > 0 && (service.object = strndup(object.at, object.len)) == NULL)
        return ia_no_memory(err);
    service.host = plain_host;
    if (ia_vec_push(&services->all, service)) {
        plain_host = NULL; /* moved */
        return IA_OK;
    }
    free(service.object);
    return ia_no_memory(err);
}

/* "host:port", "[address]:port", "user@host". */
static struct text host_in(struct text authority)
{
    for (size_t i = authority.len; i > 0; i--) {
        if (authority.at[i - 1] != '@')
            continue;
        authority = (struct text){authority.at + i, authority.len - i};
        break;
    }
    bool bracket = authority.len > 0 && authority.at[0] == '[';
    const char *end = authority.len == 0 ? NULL : memchr(authority.at, bracket ? ']' : ':', authority.len);
    size_t len = end == NULL ? authority.len : (size_t)(end - authority.at);
    return bracket && len > 0 ? (struct text){authority.at + 1, len - 1} : (struct text){authority.at, len};
}

/* "scheme://[user@]host[:port]/path?query". The iSCSI path is that of a target and a number, no file's. */
static enum ia_status add_url(struct ia_services *services, const char *url, size_t scheme, struct ia_error *err)
{
    const struct text none = {0};
    const char *at = url + scheme + 1;
    at += strspn(at, "/");
    struct text authority = {at, strcspn(at, "/?#")};
    struct text path = {at + authority.len, strcspn(at + authority.len, "?#")};
    bool at_socket = scheme > 5 && strncmp(url + scheme - 5, "+unix", 5) == 0;
    bool is_scsi = strncmp(url, "is", 2) == 0;
    if (url[scheme + 1] == '/' && url[scheme + 2] == '/' && url[scheme + 3] == '/') /* no server at all */
        path = (struct text){at, strcspn(at, "?#")}, authority = none;
    return add(services, at_socket ? none : host_in(authority), is_scsi ? none : path, true, err);
}

/* The older form: nbd:host:port, nbd:[address]:port or nbd:unix:socket, and :exportname=NAME behind it. */
static enum ia_status add_nbd(struct ia_services *services, const char *rest, struct ia_error *err)
{
    static const char mark[] = ":exportname=";
    const char *name = strstr(rest, mark);
    struct text server = {rest, name == NULL ? strlen(rest) : (size_t)(name - rest)};
    struct text export = text_of(name == NULL ? NULL : name + strlen(mark));
    if (strncmp(rest, "unix:", 5) == 0)
        server.len = 0;
    return add(services, host_in(server), export, false, err);
}

enum ia_status ia_services_add_name(struct ia_services *services, const char *name, struct ia_error *err)
{
    size_t scheme = strcspn(name, ":/");
    if (name[scheme] != ':' || !serves_files(name, scheme))
        return IA_OK;
    if (strncmp(name, "nbd:", 4) == 0 && strstr(name, "://") == NULL)
        return add_nbd(services, name + 4, err);
    return add_url(services, name, scheme, err);
}

/* The key of an option of the node, without the prefix; NULL: the option is another's. */
static const char *own_key(const struct ia_json_option *option, const char *prefix, size_t prefix_len)
{
    return strncmp(option->key, prefix, prefix_len) == 0 ? option->key + prefix_len : NULL;
}

static bool ends_with(const char *key, const char *word)
{
    size_t len = strlen(key);
    size_t tail = strlen(word);
    return len >= tail && strcmp(key + len - tail, word) == 0 && (len == tail || key[len - tail - 1] == '.');
}

/* "server.path" and the like is a socket's. */
static bool is_of_server(const char *key)
{
    return strncmp(key, "server.", 7) == 0;
}

/* What is asked of the server: an export, or a path on its host. NULL: nothing that is named. */
static const char *object_of(const struct ia_json_options *options, const char *prefix, size_t prefix_len)
{
    const char *found = NULL;
    for (size_t i = 0; i < options->all.len; i++) {
        const char *key = own_key(&options->all.items[i], prefix, prefix_len);
        const char *value = options->all.items[i].value;
        if (key != NULL && value != NULL && (strcmp(key, "export") == 0 || strcmp(key, "path") == 0))
            found = value;
    }
    return found;
}

/* One that is named by an URL, or by host and path: there may be several hosts. */
static enum ia_status add_node_option(struct ia_services *services, const char *key, const char *value,
                                      const char *object, bool *added, struct ia_error *err)
{
    bool is_url = strcmp(key, "url") == 0 || strcmp(key, "filename") == 0 || strcmp(key, "uri") == 0;
    bool is_host = ends_with(key, "host") && (is_of_server(key) || strchr(key, '.') == NULL);
    bool is_portal = strcmp(key, "portal") == 0;
    size_t scheme = strcspn(value, ":/");
    if (is_url && value[scheme] == ':') {
        *added = true;
        return add_url(services, value, scheme, err);
    }
    if (!is_host && !is_portal)
        return IA_OK;
    *added = true;
    struct text host = is_portal ? host_in(text_of(value)) : text_of(value);
    return add(services, host, is_portal ? text_of(NULL) : text_of(object), false, err);
}

/* A socket or descriptor, which no other machine has. */
static bool is_at_socket(const char *key, const char *value)
{
    if (!is_of_server(key))
        return false;
    bool is_type = ends_with(key, "type") && (strcmp(value, "unix") == 0 || strcmp(value, "fd") == 0);
    return is_type || ends_with(key, "path") || ends_with(key, "socket");
}

static bool is_server_node(const struct ia_json_options *options, const char *prefix, size_t prefix_len)
{
    for (size_t i = 0; i < options->all.len; i++) {
        const char *key = own_key(&options->all.items[i], prefix, prefix_len);
        const char *value = options->all.items[i].value;
        if (key != NULL && value != NULL && strcmp(key, "driver") == 0 && serves_files(value, strlen(value)))
            return true;
    }
    return false;
}

enum ia_status ia_services_add_node(struct ia_services *services, const struct ia_json_options *options,
                                    const char *prefix, size_t prefix_len, struct ia_error *err)
{
    const char *object = object_of(options, prefix, prefix_len);
    bool added = false;
    bool at_socket = false;
    if (!is_server_node(options, prefix, prefix_len))
        return IA_OK;
    for (size_t i = 0; i < options->all.len; i++) {
        const char *key = own_key(&options->all.items[i], prefix, prefix_len);
        const char *value = options->all.items[i].value;
        if (key == NULL || value == NULL)
            continue;
        at_socket = at_socket || is_at_socket(key, value);
        IA_TRY(add_node_option(services, key, value, object, &added, err));
    }
    /* A socket, the default host, or one that cannot be made out. */
    return at_socket || !added ? add(services, text_of(NULL), text_of(object), false, err) : IA_OK;
}
