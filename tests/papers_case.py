"""A case whose papers are frozen: for tests of the legal papers. `python -m tests.papers_case` writes them anew."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from crypto.keys import Identity
from service.administration.conventions import build_agreement
from service.demarche import parse_demarche
from service.papers.algorithm import algorithm_rules, explained_hit
from service.papers.case import Case
from service.papers.dpia import dpia_file
from service.papers.notices import notice_of
from service.papers.processing_record import party_record, third_party_record
from service.papers.public_register import register_csv, register_page, register_rows
from tests.partners import SIZES, terms

FOLDER = Path(__file__).parent / "vectors" / "papers"
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@cache
def case() -> Case:
    """An agreement of two invented administrations about the frozen démarche."""
    demarche = parse_demarche((FOLDER / "essai.toml").read_text("utf-8"))
    pins = {party: Identity.generate(party, f"Administration {party.upper()}").public for party in SIZES}
    third_party = Identity.generate("tiers", "Tiers de confiance").public
    return Case(agreement=build_agreement(demarche, terms(), pins.__getitem__, third_party), demarche=demarche)


def told() -> Case:
    """The same, where a source tells something of a hit."""
    return replace(case(), demarche=replace(case().demarche, payload=("tranche_tarif",)))


def papers() -> dict[str, str]:
    """All papers of the case, what changes from run to run or with the profiles put aside."""
    rows = register_rows([case()])
    texts = {
        "registre-rgpd.cnaf.md": party_record(case(), "cnaf"),
        "registre-rgpd.cnam.md": party_record(case(), "cnam"),
        "registre-rgpd.tiers.md": third_party_record(case()),
        "notice.cnaf.md": notice_of(case(), "cnaf"),
        "notice.cnam.md": notice_of(case(), "cnam"),
        "algorithme.md": algorithm_rules(case()),
        "explication.md": explained_hit(case(), case().agreement.outputs[0].name, "attribution", date(2026, 11, 20)),
        "registre-public.html": register_page(rows),
        "registre-public.csv": register_csv(rows),
        "aipd.json": dpia_file(case(), NOW),
    }
    return {name: frozen(text) for name, text in texts.items()}


def frozen(text: str) -> str:
    """Digests and thresholds replaced by their names."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "EMPREINTE", text)
    return re.sub(
        r"information \d+ et seuil strict \d+ bits(.*?)sur \d+", r"information N et seuil strict N bits\1sur L", text
    )


def kept(name: str) -> str:
    """The frozen paper."""
    return (FOLDER / name).read_bytes().decode()


if __name__ == "__main__":
    for paper, content in papers().items():
        (FOLDER / paper).write_bytes(content.encode())
    sys.exit(0)
