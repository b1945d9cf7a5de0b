# SPDX-License-Identifier: MIT
# The machines of the host, as an inventory has them: what the administrator's own lists, or a platform's files, would have.

import os
import shutil
import uuid
from xml.sax.saxutils import quoteattr


def uses(host):
    """(path below the root, machine, role) of all that the host needs for itself, each once."""
    seen = set()
    for disk in host.disks():
        for image, role in [(disk.current, "disk"), (disk.meanwhile, "disk"), *((point.image, "restore-point") for point in disk.points)]:
            if image and (image.path, disk.machine.name) not in seen:
                seen.add((image.path, disk.machine.name))
                yield image.path, disk.machine.name, role
    for template in host.templates:
        yield template.image.path, template.name, "template"
    yield from others(host)


def others(host):
    """What no platform has: backups, uploads, files that others put here."""
    for backup in host.backups:
        for image in backup.images:
            yield image.path, f"backup {backup.name}", "restore-point"
    for upload in host.uploads:
        yield upload.image.path, "uploads", "other"
    for image, what in host.kept:
        yield image.path, what, "other"


def lists(host, directory, lines):
    """list:FILE, for scan --inventory."""
    path = os.path.join(directory, "machines.list")
    with open(path, "w", encoding="utf-8") as file:
        for image, machine, role in lines:
            file.write(f"{host.forest.full(image)}\t{machine}\t{role}\n")
    return f"list:{path}"


def write_list(host, directory):
    return [lists(host, directory, uses(host))]


def fresh(*parts):
    place = os.path.join(*parts)
    shutil.rmtree(place, ignore_errors=True)
    os.makedirs(place)
    return place


def put(text, *parts):
    path = os.path.join(*parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


# -- libvirt: what virDomainDefFormat, virDomainObjFormat and virDomainSnapshotDefFormat write, of what matters here --------------

def domain(host, machine, images):
    disks = "".join(f"""
    <disk type='file' device='disk'>
      <driver name='qemu' type='{image.format}'/>
      <source file={quoteattr(host.forest.full(image.path))}/>
      <target dev='vd{"abcdefgh"[number]}' bus='virtio'/>
    </disk>""" for number, image in enumerate(images))
    return f"""<domain type='qemu'>
  <name>{machine.name}</name>
  <uuid>{uuid.uuid5(uuid.NAMESPACE_DNS, machine.name)}</uuid>
  <memory unit='KiB'>1024</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>{disks}
  </devices>
</domain>
"""


def write_libvirt(host, directory):
    """The files of the daemon: definitions, machines that run (on the overlays of a backup), and snapshots."""
    place = fresh(directory, "libvirt")
    os.makedirs(os.path.join(place, "etc/libvirt/qemu"))
    for machine in host.machines:
        put(domain(host, machine, [disk.current for disk in machine.disks]), place, "etc/libvirt/qemu", f"{machine.name}.xml")
        if any(disk.meanwhile for disk in machine.disks):
            running = domain(host, machine, [disk.meanwhile or disk.current for disk in machine.disks])
            put(f"<domstatus state='running' reason='booted' pid='1'>\n{running}</domstatus>\n", place, "run/libvirt/qemu", f"{machine.name}.xml")
        for disk in machine.disks:
            for point in disk.points:
                put(f"<domainsnapshot>\n<name>{point.name}</name>\n<state>shutoff</state>\n<creationTime>1700000000</creationTime>\n"
                    f"{domain(host, machine, [point.image])}</domainsnapshot>\n", place, "var/lib/libvirt/qemu/snapshot", machine.name,
                    f"{os.path.basename(disk.stem)}-{point.name}.xml")
    return [f"libvirt:{place}/etc/libvirt", lists(host, directory, others(host))]


# -- Proxmox VE: what write_vm_config writes; the disks lie outside of its storages --------------------------------------------

def write_proxmox(host, directory):
    place = fresh(directory, "pve")
    put("dir: local\n\tpath /var/lib/vz\n\tcontent iso\n", place, "storage.cfg")
    for number, machine in enumerate(host.machines, 100):
        text = f"boot: order=virtio0\nmemory: 16\nname: {machine.name}\n"
        disks = [disk.meanwhile or disk.current for disk in machine.disks] + [disk.current for disk in machine.disks if disk.meanwhile]
        text += "".join(f"virtio{slot}: {host.forest.full(image.path)},size=4M\n" for slot, image in enumerate(disks))
        for disk in machine.disks:
            for point in disk.points:
                text += f"\n[{os.path.basename(disk.stem)}-{point.name}]\nmemory: 16\nsnaptime: 1700000000\nvirtio0: {host.forest.full(point.image.path)},size=4M\n"
        put(text, place, "nodes/one/qemu-server", f"{number}.conf")
    os.makedirs(os.path.join(place, "nodes/one/lxc"), exist_ok=True)
    os.makedirs(os.path.join(place, "nodes/one/qemu-server"), exist_ok=True)
    for link, target in (("local", "nodes/one"), ("qemu-server", "nodes/one/qemu-server"), ("lxc", "nodes/one/lxc")):
        os.symlink(target, os.path.join(place, link))
    return [f"proxmox:{place}", lists(host, directory, others(host))]


WRITERS = {"none": lambda host, directory: ["none"], "list": write_list, "libvirt": write_libvirt, "proxmox": write_proxmox}
