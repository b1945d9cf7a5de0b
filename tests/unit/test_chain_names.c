/* SPDX-License-Identifier: MIT */
/* What backing file names lead to besides their main file: files in json: descriptions and behind stacked protocols,
 * and the servers that are asked. Spellings are those of qapi/block-core.json and of the drivers in QEMU's block/. */
#include "chain/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "support/unit.h"

static struct ia_error err;

/* "path" for a file's name, "path?" for what may be one; then "@host/object" for a server, "@" for one of this host. */
static char *apart(const char *name)
{
    IA_AUTO_NAMES struct ia_names names = {0};
    struct ia_buf out = {0};
    assert_ok(ia_names_take_apart(name, &names, &err));
    ia_buf_add_str(&out, "");
    for (size_t i = 0; i < names.files.len; i++)
        ia_buf_addf(&out, "%s%s ", names.files.items[i].path, names.files.items[i].is_sure ? "" : "?");
    for (size_t i = 0; i < names.services.all.len; i++) {
        const struct ia_service *service = &names.services.all.items[i];
        ia_buf_addf(&out, "@%s%s%s ", service->host != NULL ? service->host : "", service->object != NULL ? "/" : "",
                    service->object != NULL ? service->object : "");
    }
    return ia_buf_steal(&out);
}

struct expectation {
    const char *name, *expected; /* each thing with a space behind it */
};

static void assert_apart(const struct expectation *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *got = apart(cases[i].name);
        if (strcmp(got, cases[i].expected) != 0)
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].name, got, cases[i].expected);
        free(got);
    }
}

static void plain_names_have_nothing_besides(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"base.qcow2", ""}, {"/srv/a:b", ""}, {"./json:{}", ""}, {"file:/srv/base", ""}, {"", ""},
    };
    assert_apart(cases, COUNT(cases));
}

static void every_file_of_a_description_is_found(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/b\"}}", "/b "},
        {"json:{\"driver\":\"file\",\"filename\":\"/b\"}", "/b "},
        {"json:{\"file.filename\":\"/b\",\"backing.file.filename\":\"/c\"}", "/b /c "},
        {"json:{\"file\":{\"filename\":\"/b\"},\"backing\":{\"file\":{\"filename\":\"/c\"},\"backing\":"
         "{\"driver\":\"raw\",\"file.filename\":\"/d\"}}}",
         "/b /c /d "},
        {"json:{\"driver\":\"qcow2\",\"file\":{\"filename\":\"/b\"},\"data-file\":{\"driver\":\"file\","
         "\"filename\":\"/data\"}}",
         "/b /data "},
        {"json:{\"driver\":\"throttle\",\"throttle-group\":\"g\",\"file\":{\"driver\":\"qcow2\",\"file\":{\"driver\":"
         "\"luks\",\"key-secret\":\"k\",\"file\":{\"driver\":\"host_device\",\"filename\":\"/dev/vg/lv\"}}}}",
         "/dev/vg/lv "},
        {"json:{\"driver\":\"blkverify\",\"test\":{\"driver\":\"qcow2\",\"file.filename\":\"/t\"},\"raw\":{\"driver\":"
         "\"file\",\"filename\":\"/r\"}}",
         "/t /r "},
        {"json:{\"driver\":\"quorum\",\"vote-threshold\":1,\"children\":[{\"driver\":\"file\",\"filename\":\"/0\"},"
         "{\"driver\":\"qcow2\",\"file\":{\"filename\":\"/1\"}}]}",
         "/0 /1 "},
        {"json:{\"driver\":\"quorum\",\"children.0.file.filename\":\"/0\",\"children.1.filename\":\"/1\"}", "/0 /1 "},
        {"json:{\"file.filename\":\"/b\",\"backing\":null}", "/b "},
        {"json:{\"file.filename\":\"/b\",\"backing.file.filename\":\"/b\"}", "/b "},
        {"json:{\"file\":{\"filename\":\"b\"},\"read-only\":true,\"cache-size\":65536,\"l2\":1.5}", "b "},
        {"json:{\"file\":{\"filename\":\"nbd:localhost:1\"}}", "nbd:localhost:1 @localhost "}, /* to QEMU a file */
    };
    assert_apart(cases, COUNT(cases));
}

static void names_with_a_protocol_are_found_inside_of_names(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"json:{\"driver\":\"blkdebug\",\"x-image\":\"/b\"}", "/b "},
        {"json:{\"driver\":\"blkdebug\",\"config\":\"/rules\",\"image.filename\":\"/b\"}", "/rules? /b "},
        {"json:{\"driver\":\"blkdebug\",\"x-image\":\"json:{\\\"driver\\\":\\\"qcow2\\\",\\\"file.filename\\\":"
         "\\\"/b\\\"}\"}",
         "/b "},
        {"json:{\"driver\":\"blkverify\",\"x-raw\":\"file:/r\",\"x-image\":\"nbd://localhost/e\"}", "/r @localhost/e "},
        {"blkdebug::/b", "/b "},
        {"blkdebug:rules:/b:c", "rules? /b:c "},
        {"blkdebug::json:{\"file.filename\":\"/b\"}", "/b "},
        {"blkdebug::blkverify:/r:/i", "/r /i "},
        {"blkverify:/r:/i", "/r /i "},
        {"blkverify:/r", "/r "},
        {"blkverify:/r:nbd:unix:/s", "/r @ "},
        {"host_device:/dev/vg/lv", "/dev/vg/lv "},
        {"host_cdrom:/dev/sr0", "/dev/sr0 "},
        {"fat:rw:/dir", "rw:/dir? /dir? "},
        {"unheard-of:/b", "/b? "},
        {"json:{\"driver\":\"unheard-of\",\"path\":\"/b\",\"count\":3}", "/b? "},
        {"json:{\"driver\":\"unheard-of\",\"target\":\"json:{\\\"file.filename\\\":\\\"/b\\\"}\"}",
         "json:{\"file.filename\":\"/b\"}? /b "},
    };
    assert_apart(cases, COUNT(cases));
}

static void servers_in_urls_are_found_with_their_names(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"nbd://host/export", "@host/export "},
        {"nbd://host:10809", "@host "},
        {"nbd://[::1]:10809/e", "@::1/e "},
        {"nbd+tcp://host/", "@host "},
        {"nbd+unix:///e?socket=/run/nbd", "@/e "},
        {"nbd:unix:/run/nbd", "@ "},
        {"nbd:unix:/run/nbd:exportname=e", "@/e "},
        {"nbd:host:10809:exportname=dir/e", "@host/e "},
        {"nbd:[fe80::1%eth0]:1", "@fe80::1%eth0 "},
        {"nbd::1", "@ "},
        {"ssh://me@host:22/srv/base.qcow2?host_key_check=no", "@host/base.qcow2 "},
        {"https://me:word@host/pool/base%20one.qcow2?x=/y#z", "@host/base one.qcow2 "},
        {"http://%6cocalhost/x", "@localhost/x "},
        {"http:host/x", "@host/x "},
        {"iscsi://me%word@host:3260/iqn.2001-04.com.example:disk/1", "@host "},
        {"nfs://host/export/base.qcow2?uid=0", "@host/base.qcow2 "},
        {"gluster://host/volume/dir/base.qcow2", "@host/base.qcow2 "},
        {"gluster:///volume/base.qcow2", "@/base.qcow2 "},
        {"gluster+unix:///volume/base.qcow2?socket=/run/glusterd", "@/base.qcow2 "},
        {"rbd:pool/image", ""},
        {"sheepdog://localhost/vdi", ""},
        {"null-co://", ""},
    };
    assert_apart(cases, COUNT(cases));
}

static void servers_in_descriptions_are_found_with_their_names(void **state)
{
    (void)state;
    static const struct expectation cases[] = {
        {"json:{\"driver\":\"nbd\",\"server\":{\"type\":\"unix\",\"path\":\"/run/nbd\"},\"export\":\"e\"}", "@/e "},
        {"json:{\"driver\":\"nbd\",\"server\":{\"type\":\"inet\",\"host\":\"host\",\"port\":\"1\"},\"export\":\"a/e\"}",
         "@host/e "},
        {"json:{\"driver\":\"nbd\",\"server.type\":\"fd\",\"server.str\":\"7\"}", "@ "},
        {"json:{\"driver\":\"nbd\",\"server\":{\"type\":\"vsock\",\"cid\":\"1\",\"port\":\"1\"}}", "@ "},
        {"json:{\"driver\":\"nbd\",\"path\":\"/run/nbd\"}", "@/nbd "},
        {"json:{\"driver\":\"nbd\",\"host\":\"host\"}", "@host "},
        {"json:{\"driver\":\"nbd\",\"server.type\":\"inet\",\"server.data.host\":\"host\"}", "@host "},
        {"json:{\"driver\":\"nbd\"}", "@ "},
        {"json:{\"driver\":\"raw\",\"file.driver\":\"nbd\",\"file.host\":\"host\"}", "@host "},
        {"json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"ssh\",\"server\":{\"host\":\"host\",\"port\":\"22\"},"
         "\"path\":\"/srv/base.qcow2\",\"user\":\"me\"}}",
         "@host/base.qcow2 "},
        {"json:{\"driver\":\"https\",\"url\":\"https://host/base.qcow2\",\"sslverify\":false}", "@host/base.qcow2 "},
        {"json:{\"driver\":\"iscsi\",\"transport\":\"tcp\",\"portal\":\"[::1]:3260\",\"target\":\"iqn.x\",\"lun\":1}",
         "@::1 "},
        {"json:{\"driver\":\"nfs\",\"server\":{\"type\":\"inet\",\"host\":\"host\"},\"path\":\"/srv/base.qcow2\"}",
         "@host/base.qcow2 "},
        {"json:{\"driver\":\"gluster\",\"volume\":\"v\",\"path\":\"dir/base.qcow2\",\"server\":[{\"type\":\"inet\","
         "\"host\":\"one\",\"port\":\"1\"},{\"type\":\"unix\",\"path\":\"/run/glusterd\"}]}",
         "@one/base.qcow2 @/base.qcow2 "},
        {"json:{\"driver\":\"virtio-blk-vhost-user\",\"path\":\"/run/vhost\"}", "@/vhost "},
        {"json:{\"driver\":\"rbd\",\"pool\":\"p\",\"image\":\"i\",\"server\":[{\"host\":\"localhost\",\"port\":\"1\"}]"
         "}",
         ""},
        {"json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"nbd\",\"server\":{\"type\":\"unix\",\"path\":\"/s\"}},"
         "\"backing\":{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/b\"}}}",
         "/b @ "},
        {"json:{\"driver\":\"throttle\",\"file\":{\"driver\":\"raw\",\"file\":{\"driver\":\"nbd\",\"host\":\"host\"}}}",
         "@host "},
        {"json:{\"driver\":\"file\",\"filename\":\"/b\",\"host\":\"host\"}", "/b host? "}, /* no server's node */
    };
    assert_apart(cases, COUNT(cases));
}

static void what_is_no_json_names_nothing(void **state)
{
    (void)state;
    static const struct expectation cases[] = {{"json:", ""}, {"json:{", ""}, {"json:[\"/b\"]", ""}};
    assert_apart(cases, COUNT(cases));
}

/* A description in a description in a description...: looked at to a depth, and no further. */
static void nesting_is_bounded(void **state)
{
    (void)state;
    struct ia_buf name = {0};
    for (int i = 0; i < 100; i++)
        ia_buf_add_str(&name, "blkdebug::");
    ia_buf_add_str(&name, "/b");
    const struct expectation deep = {name.data, ""};
    assert_apart(&deep, 1);
    ia_buf_release(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_names_have_nothing_besides),
        cmocka_unit_test(every_file_of_a_description_is_found),
        cmocka_unit_test(names_with_a_protocol_are_found_inside_of_names),
        cmocka_unit_test(servers_in_urls_are_found_with_their_names),
        cmocka_unit_test(servers_in_descriptions_are_found_with_their_names),
        cmocka_unit_test(what_is_no_json_names_nothing),
        cmocka_unit_test(nesting_is_bounded),
    };
    return cmocka_run_group_tests_name("chain_names", tests, NULL, NULL);
}
