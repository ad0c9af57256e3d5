"""The generators that everybody in a process shares, and whether a cell drew from them: their state before it and after it.

A model without a `random_state`, a split, a shuffle draw from them unseen; only their state tells. What was not drawn needs no
earlier cell to be repeated, and what was needs every one that drew since the last seed. What nobody seeded no repeating brings
back: no earlier cell is repeated for it, and who drew is named where a replay differs.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping

NUMPY, PYTHON, TORCH = "<numpy.random>", "<random>", "<torch.random>"
SHARED = frozenset({NUMPY, PYTHON, TORCH})
_SEEDING = frozenset({"seed", "manual_seed", "set_state", "setstate", "set_rng_state"})
_LARGEST_SEED = 2**64  # what the system gives has 128 bits
_TORCH = ("rand", "normal", "bernoulli", "multinomial", "manual_seed", "seed", "set_rng_state")


def generator_of(chain: tuple[str, ...]) -> str | None:
    """The shared generator that a call of `a.b.c` draws from or seeds; aliases of modules are already resolved."""
    if len(chain) < 2:
        return None
    if chain[0] == "numpy" and "random" in chain[1:-1]:
        return NUMPY
    if chain[0] == "random":
        return PYTHON
    return TORCH if chain[0] == "torch" and chain[-1].startswith(_TORCH) else None


def seeds(chain: tuple[str, ...]) -> bool:
    """Whether the call, given a value, makes all that was drawn before irrelevant."""
    return chain[-1] in _SEEDING


def states() -> dict[str, int]:
    """A number for the present state of each shared generator that is loaded."""
    found = {PYTHON: hash(random.getstate())}
    if "numpy.random" in sys.modules:
        state = sys.modules["numpy.random"].get_state(legacy=False)
        held = state.get("state", {})
        key = getattr(held.get("key"), "tobytes", bytes)()
        found[NUMPY] = hash((key, held.get("pos"), state.get("has_gauss"), state.get("gauss")))
    if "torch" in sys.modules and hasattr(sys.modules["torch"], "get_rng_state"):
        found[TORCH] = hash(sys.modules["torch"].get_rng_state().numpy().tobytes())
    return found


def drawn(before: Mapping[str, int]) -> dict[str, bool]:
    """Of each generator that was there before: whether its state is another now, and one that a replay can bring back."""
    now = states()
    return {name: now.get(name) != state for name, state in before.items()} | dict.fromkeys(_unseeded(), False)


def lost(before: Mapping[str, int]) -> bool:
    """Whether numbers were drawn, since `before`, that nothing brings back."""
    unseeded = _unseeded() & before.keys()
    return bool(unseeded) and any(states()[name] != before[name] for name in unseeded)


def _unseeded() -> set[str]:
    """NUMPY, if its state is still the one that the system gave. Of Python's own this is not known; torch has a fixed first."""
    if "numpy.random" not in sys.modules:
        return set()
    sequence = sys.modules["numpy.random"].get_bit_generator().seed_seq  # None after a seed
    return {NUMPY} if sequence is not None and sequence.entropy > _LARGEST_SEED else set()
