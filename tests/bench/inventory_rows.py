# SPDX-License-Identifier: MIT
# Rows of inventories: what 10,000 machines of each kind cost a scan, against the same scan without them. Imported only.

import os

from bench import need
from row import below, median

MACHINES = 10_000
SECONDS = 1

LIBVIRT = """<domain type='kvm'>
  <name>m{n}</name>
  <uuid>00000000-0000-4000-8000-{n:012d}</uuid>
  <memory unit='KiB'>2097152</memory>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type><boot dev='hd'/></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/srv/{n}.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='/srv/base.qcow2'/><backingStore/></backingStore>
      <target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/srv/{n}.iso'/>
      <target dev='sda' bus='sata'/><readonly/></disk>
    <interface type='network'><source network='default'/><model type='virtio'/></interface>
  </devices>
</domain>
"""
PROXMOX = """boot: order=scsi0
cores: 2
memory: 2048
name: m{n}
net0: virtio=BC:24:11:00:00:01,bridge=vmbr0
scsi0: data:{n}/vm-{n}-disk-0.qcow2,iothread=1,size=32G
scsi1: data:{n}/vm-{n}-disk-1.raw,size=32G
"""
STORAGE = "dir: data\n\tpath {root}\n\tcontent images,rootdir\n"
VMX = """.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "19"
displayName = "m{n}"
uuid.bios = "56 4d 3e 5f 01 02 03 04-05 06 07 08 09 0a 0b 0c"
nvram = "m{n}.nvram"
scsi0.present = "TRUE"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "m{n}-000001.vmdk"
ide1:0.present = "TRUE"
ide1:0.deviceType = "cdrom-image"
ide1:0.fileName = "/iso/tools.iso"
"""
VBOX = """<?xml version="1.0"?>
<VirtualBox xmlns="http://www.virtualbox.org/" version="1.19-linux">
  <Machine uuid="{{00000000-0000-4000-8000-{n:012d}}}" name="m{n}" OSType="Debian_64" snapshotFolder="Snapshots">
    <MediaRegistry><HardDisks>
      <HardDisk uuid="{{00000001-0000-4000-8000-{n:012d}}}" location="m{n}.vdi" format="VDI" type="Normal">
        <HardDisk uuid="{{00000002-0000-4000-8000-{n:012d}}}" location="Snapshots/{n}.vdi" format="VDI"/>
      </HardDisk>
    </HardDisks></MediaRegistry>
    <Hardware><CPU count="2"/><Memory RAMSize="2048"/></Hardware>
    <StorageControllers><StorageController name="SATA" type="AHCI">
      <AttachedDevice type="HardDisk" port="0" device="0"><Image uuid="{{00000002-0000-4000-8000-{n:012d}}}"/></AttachedDevice>
    </StorageController></StorageControllers>
  </Machine>
</VirtualBox>
"""
LINES = "/srv/images/{n}.qcow2\tm{n}\tdisk\n"


def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# Each makes `count` machines in `place`, or beside images in `root`; the value of --inventory, and the directory or file to read.

def libvirt(place, root, count):
    for n in range(count):
        put(f"{place}/etc/libvirt/qemu/m{n}.xml", LIBVIRT.format(n=n))
    return f"libvirt:{place}/etc/libvirt", place


def proxmox(place, root, count):
    put(f"{place}/storage.cfg", STORAGE.format(root=root))
    os.makedirs(f"{place}/nodes/one/lxc")
    for n in range(100, count + 100):
        put(f"{place}/nodes/one/qemu-server/{n}.conf", PROXMOX.format(n=n))
    for link, target in (("local", "nodes/one"), ("qemu-server", "nodes/one/qemu-server"), ("lxc", "nodes/one/lxc")):
        os.symlink(target, os.path.join(place, link))
    return f"proxmox:{place}", place


def vmware(place, root, count):
    for n in range(count):
        put(f"{root}/{n}/m{n}.vmx", VMX.format(n=n))
    return "auto", root


def virtualbox(place, root, count):
    for n in range(count):
        put(f"{root}/{n}/m{n}.vbox", VBOX.format(n=n))
    return "auto", root


def listed(place, root, count):
    put(f"{place}/list", "".join(LINES.format(n=n) for n in range(count)))
    return f"list:{place}/list", place


KINDS = {"libvirt": libvirt, "proxmox": proxmox, "vmware": vmware, "virtualbox": virtualbox, "list": listed}


def inventory(bench, name, make):
    """Claims whose files are not there are findings, and the scan exits with 3."""
    count = bench.size(MACHINES)
    with bench.room(f"machines-{name}") as directory:
        root, place, db = (os.path.join(directory, part) for part in ("images", "place", "store.db"))
        for path in (root, place):
            os.mkdir(path)
        source, read = make(place, root, count)

        def scan(inventory):
            return bench.scan_anew(db, "--inventory", inventory, root, codes=(0, 3))

        scan(source)
        pairs = bench.alternate(lambda: scan(source), lambda: scan("none"))
        copied = bench.run([need("tar"), "-cf", os.path.join(directory, "copy.tar"), "-C", directory, os.path.relpath(read, directory)])
        cost = max(median(ours.seconds - theirs.seconds for ours, theirs in pairs), 0.0)
        yield below(f"machines-{name}", f"what {count:,} machines ({name}) add to a scan", cost, "s", SECONDS,
                    f"of {median(ours.seconds for ours, _ in pairs):.2f} s; tar of the same files: {copied.seconds:.2f} s",
                    max(ours.peak_kib for ours, _ in pairs) / 1024)


def inventories(bench):
    for name, make in KINDS.items():
        yield from inventory(bench, name, make)
