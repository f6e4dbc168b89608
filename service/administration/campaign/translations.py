"""Messages in other languages than French: a folder a language, used only once somebody has reviewed it and answers for it.

::

    langues/CODE/langue.toml       who reviewed it and when; the mandatory mentions, long and short
    langues/CODE/etapes.toml       what each step says, as in French
    langues/CODE/CHANNEL.txt       templates of the channels that it has; French for the others

The tool ships drafts (``service/gabarits/brouillons``), which the kit hands out to be reviewed and which never leave as they are.
A translation is judged like any text: mentions all there, no amount, no national number, institutional links only. The words of
status and health that must not show on a locked screen are known in French alone: for these the reviewer answers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

from service.administration.campaign.letterhead import Letterhead
from service.administration.campaign.mentions import Mentions, other_administrations
from service.administration.campaign.templates import Phrases, own_text, read_steps, rendered
from service.closed_table import ClosedTable
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["STATES", "VERSION", "Translation", "draft_of", "read_translation"]

VERSION = "langue/v1"
STATES = ("brouillon", "relue")
_LONG = (
    "finalite_information", "finalite_attribution", "source", "droits", "opposition", "consentement", "dpo", "algorithme",
)  # fmt: skip
_SHORT = ("finalite", "source", "droits", "opposition", "dpo")
_CHANNELS = ("sms", "application", "courriel", "courrier", "espace_usager")


@dataclass(frozen=True, kw_only=True)
class Translation:
    """What there is of one language.

    Attributes:
        language: its code.
        name: its name, in itself.
        reviewed: whether somebody answers for it.
        steps: what each step says.
        templates: of its channels.
        long, short: templates of the mandatory mentions.
    """

    language: str
    name: str
    reviewed: bool
    steps: Mapping[str, Phrases]
    templates: Mapping[str, str]
    long: Mapping[str, str]
    short: Mapping[str, str]

    def mentions(self, demarche: Demarche, head: Letterhead, subject: str, *, award: bool, short: bool) -> Mentions:
        """The mandatory mentions in this language; see `service.administration.campaign.mentions`.

        Raises:
            ServiceError: `E_GABARIT`.
        """
        values = {
            "source": other_administrations(demarche), "lien": head.link, "telephone": head.telephone, "dpo": head.dpo,
            "crpa": demarche.crpa or "", "sujet": subject,
        }  # fmt: skip
        if short:
            return Mentions(**{name: self._said(name, self.short[name], values) for name in _SHORT})
        chosen = {
            "finalite": "finalite_attribution" if award else "finalite_information",
            "opposition": "consentement" if demarche.consent else "opposition",
            **{name: name for name in ("source", "droits", "dpo")},
            **({"algorithme": "algorithme"} if award else {}),
        }
        return Mentions(**{name: self._said(key, self.long[key], values) for name, key in chosen.items()})

    def _said(self, name: str, template: str, values: Mapping[str, Any]) -> str:
        return rendered(f"langues/{self.language}, {name}", template, values).strip()


def read_translation(folder: Path, language: str) -> Translation:
    """The translation of a folder.

    Raises:
        ServiceError: `E_GABARIT`, something is missing or is another language's; `E_CLE_INCONNUE`.
    """
    try:
        top = ClosedTable(tomllib.loads(own_text(folder / "langue.toml")), f"[langues/{language}]")
        steps = read_steps(own_text(folder / "etapes.toml"))
    except FileNotFoundError as error:
        sentence = f"langues/{language} : il y faut langue.toml et etapes.toml ; le kit en donne le modèle"
        raise ServiceError("E_GABARIT", sentence) from error
    except tomllib.TOMLDecodeError as error:
        raise ServiceError("E_GABARIT", f"langues/{language}/langue.toml n'est pas du TOML valide : {error}") from error
    try:
        return _read(top, steps, folder, language)
    except ServiceError as error:
        raise ServiceError("E_GABARIT" if error.code == "E_DEMARCHE" else error.code, error.message) from None


def _read(top: ClosedTable, steps: Mapping[str, Phrases], folder: Path, language: str) -> Translation:
    if (top.text("version"), top.text("langue")) != (VERSION, language):
        raise top.refuse(f'le fichier commence par version = "{VERSION}" et langue = "{language}"')
    name, state = top.text("nom"), top.among("statut", STATES)
    reviewer, day = (top.blank_or_text(key) for key in ("relecteur", "relue_le"))
    if state == "relue":
        _check_review(top, reviewer, day)
    long, short = top.table("mentions"), top.table("courtes")
    found = Translation(
        language=language,
        name=name,
        reviewed=state == "relue",
        steps=steps,
        templates={one: own_text(path) for one in _CHANNELS if (path := folder / f"{one}.txt").is_file()},
        long={key: long.text(key) for key in _LONG},
        short={key: short.text(key) for key in _SHORT},
    )
    for table in (long, short, top):
        table.close()
    return found


def _check_review(top: ClosedTable, reviewer: str, day: str) -> None:
    """Somebody answers for a translation, by name and day."""
    try:
        date.fromisoformat(day)
    except ValueError:
        raise top.refuse("une traduction relue a « relue_le » : AAAA-MM-JJ") from None
    if not reviewer.strip():
        raise top.refuse("une traduction relue a « relecteur » : qui en répond")


def draft_of(language: str) -> dict[str, str]:
    """File → text of the draft that the tool ships of a language; nothing where it ships none."""
    place = resources.files("service").joinpath("gabarits", "brouillons", language)
    if not place.is_dir():
        return {}
    return {one.name: one.read_text("utf-8") for one in sorted(place.iterdir(), key=lambda one: one.name)}
