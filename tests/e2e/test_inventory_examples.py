#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The programs of doc/examples that print lists of what machines use. The tools that they call are stood in for: a call that is not expected fails, and what
# is printed has the layout of
#   virsh       virsh(1), domblklist --details, as `virsh -c test:///default` prints it
#   qm          the printf of `list` in qemu-server's PVE/CLI/qm.pm; config: "KEY: VALUE" as in the file; pvesh: snapshot_list, JSON
#   govc        govc's USAGE.md (find, vm.info -json), VirtualMachineFileLayoutEx of the vSphere API
#   openstack   server list, volume list with -f value
#   xe          the command line interface of XenServer: vbd-list --minimal, vbd-param-get, vdi-param-get

import json
import os
import shutil

import harness
from sites import MIB, create, make_raw, run

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "doc", "examples")


class Desk:
    def __init__(self, case):
        self.site = case.site()
        self.tools = os.path.join(self.site.directory, "tools")
        os.makedirs(self.tools)
        self.answers = {}

    def answer(self, command, text):
        """What a call prints; None: it fails."""
        self.answers[command] = text

    def run(self, example, **environment):
        for tool in {command.split()[0] for command in self.answers}:
            cases = "".join(f"'{command.split(' ', 1)[1]}') {'exit 1' if text is None else f'cat {self.file(text)}'} ;;\n" for command, text in self.answers.items() if command.split()[0] == tool)
            path = os.path.join(self.tools, tool)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f'#!/bin/sh\ncase "$*" in\n{cases}*) echo "not expected: {tool} $*" >&2; exit 1 ;;\nesac\n')
            os.chmod(path, 0o755)
        outcome = run([os.path.join(EXAMPLES, "inventory-" + example)], env={**os.environ, "PATH": self.tools + ":" + os.environ["PATH"], **environment})
        return outcome.out.splitlines(), outcome.err

    def file(self, text):
        path = os.path.join(self.tools, f"answer{len(os.listdir(self.tools))}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def check(case, desk, example, expected, **environment):
    """The lines; and that each call that fails is seen by a scan."""
    lines, errors = desk.run(example, **environment)
    case.same((sorted(lines), errors), (sorted(expected), ""), f"inventory-{example}: lines")
    for command in list(desk.answers):
        whole = desk.answers[command]
        desk.answer(command, None)
        lines, _ = desk.run(example, **environment)
        desk.answer(command, whole)
        path = os.path.join(desk.site.directory, "list")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        scan = desk.site.scan(inventory="list:" + path)
        case.same(scan.code, 3, f"inventory-{example}: '{command}' fails, and the list is not taken for a whole one", lines)


def test_virsh_lists_disks_of_now_and_of_the_next_start(case):
    desk = Desk(case)
    disk = create(desk.site.path("a b.qcow2"), MIB)
    head = " Type   Device   Target   Source\n---------------------------------------------\n"
    desk.answer("virsh list --all --name", "web server\nmail\n\n")
    desk.answer("virsh domblklist --details --domain web server", head + f" file   disk     vda      {disk}\n file   cdrom    sda      -\n network disk    vdb      pool/image\n\n")
    desk.answer("virsh domblklist --inactive --details --domain web server", head + f" file   disk     vda      {disk}\n file   cdrom    sda      /srv/debian.iso\n block  disk     vdc      /dev/vg/data\n\n")
    desk.answer("virsh domblklist --details --domain mail", head)
    desk.answer("virsh domblklist --inactive --details --domain mail", head)
    check(case, desk, "virsh", [f"{disk}\tweb server\tdisk"] * 2 + ["/srv/debian.iso\tweb server\tcdrom", "/dev/vg/data\tweb server\tdisk"])
    desk.answer("virsh domblklist --details --domain mail", head + " volume disk     vda      vol1\n")
    lines, _ = desk.run("virsh")
    case.check("incomplete: mail has vol1 of a pool" in lines, "a volume of a pool has no path there", lines)


def test_virsh_itself_is_understood(case):
    if not shutil.which("virsh") or run(["virsh", "-c", "test:///default", "list"]).code != 0:
        case.skip("inventory-virsh: virsh of libvirt's test driver", "no virsh")
        return
    lines, _ = Desk(case).run("virsh", LIBVIRT_DEFAULT_URI="test:///default")
    case.same(sorted(set(lines)), ["/guest/diskimage1\ttest\tdisk"], "inventory-virsh: the disk of the test driver's domain")


def test_qm_lists_disks_with_what_is_pending_and_snapshots(case):
    if not shutil.which("jq"):
        case.skip("inventory-qm: lines", "no jq")
        return
    desk = Desk(case)
    desk.answer("qm list", "      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n       100 web                  running    2048              32.00 1234      \n")
    desk.answer("qm config 100 --current 1", "boot: order=scsi0\nide2: local:iso/x.iso,media=cdrom\nname: web\nscsi0: local:100/vm-100-disk-0.qcow2,size=32G\nscsihw: virtio-scsi-pci\nsata0: none\nvirtio1: /dev/sdb,size=1T\n")
    desk.answer("qm config 100", "scsi0: file=local:100/vm-100-disk-0.qcow2,size=32G\nunused0: local:100/vm-100-disk-1.raw\n")
    desk.answer("qm config 100 --snapshot one", "scsi0: local:100/vm-100-disk-0.qcow2,size=32G\nvmstate: local:100/vm-100-state-one.raw\n")
    desk.answer("pvesh get /nodes/localhost/qemu/100/snapshot --output-format json", json.dumps([{"name": "one", "snaptime": 1}, {"name": "current", "digest": "x"}]))
    places = {name: f"/var/lib/vz/images/100/{name}" for name in ("vm-100-disk-0.qcow2", "vm-100-disk-1.raw", "vm-100-state-one.raw")}
    for name, path in places.items():
        desk.answer(f"pvesm path local:100/{name}", path + "\n")
    first, second, state = places.values()
    check(case, desk, "qm", [f"{first}\tweb\tdisk", "/dev/sdb\tweb\tdisk", f"{first}\tweb\tdisk", f"{second}\tweb\tdisk", f"{first}\tweb\trestore-point", f"{state}\tweb\trestore-point"])


def test_govc_lists_disks_of_snapshots_too(case):
    if not shutil.which("jq"):
        case.skip("inventory-govc: lines", "no jq")
        return
    desk = Desk(case)
    files = [{"key": key, "name": name, "type": kind} for key, (name, kind) in enumerate([
        ("[ds 1] web/web.vmx", "config"), ("[ds 1] web/web.vmdk", "diskDescriptor"), ("[ds 1] web/web-flat.vmdk", "diskExtent"), ("[ds 1] web/web-000001.vmdk", "diskDescriptor"), ("[ds 1] web/web-Snapshot1.vmsn", "snapshotData")])]
    desk.answer("govc find / -type m", "/DC/vm/web\n")
    desk.answer("govc vm.info -json /DC/vm/web", json.dumps({"virtualMachines": [{"name": "web", "layoutEx": {"file": files}}]}))
    check(case, desk, "govc", ["/mnt/ds 1/web/web.vmdk\tweb\tdisk", "/mnt/ds 1/web/web-000001.vmdk\tweb\tdisk"], DATASTORES="/mnt")
    desk.answer("govc vm.info -json /DC/vm/web", '{"virtualMachines":[{"name":"web"}]}')
    case.check(any(line.startswith("incomplete") for line in desk.run("govc", DATASTORES="/mnt")[0]), "inventory-govc: a machine without files is no whole list")


def test_openstack_lists_instances_and_volumes(case):
    desk = Desk(case)
    machine, volume = "0a4d55a8-d778-e502-2fab-701977c5d840", "11111111-d778-e502-2fab-701977c5d840"
    instances, mounts = desk.site.path("instances", "x")[:-2], desk.site.path("mnt", "x")[:-2]
    for name in ("disk", "disk.info", "disk.config", "disk.eph0"):
        make_raw(desk.site.path("instances", machine, name))
    make_raw(desk.site.path("mnt", "abc", f"volume-{volume}"))
    make_raw(desk.site.path("mnt", "abc", "volume-other"))
    desk.answer("openstack server list --all-projects --host node1 -f value -c ID -c Name", f"{machine} web server\n22222222-d778-e502-2fab-701977c5d840 diskless\n")
    desk.answer("openstack volume list --all-projects -f value -c ID", volume + "\n")
    check(case, desk, "openstack", [f"{instances}/{machine}/disk\tweb server\tdisk", f"{instances}/{machine}/disk.eph0\tweb server\tdisk", f"{instances}/{machine}/disk.config\tweb server\tcdrom",
                                    f"{mounts}/abc/volume-{volume}\tvolume {volume}\tdisk"], HOST="node1", INSTANCES=instances, MOUNTS=mounts)


def test_xe_lists_disks_of_storage_repositories_of_files(case):
    desk = Desk(case)
    make_raw(desk.site.path("sr1", "disk1.vhd"))
    desk.answer("xe vbd-list type=Disk empty=false --minimal", "vbd1,vbd2,vbd3\n")
    for number, repository in ((1, "sr1"), (2, "sr1"), (3, "lvm")):
        desk.answer(f"xe vbd-param-get uuid=vbd{number} param-name=vdi-uuid", f"disk{number}\n")
        desk.answer(f"xe vbd-param-get uuid=vbd{number} param-name=vm-name-label", f"web {number}\n")
        desk.answer(f"xe vdi-param-get uuid=disk{number} param-name=sr-uuid", f"{repository}\n")
    check(case, desk, "xe", [f"{desk.site.root}/sr1/disk1.vhd\tweb 1\tdisk", f"{desk.site.root}/sr1/disk2.vhd\tweb 2\tdisk"], SR_MOUNT=desk.site.root)


TESTS = [
    test_virsh_lists_disks_of_now_and_of_the_next_start,
    test_virsh_itself_is_understood,
    test_qm_lists_disks_with_what_is_pending_and_snapshots,
    test_govc_lists_disks_of_snapshots_too,
    test_openstack_lists_instances_and_volumes,
    test_xe_lists_disks_of_storage_repositories_of_files,
]

if __name__ == "__main__":
    harness.main(lambda: harness.run_tests("Examples that print lists of machines.", TESTS))
