"""`allervers warm`: compile all calculations now, once for this machine, so that the next commands start at once."""

from __future__ import annotations

import argparse

from service.administration.app import open_office
from service.administration.terminal import unbroken

__all__ = ["warm"]


def warm(_args: argparse.Namespace) -> None:
    """`allervers warm`: says what is compiled, then how long that took."""
    with unbroken():
        from linkage.warming import warm as compile_all  # noqa: PLC0415 - the compiler loads when the command runs

    office = open_office(None)
    started = office.clock()
    compile_all(lambda part: office.terminal.note(f"{part}…"))
    seconds = (office.clock() - started).total_seconds()
    office.terminal.say(f"Calculs prêts en {seconds:.1f} s ; ils le restent jusqu'à la prochaine mise à jour.")
