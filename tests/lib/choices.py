# SPDX-License-Identifier: MIT
# Chooses the options and the length of an image: by its wish, else by the dice.

from layers import Spec
from wishes import CLUSTER_SIZES, KIB, MIB, PREALLOCATIONS, REFCOUNT_BITS, SECTOR, TIB

LARGEST_PLAIN = 64 * MIB


def needs_v3(wish):
    bits = wish.get("refcount_bits", 16)
    keys = ("extended_l2", "data_file", "lazy")
    return any(wish.get(key) for key in keys) or bits != 16 or wish.get("compression") == "zstd" or "bitmap" in wish.get("ops", [])


def choose_spec(shop, wish):
    rng = shop.rng
    spec = Spec()
    spec.compat = wish.get("compat") or ("1.1" if needs_v3(wish) or shop.chance(75) else "0.10")
    spec.cluster = wish.get("cluster") or choose_cluster(shop, wish)
    spec.encryption = wish.get("encryption") or ("aes" if shop.chance(3) and not is_delicate(shop) else "")
    spec.prealloc = wish.get("prealloc") or (rng.choice(PREALLOCATIONS) if shop.chance(12) else "off")
    if spec.compat == "1.1":
        choose_v3_options(shop, wish, spec)
    return spec


def is_delicate(shop):
    """Most operations refuse keys, data files and odd refcounts; without them the wish comes true."""
    return "ops" in shop.wish or "name" in shop.wish


def choose_cluster(shop, wish):
    if wish.get("extended_l2"):
        return shop.rng.choice([size for size in CLUSTER_SIZES if size >= 16 * KIB])
    if wish.get("size") in ("1T", "60T"):
        return 64 * KIB if wish["size"] == "1T" else 2 * MIB
    if "backing" in wish or "name" in wish:
        return shop.rng.choice([4 * KIB, 64 * KIB])  # the name must fit into the first cluster
    return shop.rng.choice(CLUSTER_SIZES + [4 * KIB, 64 * KIB, 64 * KIB, 64 * KIB])


def choose_v3_options(shop, wish, spec):
    rng = shop.rng
    spec.compression = wish.get("compression") or rng.choice(["zlib", "zstd"])
    spec.extended_l2 = wish.get("extended_l2", spec.cluster >= 16 * KIB and shop.chance(25))
    spec.refcount_bits = wish.get("refcount_bits") or (16 if is_delicate(shop) else rng.choice(REFCOUNT_BITS + [16] * 8))
    spec.lazy = wish.get("lazy", shop.chance(15))
    spec.data_file = wish.get("data_file") or (choose_data_file(shop) if can_choose_data_file(shop, wish) else "")
    spec.data_file_raw = bool(spec.data_file) and wish.get("data_file_raw", shop.chance(30))


def choose_data_file(shop):
    return shop.rng.choice(["relative", "absolute"]) if shop.one_folder else "absolute"


def can_choose_data_file(shop, wish):
    """A data file rules compression and sparse sizes out, so a wish for those excludes it."""
    taken = ("compression", "io", "size", "backing", "encryption", "refcount_bits")
    return not is_delicate(shop) and not any(key in wish for key in taken) and shop.chance(8)


def choose_size(shop, wish, spec):
    rng = shop.rng
    usual = ["odd", "odd", "clusters", "clusters", "clusters"] + ([] if is_delicate(shop) else ["tiny", "1T"])
    kind = wish.get("size") or rng.choice(usual)
    sparse_possible = spec.prealloc == "off" and not spec.data_file and spec.cluster >= 64 * KIB
    if kind in ("1T", "60T") and not sparse_possible:
        kind = "clusters"
    shop.features.add(f"size={kind}")
    sizes = {"empty": 0, "tiny": SECTOR, "1T": TIB, "60T": 60 * TIB}
    if kind == "odd":
        most = max(3, min(spec.cluster * 40, 4 * MIB) // SECTOR)
        return (rng.randrange(most) | 1) * SECTOR
    if kind == "clusters":
        most = min(6 * MIB // spec.cluster, 600) if spec.cluster < MIB else 8 * MIB // spec.cluster
        return rng.randint(1, most) * spec.cluster
    return sizes[kind]


def choose_overlay_size(shop, wish, spec, base):
    """An overlay is as long as its base, or not."""
    relation = wish.get("against_base") or shop.rng.choice(["same", "same", "longer", "shorter", "free"])
    too_long = base.size > LARGEST_PLAIN and spec.cluster < 64 * KIB
    if "size" in wish or relation == "free" or too_long:
        return choose_size(shop, wish, spec)
    rounded = -(-base.size // SECTOR) * SECTOR
    step = shop.rng.randint(1, 600) * SECTOR
    if relation == "longer":
        return rounded + step
    if relation == "shorter":
        return max(SECTOR, rounded - step)
    return rounded or SECTOR
