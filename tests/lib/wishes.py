# SPDX-License-Identifier: MIT
# What the forge can make: one wish for each feature, so that no feature is left to chance,
# and the names of the features that a run over all wishes must have seen.

KIB = 1024
MIB = 1024 * KIB
TIB = 1024 * 1024 * MIB
SECTOR = 512

CLUSTER_SIZES = [SECTOR << shift for shift in range(13)]
REFCOUNT_BITS = [1, 2, 4, 8, 16, 32, 64]
PREALLOCATIONS = ["metadata", "falloc", "full"]

# How an overlay can name its base. "raw over qcow2" states the wrong format on purpose.
BACKING_KINDS = [
    "relative", "subdir", "absolute", "file-absolute", "file-relative", "json-nested", "json-dotted", "json-relative",
    "json-no-driver", "json-other-driver", "no-format", "no-format-absolute", "raw-over-qcow2", "dotted-path",
]
# qemu looks for these, and for a data file with a relative name, in the working directory, not beside the image.
WORKING_DIRECTORY_KINDS = ("file-relative", "json-relative")
LAYER_OPS = [
    "snapshot", "snapshot-apply", "snapshot-delete", "grow", "grow-preallocated", "shrink", "bitmap", "amend", "killed",
    "convert", "convert-compressed", "rebase", "rebase-unsafe", "rebase-none", "commit", "check-repair",
]
IO_KINDS = ["write", "noise", "compressed", "compressed-noise", "zeroes", "zero", "unmap", "discard"]

# One wish an image, in turn: whatever the dice say, each of these is made.
WISHES = (
    [{"cluster": size} for size in CLUSTER_SIZES]
    + [{"compat": "0.10", "cluster": size} for size in (SECTOR, 4 * KIB, 64 * KIB, 2 * MIB)]
    + [{"compression": kind, "io": io} for kind in ("zlib", "zstd") for io in ("compressed", "compressed-noise")]
    + [{"extended_l2": True, "io": io} for io in IO_KINDS]
    + [{"extended_l2": True, "prealloc": kind, "base": "qcow2"} for kind in PREALLOCATIONS]
    + [{"data_file": name, "data_file_raw": raw} for name in ("relative", "absolute") for raw in (True, False)]
    + [{"data_file": "relative", "extended_l2": True}, {"data_file": "relative", "prealloc": "metadata"}]
    + [{"refcount_bits": bits} for bits in REFCOUNT_BITS]
    + [{"lazy": True}, {"lazy": True, "ops": ["killed"]}]
    + [{"encryption": "aes"}, {"encryption": "aes", "io": "compressed"}, {"encryption": "luks"}, {"base_encryption": "aes"}]
    + [{"prealloc": kind} for kind in PREALLOCATIONS] + [{"prealloc": kind, "compat": "0.10"} for kind in PREALLOCATIONS]
    + [{"backing": kind} for kind in BACKING_KINDS]
    + [{"base": kind} for kind in ("raw", "raw-odd", "raw-empty")] + [{"base": "raw", "depth": 0}, {"base": "raw-odd", "depth": 0}]
    + [{"against_base": kind} for kind in ("longer", "shorter")]
    + [{"size": kind} for kind in ("empty", "tiny", "odd", "1T", "60T")]
    + [{"name": kind} for kind in ("symlink", "odd", "dot")]
    + [{"ops": [op]} for op in LAYER_OPS] + [{"io": io} for io in IO_KINDS]
    + [{"depth": 3}] * 4 + [{}] * 16
)

# What a run over all wishes must have seen; map_oracle and view_oracle check it.
REQUIRED_FEATURES = (
    ["v2", "v3", "extended_l2", "data_file", "data_file_raw", "lazy", "dirty", "bitmaps", "aes", "luks", "snapshots", "zstd", "raw"]
    + [f"cluster={size}" for size in CLUSTER_SIZES] + [f"refcount_bits={bits}" for bits in REFCOUNT_BITS]
    + [f"prealloc={kind}" for kind in PREALLOCATIONS] + [f"backing={kind}" for kind in BACKING_KINDS]
    + [f"op={op}" for op in LAYER_OPS] + [f"io={io}" for io in IO_KINDS]
    + [f"base={kind}" for kind in ("raw", "raw-odd", "raw-empty", "qcow2")]
    + ["longer", "shorter", "symlink", "size=empty", "size=tiny", "size=odd", "size=1T", "size=60T", "encrypted base"]
    + ["depth=0", "depth=1", "depth=2", "depth=3", "data_file=absolute", "name=odd"]
)
