/* SPDX-License-Identifier: MIT */
/* Backing file names of every sort, for the fuzzer to start from. */
#include <stdio.h>
#include <string.h>

#include "fuzz/target.h"

static const char *const names[] = {
    "base.qcow2",
    "../base",
    "/srv/base",
    "./a:b",
    "file:base",
    "file:///srv/base",
    "nbd://host/export",
    "json:",
    "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/srv/b\"}}",
    "json:{\"driver\":\"file\",\"filename\":\"b\",\"node-name\":\"n\"}",
    "json:{\"file.driver\":\"nbd\",\"file.host\":\"h\"}",
    "json:{\"driver\":\"raw\",\"offset\":512,\"file.filename\":\"\\u00e9\"}",
    "nbd:unix:/run/nbd:exportname=e",
    "gluster+unix:///volume/b%20c?socket=/run/g",
    "https://me:word@[::1]:1/dir/b?q#f",
    "blkdebug:rules:blkverify:/r:json:{\"x-image\":\"host_device:/dev/b\"}",
    ("json:{\"driver\":\"quorum\",\"children\":[{\"driver\":\"nbd\",\"server\":{\"type\":\"unix\",\"path\":\"/s\"}},"
     "{\"driver\":\"qcow2\",\"data-file.filename\":\"/d\",\"backing\":{\"file\":{\"filename\":\"/b\"}}}]}"),
    "json:{\"driver\":\"gluster\",\"path\":\"a/b\",\"server\":[{\"host\":\"h\"},{\"type\":\"unix\",\"path\":\"/s\"}]}",
    "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"iscsi\",\"portal\":\"[::1]:3260\",\"target\":\"t\",\"lun\":1}}",
    "json:{\"a\":{\"b\":{\"c\":[1,2.5e3,true,null]}}}",
};

void fuzz_each_seed(fuzz_use_seed use, void *ctx)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "name-%02zu", i);
        use(ctx, name, names[i], strlen(names[i]));
    }
}
