# SPDX-License-Identifier: MIT
# Packed images: a qcow2 header that names a base, in each kind of file that is unpacked. What Python does not write is
# written from the specifications: zstd (RFC 8878), the frame of lz4, and 7-Zip (7zFormat.txt), each without compression.

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib

CLUSTER_BITS = 16


def qcow2(backing="base.qcow2", size=1 << 20):
    """The first cluster of an overlay (version 3); its tables are named and not there."""
    cluster = 1 << CLUSTER_BITS
    name = backing.encode()
    stated = b"qcow2"
    extensions = struct.pack(">II", 0xE2792ACA, len(stated)) + stated.ljust(8, b"\0") + struct.pack(">II", 0, 0)
    place = 104 + len(extensions)
    header = struct.pack(">4sIQIIQIIQQIIQQQQII", b"QFI\xfb", 3, place, len(name), CLUSTER_BITS, size, 0, 1, 3 * cluster,
                         cluster, 1, 0, 0, 0, 0, 0, 4, 104)
    return (header + extensions + name).ljust(4 * cluster, b"\0")


def zstd(data):
    """One frame of one raw block, which holds 128 KiB at most."""
    assert len(data) <= 128 << 10
    return struct.pack("<IBI", 0xFD2FB528, 0xA0, len(data)) + (len(data) << 3 | 1).to_bytes(3, "little") + data


def xxh32(data):
    """xxHash of less than 16 bytes, with a seed of 0."""
    value = (374761393 + len(data)) & 0xFFFFFFFF
    for byte in data:
        value = (value + byte * 374761393) & 0xFFFFFFFF
        value = ((value << 11 | value >> 21) & 0xFFFFFFFF) * 2654435761 & 0xFFFFFFFF
    value = (value ^ value >> 15) * 2246822519 & 0xFFFFFFFF
    value = (value ^ value >> 13) * 3266489917 & 0xFFFFFFFF
    return value ^ value >> 16


def lz4(data):
    """Blocks of 64 KiB that are not compressed."""
    descriptor = b"\x60\x40"
    blocks = [data[at:at + 65536] for at in range(0, len(data), 65536)]
    return (struct.pack("<I", 0x184D2204) + descriptor + bytes([xxh32(descriptor) >> 8 & 0xFF])
            + b"".join(struct.pack("<I", len(block) | 1 << 31) + block for block in blocks) + struct.pack("<I", 0))


def tar(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zipped(members, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def number(value):
    """A number of 7-Zip below 2^56, in 8 bytes where it has more than 7 bits."""
    return bytes([value]) if value < 0x80 else b"\xfe" + value.to_bytes(7, "little")


def seven_zip(name, data):
    text = name.encode("utf-16-le") + b"\0\0"
    header = (b"\x01\x04\x06" + number(0) + number(1) + b"\x09" + number(len(data)) + b"\0"  # one packed stream
              + b"\x07\x0b" + number(1) + b"\0\x01\x01\x00\x0c" + number(len(data)) + b"\0"  # one folder, copied
              + b"\x08\0\0\x05" + number(1) + b"\x11" + number(1 + len(text)) + b"\0" + text + b"\0\0")
    start = struct.pack("<QQI", len(data), len(header), zlib.crc32(header))
    return b"7z\xbc\xaf\x27\x1c\0\x04" + struct.pack("<I", zlib.crc32(start)) + start + data + header


def seeds():
    image = qcow2()
    yield "gzip", gzip.compress(image, mtime=0)
    yield "xz", lzma.compress(image)
    yield "lzma", lzma.compress(image, format=lzma.FORMAT_ALONE)
    yield "bzip2", bz2.compress(image)
    yield "zstd", zstd(image[:65536])
    yield "lz4", lz4(image[:65536])
    yield "tar", tar([("notes.txt", b"notes"), ("vm.qcow2", image[:4096])])
    yield "tar-gzip", gzip.compress(tar([("vm.qcow2", image), ("other.qcow2", qcow2("mid.qcow2"))]), mtime=0)
    yield "zip", zipped([("vm.qcow2", image)])
    yield "zip-stored", zipped([("vm.qcow2", image[:4096])], zipfile.ZIP_STORED)
    yield "seven-zip", seven_zip("vm.qcow2", image[:4096])
    yield "packed-twice", tar([("vm.qcow2.gz", gzip.compress(image, mtime=0))])
    yield "text", gzip.compress(b"no image\n" * 100, mtime=0)
