"""Which names may share an object, as far as the session's text tells: groups, of which each name is in one at most."""

from __future__ import annotations

from collections.abc import Collection, Iterable


class Sharing:
    """What is changed in place under one name of a group is changed under all of them."""

    def __init__(self) -> None:
        self._groups: dict[str, set[str]] = {}

    def of(self, names: Iterable[str]) -> set[str]:
        """The names, and all that share an object with one of them."""
        found = set(names)
        for group in {id(g): g for g in (self._groups.get(name) for name in list(found)) if g}.values():
            found |= group
        return found

    def bind(self, aliases: Iterable[tuple[str, str]], anew: Collection[str]) -> None:
        """A cell bound names `anew`, and made the first of each pair hold what the second held when the cell began.

        So `a, b = b, a` binds both anew, and each shares what the other shared before.
        """
        joins = [[new, old, *self._leaving(old, anew)] for new, old in aliases]
        for name in anew:
            self._groups.pop(name, set()).discard(name)
        for names in joins:
            self._join(names)

    def _leaving(self, old: str, anew: Collection[str]) -> set[str]:
        """Of those that share with a name the ones bound anew; and one that stays, to know the group by."""
        group = self._groups.get(old, set())
        leaving = {name for name in anew if name in group}
        stays = next((name for name in group if name not in leaving), None)
        return leaving if stays is None else leaving | {stays}

    def _join(self, names: Iterable[str]) -> None:
        """Make one group of theirs; the smaller goes into the larger, so that a long chain costs little."""
        whole: set[str] = set()
        for name in names:
            group = self._groups.get(name) or {name}
            if group is whole:
                continue
            large, small = (whole, group) if len(whole) >= len(group) else (group, whole)
            large |= small
            self._groups.update(dict.fromkeys(small, large))
            self._groups[name] = whole = large
