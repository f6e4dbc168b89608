"""The main job, for real (`allervers demo`): two administrations and a third party, separate processes, HTTP between them.

Who receives the RSA and has no C2S, on an invented French population with errors; held against the truth, and what is left at
the third party searched for every value of both files. Everything happens in a temporary folder that is removed at the end.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from linkage.profiles import PROFILES
from linkage.synthetic.files import TwoFiles, two_files, write_file
from linkage.synthetic.mistakes import CERTIFIE, VERIFIE_AGENT
from linkage.wire import row_bytes
from service.demonstration.leak_scan import LEAST_BYTES, Scanner
from service.demonstration.stage import Administration, Stage, selected

__all__ = ["Story", "main_job", "run_through"]

ROW = row_bytes(PROFILES["standard"].length)


@dataclass
class Story:
    """What happened, as it is told and as the report has it.

    Attributes:
        clock: the time.
        tell: takes a line for people.
        lines: (kind, text), kind one of `title`, `fact`, `time`.
    """

    clock: Callable[[], datetime]
    tell: Callable[[str], None]
    lines: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def title(self, text: str) -> None:
        """A part begins."""
        self.lines.append(("title", text))
        self.tell(f"\n== {text}")

    def say(self, text: str) -> None:
        """One fact."""
        self.lines.append(("fact", text))
        self.tell(f"  {text}")

    @contextmanager
    def timed(self, text: str) -> Iterator[None]:
        """A stage and how long it took."""
        start = self.clock()
        self.tell(f"  … {text}")
        yield
        told = f"{text} : {(self.clock() - start).total_seconds():.1f} s"
        self.lines.append(("time", told))
        self.tell(f"  {told}")

    def seconds(self) -> float:
        """Since the beginning."""
        return (self.clock() - self._started).total_seconds()


def main_job(stage: Stage, story: Story, people: int, seed: int, names: Path | None) -> None:
    """`c2s-rsa`: who receives the RSA and has no C2S (an anti-join), on a synthetic population with errors.

    Args:
        stage: where the processes are.
        story: takes what happens.
        people: in the recipient's file.
        seed: of the population.
        names: folder with INSEE's tables of names; invented names otherwise.
    """
    story.title(
        "c2s-rsa : allocataires du RSA sans complémentaire santé solidaire (anti-jointure), population inventée"
    )
    with story.timed("population et deux fichiers avec leurs fautes"):
        files = two_files(
            size_left=people,
            size_right=people * 11 // 10,
            overlap=people * 76 // 100,
            seed=seed,
            profile_left=CERTIFIE,
            profile_right=VERIFIE_AGENT,
            names_dir=names,
        )
        paths = stage.folder / "rsa.csv", stage.folder / "c2s.csv"
        # A letter that no digest has: eight digits alone would be found in one by chance (see the last step).
        left, right = (
            {**c, "identifiant": [f"N{name}" for name in c["identifiant"]]} for c in (files.left, files.right)
        )
        write_file(paths[0], selected(left))
        write_file(paths[1], selected(right), delimiter=",", encoding="utf-8", date_format="AAAA-MM-JJ")
    story.say(f"CNAF : {people} allocataires (; Windows-1252, JJ/MM/AAAA) ; CNAM : {len(right['identifiant'])}")
    with story.timed("tiers de confiance lancé, deux administrations avec leurs clés, empreintes épinglées"):
        cnaf, cnam = stage.administration("cnaf", "CNAF"), stage.administration("cnam", "CNAM")
        stage.introduce(cnaf, cnam)
    hits = run_through(stage, story, "c2s-rsa", (("rsa", cnaf, paths[0]), ("c2s", cnam, paths[1])))
    _against_truth(story, hits, dict(zip(left["identifiant"], files.left_person.tolist(), strict=True)), files)
    _what_the_third_party_saw(stage, story, [left, right])


def run_through(
    stage: Stage, story: Story, demarche: str, sides: tuple[tuple[str, Administration, Path], ...]
) -> dict[str, str]:
    """Agreement, run, hits; returns local identifier → use. `sides` are (operand, administration, file), the recipient first."""
    recipient, source = sides[0][1], sides[1][1]
    with story.timed(
        "convention proposée par le destinataire, signée par les deux ; chacun attaque son propre fichier (rapport de risque)"
    ):
        agreement = stage.agree(demarche, sides)
    story.say(f"convention {agreement[:16]}… en vigueur")
    for party in (recipient, source):
        for line in party.assessed:
            if line.startswith(("verdict", "au plus")):
                story.say(f"{party.party} : {line}")
    out = stage.folder / f"{demarche.replace('/', '-')[-20:]}-hits.csv"
    with story.timed("croisement : clés, encodage, envoi, comparaison, remise (les deux administrations à la fois)"):
        run = stage.run_both(agreement, sides, out)
    for party in (recipient, source):
        for line in party.lines:
            if sent := re.match(r"passe (\S+) : (\d+) ", line):
                stage.rows_sent.append(int(sent[2]))
                story.say(f"{party.party} envoie : {line}")
    with story.timed("reçus et journal d'audit vérifiés par chaque partie"):
        for party in (recipient, source):
            for line in party.command("verify", run).strip().splitlines():
                story.say(f"{party.party} : {line}")
    with out.open(encoding="utf-8-sig", newline="") as file:
        return {row[0]: row[1] for row in list(csv.reader(file, delimiter=";"))[1:]}


def _against_truth(story: Story, hits: dict[str, str], person: dict[str, int], files: TwoFiles) -> None:
    eligible = set(files.left_person.tolist()) - set(files.right_person.tolist())
    award = {person[name] for name, use in hits.items() if use == "attribution"}
    message = {person[name] for name in hits}
    found, lost, useless = len(message & eligible), len(eligible - message), len(message - eligible)
    story.say(f"vérité : {len(eligible)} allocataires du RSA sans complémentaire")
    story.say(f"résultats : {len(message)}, dont {len(award)} assez sûrs pour une attribution automatique")
    story.say(
        f"personnes éligibles trouvées {found} ({found / len(eligible):.2%}), perdues {lost} ; lettres inutiles {useless}"
    )
    story.say(f"précision {found / max(1, len(message)):.4f}, rappel {found / len(eligible):.4f}")
    story.say(f"attributions automatiques à qui a déjà le droit : {len(award - eligible)}")


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
    story.say(f"le tiers a reçu {rows} lignes scellées ({rows * ROW / 1e6:.0f} Mo) en {stage.requests()} requêtes")
    peaks = ", ".join(f"{name} {size} Mio" for name, size in stage.peaks().items())
    story.say(f"mémoire la plus grande du tiers : {peaks}")
    story.say(
        "il a vu : qui sont les parties, la convention, des tailles, des filtres scellés par bloc à clé, des liens entre "
        "identifiants frais"
    )
    story.say(
        "il ne peut voir : un nom, une date, une clé, qui est une ligne, quelles lignes de deux passes sont une personne"
    )
    story.say(
        f"reste chez le tiers : {kept} octets ; {len(scanner)} valeurs des fichiers y sont cherchées : {found} trouvée(s)"
    )
