"""Composition root of the administration's tool: the only module that reads the environment and the clocks.

The home folder is ``--home``, else ``ALLERVERS_HOME``, else ``~/.allervers``. Everything else is handed what it
needs: an `Office` with the home, the console, the time and a way to pause. Nothing here loads a network module, so
that encoding never does.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from service.administration.keyring import Keyring
from service.administration.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from linkage.evaluate import Evaluation

__all__ = ["Office", "evaluate_command", "open_office"]


@dataclass(frozen=True, kw_only=True)
class Office:
    """An agent's desk.

    Attributes:
        home: folder of keys, agreements and runs.
        terminal: what the agent sees.
        clock: the time, aware, UTC.
        sleep: pauses, in seconds.
    """

    home: Path
    terminal: Terminal
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    @property
    def keyring(self) -> Keyring:
        """Its keys."""
        return Keyring(self.home)


def open_office(home: str | None) -> Office:
    """The desk of this process."""
    _harden()
    place = home or os.environ.get("ALLERVERS_HOME")
    return Office(
        home=Path(place) if place else Path.home() / ".allervers",
        terminal=Terminal(),
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
    )


def _harden() -> None:
    """Files for the owner only, and no core file: it would hold keys and records."""
    if os.name == "posix":
        import resource  # noqa: PLC0415 - does not exist on Windows

        os.umask(0o077)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def evaluate_command(args: argparse.Namespace) -> None:
    """`allervers evaluate`: a rehearsal of two files against a truth, entirely on this machine."""
    # Here, not above: nothing but a rehearsal needs the matcher.
    from linkage.connectors import with_file_columns  # noqa: PLC0415
    from linkage.evaluate import Instruments, Truth, evaluate  # noqa: PLC0415
    from linkage.sheet import load_sheet  # noqa: PLC0415

    _harden()
    terminal = Terminal()
    sheet = with_file_columns(load_sheet(args.sheet), "left", args.connector_a, None)
    sheet = with_file_columns(sheet, "right", args.connector_b, None)
    with terminal.stages() as report:
        found = evaluate(
            (args.left, args.right),
            sheet,
            Truth(pairs=args.truth, column=args.truth_column),
            args.profile,
            bad_rows="skip" if args.skip_bad_rows else None,
            instruments=Instruments(clock=time.perf_counter, peak=_peak_bytes, progress=report),
        )
    if args.json:
        terminal.say(json.dumps(found.to_json(), ensure_ascii=False, sort_keys=True))
    else:
        _show_evaluation(terminal, found)


def _show_evaluation(terminal: Terminal, found: Evaluation) -> None:
    numbers = found.to_json()
    left, right = numbers["records"]
    terminal.say(f"profil      : {numbers['profile']}")
    terminal.say(f"personnes   : {left} et {right}, dont {numbers['true_pairs']} vraies paires")
    terminal.say(f"liens       : {numbers['links']}, dont {numbers['strict_links']} au seuil strict")
    terminal.say(f"précision   : {100 * numbers['precision']:.2f} %")
    terminal.say(f"rappel      : {100 * numbers['recall']:.2f} %")
    terminal.say(f"F1          : {100 * numbers['f1']:.2f} %")
    terminal.say(f"seuil       : {numbers['threshold']} ({numbers['threshold_reason']})")
    spent = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in numbers["seconds"].items())
    terminal.say(f"temps       : {spent}")
    rate, encoded = numbers["pairs_per_second"], numbers["encoded_records_per_second"]
    terminal.say(
        f"débit       : {rate / 1e6:.0f} millions de paires comparées et {encoded} personnes encodées par seconde"
    )
    terminal.say(f"mémoire     : {numbers['peak_bytes'] / 2**20:.0f} Mio au plus")
    for rule, people in numbers["rules"].items():
        terminal.say(
            f"règle {rule}  : {people['award']} pour attribution, {people['information']} pour information ; "
            f"{people['missed']} personnes manquées, {people['useless']} messages inutiles"
        )
    for one in numbers["passes"]:
        aside, largest = one["left_aside"], one["largest_block"]
        blocks = " + ".join(one["blocks"]) or "sans division"
        terminal.say(f"passe {one['name']} : {blocks} ; plus grand bloc {largest}, hors de la passe {aside}")


def _peak_bytes() -> int:
    """Most memory this process has held; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    import resource  # noqa: PLC0415 - does not exist on Windows

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
