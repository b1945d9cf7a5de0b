# SPDX-License-Identifier: MIT
# What is done on the host besides a machine's disk: machines made, cloned and deleted, templates, backups, uploads.
# A deed returns False when there is nothing that it could be done with, having done nothing.

import os

from disks import usable
from host import POOLS, Backup, Disk, Machine, Template, Upload


def add_machine(host):
    machine = Machine(f"m{host.number('machine')}", host.rng.choice(POOLS), host.rng.choice(["libvirt", "proxmox"]))
    host.machines.append(machine)
    return machine


def stem_of(machine, number):
    return f"{machine.pool}/{machine.name}/disk{number}" if machine.pool == "pool-a" else f"{machine.pool}/{machine.name}-disk{number}"


def new_machine(host):
    """One or two new disks, some of them raw."""
    machine = add_machine(host)
    for number in range(host.rng.choice([1, 1, 2])):
        stem, form = stem_of(machine, number), "raw" if host.chance(12) else "qcow2"
        machine.disks.append(Disk(machine, stem, host.forest.create(f"{stem}.{form}", format=form)))
        host.forest.write(machine.disks[-1].current, 4)
    return True


def full_clone(host):
    disk = pick_disk(host)
    if not disk:
        return False
    machine = add_machine(host)
    stem = stem_of(machine, 0)
    machine.disks.append(Disk(machine, stem, host.forest.convert(disk.current, stem + ".qcow2")))
    return True


def linked_clone(host):
    """An overlay on a template, or on the state of another machine's snapshot."""
    disk = pick_disk(host)
    bases = [template.image for template in host.templates]
    if disk and host.chance(20):
        bases = [point.image for point in disk.points]
    bases = [base for base in bases if host.forest.is_sound(base)]
    if not bases:
        return False
    base = host.rng.choice(bases)
    machine = add_machine(host)
    stem = stem_of(machine, 0)
    machine.disks.append(Disk(machine, stem, host.forest.create(stem + ".qcow2", base)))
    if host.chance(90):
        host.forest.write(machine.disks[0].current, host.rng.randint(1, 4))
    return True


def pick_disk(host):
    disks = [disk for disk in host.disks() if usable(host, disk)]
    return host.rng.choice(disks) if disks else None


def delete_machine(host):
    """With its disks; or its current images alone, and the bases are left; or no file at all."""
    machines = [machine for machine in host.machines if not any(disk.meanwhile for disk in machine.disks)]
    if not machines:
        return False
    machine = host.rng.choice(machines)
    tops = [disk.current for disk in machine.disks]
    own = tops + [point.image for disk in machine.disks for point in disk.points]
    host.machines.remove(machine)
    how = host.rng.random()
    if how < 0.45:
        host.discard(own)
    elif how < 0.95:
        host.discard(tops)
        host.count("deleted, its bases left")
    return True


# -- Templates ---------------------------------------------------------------------------------------------------------

def new_template(host):
    name = f"t{host.number('template')}"
    image = host.forest.create(f"templates/{name}-v1.qcow2" if host.chance(60) else f"templates/{name}.qcow2")
    host.forest.write(image, 8)
    return add_template(host, name, image)


def add_template(host, name, image):
    template = Template(name, image)
    if image.path.endswith("-v1.qcow2"):
        template.link = f"templates/{name}-current.qcow2"
        host.forest.symlink(template.link, image.path)
    host.templates.append(template)
    return True


def refresh_template(host):
    """A new version. Clones stay on the old one, whatever their name for it leads to now; unless it was overwritten."""
    if not host.templates:
        return False
    forest, template = host.forest, host.rng.choice(host.templates)
    old, new = template.image, forest.create(f"templates/{template.name}.new.qcow2")
    forest.write(new, 8)
    if template.link:
        forest.rename(new, forest.free(f"templates/{template.name}-v{{}}.qcow2"))
        forest.symlink(template.link, new.path)
        how = "beside the old one, the link turned"
    elif host.chance(25):
        replace(host, old, new)
        how = "over the old one"
    else:
        path, aside = old.path, forest.free(f"templates/{template.name}-old{{}}.qcow2")
        if host.chance(50):
            forest.rename(old, aside)
        else:
            forest.run("ln", "--", path, aside)
            forest.touch(old)
            old.path, old.altered = aside, "renamed"
        forest.rename(new, path)
        follow(forest, old, new)
        how = "under the old name, the old one aside"
    new.altered = ""
    template.image = new
    host.count(f"refreshed {how}")
    return True


def follow(forest, old, new):
    """What was last written to before the old one was made has nothing on that: its own base had been overwritten."""
    for other in forest.dependents(old):
        if max(other.made, other.written) < old.made:
            other.base = new


def replace(host, old, new):
    """The old file is gone: whatever stood on it has the new one below it."""
    path = old.path
    for other in host.forest.dependents(old):
        other.base = new
    host.forest.images.remove(old)
    host.forest.rename(new, path)


def retire_template(host):
    """It is offered no more; its file is deleted when no clone needs it, or forgotten."""
    if len(host.templates) < 4:
        return False
    template = host.rng.choice(host.templates)
    host.templates.remove(template)
    if template.link:
        host.forest.unlink(template.link)
    if host.chance(40):
        host.discard([template.image])
    return True


# -- Backups -----------------------------------------------------------------------------------------------------------

def packed_backup(host):
    """A full copy, or the disk's own file whatever it stands on, packed."""
    disk = pick_disk(host)
    if not disk or disk.current.format != "qcow2":
        return False
    name = f"b{host.number('backup')}"
    if host.chance(60):
        copy = host.forest.convert(disk.current, f"backups/{name}.qcow2")
        image = host.forest.pack(copy, f"backups/{name}.qcow2.gz")
        host.forest.remove(copy)
    else:
        own = os.path.basename(disk.current.path)  # libvirt calls an overlay disk.SNAPSHOT
        if not host.odd_names and not own.endswith(".qcow2"):
            own += ".qcow2"
        image = host.forest.pack(disk.current, f"backups/{name}-{own}.{host.rng.choice(['gz', 'gz', 'tar'])}")
    host.backups.append(Backup(name, [image], "packed"))
    return True


def copied_backup(host):
    """The file of a snapshot as it is, beside nothing that its name leads to when that is relative."""
    points = [point.image for disk in host.disks() if usable(host, disk) for point in disk.points if point.image.base]
    if not points:
        return False
    name = f"b{host.number('backup')}"
    host.backups.append(Backup(name, [host.forest.copy(host.rng.choice(points), f"backups/{name}.qcow2", mend=False)], "copied"))
    return True


def begin_chain(host):
    disk = pick_disk(host)
    if not disk:
        return False
    name = f"b{host.number('backup')}"
    host.backups.append(Backup(name, [host.forest.convert(disk.current, f"backups/{name}-full.qcow2")], "chain"))
    return True


def next_increment(host):
    backups = [backup for backup in host.backups if backup.kind == "chain" and len(backup.images) < 6]
    if not backups:
        return False
    backup = host.rng.choice(backups)
    image = host.forest.create(host.forest.free(f"backups/{backup.name}-inc{{}}.qcow2"), backup.images[-1])
    host.forest.write(image, 2)
    backup.images.append(image)
    return True


def merge_increment(host):
    """The oldest increment goes into the full copy."""
    forest = host.forest
    backups = [backup for backup in host.backups if backup.kind == "chain" and len(backup.images) > 2]
    if not backups:
        return False
    backup = host.rng.choice(backups)
    full, oldest, after = backup.images[:3]
    if forest.dependents(full) != [oldest] or forest.dependents(oldest) != [after]:
        return False
    forest.commit(oldest)
    forest.rename_base(after, full)
    backup.images.remove(oldest)
    forest.remove(oldest)
    return True


def drop_increment(host):
    """The newest restore point is deleted: nothing names the one before, which is kept."""
    backups = [backup for backup in host.backups if backup.kind == "chain" and len(backup.images) > 1]
    if not backups:
        return False
    backup = host.rng.choice(backups)
    if host.forest.dependents(backup.images[-1]):
        return False
    host.forest.remove(backup.images.pop())
    return True


def retire_backup(host):
    """With its files; of a chain, the full copy may be forgotten."""
    if len(host.backups) < 4:
        return False
    backup = host.rng.choice(host.backups)
    host.backups.remove(backup)
    forgotten = backup.kind == "chain" and host.chance(30)
    host.discard(backup.images[1:] if forgotten else backup.images)
    return True


# -- Uploads -----------------------------------------------------------------------------------------------------------

def begin_upload(host):
    """The source lies outside of what is scanned."""
    number = host.number("upload")
    source = host.forest.create(f"../incoming/upload{number}.qcow2")
    host.forest.write(source, 12)
    host.forest.images.remove(source)
    path = f"uploads/upload{number}.qcow2"
    host.forest.folder(path)
    upload = Upload(source, host.forest.add(type(source)(path)))
    host.uploads.append(upload)
    grow_upload(host, upload)
    return True


def grow_upload(host, upload):
    """A quarter more; it becomes a template or a machine's disk when it is whole."""
    forest = host.forest
    upload.done += 1
    size = os.path.getsize(forest.full(upload.source.path)) * upload.done // 4
    forest.run("sh", "-c", f'head -c {size} "$1" >"$2"', "-", upload.source.path, upload.image.path)
    forest.mark(upload.image)
    if upload.done < 4:
        return
    host.uploads.remove(upload)
    host.count("an upload that ended")
    if host.chance(50):
        add_template(host, f"t{host.number('template')}", upload.image)
    else:
        machine = add_machine(host)
        machine.disks.append(Disk(machine, stem_of(machine, 0), upload.image))


def tidy(host):
    """The administrator deletes some of what nobody needs: by what is known of the host, whatever a report has."""
    idle = host.idle()
    if not idle:
        return False
    host.discard(host.rng.sample(idle, max(1, len(idle) // 4)))
    return True


GROWING = {new_machine: 4, full_clone: 5, linked_clone: 10, new_template: 1, packed_backup: 3, copied_backup: 1, begin_chain: 3, begin_upload: 2}
SHRINKING = {delete_machine: 12, retire_template: 1, retire_backup: 4}
STEADY = {refresh_template: 4, next_increment: 5, merge_increment: 2, drop_increment: 1, tidy: 1}
