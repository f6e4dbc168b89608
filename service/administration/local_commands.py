"""Commands that never touch the network: identity and pins, and the encoding of a run."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from service.administration.app import Office, open_office
from service.administration.conventions import AgreementStore
from service.administration.journal.journaling import note_sent
from service.administration.journal.objections import objecting
from service.administration.keyring import read_public
from service.administration.objectors import Attached
from service.administration.outbox import encode
from service.administration.payload import written
from service.administration.pending import Pending
from service.administration.risk_report import fitting, kept_at, load_report
from service.administration.run_folder import RunFolder
from service.administration.seat import Seat
from service.administration.selecting import PeopleFile, group_of, read_people, undecided_in
from service.errors import ServiceError
from service.forms import write_time
from service.rule_sheet import Freshness

if TYPE_CHECKING:
    from linkage.records import BadRows, Records

__all__ = [
    "encode_file",
    "encode_run",
    "init",
    "show_identity",
    "take_seat",
    "trust",
]


def init(args: argparse.Namespace) -> None:
    """`allervers init`: draw this administration's keys."""
    office = open_office(args.home)
    path = office.keyring.create(args.party, args.name)
    office.terminal.say(f"identité créée dans {office.home}")
    _show(office, path)


def show_identity(args: argparse.Namespace) -> None:
    """`allervers identity`: the public file and the fingerprint to say to partners."""
    office = open_office(args.home)
    _show(office, office.keyring.public_path(office.keyring.identity().party))
    for one in office.keyring.pins():
        office.terminal.say(f"clé épinglée : {one.party} ({one.name}) {one.fingerprint}")


def trust(args: argparse.Namespace) -> None:
    """`allervers pin`: accept a partner's key, fingerprint in hand."""
    office = open_office(args.home)
    public = read_public(args.file)
    office.keyring.pin(public, args.fingerprint, replace=args.replace)
    office.terminal.say(f"clé de « {public.party} » ({public.name}) épinglée")


def encode_run(args: argparse.Namespace) -> None:
    """`allervers run encode`: encode and seal one's file for a run that is joined."""
    office = open_office(args.home)
    encode_file(office, take_seat(office, args.run), args)


def take_seat(office: Office, run: str) -> Seat:
    """This party's seat in a run that it opened or approved.

    Raises:
        ServiceError: `E_CROISEMENT_INCONNU`, `E_IDENTITE_ABSENTE`.
    """
    folder, keyring = RunFolder(office.home / "runs" / Path(run).name), office.keyring
    stored = AgreementStore(office.home).load(folder.agreement)
    return Seat(identity=keyring.identity(), stored=stored, folder=folder, pins=keyring.pinned)


def encode_file(office: Office, seat: Seat, args: argparse.Namespace) -> None:
    """Encode a file; `args` has file, connector, columns, parameters, extraction, skip_bad_rows, risk and risk_accepted."""
    terminal = office.terminal
    seat.folder.require("joined", f"les clés ne sont pas confirmées : allervers run join {seat.run}")
    report = load_report(args.risk or kept_at(office.home, seat.agreement.identifier))
    risk = fitting(report, seat.agreement, seat.party, office.clock(), accepted=args.risk_accepted)
    records = _waiting(office, seat) if args.pending else _read_file(office, seat, args)
    told = [one.payload_bytes for one in seat.comparisons if one.source == seat.party and one.payload_bytes]
    columns = [records.extra[name] for name in seat.stored.demarche.payload] if told else []
    today = office.clock().date()
    objectors = objecting(office.home, seat.stored.demarche.id, today)
    attached = Attached(
        payloads=written(columns, told[0]) if told else (),
        objecting=objectors(records.ids) if objectors is not None else None,
        undecided=undecided_in(records),
    )
    if group := group_of(seat.stored.demarche, seat.operand):
        seat.folder.write_cases(records.extra[group.key])
    with terminal.progress("encodage") as told_so_far:
        made = encode(seat, records, risk=risk, report=told_so_far, attached=attached)
    for one in made:
        terminal.say(f"passe {one.name} : {one.rows} lignes, {one.left_aside} personnes hors de cette passe")
    note_sent(office.home, seat.agreement, seat.run, seat.operand, records.ids, today)
    seat.folder.mark("encoded", write_time(office.clock()))


def _waiting(office: Office, seat: Seat) -> Records:
    """The people of a démarche of events who wait for this run."""
    attributes = [one.name for one in seat.stored.demarche.sheet().attributes]
    pending = Pending(home=office.home, agreement=seat.agreement.identifier)
    group = group_of(seat.stored.demarche, seat.operand)
    return pending.take(seat.run, attributes, seat.agreement.guards.least_rows, case=group.key if group else None)


def _read_file(office: Office, seat: Seat, args: argparse.Namespace) -> Records:
    if args.file is None:
        raise ServiceError("E_FICHIER_ABSENT", "indiquez votre fichier, ou --pending pour les personnes en attente")
    _check_fresh(office, seat, args.file, args.extraction)
    return _read(office, seat, args)


def _read(office: Office, seat: Seat, args: argparse.Namespace) -> Records:
    told = any(one.payload_bytes and one.source == seat.party for one in seat.comparisons)
    group = group_of(seat.stored.demarche, seat.operand)
    extra = [*(seat.stored.demarche.payload if told else ()), *([group.key] if group else [])]
    bad_rows: BadRows | None = "skip" if args.skip_bad_rows else None
    file = PeopleFile(
        path=args.file,
        connector=args.connector,
        columns=args.columns,
        parameters=args.parameters,
        bad_rows=bad_rows,
    )
    today = office.clock().date()
    demarche, folder = seat.stored.demarche, seat.folder.path
    records, tally = read_people(demarche, seat.operand, file, today, extra=extra, folder=folder, marked=True)
    for sentence in tally.sentences() if tally else ():
        office.terminal.say(sentence)
    if records.set_aside:
        office.terminal.note(f"{len({one.row for one in records.set_aside})} ligne(s) écartée(s) :")
        for problem in records.set_aside[:20]:
            office.terminal.note(f"  {problem}")
    return records


def _check_fresh(office: Office, seat: Seat, path: Path, extraction: date | None) -> None:
    """An absence counts only if the subtracted file is recent: by the date given, else by that of the file."""
    freshness = seat.stored.demarche.operands[seat.operand].freshness
    if freshness is None or not path.exists():
        return
    today = office.clock().date()
    written = extraction or datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
    if extraction is None:
        office.terminal.note(
            f"extraction datée du {written:%d/%m/%Y}, date du fichier ; sinon : --extraction AAAA-MM-JJ"
        )
    if not -1 <= (today - written).days <= freshness.days:  # local days may be one ahead of UTC
        sentence = (
            f"le fichier est du {written:%d/%m/%Y} et la démarche demande {freshness.days} jours au plus : "
            "une absence n'y vaut plus rien ; refaites l'extraction"
        )
        raise ServiceError("E_FRAICHEUR", sentence)
    _check_season(freshness, today)


def _check_season(freshness: Freshness, today: date) -> None:
    if freshness.reliable_from and f"--{today:%m-%d}" < freshness.reliable_from:
        month, day = freshness.reliable_from[2:4], freshness.reliable_from[5:]
        sentence = f"une absence de ce fichier n'est fiable qu'à partir du {day}/{month} ; attendez cette date"
        raise ServiceError("E_FRAICHEUR", sentence)


def _show(office: Office, path: Path) -> None:
    public = read_public(path)
    office.terminal.say(f"fichier public à transmettre : {path}")
    office.terminal.say(f"empreinte à dire de vive voix : {public.fingerprint}")
