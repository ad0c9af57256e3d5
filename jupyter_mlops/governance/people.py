"""One person is one person, however they write their name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence


def plain(name: str) -> str:
    """A name as it is compared: compatibility forms and case folded, spaces at the ends gone, `+label` of a mailbox gone."""
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    box, at, host = folded.partition("@")
    return f"{box.partition('+')[0]}@{host}" if at else folded


class Roles:
    """Who is in which role, and which names are one person's."""

    def __init__(self, roles: Mapping[str, Sequence[str]], people: Mapping[str, Sequence[str]]) -> None:
        self._one = {plain(other): plain(person) for person, others in people.items() for other in [person, *others]}
        self._names = roles
        self._roles = {role: {self.person(name) for name in names} for role, names in roles.items()}

    def person(self, name: str) -> str:
        return self._one.get(plain(name), plain(name))

    def same(self, one: str, other: str) -> bool:
        return self.person(one) == self.person(other)

    def has(self, name: str, role: str) -> bool:
        return self.person(name) in self._roles.get(role, set())

    def has_any(self, name: str, roles: Iterable[str]) -> bool:
        return any(self.has(name, role) for role in roles)

    def roles_of(self, name: str) -> list[str]:
        return sorted(role for role in self._roles if self.has(name, role))

    def members(self, roles: Iterable[str]) -> list[str]:
        return sorted({name for role in roles for name in self._names.get(role, ())})

    def missing(self, needed: Mapping[str, int], approvers: Iterable[str]) -> dict[str, int]:
        """How many are wanting in each role, when each person fills one place: the best assignment is what counts."""
        people = sorted({self.person(name) for name in approvers})
        places = [role for role, count in needed.items() for _ in range(count)]
        taken: dict[int, str] = {}
        for person in people:
            self._seat(person, places, taken, set())
        left = [role for i, role in enumerate(places) if i not in taken]
        return {role: left.count(role) for role in needed if role in left}

    def _seat(self, person: str, places: list[str], taken: dict[int, str], tried: set[int]) -> bool:
        """Find this person a place, moving others who can sit elsewhere (an augmenting path)."""
        for i, role in enumerate(places):
            if i in tried or not self.has(person, role):
                continue
            tried.add(i)
            if i not in taken or self._seat(taken[i], places, taken, tried):
                taken[i] = person
                return True
        return False
