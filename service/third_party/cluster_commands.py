"""`allervers work` and `allervers schedule`: the processes that compare, on the service's machine or on others.

`work --data` is the worker of a data directory; with `--scheduler` it has its batches compared by a cluster. `work --scheduler`
without `--data` is a machine of that cluster, and `schedule` its scheduler: they load nothing that could read the service's data.
"""

from __future__ import annotations

import argparse
import sys

from linkage.cluster import Credentials, joined
from linkage.cluster_nodes import run_scheduler, run_worker
from service.errors import ServiceError
from service.third_party.hardening import harden

__all__ = ["schedule_command", "work_command"]

_LEAST_MACHINE = (
    512 << 20
)  # half of it is taken before the first batch; with less it would be ended and started for ever


def work_command(args: argparse.Namespace) -> int:
    """`allervers work`: the third party's worker alone, or a machine of a cluster."""
    if args.scheduler and not (args.ca and args.cert and args.key_file):
        raise ServiceError("E_GRAPPE_CLES", "avec --scheduler, précisez aussi --ca, --cert et --key-file")
    memory = args.memory << 20 if args.memory else None
    if args.data is None:
        if not args.scheduler:
            raise ServiceError("E_DONNEES_ABSENTES", "précisez --data, ou --scheduler pour une machine d'une grappe")
        if memory is not None and memory < _LEAST_MACHINE:
            raise ServiceError("E_MEMOIRE", f"accordez au moins {_LEAST_MACHINE >> 20} Mio à une machine d'une grappe")
        harden()
        return run_worker(args.scheduler, _credentials(args), memory, _say)
    from service.third_party import app  # noqa: PLC0415 - with it come the database and the web server
    from service.third_party.storage import StorageOptions  # noqa: PLC0415

    options = StorageOptions.of(args)
    if not args.scheduler:
        return app.work(args.data, options=options, memory=memory)
    with joined(args.scheduler, _credentials(args)) as cluster:
        return app.work(args.data, options=options, memory=memory, executor=cluster)


def schedule_command(args: argparse.Namespace) -> int:
    """`allervers schedule`: the scheduler of a cluster."""
    harden()
    return run_scheduler(args.scheduler, _credentials(args), _say)


def _credentials(args: argparse.Namespace) -> Credentials:
    return Credentials(ca=args.ca, cert=args.cert, key=args.key_file)


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
