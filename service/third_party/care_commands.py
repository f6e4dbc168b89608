"""`doctor`, `backup`, `restore`, `export-log`: how an operator looks after the service."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from service.errors import ServiceError
from service.third_party import app, schema
from service.third_party.backup import back_up, restore, restore_keys
from service.third_party.clocks import CLOCK, forget
from service.third_party.doctor import examine
from service.third_party.hardening import harden
from service.third_party.log_export import export_log
from service.third_party.party_keys import active_keys
from service.third_party.site import Site
from service.third_party.storage import StorageOptions

__all__ = ["backup_command", "doctor_command", "export_command", "restore_command"]


def doctor_command(args: argparse.Namespace) -> int:
    """`allervers doctor`: everything looked at; status 1 when something does not work."""
    harden()
    options = StorageOptions.of(args)
    if args.accept_clock:
        with _opened(args) as site, site.database.write() as connection:
            forget(connection, CLOCK)
            site.record(connection, site.party, "clock_accepted")
    found = examine(args.data, lambda: app.open_chosen(args.data, options))
    works = all(one.works for one in found)
    if args.json:
        _say(json.dumps({"works": works, "findings": [vars(one) for one in found]}, ensure_ascii=False))
    else:
        for one in found:
            _say(f"{'ok   ' if one.works else 'FAUTE'} {one.name} : {one.sentence}")
    return 0 if works else 1


def backup_command(args: argparse.Namespace) -> None:
    """`allervers backup`: the database without anything that must be destroyed one day."""
    harden()
    with _opened(args) as site:
        size = back_up(site, args.out, keys=args.keys)
    _say(f"sauvegarde écrite : {args.out} ({size} entrées du journal)")


def restore_command(args: argparse.Namespace) -> None:
    """`allervers restore`: a backup in the place of a database that is lost."""
    harden()
    restore_keys(args.data, args.source)
    with _opened(args) as site:
        done = restore(site, args.source, site.clock(), () if args.none_revoked else args.revoked)
        keys = _keys_of(site)
    _say(f"sauvegarde reprise : {done.size} entrées du journal ; les croisements en cours ont pris fin")
    for party, names in keys.items():
        _say(f"clés actives de {party} : {', '.join(name[:16] for name in names) or 'aucune'}")
    for party in done.strange:
        _say(f"les clés de {party} ne se suivent plus : appelez cette administration avant de démarrer le service")
    _say("chaque administration qui avait vu la suite du journal le refusera : prévenez-les toutes")
    _say("attendez sept minutes avant de démarrer le service")


def export_command(args: argparse.Namespace) -> None:
    """`allervers export-log`: the whole audit log, to be checked offline."""
    harden()
    try:
        with _opened(args) as site:
            size = export_log(site, args.out)
    except FileExistsError:
        raise ServiceError("E_SAUVEGARDE", f"« {args.out} » existe déjà ; donnez un fichier à créer.") from None
    _say(f"journal écrit : {args.out} ({size} entrées)")


def _keys_of(site: Site) -> dict[str, list[str]]:
    with site.database.read() as connection:
        parties = connection.scalars(select(schema.parties.c.party).order_by(schema.parties.c.party)).all()
        return {party: [one.name for one in active_keys(connection, party)] for party in parties}


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[Site]:
    try:
        site = app.open_chosen(args.data, StorageOptions.of(args))
        with closing(site.database):
            yield site
    except SQLAlchemyError:
        sentence = "la base de données ne répond pas ou a refusé ; vérifiez-la, puis recommencez."
        raise ServiceError("E_INDISPONIBLE", sentence, 503) from None


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
