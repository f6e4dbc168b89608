"""The results of a démarche against the truth, against what is done today, and against their floors.

Today's way is what public code of campaigns does: whole nominative files, joined on surname, first first name and date in
capitals without accents. The identities that it discloses are everybody in the files handed over, all but the recipient's.

A floor allows for the sample: recall may lie under it by three standard errors of its own size; a loss, or wrong awards, by two
people.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from benchmarks.demarche_files import Part, eligible
from linkage.cells import fold
from linkage.rules import parse_rule
from service.rule_sheet import Demarche

__all__ = ["Found", "Line", "line_of", "told"]

Found = dict[tuple[str, str], dict[str, str]]  # (output, recipient) → identifier → use
_AWARD_PRECISION = 0.99
_RECALL = {"certifie": 0.97, "verifie_agent": 0.93, "declaratif": 0.93}
_LOST = 0.002


@dataclass(frozen=True, kw_only=True)
class Line:
    """What became of one output for one recipient.

    Attributes:
        demarche, output, recipient, rule, use: which.
        parties: operand → people who took part, as encoded.
        eligible: whom the rule ought to give.
        hits: whom it gave; right: those of them who are eligible.
        awards: hits certain enough for an award; awards_right: those of them who are eligible.
        lost: eligible people who were not found; useless: hits who are not eligible.
        hidden: eligible people of an anti-join whom a false link hid.
        messages: channel → messages that a campaign would send that day.
        today_right: eligible people whom an exact join of names and date finds; today_hits: all that it gives.
        disclosed: identities that today's way hands over; disclosed_here: those of hits that a holder tells on.
        seconds: of the whole démarche.
        floor: French sentence for a floor that is missed, or nothing.
    """

    demarche: str
    output: str
    recipient: str
    rule: str
    use: str
    parties: dict[str, int]
    eligible: int
    hits: int
    right: int
    awards: int
    awards_right: int
    lost: int
    useless: int
    messages: dict[str, int]
    today_right: int
    today_hits: int
    disclosed: int
    seconds: float
    floor: str

    @property
    def precision(self) -> float:
        """Of the hits."""
        return self.right / self.hits if self.hits else 1.0

    @property
    def recall(self) -> float:
        """Of the eligible."""
        return self.right / self.eligible if self.eligible else 1.0


def line_of(
    demarche: Demarche,
    parts: dict[str, Part],
    which: tuple[str, str],
    found: Found,
    seconds: float,
    messages: dict[str, int],
) -> Line:
    """What became of one output for one recipient.

    Args:
        demarche: the sheet.
        parts: its files and the truth.
        which: output and recipient.
        found: hits of all outputs.
        seconds: that the démarche took.
        messages: of a campaign about these hits, by channel.
    """
    output = next(one for one in demarche.outputs if one.name == which[0])
    part = parts[which[1]]
    ought, _ = eligible(demarche, parts, *which)
    entity = dict(zip(part.ids, part.entity, strict=True))
    hits = found.get(which, {})
    given = _entities(demarche, part, set(hits), output.expression, entity)
    awards = _entities(
        demarche, part, {one for one, use in hits.items() if use == "attribution"}, output.expression, entity
    )
    today = _exact_join(demarche, parts, which, entity)
    line = Line(
        demarche=demarche.id,
        output=output.name,
        recipient=which[1],
        rule=output.expression,
        use=output.use,
        parties={name: int(one.taken.sum()) for name, one in parts.items()},
        eligible=len(ought),
        hits=len(given),
        right=len(given & ought),
        awards=len(awards),
        awards_right=len(awards & ought),
        lost=len(ought - given),
        useless=len(given - ought),
        messages=messages,
        today_right=len(today & ought),
        today_hits=len(today),
        disclosed=0 if demarche.local else sum(int(one.taken.sum()) for name, one in parts.items() if name != which[1]),
        seconds=round(seconds, 1),
        floor="",
    )
    return Line(**{**asdict(line), "floor": _floor(line, parts)})


def _entities(demarche: Demarche, part: Part, ids: set[str], expression: str, entity: dict[str, int]) -> set[int]:
    """Who is meant by rows: a household is found by any of its members, and missed only where all are."""
    named = {entity[one] for one in ids if one in entity}
    rule = parse_rule(expression)
    if demarche.identity_terms.entity != "foyer" or not (rule.subtracted | rule.deduped):
        return named
    others = {entity[one] for one, taken in zip(part.ids, part.taken.tolist(), strict=True) if taken and one not in ids}
    return named - others


def _exact_join(demarche: Demarche, parts: dict[str, Part], which: tuple[str, str], entity: dict[str, int]) -> set[int]:
    """What an exact join on name, first name and date in capitals gives: the rule over equal keys."""
    keys = {name: _keys(part) for name, part in parts.items()}
    own = keys[which[1]]
    plain = {name: _as_keys(part, keys[name]) for name, part in parts.items()}
    found, _ = eligible(demarche, plain, *which)
    return {entity[one] for one, key in own.items() if _number(key) in found}


def _as_keys(part: Part, keys: dict[str, str]) -> Part:
    """The file with people named by what an exact join would compare."""
    entity = tuple(_number(keys.get(one, "")) for one in part.ids)
    blind = {key: part.blind[one] for key, one in zip(entity, part.entity, strict=True) if one in part.blind}
    return replace(part, entity=entity, blind=blind)


def _keys(part: Part) -> dict[str, str]:
    columns = part.identity
    rows = zip(
        part.ids, columns["nom_naissance"], columns["prenoms"], columns["date_naissance"], part.taken, strict=True
    )
    return {one: f"{fold(name)}|{fold(first.split(' ')[0])}|{day}" for one, name, first, day, taken in rows if taken}


def _number(key: str) -> int:
    return hash(key)


def _floor(line: Line, parts: dict[str, Part]) -> str:
    """The floor that a line misses, in words, or nothing."""
    rule = parse_rule(line.rule)
    worst = min(_RECALL[part.profile] for name, part in parts.items() if name in rule.operands)
    slack = 3 * (max(line.eligible, 1) * (1 - worst)) ** 0.5 / max(line.eligible, 1)
    if line.awards_right < _AWARD_PRECISION * line.awards - 2:
        return f"precision of awards {line.awards_right / line.awards:.4f} < {_AWARD_PRECISION}"
    if rule.subtracted and line.lost > max(_LOST * line.eligible, 2):
        return f"lost {line.lost} of {line.eligible}"
    if not rule.subtracted and line.recall < worst - slack:
        return f"recall {line.recall:.4f} < {worst}"
    return ""


def told(line: Line) -> str:
    """One line for people."""
    sizes = ", ".join(f"{name} {count}" for name, count in line.parties.items())
    text = (
        f"{line.demarche}/{line.output}→{line.recipient} [{line.rule}] {sizes}; eligible {line.eligible}, hits {line.hits}, "
        f"precision {line.precision:.4f}, recall {line.recall:.4f}, lost {line.lost}, useless {line.useless}"
    )
    if line.use == "attribution":
        text += f", awards {line.awards} ({line.awards_right} right)"
    if line.messages:
        text += "; messages " + ", ".join(f"{channel} {count}" for channel, count in line.messages.items())
    text += f"; today {line.today_right} right of {line.today_hits}; {line.seconds:.0f} s"
    return f"{text}; FLOOR MISSED: {line.floor}" if line.floor else text
