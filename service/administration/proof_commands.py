"""Commands on proofs: settle a run's receipts when it ends, verify them again whenever somebody asks."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from crypto.witness import add_cosignature
from service.administration.app import Office, open_office
from service.administration.connection import Connection, connect
from service.administration.log_file import is_export, read_export
from service.administration.outbox import sent_manifests
from service.administration.run_folder import RunFolder
from service.administration.seat import Seat
from service.administration.verify import LogWatch, ProofFile, check_destroyed, check_log, check_receipt
from service.errors import ServiceError
from service.forms import write_time
from service.messages import Receipt, log_origin, witness_name

__all__ = ["settle", "verify"]


def settle(online: Connection, seat: Seat, minutes: float | None) -> None:
    """Wait for the receipts of a run that is over, verify and keep them; then destroy what is left here.

    Args:
        online: connected.
        seat: in a run that is over for this party.
        minutes: how long to wait for the third party to finish destroying; None has no limit.

    Raises:
        ServiceError: `E_RECU`, `E_RECU_INCOMPLET`, `E_JOURNAL`: what judges the receipts is then kept.
    """
    # Whoever was delivered nothing, as the first of a cascade, has results all the same.
    told = seat.party in seat.agreement.receivers
    received = told and (seat.folder.done("delivered") or seat.folder.done("combined"))
    expected = {"encodings"} | ({"deliveries"} if received else set())

    def probe() -> tuple[ProofFile, list[Receipt]] | None:
        proofs, receipts = _fetch(online, seat.run)
        about_us = [one for one in receipts if one.kind == "encodings" or _delivered_to(one, seat.party)]
        return (proofs, receipts) if expected <= {one.kind for one in about_us} else None

    proofs, receipts = online.poll("en attente des reçus de destruction", probe, minutes)
    commitment = seat.folder.secret("worker", "commitment")
    check_destroyed(receipts, seat.party, sent_manifests(seat), commitment.hex() if commitment else None)
    proofs.write(seat.folder.path / "receipts.json")
    seat.folder.destroy_secrets()
    seat.folder.mark("closed", write_time(online.office.clock()))
    _say(online.office, receipts)


def _delivered_to(receipt: Receipt, party: str) -> bool:
    return any(one.kind in ("delivery", "relay") and one.party == party for one in receipt.destroyed)


def verify(args: argparse.Namespace) -> None:
    """`allervers verify`: a saved file of receipts offline, a run, or the log's latest checkpoint."""
    office = open_office(args.home)
    if args.target != "log" and Path(args.target).is_file():
        if is_export(Path(args.target)):
            _verify_export(office, Path(args.target))
        else:
            _verify_file(office, Path(args.target))
        return
    with connect(office) as online:
        if args.target == "log":
            _verify_log(online)
            return
        proofs, receipts = _fetch(online, args.target)
        folder = RunFolder(office.home / "runs" / Path(args.target).name)
        if folder.exists():
            proofs.write(folder.path / "receipts.json")
        _say(office, receipts)
        office.terminal.say(f"{len(proofs.log.entries)} entrées du journal vérifiées")


def _verify_log(online: Connection) -> None:
    """Check the log's history, say so to the other parties, and compare it with what they have seen."""
    office, client = online.office, online.client
    watch, note = LogWatch(office.home, online.third_party), client.checkpoint()
    checkpoint = watch.accept(note, client)
    office.terminal.say(f"journal vérifié : {checkpoint.size} entrées, dans la continuité de ce qui était connu")
    identity, moment = office.keyring.identity(), int(office.clock().timestamp())
    client.witness(add_cosignature(note, identity.signing_key, witness_name(identity.party), moment))

    def keys_of(party: str) -> tuple[bytes, ...]:
        try:
            office.keyring.pinned(party)
        except ServiceError:
            return ()
        return online.pins(party).all_signing_keys

    others = [one for one in client.witnesses() if one.party != identity.party]
    compared = watch.witnessed(others, keys_of, client)
    office.terminal.say(f"même journal que celui vu par {compared} autre(s) partie(s) épinglée(s)")


def _verify_export(office: Office, path: Path) -> None:
    third_party = office.keyring.third_party()
    with path.open("rb") as file:
        export = read_export(file, third_party.log_key, log_origin(third_party.identity.party))
    for known in LogWatch(office.home, third_party).all_seen():
        export.check_continues(known)
    office.terminal.say(f"journal vérifié : {export.size} entrées, {export.erased} dont le texte est effacé")


def _fetch(online: Connection, run: str) -> tuple[ProofFile, list[Receipt]]:
    """The proofs of a run, all verified against a checkpoint that continues the known ones."""
    client, watch = online.client, LogWatch(online.office.home, online.third_party)
    proofs = ProofFile(receipts=tuple(client.receipts(run)), log=client.log(run))
    for text in {proofs.log.checkpoint, *(one.log.checkpoint for one in proofs.receipts)}:
        watch.accept(text, client)
    check_log(proofs.log, watch)
    receipts = [check_receipt(one, watch, online.third_party) for one in proofs.receipts]
    if any(one.run != run for one in receipts):
        raise ServiceError(
            "E_RECU", "un reçu est celui d'un autre croisement ; demandez-en compte au tiers de confiance"
        )
    return proofs, receipts


def _verify_file(office: Office, path: Path) -> None:
    third_party = office.keyring.third_party()
    watch, proofs = LogWatch(office.home, third_party), ProofFile.read(path)
    receipts = [check_receipt(one, watch, third_party) for one in proofs.receipts]
    check_log(proofs.log, watch)
    _say(office, receipts)
    texts = {proofs.log.checkpoint, *(one.log.checkpoint for one in proofs.receipts)}
    seen = [watch.remembered(text) for text in texts]
    if all(seen):
        office.terminal.say("points de contrôle déjà vus par ce poste : l'historique est celui qui était connu")
    else:
        office.terminal.say("signatures et inclusion vérifiées ; continuité du journal non vérifiable hors ligne")


def _say(office: Office, receipts: Sequence[Receipt]) -> None:
    for one in receipts:
        pieces = sum(item.pieces for item in one.destroyed)
        office.terminal.say(
            f"reçu vérifié : {one.kind}, {one.cause}, {len(one.destroyed)} objets ({pieces} morceaux) détruits le "
            f"{write_time(one.destroyed_at)}"
        )
