"""A small sheet of a démarche, and changes to it, for the tests of what reads and shows sheets."""

from __future__ import annotations

import re
from typing import Any

from service.demarche import parse_demarche
from service.rule_sheet import Demarche

__all__ = ["SHEET", "changed", "demarche"]

SHEET = """
version = "demarche/v1"
id = "essai"
titre = "Essai"
finalite = "information"
canaux = ["courrier"]
repli_sans_numerique = ["courrier"]
[fondement]
crpa = "L114-8-II"
textes = ["texte d'essai"]
publication_liste = true
[parties.a]
organismes = ["CNAF"]
role = "source"
selection = "Les personnes de a."
[parties.b]
organismes = ["CNAM"]
role = "source"
selection = "Les personnes de b."
[regle]
type = "intersection"
expression = "a & b"
[identite]
profil = "P2"
seuil = "information"
politique_zone_grise = "information_seule"
[livraison]
resultats_a = "a"
[conservation]
resultats = "P12M"
traces = "P36M"
opposition = "P24M"
[action]
mode = "information"
"""


def changed(*changes: tuple[str, str], more: str = "") -> str:
    """The sheet with texts replaced, each there once, and tables added at its end."""
    text = SHEET
    for old, new in changes:
        assert 1 == len(re.findall(re.escape(old), text)), old
        text = text.replace(old, new)
    return text + more


def demarche(*changes: tuple[str, str], more: Any = "") -> Demarche:
    """The démarche of that sheet."""
    return parse_demarche(changed(*changes, more=more))
