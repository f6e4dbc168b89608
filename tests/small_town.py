"""A small invented département, and the files of a démarche in it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from linkage.synthetic.world import World, build
from service.demarche import load_demarche
from service.demonstration.catalogue import DAY, OWN
from service.demonstration.town_files import Part, parts_of, write_parameters
from service.rule_sheet import Demarche


@cache
def town() -> World:
    return build(people=1500, seed=2026, today=DAY)


def files(name: str, folder: Path) -> tuple[Demarche, dict[str, Part], Path | None]:
    """The démarche, its files, its parameters."""
    demarche = load_demarche(name)
    own = {key: value for key, value in OWN.items() if key in demarche.parameters}
    parameters = write_parameters(folder / "parametres.toml", own) if own else None
    return demarche, parts_of(town(), demarche, folder, parameters), parameters
