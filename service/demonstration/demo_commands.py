"""`allervers demo`: what this tool does, shown on invented people, on this machine alone.

Without option, the main job between two administrations and a third party, each a process of its own. With ``--all``, every
démarche of the catalogue on one invented département, each against its truth; exit code 1 when one falls short of its floors.
Everything happens in a temporary folder that is removed at the end, also on Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from service.administration.app import real_time
from service.administration.terminal import Terminal
from service.demonstration.main_job import Story, main_job
from service.demonstration.report_page import write_report
from service.demonstration.stage import CommandFailed, Stage
from service.errors import ServiceError

__all__ = ["demo", "on_stage"]

_MAIN_PEOPLE, _TOWN_PEOPLE = 50_000, 60_000


def demo(args: argparse.Namespace) -> int:
    """`allervers demo`: the main job, or with `--all` the whole catalogue; 1 when a démarche falls short.

    Raises:
        ServiceError: `E_DEMONSTRATION`, the third party's part is not installed, or a command did not succeed.
    """
    if find_spec("uvicorn") is None:
        sentence = "la démonstration fait aussi tourner le tiers de confiance : installez allervers[server]"
        raise ServiceError("E_DEMONSTRATION", sentence)
    if args.all or args.only:
        return _catalogue(args)
    try:
        on_stage(args)
    except CommandFailed as failed:
        lines = str(failed).strip().splitlines()
        sentence = f"une commande de la démonstration n'a pas abouti : {lines[0]} : {lines[-1]}"
        raise ServiceError("E_DEMONSTRATION", sentence) from None
    return 0


def on_stage(args: argparse.Namespace, more: Callable[[Stage, Story], None] | None = None) -> None:
    """The main job, and more on the same stage; then the report.

    Raises:
        CommandFailed: a command of the demonstration did not succeed.
    """
    # Both end it the same way, also where whoever started it had the interrupt key ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="allervers-demo-"))
    terminal = Terminal()
    story = Story(clock=real_time, tell=terminal.note if args.json else terminal.say)
    try:
        with Stage(folder) as stage:
            main_job(stage, story, args.people or _MAIN_PEOPLE, args.seed, args.names)
            if more is not None:
                more(stage, story)
        story.say(f"démonstration entière : {story.seconds():.0f} s")
        if args.report is not None:
            write_report(args.report, story.lines)
            story.say(f"rapport : {args.report}")
        if args.json:
            lines = [{"kind": kind, "text": text} for kind, text in story.lines]
            terminal.say(json.dumps({"lines": lines, "seconds": round(story.seconds(), 1)}, ensure_ascii=False))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _catalogue(args: argparse.Namespace) -> int:
    # Half a second of their own.
    from service.demonstration.catalogue import Tools, run_catalogue  # noqa: PLC0415
    from service.demonstration.measured_page import measured_page  # noqa: PLC0415

    terminal = Terminal()
    tools = Tools(clock=real_time, say=terminal.note if args.json else terminal.say, explain=args.explain)
    only = [one for word in args.only or () for one in word.split(",") if one]
    found = run_catalogue(args.people or _TOWN_PEOPLE, args.seed, only, tools)
    if args.report is not None:
        args.report.parent.mkdir(parents=True, exist_ok=True)
        page = args.report.suffix == ".md"
        text = measured_page(found.lines) if page else json.dumps(found.to_json(), ensure_ascii=False, indent=1)
        args.report.write_text(text, encoding="utf-8")
    if args.json:
        terminal.say(json.dumps(found.to_json(), ensure_ascii=False))
    return 0 if found.well else 1
