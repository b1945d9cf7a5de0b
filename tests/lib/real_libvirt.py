# SPDX-License-Identifier: MIT
# A libvirt of one's own: its daemon with its own directories, sockets and processes, which end with the test. Imported only.

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree

from qemu import ToolError, execute, must

PROGRAMS = ("libvirtd", "virsh", "qemu-system-x86_64", "unshare", "setpriv")
PRIVATE = ("etc/libvirt", "var/lib/libvirt", "run", "var/cache", "var/log")  # what the daemon sees in the place of the host's
# QEMU as root, without what containers do not have.
QEMU_CONF = """stdio_handler = "file"
security_driver = "none"
user = "root"
group = "root"
namespaces = []
cgroup_controllers = []
dynamic_ownership = 0
remember_owner = 0
"""
DAEMON_CONF = """unix_sock_dir = "{run}"
auth_unix_rw = "none"
log_outputs = "3:file:{top}/daemon.log"
"""
# The shell is the first process of a namespace: it takes in what QEMU leaves behind.
START = """set -e
for directory in {directories}; do mount --bind {top}/$directory /$directory; done
libvirtd -f /etc/libvirt/libvirtd.conf -p {top}/libvirtd.pid &
wait $!
"""
START_TIMEOUT = 60


class Libvirt:
    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="imgaudit-libvirt-")
        atexit.register(self.stop)
        for directory in PRIVATE:
            os.makedirs(os.path.join(self.top, directory))
        self.run = os.path.join(self.top, "run", "libvirt")
        os.makedirs(self.run)
        for name, text in (("qemu.conf", QEMU_CONF), ("libvirtd.conf", DAEMON_CONF.format(run="/run/libvirt", top=self.top))):
            with open(os.path.join(self.top, "etc", "libvirt", name), "w", encoding="ascii") as file:
                file.write(text)
        script = START.format(directories=" ".join(PRIVATE), top=self.top)
        with open(os.path.join(self.top, "out"), "wb") as out:
            self.daemon = subprocess.Popen(("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script),
                                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/")
        self.wait_until_it_answers()

    @property
    def source(self):
        return f"libvirt:{self.top}/etc/libvirt"

    def wait_until_it_answers(self):
        end = time.monotonic() + START_TIMEOUT
        while any(self.try_virsh(*words).code != 0 for words in (("version",), ("pool-list",))):
            if time.monotonic() > end or self.daemon.poll() is not None:
                with open(os.path.join(self.top, "out"), encoding="utf-8", errors="replace") as file:
                    raise ToolError("libvirtd does not answer: " + file.read().strip())
            time.sleep(0.1)

    def stop(self):
        if self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        shutil.rmtree(self.top, ignore_errors=True)

    def command(self, *arguments):
        return ("virsh", "-q", "-c", f"qemu+unix:///system?socket={self.run}/libvirt-sock", *arguments)

    def try_virsh(self, *arguments):
        return execute(self.command(*arguments), timeout=120)

    def virsh(self, *arguments):
        outcome = self.try_virsh(*arguments)
        if outcome.code != 0:
            raise ToolError(f"virsh {' '.join(arguments)}: code {outcome.code}: {outcome.err.strip()}")
        return outcome.out.strip()

    def lines(self, *arguments):
        return self.virsh(*arguments).split()

    # -- What it needs ------------------------------------------------------------------------------------------------

    def needed(self):
        """The files that some machine needs, as libvirt itself has them."""
        found = set()
        for name in self.lines("list", "--all", "--name"):
            descriptions = [self.virsh("dumpxml", name), self.virsh("dumpxml", "--inactive", name)]
            descriptions += [self.virsh("snapshot-dumpxml", name, one) for one in self.lines("snapshot-list", name, "--name")]
            if "yes" in self.virsh("dominfo", name).partition("Managed save:")[2].split("\n")[0]:
                descriptions.append(self.virsh("managedsave-dumpxml", name))
            for text in descriptions:
                found |= {path for path in self.files_of(text) if os.path.exists(path)}
        return {layer for path in found for layer in chain(path)}

    def files_of(self, text):
        root = ElementTree.fromstring(text)
        for source in [*root.iter("source"), *root.iter("mirror")]:
            if source.get("file"):
                yield source.get("file")
            elif source.get("volume"):
                yield self.virsh("vol-path", "--pool", source.get("pool"), source.get("volume"))


def chain(path):
    """The files of an image's chain, as qemu-img has them."""
    return [line.partition(": ")[2] for line in must("qemu-img", "info", "-U", "--backing-chain", path).splitlines() if line.startswith("image: ")]


@functools.cache
def reason_not_to():
    """Why there is no libvirt here; None: there is one."""
    if os.geteuid() != 0:
        return "a libvirt of one's own needs root"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return "not installed: " + ", ".join(missing)
    if not all(os.path.isdir(f"/{directory}") for directory in PRIVATE):
        return "libvirt's directories are not there"
    if execute(("unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc", "true"), timeout=30).code != 0:
        return "no namespaces of its own"
    try:
        running()
    except ToolError as error:
        return str(error)
    return None


@functools.cache
def running():
    """The one of this process, started when it is first asked for."""
    return Libvirt()
