"""A slow second encoder in plain Python, written from the formats in the docstrings and sharing no code with the product.

It reads a sheet as its parsed TOML table, a plan as its JSON and a record as a mapping of raw cells, one record and one bit
at a time, and gives what the third party may see of it in a pass: its block tag and its filter. Standard library only, and
AES in counter mode for the key stream.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

Table = Mapping[str, Any]
LABEL = "allervers/v1/"
BILLION = 10**9


# --- bytes and keys ---------------------------------------------------------------------------------------------------


def frame(*parts: bytes | str) -> bytes:
    """Each part after its length in eight bytes."""
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in raw)


def expand(key: bytes, label: str, *context: bytes | str) -> bytes:
    """HKDF-Expand of RFC 5869 to 32 bytes: one block of HMAC."""
    return hmac.digest(key, frame(LABEL + label, *context) + b"\x01", "sha256")


def words(key: bytes, token: str, count: int) -> list[int]:
    """The first `count` 16-bit words of a token."""
    found: list[int] = []
    while len(found) < count:
        digest = hmac.digest(key, frame(token, (len(found) // 16).to_bytes(4, "big")), "sha256")
        found += [int.from_bytes(digest[place : place + 2], "big") for place in range(0, 32, 2)]
    return found[:count]


# --- raw cells to canonical values ------------------------------------------------------------------------------------

OPENED = {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D"}
OPENED |= {"ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i"}
NOBODY = {"X", "XX", "XXX", "SNP", "SP", "SPC", "SN", "SNC", "INCONNU", "INCONNUE", "SANS PRENOM", "SANS NOM"}
SEXES = {"M": "1 M H HOMME MASCULIN MR MONSIEUR MALE", "F": "2 F FEMME FEMININ MME MADAME MLLE FEMALE"}


def bare(text: str) -> str:
    """Upper case, no accents, one space for each run of other signs."""
    out = ""
    for char in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
            continue
        letters = OPENED.get(char, char).upper()
        out += letters if letters.isalnum() and char not in "ʼʻʹʾʿˈ" else " "
    return " ".join(out.split())


def untitled(raw: str) -> str:
    """A surname without the titles before it; M before an apostrophe is none."""
    text = raw.lstrip()
    for title in ("MONSIEUR", "MADEMOISELLE", "MADAME", "MLLE", "MME", "MR", "M"):
        rest = text[len(title) :]
        follows = rest.removeprefix(".").lstrip()
        if text.upper().startswith(title) and follows and rest[0] in {".", *" \t\u00a0"}:
            return untitled(follows)
    return text


def surname(raw: str) -> str:
    """Words of a surname."""
    return " ".join({"ST": "SAINT", "STE": "SAINTE"}.get(word, word) for word in bare(untitled(raw)).split())


def first_names(raw: str) -> str:
    """First names in order, composed ones with their hyphens."""
    for hyphen in "‐‑‒–—―−﹣－\u00ad":
        raw = raw.replace(hyphen, "-")
    names = []
    for name in raw.replace(",", " ").replace(";", " ").split():
        pieces = [bare(piece).replace(" ", "") for piece in name.split("-")]
        names.append("-".join(piece for piece in pieces if piece))
    return " ".join(name for name in names if name)


def canonical(attribute: Table, raw: str) -> str | None:
    """The canonical value of a cell that can be right."""
    kind = attribute["kind"]
    if kind in ("name", "given_names"):
        joined = surname(raw) if kind == "name" else first_names(raw)
        return None if joined.replace("-", " ") in NOBODY else joined or None
    if kind == "sex":
        return next((sex for sex, spellings in SEXES.items() if bare(raw) in spellings.split()), None)
    if kind == "date":
        return raw.replace("-", "") if raw.strip("0-") else None
    if kind in ("category", "text"):
        return bare(raw) or None
    if kind != "code" and bare(raw) in NOBODY:
        return None
    whole, _, zeros = raw.strip().partition(".")
    float_like = whole.isdecimal() and zeros and set(zeros) == {"0"}
    return canonical_code(kind, whole if float_like else bare(raw).replace(" ", ""), attribute.get("pad", 0))


def canonical_code(kind: str, code: str, pad: int) -> str | None:
    """Codes, communes and countries, from letters and digits."""
    if kind == "country":
        if not code:
            return None
        if code.strip("0") == "" or code in ("100", "FR", "FRA", "FRANCE", "99100"):
            return "99100"
        return "99" + code if len(code) == 3 and code.isdigit() else code
    if not code.strip("0"):
        return None
    code = "0" * (pad - len(code)) + code
    return None if kind == "cog" and len(code) == 5 and code[:2] == "99" else code


# --- canonical values to tokens ---------------------------------------------------------------------------------------

GROUPS = {
    "name": {"grams": 1000},
    "given_names": {"first": 750, "others": 250},
    "text": {"grams": 1000},
    "date": {"year": 200, "month": 115, "day": 155, "day_month": 270, "digits": 260},
    "code": {"whole": 500, "grams": 500},
    "cog": {"whole": 500, "grams": 500},
    "country": {"whole": 1000},
    "category": {"whole": 1000},
    "sex": {"whole": 1000},
}
PARTICLES = {"DE", "DU", "DES", "D", "L", "LA", "LE", "LES", "DOS", "DA", "DEL", "EL", "AL", "BEN", "AIT", "VAN", "VON"}


def bigrams(word: str) -> set[str]:
    """Two letters at a time, the word between underscores."""
    padded = f"_{word}_"
    return {padded[place] + padded[place + 1] for place in range(len(padded) - 1)} if word else set()


def head(kind: str, value: str) -> str:
    """The letters that a name is filed under."""
    words = value.split(" ")
    if kind == "given_names":
        return words[0].replace("-", "")
    while len(words) > 1 and words[0] in PARTICLES:
        words = words[1:]
    return words[0]


def tokens(kind: str, value: str, out: set[str]) -> dict[str, set[str]]:
    """Tokens by group, without those that the parts in `out` fix."""
    if "value" in out:
        return {}
    if kind == "date":
        return date_tokens(value, out)
    if kind in ("code", "cog"):
        return {"whole": {f"={value}"}, "grams": {f"{place}:{value[place]}" for place in range(len(value))}}
    if kind in ("sex", "category", "country"):
        return {"whole": {f"={value}"}}
    fixed = set()
    if out:
        letters = head(kind, value)
        fixed = {f"_{letters[0]}"} | ({letters[:2]} if "two" in out else set())
    if kind == "given_names":
        names = value.split(" ")
        first = set().union(*map(bigrams, names[0].split("-"))) - fixed
        return {"first": first, "others": set().union(*map(bigrams, "-".join(names[1:]).split("-")))}
    return {"grams": set().union(*map(bigrams, value.split(" "))) - fixed}


def date_tokens(value: str, out: set[str]) -> dict[str, set[str]]:
    """Known parts, the day with its month, digits; nothing that the block value says."""
    year, month, day = value[:4], value[4:6], value[6:]
    found: dict[str, set[str]] = {"digits": set()}
    said = {"year": "year" in out, "month": bool(out & {"month", "day_month"}), "day": bool(out & {"day", "day_month"})}
    for part, text, first in (("year", year, 0), ("month", month, 4), ("day", day, 6)):
        if int(text) and not said[part]:
            found[part] = {f"{part}={text}"}
            found["digits"] |= {f"{first + place}:{char}" for place, char in enumerate(text)}
    if int(month) and int(day) and not said["month"] and not said["day"]:
        found["day_month"] = {f"day_month={month}{day}"}
    return found


def present(kind: str, out: set[str]) -> dict[str, int]:
    """The groups that keep their bits when the parts in `out` make the block value."""
    if "value" in out:
        return {}
    gone = set(out)
    if kind == "date" and out & {"day", "month", "day_month"}:
        gone.add("day_month")
    if kind == "date" and "day_month" in out:
        gone |= {"day", "month"}
    if kind == "date" and {"year", "month", "day"} <= gone:
        gone.add("digits")
    return {group: share for group, share in GROUPS[kind].items() if group not in gone}


# --- plain filters ----------------------------------------------------------------------------------------------------


def values(sheet: Table, cells: Mapping[str, str]) -> dict[str, str | None]:
    """Canonical values of a record; a second form counts only where it says something else."""
    attributes = sheet["attributes"]
    found = {name: canonical(entry, cells.get(name, "")) for name, entry in attributes.items()}
    for name, entry in attributes.items():
        if found[name] == found.get(entry.get("second_form_of")):
            found[name] = None
    return found


def left_out(plan: Table, name: str) -> set[str]:
    """Parts of an attribute that make the block value."""
    return {one.split(".")[1] for one in [*plan["blocks"], *plan["finer"]] if one.split(".")[0] == name}


def class_name(name: str, entry: Table) -> str:
    """What the class key of an attribute is derived under."""
    if entry["kind"] in ("name", "given_names"):
        return "name"
    return f"text/{entry['class']}" if "class" in entry else f"attribute/{name}"


def inserted(sheet: Table, plan: Table, known: Mapping[str, str | None]) -> dict[tuple[str, str], int]:
    """(class, token) → how many positions it sets, for one record."""
    attributes = sheet["attributes"]
    weights = {
        (name, group): entry["bits"] * share
        for name, entry in attributes.items()
        for group, share in present(entry["kind"], left_out(plan, name)).items()
    }
    budget = plan["length"] * 714 // 1000
    counts: dict[tuple[str, str], int] = {}
    for name, entry in attributes.items():
        value = known[name]
        for group, found in tokens(entry["kind"], value, left_out(plan, name)).items() if value else ():
            bits = budget * weights.get((name, group), 0) // sum(weights.values())
            for place, token in enumerate(sorted(found)):
                k = bits // len(found) + (1 if place < bits % len(found) else 0)
                key = class_name(name, entry), token
                counts[key] = max(counts.get(key, 0), k)
    return counts


def plain_filter(sheet: Table, plan: Table, known: Mapping[str, str | None], pass_key: bytes) -> set[int]:
    """The positions set in the filter before diffusion."""
    return {
        word % plan["length"]
        for (kind, token), k in inserted(sheet, plan, known).items()
        for word in words(expand(pass_key, "tokens", kind), token, k)
    }


# --- blocks -----------------------------------------------------------------------------------------------------------

PYRAMID = [1, 5, 9, 12, 13, 13, 13, 12, 12, 11, 9]  # by decade from 1920
MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


@cache
def public_statistics() -> Any:
    """First letters of names, as the package ships them."""
    return json.loads((Path(__file__).parent.parent / "linkage" / "public_statistics.json").read_text("utf-8"))


def weights_of(sheet: Table, component: str) -> dict[str, int] | int:
    """Weights of the values of a component, or the number of equally frequent ones."""
    name, part = component.split(".")
    declared = sheet.get("statistics", {}).get(name if part == "value" else component)
    if isinstance(declared, int):
        return declared
    if declared is not None:
        bounds = set(declared) == {"from", "to"}
        return {str(year): 1 for year in range(declared["from"], declared["to"] + 1)} if bounds else dict(declared)
    kind = sheet["attributes"][name]["kind"]
    if kind == "date":
        return calendar(part)
    return {"M": 1, "F": 1} if kind == "sex" else dict(public_statistics()[kind][part])


def calendar(part: str) -> dict[str, int]:
    """Years of the pyramid, or what four years hold of each day, month or day of the month."""
    if part == "year":
        return {str(1920 + 10 * decade + year): PYRAMID[decade] for decade in range(11) for year in range(10)}
    days = [(month, day) for month in range(1, 13) for day in range(1, MONTHS[month - 1] + 1)]
    weights: dict[str, int] = {}
    for month, day in [*days * 4, (2, 29), *[(1, 1)] * 16]:  # 1 January stands for days that nobody knows
        key = {"month": f"{month:02}", "day": f"{day:02}", "day_month": f"{month:02}{day:02}"}[part]
        weights[key] = weights.get(key, 0) + 1
    return weights


def shares_of(sheet: Table, component: str) -> list[tuple[str | None, int, int]]:
    """(value, share in parts per billion, number of such values); None names any of the equally frequent ones."""
    weights = weights_of(sheet, component)
    if isinstance(weights, int):
        return [(None, BILLION // weights, weights)]
    total = sum(weights.values())
    return [(value, BILLION * weight // total, 1) for value, weight in weights.items()]


def share(sheet: Table, components: Sequence[str], parts: Sequence[str]) -> int:
    """Expected share of several values together."""
    result = BILLION
    for component, part in zip(components, parts, strict=True):
        one = next((s for value, s, _ in shares_of(sheet, component) if value in (None, part)), 0)
        result = result * one // BILLION
    return result


def combinations(sheet: Table, components: Sequence[str]) -> list[tuple[int, int]]:
    """(share, number of combinations with it) of all values of several components together."""
    found = [(BILLION, 1)]
    for component in components:
        some = shares_of(sheet, component)
        found = [(s * one // BILLION, n * count) for s, n in found for _, one, count in some]
    return found


def pool(sheet: Table, components: Sequence[str], records: int, floor: int) -> int:
    """How many buckets the rare values share."""
    mass = sum(s * n for s, n in combinations(sheet, components) if s * records // BILLION < floor)
    return max(1, mass * records // BILLION // (3 * floor)) if floor else 1


def part_of(kind: str, part: str, value: str) -> str | None:
    """The block value's part of a canonical value."""
    if kind == "date":
        text = {"year": value[:4], "month": value[4:6], "day": value[6:], "day_month": value[4:]}[part]
        return None if text == "0000" or (part != "year" and "00" in (text[:2], text[2:])) else text
    if part == "value":
        return value
    size = {"initial": 1, "two": 2}[part]
    letters = head(kind, value)[:size]
    return letters if len(letters) == size else None


def numbered(parts: Sequence[str], buckets: int) -> bytes:
    """The bucket of pooled values."""
    digest = hashlib.sha256(frame("bucket", *parts)).digest()
    return (int.from_bytes(digest, "big") % buckets).to_bytes(8, "big")


def label(sheet: Table, plan: Table, known: Mapping[str, str | None]) -> bytes | None:
    """The name of the block of a record, or None when it falls out of the pass."""
    parts: dict[str, str | None] = {}
    for component in [*plan["blocks"], *plan["finer"]]:
        name, part = component.split(".")
        value = known[name]
        parts[component] = part_of(sheet["attributes"][name]["kind"], part, value) if value else None
    base = [text for component in plan["blocks"] if (text := parts[component]) is not None]
    if len(base) < len(plan["blocks"]):
        return None
    expected = plan["population"] * share(sheet, plan["blocks"], base) // BILLION
    if base and expected < plan["floor"]:
        return frame("bucket", numbered(base, plan["buckets"]))
    if not plan["finer"] or expected <= plan["cap"]:
        return frame("value", *base)
    finer = [text for component in plan["finer"] if (text := parts[component]) is not None]
    if len(finer) < len(plan["finer"]):
        return None
    if expected * share(sheet, plan["finer"], finer) // BILLION < plan["floor"]:
        return frame("rest", *base, numbered(finer, pool(sheet, plan["finer"], expected, plan["floor"])))
    return frame("split", *base, *finer)


# --- diffusion --------------------------------------------------------------------------------------------------------


@cache
def table(secret: bytes, length: int, degree: int) -> list[list[int]]:
    """The t permutations of the positions."""
    encryptor = Cipher(AES(secret), CTR(bytes(16))).encryptor()

    def below(bound: int) -> int:
        while True:
            word = int.from_bytes(encryptor.update(bytes(4)), "little")
            if word < 2**32 // bound * bound:
                return word % bound

    layers: list[list[int]] = []
    for _ in range(degree):
        layer = list(range(length))
        for place in reversed(range(1, length)):
            other = below(place + 1)
            layer[place], layer[other] = layer[other], layer[place]
        for place in range(length):
            while any(before[place] == layer[place] for before in layers):
                other = below(length)
                layer[place], layer[other] = layer[other], layer[place]
                if any(before[other] == layer[other] for before in layers):
                    layer[place], layer[other] = layer[other], layer[place]
        layers.append(layer)
    return layers


def diffused(bits: Iterable[int], layers: list[list[int]]) -> set[int]:
    """Each output bit is the XOR of its t positions."""
    on = set(bits)
    return {place for place in range(len(layers[0])) if sum(layer[place] in on for layer in layers) % 2}


# --- a record in a pass -----------------------------------------------------------------------------------------------


def block_tag(pass_key: bytes, name: bytes) -> bytes:
    """What the third party sees of a block's name."""
    return hmac.digest(expand(pass_key, "block-tag"), frame(LABEL + "block-tag", name), "sha256")[:16]


def block_secret(pass_key: bytes, name: bytes) -> bytes:
    """What a block's table is drawn from."""
    return hmac.digest(expand(pass_key, "diffusion"), frame(LABEL + "diffusion", name), "sha256")


def filter_bytes(bits: Iterable[int], length: int) -> bytes:
    """Bit j of a filter is bit j % 64 of its word j // 64, words little-endian: bit j of one long little-endian number."""
    return sum(1 << bit for bit in set(bits)).to_bytes(length // 8, "little")


def encoded(sheet: Table, plan: Table, cells: Mapping[str, str], run_key: bytes) -> tuple[bytes, bytes] | None:
    """(block tag, filter) of a record in a pass, or None when it falls out of it.

    Args:
        sheet: parsed TOML.
        plan: one pass of a plan, as JSON.
        cells: raw cells by attribute.
        run_key: 32 bytes.
    """
    pass_key = expand(run_key, "pass-key", plan["name"])
    known = values(sheet, cells)
    name = label(sheet, plan, known)
    bits = plain_filter(sheet, plan, known, pass_key)
    if name is None or 5 * len(bits) < plan["length"]:
        return None
    if plan["degree"]:
        bits = diffused(bits, table(block_secret(pass_key, name), plan["length"], plan["degree"]))
    return block_tag(pass_key, name), filter_bytes(bits, plan["length"])
