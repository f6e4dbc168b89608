"""The home folder of an administration: its own identity, and the only keys it will ever accept from others.

::

    HOME/identity.json          private keys, 0600, never leaves the machine
    HOME/PARTY.identity.json    the public half, to send to partners
    HOME/pins/PARTY.json        public identities of partners
    HOME/pins/PARTY.keys        the signing keys that followed, signed each by the one before
    HOME/succession.json        one's own: the chain, and the private key that signs now, 0600
    HOME/third_party.json       address, public identity and log key of the third party
    HOME/agreements, runs, log  see conventions.py, run_folder.py, verify.py

A key enters only with the fingerprint that was received by another channel (telephone, signed convention).
Once a party is pinned, another key for it is refused until someone pins it anew on purpose, fingerprint in
hand: whatever the third party relays is checked against these files and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from crypto.errors import CryptoError, KeyAbsent
from crypto.framing import canonical_json, from_base64, parse_canonical_json, to_base64
from crypto.key_files import read_secret, write_secret
from crypto.keys import Identity, PublicIdentity, check_fingerprint
from crypto.signatures import VERIFY_BYTES
from service.administration.own_succession import OwnSuccession
from service.errors import ServiceError
from service.successions import followed

__all__ = ["Keyring", "ThirdParty", "check_url", "read_public"]

THIRD_PARTY_FORMAT = "allervers/third-party/v1"
_LIMIT = 65_536  # bytes of any file of this folder
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class ThirdParty:
    """The third party as it was pinned: where it answers, who it is, which key signs its log."""

    url: str
    identity: PublicIdentity
    log_key: bytes


class Keyring:
    """Keys of one administration, in its home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def create(self, party: str, name: str) -> Path:
        """Draw the identity of this administration.

        Returns:
            The file of its public half, to send to partners.

        Raises:
            ServiceError: `E_IDENTITE_EXISTE`: an identity is never replaced.
            KeyRefused: the identifier or the name is not valid.
        """
        path = self.home / "identity.json"
        if path.exists():
            sentence = f"une identité existe déjà dans {self.home} ; elle n'est jamais remplacée : changez de dossier"
            raise ServiceError("E_IDENTITE_EXISTE", sentence)
        identity = Identity.generate(party, name)
        for folder in (self.home, *(self.home / part for part in ("pins", "agreements", "runs", "log"))):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, identity.to_bytes())
        self.public_path(party).write_bytes(identity.public.to_bytes())
        return self.public_path(party)

    def public_path(self, party: str) -> Path:
        """The file that is sent to partners."""
        return self.home / f"{party}.identity.json"

    def identity(self) -> Identity:
        """The private identity.

        Raises:
            ServiceError: `E_IDENTITE_ABSENTE`.
            KeyReadable: other accounts can read the file.
        """
        try:
            identity = Identity.from_bytes(read_secret(self.home / "identity.json"))
            return self.succession.current(identity)
        except KeyAbsent as error:
            sentence = f"aucune identité dans {self.home} : lancez « allervers init » ou donnez --home"
            raise ServiceError("E_IDENTITE_ABSENTE", sentence) from error

    @property
    def has_identity(self) -> bool:
        """Whether this administration has drawn its keys."""
        return (self.home / "identity.json").exists()

    @property
    def succession(self) -> OwnSuccession:
        """This party's own signing keys after the first."""
        return OwnSuccession(self.home)

    def follow(self, party: str, chain: Sequence[object]) -> PublicIdentity:
        """A partner's identity with the keys that followed; never fewer than were known, and never others.

        Raises:
            ServiceError: `E_CLE_SUCCESSION`: the chain does not hold, or is not the continuation of the known one.
        """
        path, pinned = self.home / "pins" / f"{party}.keys", self.pinned(party)
        found = followed(read_public(self._pin_path(party)), chain)
        known = pinned.successors
        if found.successors[: len(known)] != known:
            sentence = (
                f"les clés successives de « {party} » ne sont plus celles que ce poste connaît ; appelez cette "
                "administration avant de continuer"
            )
            raise ServiceError("E_CLE_SUCCESSION", sentence)
        if found.successors != known:
            write_secret(path, canonical_json(list(chain)))
        return found

    def pin(self, public: PublicIdentity, fingerprint: str, *, replace: bool = False) -> None:
        """Accept a partner's key from now on.

        Args:
            public: what the partner sent.
            fingerprint: what the partner said by another channel.
            replace: accept a new key of a party that is pinned already.

        Raises:
            KeyRefused: another fingerprint.
            ServiceError: `E_CLE_DEJA_EPINGLEE`.
        """
        check_fingerprint(public, fingerprint)
        path = self._pin_path(public.party)
        if path.exists() and not replace and path.read_bytes() != public.to_bytes():
            sentence = (
                f"une autre clé est déjà épinglée pour « {public.party} » ; si elle a vraiment changé, "
                "vérifiez l'empreinte de vive voix puis ajoutez --replace"
            )
            raise ServiceError("E_CLE_DEJA_EPINGLEE", sentence)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() != public.to_bytes():
            path.with_suffix(".keys").unlink(missing_ok=True)
        write_secret(path, public.to_bytes())

    def pinned(self, party: str) -> PublicIdentity:
        """The key of a partner, or one's own.

        Raises:
            ServiceError: `E_CLE_NON_EPINGLEE`.
        """
        own = self.identity().public
        if party == own.party:
            return own
        path = self._pin_path(party)
        if not path.exists():
            sentence = f'la clé de « {party} » n\'est pas épinglée : allervers pin FICHIER --fingerprint "…"'
            raise ServiceError("E_CLE_NON_EPINGLEE", sentence)
        kept = path.with_suffix(".keys")
        chain = parse_canonical_json(kept.read_bytes(), 64 * _LIMIT) if kept.exists() else []
        return followed(read_public(path), chain if isinstance(chain, list) else [])

    def pins(self) -> list[PublicIdentity]:
        """All partners, by identifier."""
        return [read_public(path) for path in sorted((self.home / "pins").glob("*.json"))]

    def pin_third_party(self, third_party: ThirdParty, fingerprint: str, *, replace: bool = False) -> None:
        """Accept a third party: its address and its keys.

        Raises:
            KeyRefused: another fingerprint.
            ServiceError: `E_CLE_DEJA_EPINGLEE`, `E_ADRESSE`.
        """
        check_fingerprint(third_party.identity, fingerprint)
        check_url(third_party.url)
        path = self.home / "third_party.json"
        if path.exists() and not replace:
            known = self.third_party()
            if (known.identity, known.log_key) != (third_party.identity, third_party.log_key):
                sentence = "un tiers de confiance avec d'autres clés est déjà épinglé ; vérifiez puis ajoutez --replace"
                raise ServiceError("E_CLE_DEJA_EPINGLEE", sentence)
        elif path.exists() and self.third_party().log_key != third_party.log_key:
            self._forget_log()
        document = {
            "format": THIRD_PARTY_FORMAT,
            "url": third_party.url,
            "identity": to_base64(third_party.identity.to_bytes()),
            "log_key": to_base64(third_party.log_key),
        }
        write_secret(path, canonical_json(document))

    def _forget_log(self) -> None:
        """Set aside the checkpoints of a log that another one replaces: its key would refuse them for ever."""
        kept = self.home / "log" / "checkpoint.txt"
        if kept.exists():
            kept.replace(kept.with_name("checkpoint.before-replacement.txt"))

    def third_party(self) -> ThirdParty:
        """The pinned third party.

        Raises:
            ServiceError: `E_TIERS_NON_EPINGLE`, or `E_FICHIER_LOCAL` for a damaged file.
        """
        path = self.home / "third_party.json"
        if not path.exists():
            sentence = 'aucun tiers de confiance : lancez « allervers server URL --fingerprint "…" »'
            raise ServiceError("E_TIERS_NON_EPINGLE", sentence)
        try:
            document = parse_canonical_json(path.read_bytes(), _LIMIT)
            if not isinstance(document, Mapping) or document.get("format") != THIRD_PARTY_FORMAT:
                raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé : relancez « allervers server »")
            return ThirdParty(
                url=check_url(str(document["url"])),
                identity=PublicIdentity.from_bytes(from_base64(document["identity"])),
                log_key=from_base64(document["log_key"], VERIFY_BYTES),
            )
        except (CryptoError, KeyError) as error:
            raise ServiceError("E_FICHIER_LOCAL", f"{path} est abîmé : relancez « allervers server »") from error

    def _pin_path(self, party: str) -> Path:
        return self.home / "pins" / f"{party}.json"


def read_public(path: Path) -> PublicIdentity:
    """A public identity from the file that a partner sent.

    Raises:
        ServiceError: `E_FICHIER_ABSENT`.
        FormatRefused: not an identity.
    """
    try:
        data = path.read_bytes()[: _LIMIT + 1]
    except OSError as error:
        raise ServiceError("E_FICHIER_ABSENT", f"le fichier {path} ne peut pas être lu ; vérifiez son nom") from error
    return PublicIdentity.from_bytes(data.removesuffix(b"\n").removesuffix(b"\r"))


def check_url(url: str) -> str:
    """An address of the third party: https, or http on this very machine; no trailing slash.

    Raises:
        ServiceError: `E_ADRESSE`.
    """
    parts = urlsplit(url)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not secure or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ServiceError(
            "E_ADRESSE", "l'adresse du tiers de confiance doit être https://… (http:// seulement en local)"
        )
    return url.rstrip("/")
