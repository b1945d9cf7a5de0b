#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What a name in an image leads to besides its main file: files anywhere in a json: description, services of this host,
# files of other machines. That QEMU needs the file in question is shown by taking it away.

import json
import os
import re
import signal
import socket
import subprocess
import time

import harness
from sites import MIB, create, make_raw, must, qemu_io, run

OBJECTS = ("--object", "throttle-group,id=limit", "--object", "secret,id=key,data=letmein")


def local(path):
    return {"driver": "file", "filename": path}


def qcow2(path, **more):
    return {"driver": "qcow2", "file": local(path), **more}


def described(node):
    return "json:" + json.dumps(node)


def reads(image):
    """Whether qemu-img reads the image to its end."""
    target = image + ".read"
    outcome = run(["qemu-img", "convert", "-U", *OBJECTS, "-f", "qcow2", "-O", "raw", image, target])
    if os.path.exists(target):
        os.unlink(target)
    return outcome.code == 0


def written(image):
    qemu_io(image, "write -q -P 1 0 128k")
    return image


def base_image(site, name="base.qcow2"):
    """An image in a directory of OpenStack's bases: evidence that it was a backing file, whoever names it now."""
    return written(create(site.path("_base", name)))


def verdict(site, path):
    """(status, verdict, codes) of the image in --unused-backing; None: it is not there."""
    row = site.unused(partly=True).get(site.relative(path))
    return row and (row["status"], row["verdict"], row["why_codes"] or "")


# -- Files anywhere in a description ----------------------------------------------------------------------------------

def spellings(site, base):
    """{what: backing name of an overlay that reads `base`}, with the files that it needs besides."""
    raw = make_raw(site.outside("twin.raw"))
    must("qemu-img", "convert", "-O", "raw", base, raw)
    over = create(site.path("over-other.qcow2"), MIB, create(site.path("other.qcow2")))
    inner = json.dumps(qcow2(base))
    return {
        "throttle": described({"driver": "throttle", "throttle-group": "limit", "file": qcow2(base)}),
        "a format on throttle": described({"driver": "qcow2", "file": {"driver": "throttle", "throttle-group": "limit",
                                                                       "file": local(base)}}),
        "raw on a format": described({"driver": "raw", "file": qcow2(base)}),
        "quorum": described({"driver": "quorum", "vote-threshold": 1, "children": [qcow2(base), qcow2(base)]}),
        "quorum in flat keys": described({"driver": "quorum", "vote-threshold": 1, "children.0.driver": "qcow2",
                                          "children.0.file.filename": base, "children.1": qcow2(base)}),
        "blkdebug": described({"driver": "qcow2", "file": {"driver": "blkdebug", "image": local(base)}}),
        "blkdebug by its x-image": described({"driver": "qcow2", "file": {"driver": "blkdebug", "x-image": "file:" + base}}),
        "a description in an x-image": described({"driver": "raw", "file": {"driver": "blkdebug", "x-image": "json:" + inner}}),
        "blkverify": described({"driver": "blkverify", "raw": local(raw), "test": qcow2(base)}),
        "blkdebug: as a protocol": "blkdebug::" + base,
        "blkverify: with a description": f"blkverify:{raw}:json:{inner}",
        "another backing file": described(qcow2(over, backing=qcow2(base))),
        "another backing file in flat keys": described({"driver": "qcow2", "file.filename": over, "backing.driver": "qcow2",
                                                        "backing.file.filename": base}),
    }


def supports(driver):
    """Whether this qemu-img has the driver: distributions leave some out."""
    outcome = run(["qemu-img", "info", described({"driver": driver})])
    return "Unknown driver" not in outcome.err and "not whitelisted" not in outcome.err


def test_every_file_of_a_description_is_named(case):
    site = case.site()
    base = base_image(site)
    names = spellings(site, base)
    site.scan()
    case.same(verdict(site, base), ("unreferenced", "proven", ""), "a base that nothing names is proven unreferenced")
    for what, name in names.items():
        if "quorum" in what and not supports("quorum"):
            case.skip(f"{what}: its base is named", "this qemu-img has no quorum")
            continue
        over = create(site.path("over.qcow2"), MIB, name, "qcow2" if name.startswith("blkdebug:") else None)
        whole = reads(over)
        os.rename(base, base + ".away")
        broken = not reads(over)
        os.rename(base + ".away", base)
        if not case.check(whole and broken, f"{what}: QEMU reads the base", [name, f"whole {whole}, broken {broken}"]):
            continue
        site.scan()
        case.same(verdict(site, base), None, f"{what}: the base is named", [name])
        os.unlink(over)


def rename_data_file(image, name):
    """Writes a name into a header that has another one of the same length."""
    with open(image, "r+b") as file:
        head = file.read(4096)
        found = re.search(rb"DATA(....)", head)
        assert int.from_bytes(found[1], "big") == len(name.encode())
        file.seek(found.end())
        file.write(name.encode())


def with_data_file(image, data):
    must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data},data_file_raw=on", image, str(MIB))
    return image


def test_a_data_file_in_a_description_is_named(case):
    """That of a backing image, and one that an image itself describes."""
    site = case.site()
    data = site.path("_base", "data.raw")
    kept = with_data_file(site.outside("kept.qcow2"), data)
    site.scan()
    case.same((verdict(site, data) or ("",))[0], "unreferenced", "nothing here names a file")
    over = create(site.path("over.qcow2"), MIB, described({"driver": "qcow2", "file": local(kept), "data-file": local(data)}), None)
    case.check(reads(over), "QEMU reads a chain whose description names it as a data file")
    site.scan()
    case.same(verdict(site, data), None, "then it is named")
    os.unlink(over)
    name = described({"driver": "raw", "file": {"driver": "raw", "file": local(data)}})
    longer = site.outside("x" * (len(name) - len(site.outside(""))))
    image = with_data_file(site.path("image.qcow2"), longer)
    rename_data_file(image, name)
    os.unlink(longer)
    if not reads(image):
        case.out.note("this qemu-img takes the name of a data file for a path, as all do that have the fix of CVE-2024-4467")
    site.scan()
    case.same(verdict(site, data), None, "a description as the name of a data file names it, too: older versions follow that")


def test_the_data_file_of_a_base_in_a_description_keeps_the_base(case):
    site = case.site()
    base = with_data_file(site.path("base.qcow2"), site.path("data.raw"))
    over = create(site.path("over.qcow2"), MIB, "base.qcow2")
    far = {"driver": "nbd", "server": {"type": "inet", "host": "far.example.com", "port": "10809"}, "export": "x"}
    reader = create(site.path("reader.qcow2"), MIB, described({"driver": "qcow2", "file": far, "backing": {"driver": "raw", "file": local(site.path("data.raw"))}}))
    site.scan()
    os.unlink(over)
    site.scan()
    row = site.unused(partly=True)["base.qcow2"]
    case.same((row["status"], row["verdict"], row["why_codes"], row["suggestion"]), ("unreferenced", "unproven", "non-backing-reader", None),
              "its data is read by another: nothing removes it")
    os.unlink(reader)
    site.scan()
    case.same(verdict(site, base), ("unreferenced", "proven", ""), "nobody reads it any more")


def test_named_files_are_followed_further(case):
    """What a description names is read, and what that names is named."""
    site = case.site()
    base = base_image(site)
    middle = create(site.outside("allowed", "middle.qcow2"), MIB, base)
    create(site.path("over.qcow2"), MIB, described({"driver": "raw", "file": qcow2(middle)}), None)
    site.scan()
    row = verdict(site, base)
    case.check(row and row[1] == "unproven" and "unread" in row[2], "a description leads out of the roots: a doubt", [row])
    case.check(("backing-outside", "over.qcow2") in site.findings(), "and a finding", [site.findings()])
    site.scan("--allow", site.outside("allowed"))
    case.same(verdict(site, base), None, "with --allow the image there is read, and its base is named")
    again = site.scan("--allow", site.outside("allowed"))
    case.same((verdict(site, base), again.stats["parsed"]), (None, 0), "the same where nothing is read again")


def test_descriptions_of_unchanged_overlays_are_followed_anew(case):
    """References are followed anew in each scan, and a what-if has them from the store."""
    site = case.site()
    base = base_image(site)
    twin = base_image(site, "twin.qcow2")
    create(site.path("described.qcow2"), MIB, described({"driver": "raw", "file": qcow2(base)}), None)
    one, two = create(site.path("one.qcow2"), MIB, base), create(site.path("two.qcow2"), MIB, twin)
    site.scan()
    again = site.scan()
    case.same((verdict(site, base), again.stats["parsed"]), (None, 0), "unchanged, its description still names the base")

    def after_deleting(image):
        return {site.relative(row["path"]) for row in site.rows("--what-if-delete", image) if row["effect"] == "unreferenced"}
    case.same(after_deleting(two), {"_base/twin.qcow2"}, "a what-if without the last overlay leaves a base unreferenced")
    case.same(after_deleting(one), set(), "but not the one that a description names")
    os.rename(base, base + ".away")
    site.scan()
    findings = site.query("SELECT code, detail FROM v_finding WHERE path = ?", site.path("described.qcow2"))
    case.check(any(code == "backing-missing" and base in detail for code, detail in findings), "without it there is a finding", findings)
    row = verdict(site, base + ".away")
    case.check(row and row[1] == "unproven" and "broken-reference" in row[2], "and the file that it was renamed to is in doubt", [row])
    os.rename(base + ".away", base)
    site.scan()
    case.same(verdict(site, base), None, "and named again when it is back")


def test_relative_names_in_descriptions_begin_beside_the_image(case):
    site = case.site()
    base = base_image(site)
    name = described({"driver": "raw", "file": qcow2(os.path.basename(base))})
    over = create(site.path("_base", "over.qcow2"), MIB, name, None)
    outcome = run(["qemu-img", "info", "--backing-chain", over], cwd=os.path.dirname(base))
    case.same(outcome.code, 0, "QEMU takes a relative name from its working directory", [outcome.err])
    site.scan()
    case.same(verdict(site, base), None, "it is looked for beside the image")
    case.check(("backing-depends-on-directory", "_base/over.qcow2") in site.findings(), "and is a finding", [site.findings()])


# -- Services of this host --------------------------------------------------------------------------------------------

class Server:
    """qemu-nbd with one image on a socket: a file below the site, or a port of the loopback address."""

    def __init__(self, image, *where):
        self.process = subprocess.Popen(["qemu-nbd", "-r", "-t", "-f", "qcow2", *where, image], stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def wait_for(name):
    """Until qemu-img reaches the server, or not."""
    for _ in range(100):
        if run(["qemu-img", "info", name]).code == 0:
            return True
        time.sleep(0.1)
    return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_service_of_this_host_may_serve_anything(case):
    """An image outside of the roots, served here, whose backing file is inside."""
    site = case.site()
    base = base_image(site)
    served = written(create(site.outside("served.qcow2"), MIB, base))
    at = site.outside("nbd.sock")
    port = free_port()
    node = {"driver": "nbd", "server": {"type": "unix", "path": at}}
    for what, where, name in (("a URL of a socket", ("-k", at), f"nbd+unix:///?socket={at}"),
                              ("the older form", ("-k", at), f"nbd:unix:{at}"),
                              ("a description", ("-k", at), described({"driver": "raw", "file": node})),
                              ("a description of the protocol alone", ("-k", at), described(node)),
                              ("a port of localhost", ("-b", "127.0.0.1", "-p", str(port)), f"nbd://localhost:{port}"),
                              ("a loopback address", ("-b", "127.0.0.1", "-p", str(port)), f"nbd:127.0.0.1:{port}")):
        with Server(served, *where):
            over = create(site.path("over.qcow2"), MIB, name, None)
            if not case.check(wait_for(over) and reads(over), f"{what}: QEMU reads the chain", [name]):
                continue
        site.scan()  # when nothing is open any more
        row = verdict(site, base)
        case.same(row, ("unreferenced", "unproven", "local-service"), f"{what}: the base may be what is served", [name])
        codes = {code for code, path in site.findings() if path == "over.qcow2" and code != "backing-format-guessed"}
        case.same(codes, {"served-locally"}, f"{what}: one finding, and none of another machine")
        os.unlink(over)


def test_every_kind_of_service_of_this_host_is_a_doubt(case):
    """Spellings that need a server of another kind; what they mean is in the manual of QEMU."""
    site = case.site()
    base = base_image(site)
    own = socket.gethostname()
    names = [f"ssh://root@127.0.0.1{base}", f"ssh://{own}{base}", "http://[::1]:8080/x", f"https://{own.upper()}.example/x",
             "ftp://127.1/x", "iscsi://localhost/iqn.2001-04.com.example:x/1", "nfs://127.0.1.1/x", "gluster:///volume/x",
             "gluster+unix:///volume/x?socket=/run/g", described({"driver": "raw", "file": {"driver": "nbd", "path": "/run/x"}}),
             described({"driver": "raw", "file": {"driver": "iscsi", "transport": "iser", "portal": "localhost:3260", "target": "t"}}),
             described({"driver": "throttle", "file": {"driver": "raw", "file": {"driver": "ssh", "host": "localhost", "path": "/x"}}}),
             described(qcow2(create(site.path("other.qcow2")), backing={"driver": "nbd", "host": "::1"}))]
    for name in names:
        over = create(site.path("over.qcow2"), MIB, name, None)
        site.scan()
        row = verdict(site, base)
        case.check(row and row[1] == "unproven" and "local-service" in row[2].split(","), f"{name}: a service of this host", [row])
        os.unlink(over)


def test_another_machine_is_a_doubt_about_bases_of_the_same_name(case):
    site = case.site()
    base = base_image(site)
    for name, doubted in (("nbd://192.0.2.1/other", False), ("nbd://192.0.2.1/base.qcow2", True), ("ssh://host.invalid/srv/base.qcow2", True),
                          ("https://host.invalid/base.qcow2?a=/other", True), ("https://host.invalid/other?a=/base.qcow2", False),
                          ("nfs://192.0.2.1/base.qcow2/", True), ("gluster://host.invalid/volume/my-base.qcow2", False),
                          ("rbd:pool/base.qcow2", False),
                          (described({"driver": "raw", "file": {"driver": "ssh", "host": "host.invalid", "path": "/a/base.qcow2"}}), True),
                          (described({"driver": "raw", "file": {"driver": "nbd", "host": "host.invalid", "export": "a"}}), False)):
        over = create(site.path("over.qcow2"), MIB, name, None)
        site.scan()
        expected = ("unreferenced", "unproven", "remote-name") if doubted else ("unreferenced", "proven", "")
        case.same(verdict(site, base), expected, f"{name}: {'may be' if doubted else 'is not'} the base")
        case.check(("backing-remote", "over.qcow2") in site.findings() and ("served-locally", "over.qcow2") not in site.findings(),
                   f"{name}: a finding that it is elsewhere", [site.findings()])
        os.unlink(over)


def test_a_masked_base_that_another_machine_may_serve_is_unproven(case):
    """The doubt is about every status, from a scan and from a what-if."""
    site = case.site()
    base = create(site.path("base.qcow2"))
    qemu_io(base, "write -q -P 1 0 64k")
    over = create(site.path("over.qcow2"), MIB, base)
    qemu_io(over, "write -q -P 2 0 64k")
    site.scan()
    case.same(verdict(site, base), ("fully-masked", "proven", ""), "a masked base")
    asker = create(site.path("asker.qcow2"), MIB, "ssh://host.invalid/srv/base.qcow2", None)
    site.scan()
    case.same(verdict(site, base), ("fully-masked", "unproven", "remote-name"), "another machine is asked for its name")
    rows = [row for row in site.rows("--what-if-delete", over) if row["effect"] == "unreferenced"]
    case.same([(site.relative(row["path"]), row["verdict"], row["why_codes"]) for row in rows],
              [("base.qcow2", "unproven", "remote-name")], "a what-if has the doubt, too")
    rows = [row for row in site.rows("--what-if-delete", over, asker) if row["effect"] == "unreferenced"]
    case.same([(row["verdict"], row["why_codes"] or "") for row in rows], [("proven", "")], "but not without the image that asks")


TESTS = [
    test_every_file_of_a_description_is_named,
    test_a_data_file_in_a_description_is_named,
    test_the_data_file_of_a_base_in_a_description_keeps_the_base,
    test_named_files_are_followed_further,
    test_descriptions_of_unchanged_overlays_are_followed_anew,
    test_relative_names_in_descriptions_begin_beside_the_image,
    test_a_service_of_this_host_may_serve_anything,
    test_every_kind_of_service_of_this_host_is_a_doubt,
    test_another_machine_is_a_doubt_about_bases_of_the_same_name,
    test_a_masked_base_that_another_machine_may_serve_is_unproven,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What names lead to besides their main files.", TESTS))
