"""RFC 6962's Merkle tree over the ledger's entries: numbers only, no database.

Leaf = SHA-256(0x00 || entry), node = SHA-256(0x01 || left || right). A chain alone verifies after its tail was cut; a tree's
root of a given size cannot be shown again by any other history, and two roots are shown to belong together in O(log n).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The roots of the complete subtrees of a growing tree, the largest first: all that is needed to go on."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        self._merge(leaf, 1)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add many, as the widest complete subtrees that begin where the tree ends: each level is hashed in one go."""
        start = 0
        while start < len(leaves):
            fits = 1 << ((len(leaves) - start).bit_length() - 1)
            width = min(fits, self.size & -self.size or fits)
            self._merge(_folded(leaves[start : start + width]), width)
            start += width

    def _merge(self, node: bytes, width: int) -> None:
        index, peaks = self.size // width, self._peaks
        while index & 1:
            node = node_hash(peaks.pop(), node)
            index >>= 1
        peaks.append(node)
        self.size += width

    def root(self) -> bytes:
        """The root of the tree as it is now (section 2.1): peaks folded from the smallest."""
        if not self._peaks:
            return EMPTY
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found


def _folded(level: Sequence[bytes]) -> bytes:
    """The root of a complete subtree from its leaves, 2^k of them."""
    sha256 = hashlib.sha256
    while len(level) > 1:
        each = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]
    return level[0]


def completed(index: int) -> list[tuple[int, int]]:
    """The (level, index) of each left sibling that leaf `index` is merged with when it is added, from the leaves up."""
    level, found = 0, []
    while (index >> level) & 1:
        found.append((level, (index >> level) - 1))
        level += 1
    return found


def span_hash(start: int, end: int, node: Callable[[int, int], bytes]) -> bytes:
    """MTH of leaves [start, end), from complete nodes that `node(level, index)` gives."""
    if start == end:
        return EMPTY
    width = end - start
    if width & (width - 1) == 0 and start % width == 0:
        level = width.bit_length() - 1
        return node(level, start >> level)
    half = _split(width)
    return node_hash(span_hash(start, start + half, node), span_hash(start + half, end, node))


def inclusion(index: int, size: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1: the hashes that lead from one leaf to the root."""
    return _path(index, 0, size, node)


def _path(index: int, start: int, end: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, node), span_hash(middle, end, node)]
    return [*_path(index, middle, end, node), span_hash(start, middle, node)]


def consistency(first: int, second: int, node: Callable[[int, int], bytes]) -> list[bytes]:
    """PROOF(m, D[n]) of section 2.1.2: that the tree of the first size is how the second one began."""
    if first in (0, second):
        return []
    return _subproof(first, 0, second, node, whole=True)


def _subproof(size: int, start: int, end: int, node: Callable[[int, int], bytes], *, whole: bool) -> list[bytes]:
    if size == end - start:
        return [] if whole else [span_hash(start, end, node)]
    half = _split(end - start)
    middle = start + half
    if size <= half:
        return [*_subproof(size, start, middle, node, whole=whole), span_hash(middle, end, node)]
    return [*_subproof(size - half, middle, end, node, whole=False), span_hash(start, middle, node)]


def included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof leads from the leaf at `index` to the root of that size (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(step, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, step)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: int, second: int, proof: Sequence[bytes], old: bytes, new: bytes) -> bool:
    """Whether the tree of size `first` with root `old` grew into that of size `second` with root `new` (RFC 9162, 2.1.4.2)."""
    if first == second:
        return old == new and not proof
    if first == 0:
        return not proof
    if not 0 < first < second:
        return False
    steps = list(proof)
    if first & (first - 1) == 0:
        steps.insert(0, old)
    if not steps:
        return False
    return _grown(first - 1, second - 1, steps, old, new)


def _grown(position: int, last: int, steps: list[bytes], old: bytes, new: bytes) -> bool:
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = node_hash(after, step)
        position, last = position >> 1, last >> 1
    return last == 0 and before == old and after == new


def _split(width: int) -> int:
    """The largest power of two smaller than `width`."""
    return 1 << ((width - 1).bit_length() - 1)
