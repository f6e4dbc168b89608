"""The kit of a démarche: everything that agents and partners need to carry a campaign, as one folder without anybody's data.

::

    LISEZMOI.txt                 what is in the folder, and who may have it
    demarche.toml                the sheet itself, which may be published
    traductions-a-relire/CODE/   drafts of translations that nobody has reviewed, for the languages of the démarche
    textes/STEP.CHANNEL.txt      the text of each step for each channel, as people get it
    tailles.csv                  length, alphabet and segments of each SMS
    script_appel.txt             what an agent says on the telephone
    fiche_agents.txt             what agents know, may say and must not do
    fiche_partenaires.txt        for those who receive people (town halls, France services, associations)

Texts are rendered and judged like those that leave: a kit that is written can be sent.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Collection, Sequence
from pathlib import Path

from service.administration.campaign.steps import check_journey, journey_of, words_of
from service.administration.campaign.texts import SHEETS, WRITTEN, Text, Texts
from service.administration.campaign.translations import draft_of
from service.clauses import Kit
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["write_kit"]

_READ_ME = """\
KIT DE CAMPAGNE — {title}

textes/                 ce que reçoivent les personnes, étape par étape et canal par canal (à publier sur votre site)
tailles.csv             longueur des SMS et nombre de segments facturés
script_appel.txt        appels sortants
fiche_agents.txt        pour vos agents : ce qui se dit, ce qui s'enregistre, ce qui est interdit
fiche_partenaires.txt   pour les partenaires qui accueillent le public
demarche.toml           la fiche de la démarche, publiable
traductions-a-relire/   s'il y est : modèles à faire relire par qui en répond, puis à mettre dans langues/ de vos gabarits

Ce dossier ne contient aucune donnée personnelle. Les fichiers de personnes sont écrits à part (allervers campaign export).
"""


def write_kit(texts: Texts, demarche_text: str, folder: Path) -> list[Path]:
    """Write the kit; the files it has.

    Args:
        texts: of the démarche, by the administration.
        demarche_text: the TOML of the démarche.
        folder: made when it is not there.

    Raises:
        ServiceError: `E_PARCOURS`, or what `Texts.text` refuses.
    """
    demarche = texts.demarche
    award = demarche.purpose == "attribution"
    journey = journey_of(demarche.journey, award=award)
    check_journey(journey)
    written = {
        "LISEZMOI.txt": _READ_ME.format(title=demarche.title),
        "demarche.toml": demarche_text,
        "script_appel.txt": texts.text("appel_sortant", words_of(journey[0], award=award), award=award).body,
        **{f"{name}.txt": texts.sheet(name) for name in _sheets(demarche.kit)},
    }
    sizes = []
    for step in dict.fromkeys(words_of(one, award=award) for one in journey):
        for channel in _channels(demarche.channels, demarche.fallback):
            text = texts.text(channel, step, award=award)
            written[f"textes/{step}.{channel}.txt"] = _shown(text)
            if text.size is not None:
                sizes.append((step, text.size.characters, text.size.segments, text.size.alphabet))
    _check_templates(demarche.kit, written)
    written |= _drafts(demarche)
    for name, content in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    _write_sizes(folder / "tailles.csv", sizes)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sheets(kit: Kit | None) -> list[str]:
    """The sheets that a démarche wants; both where it says nothing."""
    wanted = (True, True) if kit is None else (kit.agents_sheet, kit.partners_sheet)
    return list(itertools.compress(SHEETS, wanted))


def _drafts(demarche: Demarche) -> dict[str, str]:
    """The drafts of translations that somebody has to review before they serve."""
    languages = demarche.message.languages if demarche.message is not None else ()
    return {
        f"traductions-a-relire/{language}/{name}": text
        for language in languages
        for name, text in draft_of(language).items()
    }


def _check_templates(kit: Kit | None, written: Collection[str]) -> None:
    """Whether the kit has what the démarche names."""
    there = {name.rsplit(".", 2)[-2] for name in written if name.startswith("textes/")} | {"script_appel"}
    if lacking := sorted(set(kit.templates if kit else ()) - there):
        known = ", ".join(sorted(there))
        sentence = f"[kit] gabarits : « {lacking[0]} » n'est pas un texte de cette démarche ; les siens : {known}"
        raise ServiceError("E_GABARIT", sentence)


def _channels(channels: Sequence[str], fallback: Sequence[str]) -> list[str]:
    """The channels of a démarche that have a text, and the letter for those without internet."""
    return [one for one in WRITTEN if one in channels or (one == "courrier" and one in fallback)]


def _shown(text: Text) -> str:
    head = f"Objet : {text.subject}\n\n" if text.subject else ""
    size = (
        f"\n[{text.size.characters} caractères, {text.size.segments} segment(s), {text.size.alphabet}]\n"
        if text.size
        else ""
    )
    return f"{head}{text.body.rstrip()}\n{size}"


def _write_sizes(path: Path, sizes: Sequence[tuple[str, int, int, str]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(("etape", "caracteres", "segments", "alphabet"))
        writer.writerows(sizes)
