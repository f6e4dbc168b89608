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
from itertools import pairwise
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
NOBODY = {"SNP", "SP", "SPC", "SN", "SNC", "INCONNU", "INCONNUE", "SANS PRENOM", "SANS NOM", "NON RENSEIGNE"}
NOBODY |= {"NON COMMUNIQUE"}
TITLES = ("M", "MR", "MME", "MLLE", "MONSIEUR", "MADAME", "MADEMOISELLE")
MARKS = ("NEE", "EPOUSE", "EPSE", "EP", "VEUVE", "VVE", "DIVORCEE", "DIT", "DITE")
HEADS = ("NEE", "EPOUSE", "EPSE", "VEUVE", "VVE")
SEXES = {"M": "1 M H HOMME MASCULIN GARCON MR MONSIEUR MALE", "F": "2 F FEMME FEMININ FILLE MME MADAME MLLE FEMALE"}


def bare(text: str) -> str:
    """Upper case, no accents, one space for each run of other signs."""
    out = ""
    for char in unicodedata.normalize("NFKD", text):
        if unicodedata.combining(char) or unicodedata.category(char) == "Cf":
            continue
        letters = OPENED.get(char, char).upper()
        out += letters if letters.isalnum() and char not in "ʼʻʹʾʿˈ" else " "
    return " ".join(out.split())


def nobody(folded: str) -> bool:
    """Whether a folded cell says that nobody knows."""
    return folded in NOBODY or set(folded) - {" "} == {"X"}


def surname(raw: str, *, usage: bool = False) -> str:
    """Words of the surname born with, or of the other one if there is one."""
    raw = unapostrophed(raw)
    words = untitled(f" {bare(raw)} ".replace(" NE E NE E ", " NEE NEE ").replace(" NE E ", " NEE ").split())
    cuts = [k for k in range(len(words) - 1) if words[k] in (MARKS if k else HEADS)]
    parts = [words[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(words)], strict=True)]
    born = [part for cut, part in zip(cuts, parts[1:], strict=True) if words[cut] == "NEE" and part]
    words = next((part for part in [*born, *parts] if part), [])
    other = next((part for part in parts if part and part is not words), words)
    if usage or nobody(" ".join(untitled(words))):
        words = other
    return " ".join({"ST": "SAINT", "STE": "SAINTE"}.get(word, word) for word in untitled(words))


def untitled(words: list[str]) -> list[str]:
    """Without the titles at the head."""
    while len(words) > 1 and words[0] in TITLES:
        words = words[1:]
    return words


def unapostrophed(raw: str) -> str:
    """Without the apostrophe after a lone letter, D and L apart, at the beginning of a word."""
    out = ""
    for place, char in enumerate(raw):
        letter, before, after = raw[place - 1 : place], raw[place - 2 : place - 1], raw[place + 1 : place + 2]
        lone = place > 0 and letter.isascii() and letter.isalpha() and letter not in "DdLl"
        opens = place == 1 or before.isspace() or before in tuple(",;.()/-")
        out += "" if char in "'ʼʻʹʾʿˈ´`’‘‛′＇" and lone and opens and (after.isalnum() or after == "_") else char
    return out


def first_names(raw: str) -> str:
    """First names in order, composed ones with their hyphens."""
    for hyphen in "‐‑‒–—―−﹣－\u00ad":
        raw = raw.replace(hyphen, "-")
    names = []
    for name in raw.replace(",", " ").replace(";", " ").replace("/", " ").split():
        pieces = [bare(piece).replace(" ", "") for piece in name.split("-")]
        names.append("-".join(piece for piece in pieces if piece))
    names = [name for name in names if name]
    while len(names) > 1 and names[0] in TITLES and names[0] != "M":
        names = names[1:]
    return " ".join(names)


def calendar_date(raw: str) -> str | None:
    """A date in year, month, day: digits, and a question mark on every 1 January."""
    digits = raw.replace("-", "")
    return None if not digits.strip("0") else digits + "?" if digits[4:] == "0101" else digits


def canonical(attribute: Table, raw: str) -> str | None:  # noqa: PLR0911 - a kind a line
    """The canonical value of a cell that can be right."""
    kind = attribute["kind"]
    if kind in ("name", "given_names"):
        joined = surname(raw, usage="second_form_of" in attribute) if kind == "name" else first_names(raw)
        return None if nobody(joined.replace("-", " ")) else joined or None
    if kind == "sex":
        return next((sex for sex, spellings in SEXES.items() if bare(raw) in spellings.split()), None)
    if kind == "date":
        return calendar_date(raw)
    if kind in ("category", "text"):
        return bare(raw) or None
    if kind == "number":
        return str(int(raw)) if raw.strip() else None
    if kind == "country" and country(bare(raw)):
        return country(bare(raw))
    if kind != "code" and (nobody(bare(raw)) or nobody(bare(raw).replace(" ", ""))):
        return None
    whole, _, zeros = raw.strip().partition(".")
    float_like = whole.isdecimal() and zeros and set(zeros) == {"0"}
    return canonical_code(kind, whole if float_like else bare(raw).replace(" ", ""), attribute.get("pad", 0))


@cache
def spellings_of_countries() -> dict[str, str]:
    """How files write a country, as the package ships it: facts, not an algorithm."""
    text = (Path(__file__).parent.parent / "linkage" / "countries.txt").read_text("utf-8")
    listed = [line.split("/") for line in text.split("\n") if line[:2] == "99"]
    return {spelling: line[0] for line in listed for spelling in line[1:]}


def country(spelling: str) -> str | None:
    """The code of a country that is written in letters."""
    return spellings_of_countries().get(spelling)


def canonical_code(kind: str, code: str, pad: int) -> str | None:
    """Codes, communes and countries, from letters and digits."""
    if kind == "country":
        return canonical_country(code) if code else None
    if not code.strip("0"):
        return None
    code = "0" * (pad - len(code)) + code
    if kind == "cog" and len(code) == 4 and code.isdecimal():
        code = "0" + code
    return None if kind == "cog" and len(code) == 5 and code[:2] == "99" else code


def canonical_country(code: str) -> str:
    """99 and three digits, however France, Algeria before 1962 and a shortened code are written."""
    if code.strip("0") == "" or code in ("100", "FR", "FRA", "FRANCE", "99100"):
        return "99100"
    if code in ("91352", "92352", "93352", "94352"):
        return "99352"
    return country(code) or ("99" + code if len(code) == 3 and code.isdigit() else code)


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
    "number": {"near": 1000},
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


def lineage(code: str) -> str:
    """What a commune's code stands for through time; the table has tests of its own (`test_places`)."""
    from linkage import places  # the one thing of ours that is read: facts, no algorithm

    return places.lineage(code)


def groups(entry: Table) -> dict[str, int]:
    """Shares of the bits of an attribute."""
    if entry.get("compare"):
        return {"whole" if entry["compare"] == "exact" else "grams": 1000}
    return {"first": 1000} if entry.get("most") == 1 else GROUPS[entry["kind"]]


def tokens(entry: Table, value: str, out: set[str]) -> dict[str, set[str]]:  # noqa: PLR0911 - a kind a line
    """Tokens by group, without those that the parts in `out` fix."""
    kind = entry["kind"]
    if "value" in out:
        return {}
    if kind == "date":
        return date_tokens(value, out)
    if kind == "number":
        step, reach = entry.get("step", 1), entry.get("reach", 1)
        return {"near": {f"~{other}" for other in range(int(value) // step - reach, int(value) // step + reach + 1)}}
    if entry.get("compare") == "exact" or kind in ("sex", "category", "country"):
        return {"whole": {f"={value}"}}
    if entry.get("compare") == "positional":
        underlined = "_" + "_".join(value.split(" ")) + "_"
        return {"grams": {f"{place}:{two[0]}{two[1]}" for place, two in enumerate(pairwise(underlined))}}
    if kind in ("code", "cog") and not entry.get("compare"):
        value = lineage(value) if kind == "cog" else value
        return {"whole": {f"={value}"}, "grams": {f"{place}:{value[place]}" for place in range(len(value))}}
    fixed = set()
    if out:
        letters = head(kind, value)
        fixed = {f"_{letters[0]}"} | ({letters[:2]} if out & {"two", "three"} else set())
        fixed |= {letters[1:3]} if "three" in out else set()
    if kind == "given_names":
        names = value.split(" ")
        if entry.get("compare"):
            return {"grams": set().union(*map(bigrams, value.replace("-", " ").split(" "))) - fixed}
        first = set().union(*map(bigrams, names[0].split("-"))) | joints(names[0].split("-"))
        return {"first": first - fixed, "others": set().union(*map(bigrams, "-".join(names[1:]).split("-")))}
    between = joints(value.split(" ")) if kind == "name" else set()
    return {"grams": (set().union(*map(bigrams, value.split(" "))) | between) - fixed}


def joints(parts: list[str]) -> set[str]:
    """The letters that meet where parts of a name are written as one word."""
    parts = [part for part in parts if part]
    return {parts[place][-1] + parts[place + 1][0] for place in range(len(parts) - 1)}


def date_tokens(value: str, out: set[str]) -> dict[str, set[str]]:
    """Known parts, the day with its month, digits; nothing that the block value says, little of what is weak."""
    year, month, day = value[:4], value[4:6], value[6:8]
    found: dict[str, set[str]] = {"digits": set()}
    whole_year = "year" in out or {"decade", "unit"} <= out
    hidden = {"0", "1"} | {f"{place}" for place in (2, 3) if ("unit" if place == 3 else "decade") in out}
    said = {"year": whole_year, "month": bool(out & {"month", "day_month"}), "day": bool(out & {"day", "day_month"})}
    if int(month) and int(day) and not said["month"] and not said["day"]:
        found["day_month"] = {f"day_month={min(month, day)}{max(month, day)}"}
    said["day"] = said["day"] or value.endswith("?")
    said["month"] = said["month"] or value.endswith("0101?")
    for part, text, first in (("year", year, 0), ("month", month, 4), ("day", day, 6)):
        if int(text) and not said[part]:
            found[part] = {f"{part}={text}"}
            digits = {f"{first + place}": char for place, char in enumerate(text) if f"{first + place}" not in hidden}
            found["digits"] |= {f"{place}:{char}" for place, char in digits.items()}
    return found


def present(entry: Table, out: set[str]) -> dict[str, int]:
    """The groups that keep their bits when the parts in `out` make the block value."""
    if "value" in out:
        return {}
    gone = set(out)
    if entry["kind"] == "date" and out & {"day", "month", "day_month"}:
        gone.add("day_month")
    if entry["kind"] == "date" and "day_month" in out:
        gone |= {"day", "month"}
    if entry["kind"] == "date" and {"decade", "unit"} <= gone:
        gone.add("year")
    if entry["kind"] == "date" and {"year", "month", "day"} <= gone:
        gone.add("digits")
    return {group: share for group, share in groups(entry).items() if group not in gone}


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
    lacking = [
        *plan["blocks"],
        *plan["finer"][: plan.get("depth", 0)],
        *[f"{one}.value" for one in plan.get("without", ())],
    ]
    return {one.split(".")[1] for one in lacking if one.split(".")[0] == name}


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
        for group, share in present(entry, left_out(plan, name)).items()
    }
    budget = plan["length"] * 714 // 1000
    counts: dict[tuple[str, str], int] = {}
    for name, entry in attributes.items():
        value = known[name]
        for group, found in tokens(entry, value, left_out(plan, name)).items() if value else ():
            bits = budget * weights.get((name, group), 0) // sum(weights.values())
            for place, token in enumerate(sorted(found)):
                k = bits // len(found) + (1 if place < bits % len(found) else 0)
                key = class_name(name, entry), token
                counts[key] = max(counts.get(key, 0), k)
    return counts


def worth(sheet: Table, plan: Table, known: Mapping[str, str | None]) -> int:
    """How many insertions a record has: the bits of every group in which it has a token."""
    attributes = sheet["attributes"]
    shares = {name: present(entry, left_out(plan, name)) for name, entry in attributes.items()}
    weights = sum(entry["bits"] * share for name, entry in attributes.items() for share in shares[name].values())
    return sum(
        plan["length"] * 714 // 1000 * entry["bits"] * shares[name].get(group, 0) // weights
        for name, entry in attributes.items()
        for value in [known[name]]
        if value
        for group, found in tokens(entry, value, left_out(plan, name)).items()
        if found
    )


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
    stated = sheet.get("statistics", {})
    declared = stated.get(name if part == "value" else component)
    if declared is None and part in ("decade", "unit") and isinstance(stated.get(f"{name}.year"), dict):
        return folded_years(part, weights_of(sheet, f"{name}.year"))
    if isinstance(declared, int):
        return declared
    if declared is not None:
        bounds = set(declared) == {"from", "to"}
        return {str(year): 1 for year in range(declared["from"], declared["to"] + 1)} if bounds else dict(declared)
    kind = sheet["attributes"][name]["kind"]
    if kind == "date":
        return calendar(part)
    return {"M": 1, "F": 1} if kind == "sex" else dict(public_statistics()["letters"][kind][part]["shares"])


def calendar(part: str) -> dict[str, int]:
    """Years of the pyramid, or what four years hold of each day, month or day of the month."""
    if part in ("year", "decade", "unit"):
        years = {str(1920 + 10 * decade + year): PYRAMID[decade] for decade in range(11) for year in range(10)}
        return years if part == "year" else folded_years(part, years)
    days = [(month, day) for month in range(1, 13) for day in range(1, MONTHS[month - 1] + 1)]
    weights: dict[str, int] = {}
    for month, day in [*days[1:] * 4, (2, 29)]:  # 1 January stands for days that nobody knows
        key = {"month": f"{month:02}", "day": f"{day:02}", "day_month": f"{month:02}{day:02}"}[part]
        weights[key] = weights.get(key, 0) + 1
    return weights


def folded_years(part: str, years: Any) -> dict[str, int]:
    """Weights of decades, or of last digits of years."""
    weights: dict[str, int] = {}
    for year, weight in years.items():
        key = year[:3] if part == "decade" else year[3]
        weights[key] = weights.get(key, 0) + weight
    return weights


def shares_of(sheet: Table, component: str) -> list[tuple[str | None, int, int]]:
    """(value, share in parts per billion, number of such values); None names any of the equally frequent ones."""
    weights = weights_of(sheet, component)
    if isinstance(weights, int):
        return [(None, BILLION // weights, weights)]
    kind, part = sheet["attributes"][component.split(".", maxsplit=1)[0]]["kind"], component.split(".")[1]
    if kind in ("name", "given_names") and component not in sheet.get("statistics", {}):
        mass, count = public_statistics()["letters"][kind][part]["rest"]
        rest: list[tuple[str | None, int, int]] = [(None, 1000 * mass // count, count)] if count else []
        return [(value, 1000 * weight, 1) for value, weight in weights.items()] + rest
    total = sum(weights.values())
    return [(value, BILLION * weight // total, 1) for value, weight in weights.items()]


def share(sheet: Table, components: Sequence[str], parts: Sequence[str]) -> int:
    """Expected share of several values together."""
    result = BILLION
    for component, part in zip(components, parts, strict=True):
        some = shares_of(sheet, component)
        named = [s for value, s, _ in some if value == part]
        one = next(iter([*named, *(s for value, s, _ in some if value is None)]), 0)
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
        places = {"month": value[4:6], "day": value[6:8], "day_month": value[4:8]}
        if part in ("year", "decade", "unit"):
            text = {"year": value[:4], "decade": value[:3], "unit": value[3]}[part]
            return None if value[:4] == "0000" else text
        text = places[part]
        if value.endswith("?") and (part in ("day", "day_month") or (part == "month" and value[4:8] == "0101")):
            return None
        return None if "00" in (text[:2], text[2:]) else text
    if part == "value":
        return value
    size = {"initial": 1, "two": 2, "three": 3}[part]
    letters = head(kind, value)[:size]
    return letters if len(letters) == size else None


def numbered(parts: Sequence[str], buckets: int) -> bytes:
    """The bucket of pooled values."""
    digest = hashlib.sha256(frame("bucket", *parts)).digest()
    return (int.from_bytes(digest, "big") % buckets).to_bytes(8, "big")


def label(sheet: Table, plan: Table, known: Mapping[str, str | None]) -> bytes | None:
    """The name of the block of a record, or None when it falls out of the pass."""
    found = block(sheet, plan, known)
    return found and found[0]


def block(sheet: Table, plan: Table, known: Mapping[str, str | None]) -> tuple[bytes, int] | None:
    """The name of the block of a record and how many finer components it took."""
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
        return frame("bucket", numbered(base, plan["buckets"])), 0
    return split(sheet, plan, base, [(component, parts[component]) for component in plan["finer"]], expected)


def split(
    sheet: Table, plan: Table, texts: list[str], finer: list[tuple[str, str | None]], expected: int, depth: int = 0
) -> tuple[bytes, int] | None:
    """The block of a value that is not rare, one finer component after the other."""
    if expected <= plan["cap"] * 2 // 3 or not finer:
        return frame("split" if depth else "value", *texts), depth
    (component, text), *others = finer
    if text is None:
        return None
    smaller = expected * share(sheet, [component], [text]) // BILLION
    if smaller < plan["floor"]:
        number = numbered([text], pool(sheet, [component], expected, plan["floor"]))
        return frame("rest", *texts, number), depth + 1
    return split(sheet, plan, [*texts, text], others, smaller, depth + 1)


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


def complement(pass_key: bytes, name: bytes, length: int) -> set[int]:
    """The bits that are complemented in all diffused filters of a block."""
    secret = hmac.digest(expand(pass_key, "complement"), frame(LABEL + "diffusion", name), "sha256")
    stream = Cipher(AES(secret), CTR(bytes(16))).encryptor().update(bytes(length // 8))
    return {bit for bit in range(length) if stream[bit // 8] >> bit % 8 & 1}


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
    form = plan.get("form")
    if form and known[form]:
        first = sheet["attributes"][form]["second_form_of"]
        known = {**known, first: known[form], form: known[first]}
    found = block(sheet, plan, known)
    if found is None:
        return None
    name, depth = found
    bits = plain_filter(sheet, {**plan, "depth": depth}, known, pass_key)
    if 1000 * worth(sheet, {**plan, "depth": depth}, known) < 320 * (plan["length"] * 714 // 1000):
        return None
    if plan["degree"]:
        bits = diffused(bits, table(block_secret(pass_key, name), plan["length"], plan["degree"]))
        bits = set(bits) ^ complement(pass_key, name, plan["length"])
    return block_tag(pass_key, name), filter_bytes(bits, plan["length"])
