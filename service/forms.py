"""Strict reading of JSON into frozen dataclasses, and writing them back to the same JSON.

A message declares its members once, as annotations: ``count: Annotated[int, integer(0, LARGEST)]``. Reading
accepts an object with exactly these members and values of exactly these forms; writing gives back what was
read, byte for byte once canonical. A member's JSON name is its Python name without a trailing underscore
(``from_`` is written ``from``). A class with a FORMAT writes it as the member ``format`` and reads nothing
else. Times are ``YYYY-MM-DDTHH:MM:SSZ``, bytes standard base64 with padding, digests and identifiers
lowercase hexadecimal.

Refusals are `ServiceError` `E_MESSAGE` (422) with the JSON pointer of the fault, and never repeat a value.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NoReturn, Self, get_origin, get_type_hints

from crypto.errors import CryptoError
from crypto.framing import LARGEST_INTEGER, Json, canonical_json, from_base64, to_base64
from service.errors import ServiceError

__all__ = [
    "BASE64",
    "BOOLEAN",
    "CODE",
    "DIGEST",
    "INTEGER",
    "LINES",
    "MOMENT",
    "OBJECT",
    "PARTY",
    "RUN",
    "SCHEMAS",
    "TEXT",
    "AgreementId",
    "Bytes",
    "Count",
    "Digest",
    "Form",
    "Message",
    "Moment",
    "PartyId",
    "RunId",
    "Signed",
    "Text",
    "by_party",
    "choice",
    "enumerated",
    "hexadecimal",
    "integer",
    "is_printable",
    "listed",
    "nested",
    "optional",
    "read_json",
    "read_time",
    "write_time",
]

LONGEST_TEXT = 20_000  # characters
SCHEMAS = "#/components/schemas/"  # where a schema finds those of other messages
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

_PARTY = re.compile(r"[a-z][a-z0-9-]{1,31}")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # controls, directions, other line ends, no character
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True)
class Form:
    """How one JSON value is read (with the pointer of the value, for refusals) and written."""

    read: Callable[[Any, str], Any]
    write: Callable[[Any], Json]
    schema: Mapping[str, Any] = field(
        default_factory=dict
    )  # JSON Schema 2020-12; what it cannot say, `read` still checks
    kind: type[Message] | None = None  # whose schema this one refers to


class Message:
    """A JSON object with closed members; subclasses are frozen dataclasses."""

    FORMAT: ClassVar[str] = ""
    _FORMS: ClassVar[Mapping[str, tuple[str, Form]]] = {}  # JSON name → (attribute, form)

    def __init_subclass__(cls) -> None:
        """Collect the forms of the members from the annotations."""
        super().__init_subclass__()
        hints = get_type_hints(cls, include_extras=True)
        members = [(name, hint) for name, hint in hints.items() if get_origin(hint) is Annotated]
        cls._FORMS = {name.removesuffix("_"): (name, hint.__metadata__[0]) for name, hint in members}

    @classmethod
    def from_json(cls, value: object, where: str = "") -> Self:
        """Read the object.

        Args:
            value: what `read_json` gave.
            where: JSON pointer of the value in the request.

        Raises:
            ServiceError: `E_MESSAGE`: not an object, a member unknown, missing or of another form.
        """
        if not isinstance(value, dict):
            _refuse(where, "un objet JSON est attendu")
        forms = cls._FORMS
        names = {*forms, "format"} if cls.FORMAT else set(forms)
        if unknown := sorted(set(value) - names):
            _refuse(where, f"membre inconnu : {_shown(unknown[0])} ; retirez-le")
        if missing := sorted(names - set(value)):
            _refuse(where, f"membre manquant : « {missing[0]} »")
        if cls.FORMAT and value["format"] != cls.FORMAT:
            _refuse(f"{where}/format", f"le format attendu est « {cls.FORMAT} »")
        members = {attribute: form.read(value[name], f"{where}/{name}") for name, (attribute, form) in forms.items()}
        return cls(**members)

    def to_json(self) -> dict[str, Json]:
        """The object as it is sent and signed."""
        written: dict[str, Json] = {"format": self.FORMAT} if self.FORMAT else {}
        for name, (attribute, form) in self._FORMS.items():
            written[name] = form.write(getattr(self, attribute))
        return written

    def to_bytes(self) -> bytes:
        """The object as canonical JSON."""
        return canonical_json(self.to_json())

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """The object as JSON Schema."""
        members = {name: dict(form.schema) for name, (_, form) in cls._FORMS.items()}
        if cls.FORMAT:
            members["format"] = {"const": cls.FORMAT}
        summary = (cls.__doc__ or "").split("\n", 1)[0]
        return {
            "type": "object",
            "description": summary,
            "additionalProperties": False,
            "required": sorted(members),
            "properties": members,
        }

    @classmethod
    def parts(cls) -> Iterator[type[Message]]:
        """The classes of messages that this one's schema refers to, itself first."""
        yield cls
        for _, form in cls._FORMS.values():
            if form.kind is not None:
                yield from form.kind.parts()


def is_printable(text: str) -> bool:
    """Whether a text has only characters that show: no control, no mark of direction, no end of line."""
    return text.isprintable() or not any(unicodedata.category(character) in _INVISIBLE for character in text)


def _refuse(where: str, rule: str) -> NoReturn:
    raise ServiceError("E_MESSAGE", f"{rule}.", source={"pointer": where or "/"})


def _shown(name: str) -> str:
    return f"« {name} »" if re.fullmatch(r"[a-z_]{1,40}", name) else "nom inattendu"


def _same(value: Any) -> Any:
    return value


def _checked(test: Callable[[Any], bool], rule: str, schema: Mapping[str, Any]) -> Form:
    def read(value: Any, where: str) -> Any:
        if not test(value):
            _refuse(where, rule)
        return value

    return Form(read, _same, schema)


def integer(least: int = 0, most: int = LARGEST_INTEGER) -> Form:
    """An integer within bounds; a Boolean is not one."""
    return _checked(
        lambda value: type(value) is int and least <= value <= most,
        f"un nombre entier de {least} à {most} est attendu",
        {"type": "integer", "minimum": least, "maximum": most},
    )


def hexadecimal(size: int) -> Form:
    """`size` bytes in lowercase hexadecimal, kept as text."""
    pattern = re.compile(f"[0-9a-f]{{{2 * size}}}")
    return _checked(
        lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None,
        f"{2 * size} chiffres hexadécimaux minuscules sont attendus",
        {"type": "string", "pattern": f"^[0-9a-f]{{{2 * size}}}$"},
    )


def choice(*names: str) -> Form:
    """One of a closed list of texts."""
    return _checked(
        lambda value: isinstance(value, str) and value in names,
        f"attendu : {', '.join(names)}",
        {"type": "string", "enum": sorted(names)},
    )


def enumerated(kind: type[StrEnum]) -> Form:
    """A member of an enumeration, by its value."""

    def read(value: Any, where: str) -> StrEnum:
        if not isinstance(value, str) or value not in {member.value for member in kind}:
            _refuse(where, f"attendu : {', '.join(kind)}")
        return kind(value)

    return Form(read, str, {"type": "string", "enum": [member.value for member in kind]})


def optional(form: Form) -> Form:
    """The form, or null."""
    return Form(
        lambda value, where: None if value is None else form.read(value, where),
        lambda value: None if value is None else form.write(value),
        {"anyOf": [dict(form.schema), {"type": "null"}]},
        form.kind,
    )


def nested(kind: type[Message]) -> Form:
    """Another message."""
    return Form(kind.from_json, lambda value: value.to_json(), {"$ref": f"{SCHEMAS}{kind.__name__}"}, kind)


def listed(form: Form, most: int = 100_000) -> Form:
    """An array of values of one form, kept as a tuple."""

    def read(value: Any, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            _refuse(where, f"une liste d'au plus {most} valeurs est attendue")
        return tuple(form.read(member, f"{where}/{number}") for number, member in enumerate(value))

    schema = {"type": "array", "maxItems": most, "items": dict(form.schema)}
    return Form(read, lambda value: [form.write(member) for member in value], schema, form.kind)


def by_party(form: Form) -> Form:
    """An object whose names are party identifiers."""

    def read(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse(where, "un objet JSON est attendu")
        return {
            PARTY.read(name, where): form.read(member, f"{where}/{number}")
            for number, (name, member) in enumerate(value.items())
        }

    schema = {
        "type": "object",
        "propertyNames": {"pattern": f"^{_PARTY.pattern}$"},
        "additionalProperties": dict(form.schema),
    }
    return Form(read, lambda value: {name: form.write(member) for name, member in value.items()}, schema, form.kind)


def read_time(text: object, where: str = "") -> datetime:
    """Read a moment, always UTC.

    Raises:
        ServiceError: `E_MESSAGE`: not `YYYY-MM-DDTHH:MM:SSZ`, or not a moment of the calendar.
    """
    if isinstance(text, str) and _TIME.fullmatch(text):
        try:
            return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
        except ValueError:
            pass
    _refuse(where, "une date et heure UTC est attendue, sous la forme AAAA-MM-JJThh:mm:ssZ")


def write_time(moment: datetime) -> str:
    """Write a moment, cut to the second; the year always takes four digits."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def _read_base64(value: Any, where: str) -> bytes:
    try:
        return from_base64(value)
    except CryptoError:
        _refuse(where, "une valeur en base64 est attendue")


def read_json(data: bytes, limit: int) -> Json:
    """Read a JSON body: objects without duplicate names, integers only.

    Args:
        data: the body.
        limit: largest number of bytes; checked first.

    Raises:
        ServiceError: `E_CORPS_TROP_GRAND` (413); `E_MESSAGE`: not JSON as above, or nested too deep.
    """
    if len(data) > limit:
        raise ServiceError("E_CORPS_TROP_GRAND", f"le contenu dépasse {limit} octets ; réduisez-le.", 413)
    try:
        value: Json = json.loads(
            data.decode(),
            object_pairs_hook=_without_duplicates,
            parse_int=_bounded_integer,
            parse_float=_not_allowed,
            parse_constant=_not_allowed,
        )
        canonical_json(value)  # every value must also be one that can be signed
    except (ValueError, RecursionError, CryptoError):
        raise ServiceError(
            "E_MESSAGE",
            "le contenu n'est pas du JSON sans doublon ni nombre décimal.",
            source={"pointer": "/"},
        ) from None
    return value


def _without_duplicates(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _bounded_integer(digits: str) -> int:
    if len(digits) > len(str(-LARGEST_INTEGER)):  # before int(), whose time grows with the square of the length
        raise ValueError
    return int(digits)


def _not_allowed(_: str) -> NoReturn:
    raise ValueError


INTEGER = integer()
BOOLEAN = _checked(lambda value: isinstance(value, bool), "vrai ou faux est attendu", {"type": "boolean"})
TEXT = _checked(
    lambda value: isinstance(value, str) and len(value) <= LONGEST_TEXT and is_printable(value),
    f"un texte d'une ligne, d'au plus {LONGEST_TEXT} caractères, sans caractère de commande est attendu",
    {"type": "string", "maxLength": LONGEST_TEXT},
)
LINES = _checked(
    lambda value: isinstance(value, str) and len(value) <= LONGEST_TEXT and is_printable(value.replace("\n", "")),
    f"un texte d'au plus {LONGEST_TEXT} caractères, sans caractère de commande est attendu",
    {"type": "string", "maxLength": LONGEST_TEXT},
)
OBJECT = _checked(lambda value: isinstance(value, dict), "un objet JSON est attendu", {"type": "object"})
PARTY = _checked(
    lambda value: isinstance(value, str) and _PARTY.fullmatch(value) is not None,
    "un identifiant de partie (2 à 32 minuscules, chiffres, tirets) est attendu",
    {"type": "string", "pattern": f"^{_PARTY.pattern}$"},
)
CODE = _checked(
    lambda value: isinstance(value, str) and re.fullmatch(r"E_[A-Z_]{1,60}", value) is not None,
    "un code d'erreur est attendu",
    {"type": "string", "pattern": "^E_[A-Z_]{1,60}$"},
)
DIGEST = hexadecimal(32)
RUN = hexadecimal(16)
MOMENT = Form(read_time, write_time, {"type": "string", "pattern": f"^{_TIME.pattern}$"})
BASE64 = Form(
    _read_base64,
    to_base64,
    {
        "type": "string",
        "contentEncoding": "base64",
        "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    },
)

AgreementId = Annotated[str, DIGEST]
RunId = Annotated[str, RUN]
PartyId = Annotated[str, PARTY]
Digest = Annotated[str, DIGEST]
Text = Annotated[str, TEXT]
Count = Annotated[int, INTEGER]
Bytes = Annotated[bytes, BASE64]
Moment = Annotated[datetime, MOMENT]
Signed = Annotated[dict[str, Any], OBJECT]  # {"statement", "signature"}, opened by the class of the statement
