"""The tree is RFC 6962's, its proofs prove, and nothing else passes as one."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.ledger import tree

# The seven leaves and the roots of every size from the reference implementation's own test (certificate-transparency).
LEAVES = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
]


def _node(leaves: list[bytes]):
    def node(level: int, index: int) -> bytes:
        part = leaves[index << level : (index + 1) << level]
        while len(part) > 1:
            part = [tree.node_hash(a, b) for a, b in zip(part[::2], part[1::2], strict=True)]
        return part[0]

    return node


def _plain_root(leaves: list[bytes]) -> bytes:
    """The definition of section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + _plain_root(leaves[:split]) + _plain_root(leaves[split:])).digest()


def test_roots_are_the_reference_implementations():
    grown = tree.Frontier()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        grown.add(tree.leaf_hash(leaf))
        assert grown.root().hex() == root


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_many_at_once_are_as_one_by_one(parts: list[int]):
    leaves = [tree.leaf_hash(bytes([i])) for i in range(sum(parts))]
    at_once, start = tree.Frontier(), 0
    for part in parts:
        at_once.extend(leaves[start : start + part])
        start += part
        assert (at_once.size, at_once.root()) == (start, _plain_root(leaves[:start]))


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 70), data=st.data())
def test_proofs_lead_to_the_root_and_only_there(size: int, data: st.DataObject):
    leaves = [tree.leaf_hash(bytes([i])) for i in range(size)]
    node, root = _node(leaves), _plain_root(leaves)
    assert tree.span_hash(0, size, node) == root
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion(index, size, node)
    assert tree.included(leaves[index], index, size, proof, root)
    assert not tree.included(tree.leaf_hash(b"other"), index, size, proof, root)
    assert not tree.included(leaves[index], index, size, [*proof, root], root)
    assert not tree.included(leaves[index], size, size, proof, root)
    if proof:
        assert not tree.included(leaves[index], index, size, proof[:-1], root)


@settings(max_examples=60, deadline=None)
@given(sizes=st.tuples(st.integers(1, 70), st.integers(1, 70)).map(sorted))
def test_growth_is_proved_and_a_changed_past_is_not(sizes: list[int]):
    first, second = sizes
    leaves = [tree.leaf_hash(bytes([i])) for i in range(second)]
    old, new = _plain_root(leaves[:first]), _plain_root(leaves)
    proof = tree.consistency(first, second, _node(leaves))
    assert tree.consistent(first, second, proof, old, new)
    other = _plain_root([tree.leaf_hash(b"other"), *leaves[1:first]])
    assert not tree.consistent(first, second, proof, other, new)
    if first < second:
        assert not tree.consistent(first, second, [*proof, new], old, new)
