"""People of a démarche of events who wait until they are enough for a run: kept on this machine, sealed.

::

    HOME/pending/T/keys.json        0600: the key of the sealed files
    HOME/pending/T/NNNNNN-X.sealed  one arrival, X at random: a line of JSON a person: local identifier, canonical values, case
    HOME/pending/T/RUN.taken        the arrivals that a run has encoded: one name a line

A run takes all arrivals that are there when it is encoded first, and the same ones when it is encoded again. They are destroyed
when it was compared, and wait again when it was not. Somebody who arrives twice is there once, as written down last.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crypto.framing import canonical_json, from_base64, parse_canonical_json, to_base64
from crypto.key_files import LARGEST_SECRET, destroy, read_secret, write_secret
from service.administration.extra_people import records_of
from service.administration.sealed_file import read_sealed, sealed_file
from service.counts import band_of, spelled
from service.errors import ServiceError

if TYPE_CHECKING:
    from linkage.records import Records

__all__ = ["Pending"]

Person = tuple[str, Mapping[str, str], str]  # local identifier, attribute → canonical value, case


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Those who wait for a run of one agreement.

    Attributes:
        home: of the administration.
        agreement: T.
    """

    home: Path
    agreement: str

    def add(self, records: Records, *, case: str | None = None) -> None:
        """Keep the people of a file; `case` is the column of `records.extra` that says to which case each belongs."""
        # Nor a name that a run has taken: settled again after a crash, it would destroy those who came since.
        numbers = [int(name.partition("-")[0]) for name in {path.name for path in self._sealed()} | self._taken()]
        name = f"{max(numbers, default=0) + 1:06}-{secrets.token_hex(8)}.sealed"  # two commands at once have two names
        with sealed_file(self._folder / name, self._key(), self.agreement, name) as file:
            for one in _people(records, records.extra[case] if case else [""] * len(records)):
                file.write(json.dumps(one, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")

    def count(self) -> int:
        """How many wait for the next run."""
        return len(self._read(self._waiting()))

    def take(self, run: str, attributes: list[str], least: int, *, case: str | None = None) -> Records:
        """Those whom a run encodes.

        Args:
            run: identifier.
            attributes: of the sheet.
            least: people of a run at least.
            case: under which name of `Records.extra` the case of each is given; None: not at all.

        Raises:
            ServiceError: `E_ATTENTE`, too few wait.
        """
        mark = self._folder / f"{run}.taken"
        names = mark.read_text("utf-8").split() if mark.exists() else self._waiting()
        people = self._read(names)
        if len(people) < least:
            raise ServiceError("E_ATTENTE", f"il manque encore {_missing(least - len(people))} pour un croisement")
        if not mark.exists():
            write_secret(mark, "\n".join(names).encode())
        records = records_of([values for values, _ in people.values()], attributes, list(people))
        return replace(records, extra={case: [label for _, label in people.values()]}) if case else records

    def settle(self, run: str, *, compared: bool) -> None:
        """A run is over: those it took are destroyed when they were compared, else they wait again."""
        mark = self._folder / f"{run}.taken"
        if not mark.exists():
            return
        if compared:
            for name in mark.read_text("utf-8").split():
                destroy(self._folder / name)
        destroy(mark)  # last: a crash before it makes this run again

    def clear(self) -> None:
        """Destroy all: the key first."""
        for path in [self._folder / "keys.json", *self._folder.glob("*")]:
            destroy(path)

    @property
    def _folder(self) -> Path:
        return self.home / "pending" / self.agreement

    def _waiting(self) -> list[str]:
        """The arrivals that no run has taken, oldest first."""
        taken = self._taken()
        return sorted(path.name for path in self._sealed() if path.name not in taken)

    def _sealed(self) -> list[Path]:
        return list(self._folder.glob("*.sealed"))

    def _taken(self) -> set[str]:
        return {name for mark in self._folder.glob("*.taken") for name in mark.read_text("utf-8").split()}

    def _read(self, names: list[str]) -> dict[str, tuple[Mapping[str, str], str]]:
        people: dict[str, tuple[Mapping[str, str], str]] = {}
        for name in names:
            data = b"".join(read_sealed(self._folder / name, self._key(), self.agreement, name))
            for line in data.splitlines():
                identifier, values, label = json.loads(line)
                people[identifier] = values, label
        return people

    def _key(self) -> bytes:
        path = self._folder / "keys.json"
        if not path.exists():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_secret(path, canonical_json({"key": to_base64(secrets.token_bytes(32))}))
        held = parse_canonical_json(read_secret(path), LARGEST_SECRET)
        if not isinstance(held, dict) or not isinstance(held.get("key"), str):
            raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé")
        return from_base64(str(held["key"]))


def _people(records: Records, cases: Sequence[str]) -> Iterator[Person]:
    from linkage.records import AT_ONCE, MISSING  # noqa: PLC0415 - compiled code: only where people are encoded

    for start in range(0, len(records), AT_ONCE):
        stop = min(start + AT_ONCE, len(records))
        parts = {name: (one.values, one.part(start, stop)) for name, one in records.columns.items()}
        for place, identifier in enumerate(records.ids[start:stop]):
            codes = {name: int(part[place]) for name, (_, part) in parts.items()}
            values = {name: parts[name][0][code] for name, code in codes.items() if code != MISSING}
            yield identifier, values, cases[start + place]


def _missing(count: int) -> str:
    return f"{spelled(band_of(count))} personnes"
