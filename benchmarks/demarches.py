"""The démarches of the catalogue, end to end on one invented département, each against its truth.

    make demarches          (or: python -m benchmarks.demarches [--people N] [--only ID …] [--json] [--report FILE])

For each sheet: the files of its administrations, in their forms; an agreement that all sign; a run through the real service; the
hits against who is who. Beside it, what is done today: full nominative files, joined on name, first name and date in capitals
without accents. The sheets that must be refused are. Exit code 1 when one misses its floor.

Floors: precision of automatic awards at least .99; recall at least .97 between files of certified identities and .93 where one is
declared or seen by an agent; where somebody is subtracted, at most 0.2 % of the eligible lost to false links.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from benchmarks.demarche_files import Part, parts_of, write_parameters
from benchmarks.demarche_letters import letters, sent
from benchmarks.demarche_score import Found, Line, line_of, told
from benchmarks.demarche_stage import CommandRefused, Office, Premises, premises
from linkage.errors import LinkageError
from linkage.formula import formula_of
from linkage.rules import parse_rule
from linkage.synthetic.world import World, build
from service.demarche import list_demarches, load_demarche
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["DAY", "Assess", "main", "real_assessment", "run_demarche"]

_MINUTES = 0.02  # of attacks on a file

DAY = date(2026, 12, 7)
# What each administration fills in of the démarches' parameters: our communes and streets.
OWN: dict[str, Any] = {
    "ressort": [f"96{number:03}" for number in range(1, 13)],
    "quartiers_touches": ["Q1", "Q2"],
    "seuil": 15_000,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the démarches and prints one line for each result."""
    options = _options(arguments)
    folder = Path(tempfile.mkdtemp(prefix="allervers-demarches-"))
    started = time.perf_counter()
    try:
        world = build(people=options.people, seed=options.seed, today=DAY)
        _say(
            f"world: {world.life.count} people, {world.households.count} households, {time.perf_counter() - started:.0f} s"
        )
        lines: list[Line] = []
        failed: dict[str, str] = {}
        with premises(folder, DAY) as place:
            for name in options.only or list_demarches():
                try:
                    found = run_demarche(place, world, name)
                except (CommandRefused, ServiceError, LinkageError) as refused:
                    failed[name] = str(refused).strip().splitlines()[-1]
                    _say(f"{name}: FAILED: {failed[name]}")
                    continue
                for line in found:
                    _say(told(line))
                lines += found
        refusals = {} if options.only else _refused()
        for name, code in refusals.items():
            _say(f"{name}: refused, {code}")
        _say(_summary(lines, failed, time.perf_counter() - started))
        held = {"lines": [asdict(one) for one in lines], "failed": failed, "refused": refusals}
        if options.report:
            options.report.write_text(json.dumps(held, ensure_ascii=False, indent=1), encoding="utf-8")
        if options.json:
            _say(json.dumps(held, ensure_ascii=False))
        accepted = [name for name, code in refusals.items() if code == "ACCEPTED"]
        return 1 if failed or accepted or any(one.floor for one in lines) else 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Results:
    """Hits of each output and recipient, and the messages of a campaign about them."""

    hits: Found = field(default_factory=dict)
    messages: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)


Words = Path | str
Assess = Callable[[Office, str, Path, tuple[Words, ...]], None]  # what gives a party its risk report for an agreement


def real_assessment(office: Office, agreement: str, path: Path, own: tuple[Words, ...]) -> None:
    """`allervers risk` on a small sample; whoever answers for the file accepts what it says."""
    office.run("risk", path, "--agreement", agreement, "--minutes", _MINUTES, *own, allowed=(0, 3))


def run_demarche(place: Premises, world: World, name: str, *, assess: Assess = real_assessment) -> list[Line]:
    """One démarche end to end; a line for each output and recipient.

    Args:
        place: the third party and the administrations.
        world: where people live.
        name: of a shipped sheet.
        assess: gives each party its risk report.

    Raises:
        CommandRefused: a command was.
        LinkageError: a file was.
    """
    started = time.perf_counter()
    demarche = load_demarche(name)
    own = {key: value for key, value in OWN.items() if key in demarche.parameters}
    parameters = write_parameters(place.folder / f"{name}-parametres.toml", own) if own else None
    parts = parts_of(world, demarche, place.folder, parameters)
    found = (
        _local(place, demarche, parts, parameters)
        if demarche.local
        else _through_service(place, demarche, parts, parameters, assess)
    )
    seconds = time.perf_counter() - started
    return [
        line_of(
            demarche,
            parts,
            (output.name, recipient),
            found.hits,
            seconds,
            found.messages.get((output.name, recipient), {}),
        )
        for output in demarche.outputs
        for recipient in output.recipients
        if recipient in parts
    ]


def _local(place: Premises, demarche: Demarche, parts: dict[str, Part], parameters: Path | None) -> Results:
    """A selection without comparison: its people are the results."""
    found = Results()
    for name, part in parts.items():
        office = place.office(part.party)
        own = ("--parameters", parameters) if parameters else ()
        campaign = office.run("campaign", "local", demarche.id, part.path, *own, *letters(place.folder)).split()[-1]
        which = demarche.outputs[0].name, name
        rows = zip(part.ids, part.taken.tolist(), strict=True)
        found.hits[which] = {one: "information" for one, taken in rows if taken}
        found.messages[which] = sent(place, office, demarche, part, campaign)
    return found


def _through_service(
    place: Premises, demarche: Demarche, parts: dict[str, Part], parameters: Path | None, assess: Assess
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
        assess(office, agreement, part.path, own)
        office.run("run", "encode", run, part.path, "--extraction", day, "--risk-accepted", *own)
    for one in parties:
        place.office(one).run("run", "send", run, "--timeout", 2)
    _wait(place, parties, run)
    return _collected(place, demarche, parts, run)


def _wait(place: Premises, parties: Sequence[str], run: str) -> None:
    """Until the third party has compared; results that a guard holds are looked at and released by everybody."""
    for one in parties:
        try:
            place.office(one).run("run", "wait", run, "--timeout", 10)
        except CommandRefused as refused:
            if refused.code != "E_EXAMEN":
                raise
            reasons = [line for line in place.office(one).run("run", "review", run).splitlines() if "motif" in line]
            _say("    held: " + " | ".join(dict.fromkeys(line.partition(":")[2].strip() for line in reasons)))
            for party in parties:
                place.office(party).run("run", "release", run)
            place.office(one).run("run", "wait", run, "--timeout", 10)


def _agreed(place: Premises, demarche: Demarche, parts: dict[str, Part]) -> str:
    words = [word for part in parts.values() for word in ("--party", f"{part.operand}={part.party}")]
    for part in parts.values():
        words += ["--size", f"{part.party}={int(part.taken.sum()) * 103 // 100 + 20}"]
    words += _joiners(demarche, parts)
    first, *others = [place.office(part.party) for part in parts.values()]
    references = ("--authorisation", "banc", "--dpia", "banc")
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


def _refused() -> dict[str, str]:
    """The sheets that must be refused, with the code that each gets."""
    found = {}
    for entry in sorted(
        resources.files("service").joinpath("demarches", "refusees").iterdir(), key=lambda one: one.name
    ):
        try:
            load_demarche(str(entry))
            found[entry.name.removesuffix(".toml")] = "ACCEPTED"
        except ServiceError as refused:
            found[entry.name.removesuffix(".toml")] = refused.code
    return found


def _summary(lines: list[Line], failed: dict[str, str], seconds: float) -> str:
    missed = [one for one in lines if one.floor]
    more = sum(one.right - one.today_right for one in lines)
    disclosed = sum({one.demarche: one.disclosed for one in lines}.values())
    names = {one.demarche for one in lines}
    return (
        f"{len(names)} démarches, {len(lines)} results, {len(failed)} failed, {len(missed)} under a floor; rights reached beyond "
        f"an exact join: {more:+}; identities that it would disclose and nobody does here: {disclosed}; {seconds:.0f} s"
    )


def _say(text: str) -> None:
    sys.__stdout__.write(f"{text}\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demarches", description="The démarches of the catalogue."
    )
    parser.add_argument("--people", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--only", nargs="*", metavar="ID", help="these démarches alone")
    parser.add_argument("--json", action="store_true", help="all lines once more, as JSON, on the last line")
    parser.add_argument("--report", type=Path, help="JSON of all lines")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
