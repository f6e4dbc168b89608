"""The démarches of the catalogue, end to end on one invented département, each against its truth (`allervers demo --all`).

For each sheet: the files of its administrations, in their forms; an agreement that all sign; a run through the real service; the
hits against who is who. Beside it, what is done today: full nominative files, joined on name, first name and date in capitals
without accents. The sheets that must be refused are. What falls short: a démarche that failed, a sheet that should have been
refused, a result under its floor (`service.demonstration.score`).
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from linkage.errors import LinkageError
from linkage.formula import formula_of
from linkage.rules import parse_rule
from linkage.synthetic.world import World, build
from service.demarche import list_demarches, load_demarche
from service.demonstration.letters import letters, sent
from service.demonstration.premises import CommandRefused, Office, Premises, premises
from service.demonstration.reasons import Bench, declared
from service.demonstration.score import Found, Line, line_of, told
from service.demonstration.town_files import Part, parts_of, write_parameters
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = [
    "DAY",
    "Assess",
    "Catalogue",
    "Results",
    "Tools",
    "real_assessment",
    "refused_sheets",
    "run_catalogue",
    "run_demarche",
]

_MINUTES = 0.02  # of attacks on a file

DAY = date(2026, 12, 7)
# What each administration fills in of the démarches' parameters: our communes and streets.
OWN: dict[str, Any] = {
    "ressort": [f"96{number:03}" for number in range(1, 13)],
    "quartiers_touches": ["Q1", "Q2"],
    "seuil": 15_000,
}

Words = Path | str
Assess = Callable[[Office, str, Path, tuple[Words, ...]], None]  # what gives a party its risk report for an agreement


def real_assessment(office: Office, agreement: str, path: Path, own: tuple[Words, ...]) -> None:
    """`allervers risk` on a small sample; whoever answers for the file accepts what it says."""
    office.run("risk", path, "--agreement", agreement, "--minutes", _MINUTES, *own, allowed=(0, 3))


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What a demonstration works with.

    Attributes:
        clock: the time.
        say: takes a line for people.
        assess: gives each party its risk report.
        explain: whether the reason of each lost or useless result is looked up.
    """

    clock: Callable[[], datetime]
    say: Callable[[str], None]
    assess: Assess = real_assessment
    explain: bool = False


@dataclass(kw_only=True)
class Catalogue:
    """What became of all.

    Attributes:
        lines: one a result.
        failed: démarche → what its failing command said.
        refused: sheet that must be refused → the code that it got, empty where it was accepted.
        seconds: that all took.
    """

    lines: list[Line] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        """Whether nothing fell short."""
        return not self.failed and all(self.refused.values()) and not any(one.floor for one in self.lines)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and texts."""
        lines = [
            asdict(one) | {"precision": round(one.precision, 4), "recall": round(one.recall, 4)} for one in self.lines
        ]
        return {"lines": lines, "failed": self.failed, "refused": self.refused, "seconds": round(self.seconds, 1)}

    @property
    def text(self) -> str:
        """One line on all of it."""
        missed = sum(bool(one.floor) for one in self.lines)
        more = sum(one.right - one.today_right for one in self.lines)
        disclosed = sum({one.demarche: one.disclosed for one in self.lines}.values())
        names = {one.demarche for one in self.lines}
        return (
            f"{len(names)} démarches, {len(self.lines)} résultats, {len(self.failed)} en échec, {missed} sous un plancher ; "
            f"droits atteints de plus que par une jointure exacte : {more:+} ; identités qu'elle livrerait et que personne ne "
            f"livre ici : {disclosed} ; {self.seconds:.0f} s"
        )


def run_catalogue(people: int, seed: int, only: Sequence[str], tools: Tools) -> Catalogue:
    """All démarches, or some; what became of them.

    Args:
        people: about how many live in the département.
        seed: of the département.
        only: these démarches; all, and the sheets that must be refused, where none is named.
        tools: what to work with.

    Raises:
        ServiceError: `E_DEMARCHE`, no such démarche.
    """
    names, found, start = [load_demarche(one).id for one in only] or list_demarches(), Catalogue(), tools.clock()
    with _folder() as folder:
        world = build(people=people, seed=seed, today=DAY)
        spent = (tools.clock() - start).total_seconds()
        tools.say(f"département inventé : {world.life.count} personnes, {world.households.count} foyers, {spent:.0f} s")
        with premises(folder, DAY) as place:
            for name in names:
                try:
                    lines = run_demarche(place, world, name, tools)
                except (CommandRefused, ServiceError, LinkageError) as refused:
                    found.failed[name] = str(refused).strip().splitlines()[-1]
                    tools.say(f"{name} : ÉCHEC : {found.failed[name]}")
                    continue
                for line in lines:
                    tools.say(told(line))
                found.lines += lines
    found.refused = {} if only else refused_sheets()
    for name, code in found.refused.items():
        tools.say(f"{name} : {f'refusée, {code}' if code else 'ACCEPTÉE À TORT'}")
    found.seconds = (tools.clock() - start).total_seconds()
    tools.say(found.text)
    return found


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="allervers-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Results:
    """Hits of each output and recipient, and the messages of a campaign about them."""

    hits: Found = field(default_factory=dict)
    messages: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)


def run_demarche(place: Premises, world: World, name: str, tools: Tools) -> list[Line]:
    """One démarche end to end; a line for each output and recipient.

    Args:
        place: the third party and the administrations.
        world: where people live.
        name: of a shipped sheet.
        tools: what to work with.

    Raises:
        CommandRefused: a command was.
        LinkageError: a file was.
    """
    started = tools.clock()
    demarche = load_demarche(name)
    own = {key: value for key, value in OWN.items() if key in demarche.parameters}
    parameters = write_parameters(place.folder / f"{name}-parametres.toml", own) if own else None
    parts = parts_of(world, demarche, place.folder, parameters)
    found = (
        _local(place, demarche, parts, parameters)
        if demarche.local
        else _through_service(place, demarche, parts, parameters, tools)
    )
    seconds = (tools.clock() - started).total_seconds()
    bench = Bench(demarche, parts, parameters, DAY)
    every = [(output.name, one) for output in demarche.outputs for one in output.recipients if one in parts]
    return [
        line_of(demarche, parts, one, found.hits, (seconds, found.messages.get(one, {})), bench, explain=tools.explain)
        for one in every
    ]


def _local(place: Premises, demarche: Demarche, parts: dict[str, Part], parameters: Path | None) -> Results:
    """A selection without comparison: its people are the results."""
    found = Results()
    for name, part in parts.items():
        office = place.office(part.party)
        own = ("--parameters", parameters) if parameters else ()
        campaign = office.run("campaign", "local", demarche.id, part.path, *own, *letters(place.folder)).split()[-1]
        which = demarche.outputs[0].name, name
        rows = zip(part.ids, part.selected.tolist(), strict=True)
        found.hits[which] = {one: "information" for one, selected in rows if selected}
        found.messages[which] = sent(place, office, demarche, part, campaign)
    return found


def _through_service(
    place: Premises, demarche: Demarche, parts: dict[str, Part], parameters: Path | None, tools: Tools
) -> Results:
    """Agreement, run, hits."""
    parties = [part.party for part in parts.values()]
    place.introduce(parties)
    agreement = _agreed(place, demarche, parts)
    opener, *others = [place.office(one) for one in parties]
    run = opener.run("run", "open", agreement).split()[0]
    for other in others:
        other.run("run", "approve", run)
    place.together(parties, "run", "join", run, "--timeout", 0)
    day = DAY - timedelta(days=1)
    for part in parts.values():
        ruled = demarche.operands[part.operand]
        own = ("--parameters", parameters) if parameters and (ruled.local_filter or ruled.computations) else ()
        office = place.office(part.party)
        tools.assess(office, agreement, part.path, own)
        office.run("run", "encode", run, part.path, "--extraction", day, "--risk-accepted", *own)
    for one in parties:
        place.office(one).run("run", "send", run, "--timeout", 2)
    _wait(place, parties, run, tools)
    return _collected(place, demarche, parts, run)


def _wait(place: Premises, parties: Sequence[str], run: str, tools: Tools) -> None:
    """Until the third party has compared; results that a guard holds are looked at and released by everybody."""
    for one in parties:
        try:
            place.office(one).run("run", "wait", run, "--timeout", 10)
        except CommandRefused as refused:
            if refused.code != "E_EXAMEN":
                raise
            shown = [line for party in parties for line in place.office(party).run("run", "review", run).splitlines()]
            reasons = [
                text.strip() for title, _, text in (line.partition(":") for line in shown) if title.strip() == "motif"
            ]
            tools.say("    retenu par une garde : " + " | ".join(dict.fromkeys(reasons)))  # each source knows its own
            for party in parties:
                place.office(party).run("run", "release", run)
            place.office(one).run("run", "wait", run, "--timeout", 10)


def _agreed(place: Premises, demarche: Demarche, parts: dict[str, Part]) -> str:
    words = [word for part in parts.values() for word in ("--party", f"{part.operand}={part.party}")]
    for part in parts.values():
        words += ["--size", f"{part.party}={declared(part)}"]
    words += _joiners(demarche, parts)
    first, *others = [place.office(part.party) for part in parts.values()]
    references = ("--authorisation", "demonstration", "--dpia", "demonstration")
    agreement = first.run("agreement", "propose", demarche.id, *words, *references).split()[0]
    for one in others:
        one.run("agreement", "sign", agreement)
    return agreement


def _joiners(demarche: Demarche, parts: dict[str, Part]) -> list[str]:
    """A joiner for each recipient whose results rest on several comparisons: the last other party."""
    words = []
    for recipient in (one for one in demarche.recipients if one in parts):
        links = {name: (name,) for name in parts if name != recipient}
        rules = [parse_rule(one.expression) for one in demarche.outputs if recipient in one.recipients]
        if any(len(formula_of(rule, recipient, links).comparisons) > 1 for rule in rules):
            other = next(part.party for name, part in reversed(parts.items()) if name != recipient)
            words += ["--joiner", f"{parts[recipient].party}={other}"]
    return words


def _collected(place: Premises, demarche: Demarche, parts: dict[str, Part], run: str) -> Results:
    """What recipients receive, after joiners have applied the rules; then everybody closes."""
    if _joiners(demarche, parts):
        _combined(place, [part.party for part in parts.values()], run)
    found = Results()
    for name in (one for one in demarche.recipients if one in parts):
        office, out = place.office(parts[name].party), place.folder / f"{demarche.id}-{name}-hits.csv"
        office.run("run", "hits", run, "--out", out, "--timeout", 1)
        with out.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter=";"):
                found.hits.setdefault((row["resultat"], name), {})[row["identifiant"]] = row["usage"]
        for output in [output for output, recipient in found.hits if recipient == name]:
            campaign = office.run("campaign", "open", f"{run}/{output}", *letters(place.folder)).split()[-1]
            found.messages[output, name] = sent(place, office, demarche, parts[name], campaign)
    for part in parts.values():
        place.office(part.party).try_run("run", "close", run, "--timeout", 0)
    return found


def _combined(place: Premises, parties: list[str], run: str) -> None:
    """Every recipient's table sent, every rule applied, in as many rounds as parties wait for each other."""
    left = list(parties)
    for _ in parties:
        for one in list(left):
            try:
                done = place.office(one).try_run("run", "combine", run, "--timeout", 0)
            except CommandRefused as refused:
                if refused.code != "E_ETAPE":  # neither joins nor is joined for
                    raise
                done = True
            if done:
                left.remove(one)


def refused_sheets() -> dict[str, str]:
    """The sheets that must be refused, with the code that each gets; empty where one is accepted."""
    found = {}
    for entry in sorted(
        resources.files("service").joinpath("demarches", "refusees").iterdir(), key=lambda one: one.name
    ):
        try:
            load_demarche(str(entry))
            found[entry.name.removesuffix(".toml")] = ""
        except ServiceError as refused:
            found[entry.name.removesuffix(".toml")] = refused.code
    return found
