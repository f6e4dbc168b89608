"""`allervers campaign codes`: one code for each person whose right is opened, drawn by the body that acts.

It reads the people who were passed on to that body (`identifiant`), gives each one code in the form that the démarche says, and
writes `identifiant;code` for its owner's eyes only. Who has a code already, by the files of earlier campaigns (`--issued`),
keeps it: nobody gets two, and no code is given twice. Identifiers are those of whoever passed the people on: each of them has its
register, and the codes of the others are not given again either (`--taken`). They are kept nowhere else.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from service.administration.app import open_office
from service.administration.campaign.mailing import as_read, write_rows
from service.administration.journal.journal_commands import people_of, read_rows
from service.demarche import load_demarche
from service.errors import ServiceError
from service.right_codes import draw_codes

__all__ = ["codes"]

_FIELDS = ("identifiant", "code")


def codes(args: argparse.Namespace) -> None:
    """`allervers campaign codes`: draw them, and write who has which.

    Raises:
        ServiceError: `E_DEMARCHE`, the démarche opens no right by a code; `E_IDENTIFIANTS`; `E_FICHIER_EXISTANT`.
    """
    office, demarche = open_office(args.home), load_demarche(args.demarche)
    form = demarche.action.right_token
    if form is None:
        raise ServiceError("E_DEMARCHE", f"« {demarche.id} » n'ouvre aucun droit par un code ([action] jeton_droit)")
    if args.out.exists():
        raise ServiceError("E_FICHIER_EXISTANT", f"{args.out} existe déjà, avec ses codes ; donnez un autre nom")
    people = list(dict.fromkeys(people_of(office, args.file)))
    issued = _issued(args.issued)
    elsewhere = {row["code"] for path in args.taken for row in read_rows(path, ("code",))}
    fresh = draw_codes(form, {*issued.values(), *elsewhere})
    given = {one: issued.get(one) or next(fresh) for one in people}
    write_rows(args.out, _FIELDS, [dict(zip(_FIELDS, pair, strict=True)) for pair in given.items()])
    before = sum(one in issued for one in given)
    office.terminal.say(f"{args.out} : {len(given) - before} code(s) tiré(s), {before} déjà donné(s)")


def _issued(paths: Sequence[Path]) -> dict[str, str]:
    """Identifier → code, of those that were given before."""
    rows = [row for path in paths for row in read_rows(path, _FIELDS)]
    found = {as_read(row["identifiant"]): row["code"] for row in rows}
    if len(set(found.values())) != len(found):
        raise ServiceError("E_IDENTIFIANTS", "un même code est donné à deux personnes dans les fichiers de --issued")
    return found
