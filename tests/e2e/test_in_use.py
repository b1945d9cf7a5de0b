#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Nothing is proven of a file that somebody has open or uses, in whatever way, and all is proven again once it is let go;
# where that cannot be found out, nothing is proven either. Each holder is another program, or the kernel.

import contextlib
import os
import subprocess
import sys

import harness
import sites
from sites import MIB, TRUST_LOCKS, Mounts, create, must, run, write


# -- Holding ----------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def child(command):
    """A process that answers a line on stdout once it holds what it should, and ends with its stdin."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=sites.ENVIRONMENT) as process:
        answer = os.read(process.stdout.fileno(), 4096)
        if b"holds" not in answer and b"Error" in answer or not answer:
            raise sites.ToolError(f"{command}: {answer}")
        try:
            yield process.pid
        finally:
            process.stdin.close()
            process.stdout.read()


def python(script, *arguments):
    """Python without what this one has imported; `path` is the first argument."""
    text = f"import fcntl, mmap, os, sys\npath = sys.argv[1]\n{script}\nprint('holds', flush=True)\nsys.stdin.read()"
    return child([sys.executable, "-c", text, *arguments])


def opened(path):
    return python("held = open(path, 'rb')", path)


# -- A site whose base nothing names any more ----------------------------------------------------------------------------

class Orphan:
    """base.qcow2, whose overlay was deleted; or another image that an overlay named."""

    def __init__(self, case, name="base.qcow2", make=None, site=None, form="qcow2", doubts=""):
        self.case = case
        self.doubts = doubts  # that there are besides
        self.site = site or case.site()
        self.path = self.site.path(name)
        (make or (lambda path: write(create(path), 0)))(self.path)
        self.overlay = create(self.site.path("over.qcow2"), MIB, self.path, form)
        self.roots = [self.site.root, *([] if self.path.startswith(self.site.root) else [self.path])]
        self.scan()
        os.unlink(self.overlay)

    def scan(self, trust=TRUST_LOCKS):
        return self.site.scan(roots=self.roots, trust=trust)

    def look(self, trust=TRUST_LOCKS):
        """Verdict, codes and words of a new scan."""
        scan = self.scan(trust)
        rows = [row for row in self.site.rows("--unused-backing") if row["path"] == self.path]
        if len(rows) != 1:
            raise sites.ToolError(f"{len(rows)} rows of {self.path}; {scan.notes()}")
        return rows[0]["verdict"], rows[0]["why_codes"] or "", rows[0]["why"] or ""

    def expect_proven(self, what):
        verdict, codes, why = self.look()
        self.case.same((verdict, codes), ("unproven" if self.doubts else "proven", self.doubts), what, [why])

    def expect_held(self, words, what):
        verdict, codes, why = self.look()
        self.case.check((verdict, set(codes.split(","))) == ("unproven", {"in-use", self.doubts} - {""}) and words in why, what, [verdict, codes, why, f"not: {words}"])
        in_use = self.site.value("SELECT in_use FROM v_image WHERE path = ?", self.path)
        self.case.same(in_use, 1, f"{what}: v_image has it")


def check_holder(case, orphan, what, hold, words):
    """hold: a context manager that has the file in use, and gives the pid, which is put into the words."""
    orphan.expect_proven(f"{what}: proven before")
    with hold as pid:
        orphan.expect_held(words.format(pid=pid), f"{what}: in use")
    orphan.expect_proven(f"{what}: proven again")


# -- Processes --------------------------------------------------------------------------------------------------------

def test_a_file_that_a_process_has_open_is_in_use(case):
    orphan = Orphan(case)
    path = orphan.path
    name = os.path.basename(sys.executable)[:15]
    check_holder(case, orphan, "open for reading", opened(path), f"open for reading by {name} (pid {{pid}})")
    check_holder(case, orphan, "open for writing", python("held = open(path, 'r+b')", path),
                 f"open for writing by {name} (pid {{pid}})")
    check_holder(case, orphan, "open for appending, and for reading",
                 python("one = open(path, 'ab'); two = open(path, 'rb')", path), f"open for writing by {name} (pid {{pid}})")
    check_holder(case, orphan, "mapped, and closed",
                 python("held = open(path, 'rb'); kept = mmap.mmap(held.fileno(), 0, prot=mmap.PROT_READ); held.close();"
                        "[os.close(fd) for fd in range(3, 20) if os.path.exists(f'/proc/self/fd/{fd}')]", path),
                 f"by {name} (pid {{pid}})")
    check_holder(case, orphan, "flock", python("held = open(path, 'rb'); fcntl.flock(held, fcntl.LOCK_SH)", path),
                 f"by {name} (pid {{pid}})")
    check_holder(case, orphan, "a POSIX lock", python("held = open(path, 'r+b'); fcntl.lockf(held, fcntl.LOCK_EX, 1, 7)", path),
                 f"by {name} (pid {{pid}})")
    check_holder(case, orphan, "open by a thread's own table of files",
                 python("import ctypes, threading\ndone = threading.Event()\n"
                        "def hold():\n    ctypes.CDLL(None).unshare(0x400); os.open(path, os.O_RDONLY); done.set(); threading.Event().wait()\n"
                        "threading.Thread(target=hold, daemon=True).start(); done.wait()", path),
                 f"open for reading by {name} (pid {{pid}})")


def test_files_beside_an_open_one_are_proven(case):
    orphan = Orphan(case)
    other = write(create(orphan.site.path("other.qcow2")), 0)
    with opened(other):
        orphan.expect_proven("another image that is open")
    with python("held = os.open(path, os.O_RDONLY)", orphan.site.root):
        orphan.expect_proven("a directory that is open")


def test_an_image_that_qemu_opened_without_locks_is_in_use(case):
    orphan = Orphan(case)
    node = f"driver=qcow2,file.driver=file,file.filename={orphan.path},file.locking=off"

    @contextlib.contextmanager
    def qemu_io():
        with subprocess.Popen(["qemu-io", "--image-opts", node], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env=sites.ENVIRONMENT) as process:
            process.stdin.write(b"length\n")
            process.stdin.flush()
            os.read(process.stdout.fileno(), 4096)
            yield process.pid
            process.stdin.close()
            process.stdout.read()

    check_holder(case, orphan, "QEMU with locking=off", qemu_io(), "open for writing by qemu-io (pid {pid})")
    with sites.Holder(orphan.path) as holder:
        orphan.expect_held(f"open for writing by qemu-io (pid {holder.process.pid})", "QEMU with its locks, named")
    orphan.expect_proven("and proven again")


def test_a_file_that_nbdkit_serves_is_in_use(case):
    if reason := harness.missing_tools("nbdkit"):
        return case.skip("a file that nbdkit serves", reason)
    orphan = Orphan(case, "base.raw", lambda path: sites.make_raw(path), form="raw")
    socket = os.path.join(orphan.site.directory, "socket")

    @contextlib.contextmanager
    def nbdkit():
        with subprocess.Popen(["nbdkit", "-f", "-U", socket, "file", orphan.path]) as process:
            while not os.path.exists(socket) and process.poll() is None:
                pass
            # The plugin opens the file for each client.
            client = subprocess.Popen(["qemu-io", "-r", "-f", "raw", f"nbd+unix:///?socket={socket}"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, env=sites.ENVIRONMENT)
            client.stdin.write(b"length\n")
            client.stdin.flush()
            os.read(client.stdout.fileno(), 4096)
            yield process.pid
            client.communicate()
            process.terminate()

    check_holder(case, orphan, "served by nbdkit", nbdkit(), "by nbdkit (pid {pid})")
    return None


def test_an_image_is_in_use_by_any_of_its_files(case):
    def with_data_file(path):
        data = path + ".data"
        must("qemu-img", "create", "-q", "-f", "qcow2", "-o", f"data_file={data}", path, str(MIB))

    orphan = Orphan(case, make=with_data_file)
    check_holder(case, orphan, "its data file is open", opened(orphan.path + ".data"), "open for reading by")

    def with_extents(path):
        must("qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentFlat", path, str(MIB))

    orphan = Orphan(case, "base.vmdk", with_extents, form="vmdk")
    check_holder(case, orphan, "its extent is open", opened(orphan.path.replace(".vmdk", "-f001.vmdk")), "open for reading by")


def test_a_file_is_in_use_by_whatever_name(case):
    """By whatever name it was opened, and whatever became of the name."""
    orphan = Orphan(case)
    link = orphan.site.outside("another name")
    os.link(orphan.path, link)
    with opened(link):
        os.unlink(link)
        orphan.expect_held("open for reading by", "opened by a hard link that is gone")
    orphan.expect_proven("and let go")
    odd = Orphan(case, "a b\n\\040 (deleted)")
    check_holder(case, odd, "a file with an odd name", opened(odd.path), "open for reading by")


# -- The kernel ----------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def loop_device(path, *options):
    device = must("losetup", "-f", "--show", *options, path).strip()
    try:
        yield device
    finally:
        must("losetup", "-d", device)


def why_no_loop(directory):
    if reason := sites.why_no_mounts():
        return reason
    probe = os.path.join(directory, "probe")
    with open(probe, "wb") as file:
        file.truncate(MIB)
    outcome = run(["losetup", "-f", "--show", probe])
    if outcome.code != 0:
        return f"no loop device: {outcome.err.strip()}"
    run(["losetup", "-d", outcome.out.strip()])
    return None


def make_ext4(path):
    with open(path, "wb") as file:
        file.truncate(8 * MIB)
    must("mkfs.ext4", "-q", "-F", path)


def test_a_file_of_a_loop_device_is_in_use(case):
    if reason := why_no_loop(case.fresh()):
        return case.skip("a loop device", reason)
    orphan = Orphan(case, "base.raw", make_ext4, form="raw")
    check_holder(case, orphan, "a loop device", loop_device(orphan.path), "loop device /dev/loop")
    other = orphan.site.outside("second")
    os.link(orphan.path, other)
    with loop_device(other):
        os.unlink(other)
        orphan.expect_held("loop device /dev/loop", "a loop device on a hard link that is gone")
    orphan.expect_proven("and detached")
    with Mounts() as mounts:
        mounts.volume(orphan.path, orphan.site.outside("mounted"), "ro")
        orphan.expect_held("loop device /dev/loop", "mounted by a loop device")
    orphan.expect_proven("and unmounted")
    return None


def test_a_file_that_is_bind_mounted_is_in_use(case):
    if reason := sites.why_no_mounts():
        return case.skip("a file that is mounted at another place", reason)
    orphan = Orphan(case)
    place = orphan.site.outside("a place")
    sites.make_raw(place)
    with Mounts() as mounts:
        mounts.bind(orphan.path, place)
        orphan.expect_held(f"mounted at {place}", "a file that is mounted at another place")
    orphan.expect_proven("and unmounted")
    return None


def test_a_swap_file_is_in_use(case):
    if reason := sites.why_no_mounts():
        return case.skip("a swap file", reason)

    def make(path):
        with open(path, "wb") as file:
            file.write(bytes(2 * MIB))
        os.chmod(path, 0o600)
        must("mkswap", path)

    @contextlib.contextmanager
    def swapped(path):
        must("swapon", path)
        yield None
        must("swapoff", path)

    orphan = Orphan(case, "a swap file.raw", make, form="raw")
    try:
        check_holder(case, orphan, "a swap file", swapped(orphan.path), "swap")
    except sites.ToolError as error:
        return case.skip("a swap file", str(error).splitlines()[0])
    return None


def test_lock_files_of_vmware_are_found(case):
    def make(path):
        must("qemu-img", "create", "-q", "-f", "vmdk", path, str(MIB))

    @contextlib.contextmanager
    def locked(path, directory=True):
        os.mkdir(path) if directory else sites.make_raw(path, 1)
        yield None
        os.rmdir(path) if directory else os.unlink(path)

    orphan = Orphan(case, "base.vmdk", make, form="vmdk")
    check_holder(case, orphan, "VMware's directory", locked(orphan.path + ".lck"), f"lock file {orphan.path}.lck")
    stem = orphan.path[:-len(".vmdk")]
    check_holder(case, orphan, "VMware's file", locked(stem + ".lck", False), f"lock file {stem}.lck")
    with locked(stem + "2.vmdk.lck"):
        orphan.expect_proven("a lock file of another image")


def test_a_block_device_is_in_use_by_any_node_and_mount(case):
    """A device as backing file: whoever uses it, by any node, and what lies on it."""
    if reason := why_no_loop(case.fresh()):
        return case.skip("a block device as backing file", reason)
    site = case.site()
    file = site.outside("disk")
    make_ext4(file)
    with loop_device(file) as device:
        orphan = Orphan(case, device, lambda path: None, site, form="raw", doubts="not-walked")
        node = site.outside("node")
        must("mknod", node, "b", str(os.major(os.stat(device).st_rdev)), str(os.minor(os.stat(device).st_rdev)))
        check_holder(case, orphan, "a device that is open by another node", opened(node), "open for reading by")
        place = site.outside("mounted")
        with Mounts() as mounts:
            os.makedirs(place)
            must("mount", "-o", "ro", device, place)
            mounts.points.append(place)
            orphan.expect_held(f"mounted at {place}", "a device that is mounted")
        orphan.expect_proven("and unmounted")
        with loop_device(device) as second:
            orphan.expect_held(f"loop device {second}", "a device that a loop device is on")
        orphan.expect_proven("and detached")
    return None


# -- File systems whose numbers differ -----------------------------------------------------------------------------------

MAPPED = ("held = os.open(path, os.O_RDONLY); kept = mmap.mmap(held, 0, prot=mmap.PROT_READ)\n"
          "for fd in os.listdir('/proc/self/fd'):\n"
          "    if os.path.exists(f'/proc/self/fd/{fd}') and os.path.samefile(f'/proc/self/fd/{fd}', path): os.close(int(fd))\n")


def check_all_ways(case, orphan, what):
    check_holder(case, orphan, f"{what}: open", opened(orphan.path), "open for reading by")
    check_holder(case, orphan, f"{what}: mapped", python(MAPPED, orphan.path), "mapped by")


def test_a_mapped_file_is_in_use(case):
    check_all_ways(case, Orphan(case), "a plain file")


def test_files_of_btrfs_subvolumes_are_found(case):
    if reason := sites.why_no_mounts() or harness.missing_tools("mkfs.btrfs", "btrfs"):
        return case.skip("btrfs", reason)
    site = case.site()
    volume = os.path.join(site.directory, "volume")
    with open(volume, "wb") as file:
        file.truncate(256 * MIB)
    with Mounts() as mounts:
        try:
            must("mkfs.btrfs", "-q", volume)
            mounts.volume(volume, site.root)
        except sites.ToolError as error:
            return case.skip("btrfs", str(error).splitlines()[0])
        must("btrfs", "subvolume", "create", site.root + "/sub")
        orphan = Orphan(case, "sub/base.qcow2", site=site)
        check_all_ways(case, orphan, "a subvolume of btrfs")
        if why_no_loop(case.fresh()) is None:
            check_holder(case, orphan, "a subvolume of btrfs: a loop device", loop_device(orphan.path), "loop device")
    return None


def test_files_of_overlay_file_systems_are_found(case):
    if reason := sites.why_no_mounts():
        return case.skip("an overlay file system", reason)
    site = case.site()
    base = os.path.join(site.directory, "layers")
    with Mounts() as mounts:
        try:
            mounts.overlay(site.root, base)
        except sites.ToolError as error:
            return case.skip("an overlay file system", str(error).splitlines()[0])
        orphan = Orphan(case, site=site)
        check_all_ways(case, orphan, "an overlay file system")
        check_holder(case, orphan, "an overlay file system: open in its layer", opened(os.path.join(base, "upper", "base.qcow2")),
                     "open for reading by")
    return None


# -- What a deed would leave ---------------------------------------------------------------------------------------------

def test_what_if_has_the_holders_of_the_scan(case):
    """What-if has the facts of the scan: a base whose overlay would go is held as the next scan finds it."""
    site = case.site()
    base = write(create(site.path("base.qcow2")), 0)
    over = create(site.path("over.qcow2"), MIB, base)
    verdicts = lambda: {row["effect"]: (row["verdict"], row["why"] or "") for row in site.rows("--what-if-delete", over)
                        if row["path"] in (base, over)}
    site.scan()
    free = verdicts()
    with opened(base) as pid:
        site.scan()
        held = verdicts()
        words = f"(pid {pid})"
    case.same({verdict for verdict, _ in free.values()}, {"proven"}, "what-if: nobody has it open", [str(free)])
    case.check(held["unreferenced"][0] == "unproven" and words in held["unreferenced"][1], "what-if: the base is open", [str(held)])
    case.same(held["deleted"][0], "proven", "what-if: its overlay is not")
    with opened(over):
        site.scan()
        held = verdicts()
    case.same((held["deleted"][0], held["unreferenced"][0]), ("unproven", "proven"), "what-if: the overlay is open, and the base is not",
              [str(held)])


# -- What cannot be found out ----------------------------------------------------------------------------------------------

def check_unknown(case, orphan, what, words):
    verdict, codes, why = orphan.look(trust=None)
    case.check((verdict, codes) == ("unproven", "in-use") and words in why, f"{what}: it could not be found out", [verdict, codes, why])
    case.same(orphan.site.value("SELECT in_use FROM v_image WHERE path = ?", orphan.path), None, f"{what}: v_image has it as unknown")
    orphan.expect_proven(f"{what}: {TRUST_LOCKS} vouches for it")
    case.same(orphan.site.value("SELECT count(*) FROM scan_option WHERE kind = 'trust-locks' AND scan_id = (SELECT max(scan_id) FROM scan)"),
              1, f"{what}: and the store has that")


def test_nothing_is_proven_by_a_scan_that_is_not_of_root(case):
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    if site is None:
        return case.skip("a scan of somebody who is not root", reason)
    orphan = Orphan(case, site=site)
    check_unknown(case, orphan, "somebody who is not root", "what processes of other users have open could not be found out")
    return None


def test_nothing_is_proven_in_another_pid_namespace(case):
    if reason := sites.why_no_mount_namespace():
        return case.skip("another PID namespace", reason)
    orphan = Orphan(case)
    orphan.site.prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
    check_unknown(case, orphan, "another PID namespace", "outside of this PID namespace")
    return None


def test_nothing_is_proven_without_proc_or_sys(case):
    if reason := sites.why_no_mount_namespace():
        return case.skip("no /proc or /sys", reason)
    for place in ("/proc", "/sys"):
        orphan = Orphan(case)
        orphan.site.prefix = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {place} && exec "$@"', "sh"]
        if (outcome := orphan.site.run("--version")).code != 0:
            case.skip(f"no {place}", f"the program does not start (sanitizers): {outcome.err.strip().splitlines()[:1]}")
            continue
        words = "could not be found out" if place == "/sys" else "no /proc here"
        check_unknown(case, orphan, f"no {place}", words)
    return None


def test_nothing_is_proven_where_proc_hides_processes(case):
    """Only a fresh mount of its own has such options since Linux 5.8; before, this one would change /proc for all."""
    release = tuple(int(part) for part in os.uname().release.split(".")[:2] if part.isdigit())
    site, reason = sites.powerless_site(case.imgaudit, case.fresh())
    reason = reason or sites.why_no_mount_namespace() or ("an old kernel" if release < (5, 8) else None)
    if reason:
        return case.skip("a /proc that hides processes", reason)
    orphan = Orphan(case, site=site)
    site.prefix = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh", *site.prefix]
    check_unknown(case, orphan, "a /proc that hides processes", "/proc hides them")
    return None


def why_not_all_seen():
    """A reason why this very host does not show what all processes have open."""
    if not sites.is_root():
        return "runs as somebody who is not root"
    if os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC:
        return "runs in another PID namespace than the first one"
    return None


def test_locks_need_no_trust_where_all_is_seen(case):
    if reason := why_not_all_seen():
        return case.skip(f"a scan without {TRUST_LOCKS} proves as much where all can be seen", reason)
    orphan = Orphan(case)
    case.same(orphan.look(trust=None), ("proven", "", ""), f"a scan without {TRUST_LOCKS} proves as much where all can be seen")
    return None


TESTS = [
    test_a_file_that_a_process_has_open_is_in_use,
    test_files_beside_an_open_one_are_proven,
    test_an_image_that_qemu_opened_without_locks_is_in_use,
    test_a_file_that_nbdkit_serves_is_in_use,
    test_an_image_is_in_use_by_any_of_its_files,
    test_a_file_is_in_use_by_whatever_name,
    test_a_file_of_a_loop_device_is_in_use,
    test_a_file_that_is_bind_mounted_is_in_use,
    test_a_swap_file_is_in_use,
    test_lock_files_of_vmware_are_found,
    test_a_block_device_is_in_use_by_any_node_and_mount,
    test_a_mapped_file_is_in_use,
    test_files_of_btrfs_subvolumes_are_found,
    test_files_of_overlay_file_systems_are_found,
    test_what_if_has_the_holders_of_the_scan,
    test_nothing_is_proven_by_a_scan_that_is_not_of_root,
    test_nothing_is_proven_in_another_pid_namespace,
    test_nothing_is_proven_without_proc_or_sys,
    test_nothing_is_proven_where_proc_hides_processes,
    test_locks_need_no_trust_where_all_is_seen,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("What somebody has open is not proven unused.", TESTS))
