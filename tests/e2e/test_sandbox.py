#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The sandbox: what somebody who has taken over a parser tries (tests/support/compromised.c, preloaded) is refused, answers are the
# same with it and without, and where the kernel has none the program says so.

import os
import re
import socket
import stat

import harness
from qemu import ENVIRONMENT, must
from sites import MIB, create, write

MARK = b"COMPROMISED"
FILES = ["shadow", "shadow-openat2", "image-open", "image-openat2", "image-truncate", "image-chmod", "image-chown", "image-times",
         "image-rename", "image-link", "file-make", "file-remove", "directory-make", "symlink-make"]
STORE = ["store-open", "store-openat2", "store-truncate", "store-fd-truncate", "store-fd-write", "store-fd-map", "store-fd-of-parent",
         "memory-of-parent"]
OTHERS = ["socket", "connect", "socketpair", "exec", "execveat", "process", "ptrace", "vm-write", "kill", "pidfd", "mount", "umount",
          "unshare", "setns", "init-module", "finit-module", "delete-module", "bpf", "io-uring", "open-by-handle", "terminal", "setuid"]
# Without a sandbox, whoever runs the test.
ALWAYS_POSSIBLE = {"image-open", "image-truncate", "image-chmod", "image-rename", "image-link", "file-make", "file-remove",
                   "directory-make", "symlink-make", "store-open", "store-truncate", "socket", "connect", "exec", "process", "kill"}
PRELOADED = os.environ.get("IMGAUDIT_COMPROMISED", "")  # tests/support/compromised.c, by meson


def evil_site(case):
    """An image of a tenant that takes over what reads it, another one, and a server."""
    site = case.site()
    for name in ("state", "temporary"):
        os.mkdir(os.path.join(site.directory, name))
    site.db = os.path.join(site.directory, "state", "store.db")
    with open(site.path("evil.img"), "wb") as file:
        file.write(MARK + b"\1" * (MIB - len(MARK)))
    create(site.path("victim.qcow2"), MIB)
    os.chmod(site.path("victim.qcow2"), 0o600)
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.join(site.directory, "server"))
    server.listen()
    case.server = server
    return site


def environment(site):
    return {**ENVIRONMENT, "LD_PRELOAD": PRELOADED, "COMPROMISED_STORE": site.db, "TMPDIR": os.path.join(site.directory, "temporary"), "COMPROMISED_VICTIM": site.path("victim.qcow2"),
            "COMPROMISED_SOCKET": os.path.join(site.directory, "server")}


def deeds(outcome):
    return dict(re.findall(r"^deed ([\w-]+): (\w+)$", outcome.err, re.MULTILINE))


def state(site):
    path = site.path("victim.qcow2")
    st = os.stat(path)
    with open(path, "rb") as file:
        return st.st_mode, st.st_ino, st.st_nlink, st.st_mtime_ns, file.read(), sorted(os.listdir(site.root))


def check_refused(case, outcome, names, what):
    found = deeds(outcome)
    case.check("deeds: tried" in outcome.err, f"{what}: the deeds were tried", [outcome.err[-2000:]])
    for name in names:
        case.same(found.get(name), "refused", f"{what}: {name}")


def test_a_compromised_reader_of_images_is_refused_everything(case):
    site = evil_site(case)
    case.same(site.scan().code, 0, "a scan that is not preloaded")
    os.utime(site.path("evil.img"))
    before = state(site)
    scan = site.scan("--sandbox=require", env=environment(site))
    check_refused(case, scan.outcome, FILES + STORE + OTHERS, "scan")
    case.same(state(site), before, "the other image is as it was")
    case.same(site.run("db", "check", "--db", site.db).code, 0, "and so is the store")
    os.utime(site.path("evil.img"))
    scan = site.scan(env=environment(site))
    check_refused(case, scan.outcome, FILES + STORE + OTHERS, "scan, by default")


def test_the_deeds_are_possible_without_a_sandbox(case):
    site = evil_site(case)
    site.scan()
    os.utime(site.path("evil.img"))
    found = deeds(site.scan("--sandbox=off", env=environment(site)).outcome)
    case.check(found.keys() >= ALWAYS_POSSIBLE, "the deeds were tried", sorted(found))
    for name in sorted(ALWAYS_POSSIBLE & found.keys()):
        case.same(found[name], "done", f"without a sandbox: {name}")


def test_map_and_chain_refuse_all_but_reading(case):
    for command in (["map"], ["map", "--output=json"], ["chain"]):
        site = evil_site(case)
        site.scan()
        unconfined = [name for name in FILES + STORE + OTHERS if not name.startswith("shadow")]
        before = state(site)
        outcome = site.run(*command, "--sandbox=require", site.path("evil.img"), env=environment(site))
        check_refused(case, outcome, unconfined, command[0])
        outcome = site.run(*command, "--confine", site.root, site.path("evil.img"), env=environment(site))
        check_refused(case, outcome, FILES + STORE + OTHERS, f"{command[0]} --confine")
        case.same(state(site), before, f"{command[0]}: the other image is as it was")


def test_a_compromised_reader_of_inventories_has_no_way_out(case):
    site = evil_site(case)
    os.remove(site.path("evil.img"))
    machines = os.path.join(site.directory, "machines.txt")
    with open(machines, "wb") as file:
        file.write(MARK + b"\n" + site.path("victim.qcow2").encode() + b"\n")
    before = state(site)[:-1]
    scan = site.scan("--sandbox=require", inventory=f"list:{machines}", env=environment(site))
    check_refused(case, scan.outcome, [name for name in FILES if name != "file-remove"] + ["memory-of-parent", *OTHERS],
                  "an inventory")  # there is no file to be removed
    case.same(state(site)[:-1], before, "the image is as it was")


def forest(site):
    create(site.path("base.qcow2"), 4 * MIB)
    write(site.path("base.qcow2"), *range(16))
    for number in range(3):
        create(site.path(f"vm-{number}.qcow2"), 4 * MIB, "base.qcow2")
        write(site.path(f"vm-{number}.qcow2"), number)
    create(site.outside("gone.qcow2"), MIB)
    create(site.path("outside.qcow2"), MIB, site.outside("gone.qcow2"))
    create(site.path("missing.qcow2"), MIB, "nothing.qcow2")
    create(site.path("broken.qcow2"), MIB)
    with open(site.path("broken.qcow2"), "r+b") as file:
        file.write(b"QFI\xfb\0\0\0\3" + b"\xff" * 96)
    with open(site.path("empty.qcow2"), "wb"):
        pass
    for snapshot in ("a", "b"):
        must("qemu-img", "snapshot", "-c", snapshot, site.path("vm-0.qcow2"))
    os.symlink(site.outside("gone.qcow2"), site.path("link.qcow2"))
    must("gzip", "-k", site.path("vm-1.qcow2"))
    must("qemu-img", "convert", "-O", "vmdk", "-o", "subformat=twoGbMaxExtentSparse", site.path("base.qcow2"),
                       site.path("parts.vmdk"))


QUERIES = ["SELECT code, path, detail, hides FROM v_finding ORDER BY 1, 2, 3", "SELECT path, status, verdict, disk_size, masked_bytes, why FROM v_unused ORDER BY path",
           "SELECT path, code, subject, sentence FROM v_doubt ORDER BY 1, 2, 3", "SELECT count(*), sum(length), sum(offset) FROM v_map",
           "SELECT path, format, state, virtual_size, disk_size FROM v_image ORDER BY path",
           "SELECT path, snapshot, id, name, size, date FROM v_snapshot ORDER BY 1, 2", "SELECT path, role FROM v_file ORDER BY 1, 2"]


def test_answers_are_the_same_with_it_and_without(case):
    site = case.site()
    forest(site)
    answers = {}
    for mode in ("off", "auto", "require"):
        site.db = os.path.join(site.directory, f"{mode}.db")
        for trust in (None, "--trust-locks"):
            scan = site.scan(f"--sandbox={mode}", inventory=None, trust=trust)
            case.same(scan.outcome.err, "", f"--sandbox={mode}: no message")
            found = [str(site.query(sql)) for sql in QUERIES]
            answers.setdefault(trust, {})[mode] = (scan.code, scan.stats, found)
    for trust, by_mode in answers.items():
        for mode in ("auto", "require"):
            case.same(by_mode[mode], by_mode["off"], f"--sandbox={mode} answers as off does, {trust}")
    for name in ("vm-0.qcow2", "parts.vmdk", "missing.qcow2", "broken.qcow2"):
        for command in (["map"], ["map", "--output=json"], ["chain"], ["map", "--confine", site.root]):
            outcomes = [site.run(*command, f"--sandbox={mode}", site.path(name)) for mode in ("off", "require")]
            case.same(outcomes[1], outcomes[0], f"{' '.join(command[:2])} {name}")


def test_a_root_that_is_a_file_may_be_replaced(case):
    site = case.site()
    create(site.path("disk.qcow2"), MIB)
    scan = site.scan("--sandbox=require", roots=[site.path("disk.qcow2")])
    case.same((scan.code, site.findings()), (0, set()), "a root that is a file")


def test_closed_standard_descriptors_hide_nothing(case):
    for closed in ("<&-", ">&-", "<&- >&- 2>&-"):
        site = case.site()
        create(site.path("a.qcow2"), MIB)
        site.prefix = ["sh", "-c", f'exec "$@" {closed}', "sh"]
        outcome = site.run("scan", "--db", site.db, "--sandbox=require", site.root)
        case.same((outcome.code, site.findings(), site.value("SELECT count(*) FROM v_image WHERE state = 'ok'")), (0, set(), 1),
                  f"a scan started with {closed}")


def traced(site, call, what, *more):
    """A call that the kernel answers so, by strace; False: it cannot."""
    site.prefix = ["strace", "-f", "-qq", "-e", f"trace={call}", "-e", "signal=none", "-e", f"inject={call}:{what}", *more,
                   "-o", os.path.join(site.directory, "trace")]
    return not harness.missing_tools("strace")


def test_a_kernel_without_landlock_is_one_line_or_an_error(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    if not traced(site, "landlock_create_ruleset", "error=ENOSYS"):
        case.skip("a kernel without Landlock", "strace is not installed")
        return
    for name, command in (("scan", ["scan", "--db", site.db, site.root]), ("map", ["map", site.path("a.qcow2")]),
                          ("chain", ["chain", site.path("a.qcow2")])):
        outcome = site.run(*command)
        case.check(outcome.code == 0 and len(outcome.err.splitlines()) == 1 and "Landlock" in outcome.err,
                   f"{name} without Landlock: one line", [outcome])
        outcome = site.run(*command, "--sandbox=off")
        case.same((outcome.code, outcome.err), (0, ""), f"{name} --sandbox=off without Landlock: none")
        outcome = site.run(*command, "--sandbox=require")
        case.check(outcome.code == 1 and "sandbox" in outcome.err, f"{name} --sandbox=require without Landlock: an error", [outcome])


def test_a_reading_process_that_ends_fails_the_scan(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    if not traced(site, "pread64", "signal=SEGV", "-P", site.path("a.qcow2")):
        case.skip("a reading process that ends", "strace is not installed")
        return
    outcome = site.run("scan", "--db", site.db, site.root)
    case.check(outcome.code == 1 and "a.qcow2" in outcome.err, "exit 1, and a message with the image", [outcome])
    site.prefix = []
    case.same(site.scan().code, 0, "the next one reads it")


def test_a_wrong_word_is_wrong_usage(case):
    site = case.site()
    create(site.path("a.qcow2"), MIB)
    for command in (["scan", "--db", site.db, site.root], ["map", site.path("a.qcow2")], ["chain", site.path("a.qcow2")],
                    ["prove", "--db", site.db, site.path("a.qcow2")]):
        case.same(site.run(command[0], "--sandbox=some", *command[1:]).code, 2, f"{command[0]} --sandbox=some")
    case.same(site.scan().code, 0, "a scan")
    outcome = site.run("prove", "--sandbox=require", "--db", site.db, site.path("a.qcow2"))
    case.same(outcome.code, 5, "prove --sandbox=require", [outcome])


TESTS = [
    test_a_compromised_reader_of_images_is_refused_everything,
    test_the_deeds_are_possible_without_a_sandbox,
    test_map_and_chain_refuse_all_but_reading,
    test_a_compromised_reader_of_inventories_has_no_way_out,
    test_answers_are_the_same_with_it_and_without,
    test_a_root_that_is_a_file_may_be_replaced,
    test_closed_standard_descriptors_hide_nothing,
    test_a_kernel_without_landlock_is_one_line_or_an_error,
    test_a_reading_process_that_ends_fails_the_scan,
    test_a_wrong_word_is_wrong_usage,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests(__doc__, TESTS))
