"""The results of a démarche against the truth, against what is done today, and against their floors.

Whoever is eligible and is not found is *lost*; of these, whom the party's own selection leaves out because its file is no longer
true (an address of before a removal) are *unselected*: no comparison could find them, today's way neither. A link that the rule
asks for and that is not found is *missed*; the others are *hidden* by a link to somebody else.

Today's way is what public code of campaigns does: whole nominative files, joined on surname, first first name and date in
capitals without accents. The identities that it discloses are everybody in the files handed over, all but the recipient's.

Floors: precision of automatic awards at least .99; where links are asked for, recall at least .97 between files of certified
identities and .93 where one is declared or seen by an agent; where somebody is subtracted, at most 0.2 % of the eligible hidden.
They allow for the sample: recall may lie under its floor by three standard errors of its own size; hidden people, or wrong
awards, by two people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from linkage.cells import fold
from linkage.formula import Formula, formula_of
from linkage.rules import parse_rule
from service.demonstration.reasons import Bench, tally
from service.demonstration.town_files import Part
from service.demonstration.truth import eligible
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
        parties: operand → people who took part, as their files say.
        eligible: whom the rule ought to give.
        hits: whom it gave; right: those of them who are eligible.
        awards: hits certain enough for an award; awards_right: those of them who are eligible.
        lost: eligible people who were not found; useless: hits who are not eligible.
        unselected: of the lost, whom the recipient's own selection left out.
        missed: of the lost, of whom a link was not found that the rule asks for; 0 where nobody looked.
        messages: channel → messages that a campaign would send that day.
        today_right: eligible people whom an exact join of names and date finds; today_hits: all that it gives.
        disclosed: identities that today's way hands over.
        seconds: of the whole démarche.
        floor: French sentence for a floor that is missed, or nothing.
        why_lost, why_useless: reason → people, where it was asked for.
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
    unselected: int
    missed: int = 0
    messages: dict[str, int]
    today_right: int
    today_hits: int
    disclosed: int
    seconds: float
    floor: str = ""
    why_lost: dict[str, int] = field(default_factory=dict)
    why_useless: dict[str, int] = field(default_factory=dict)

    @property
    def hidden(self) -> int:
        """Of the lost, those whom a link to somebody else took away, as far as anybody looked."""
        return self.lost - self.unselected - self.missed

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
    told_by: tuple[float, Mapping[str, int]],
    bench: Bench,
    *,
    explain: bool,
) -> Line:
    """What became of one output for one recipient.

    Args:
        demarche: the sheet.
        parts: its files and the truth.
        which: output and recipient.
        found: hits of all outputs.
        told_by: seconds that the démarche took; messages of a campaign about these hits, by channel.
        bench: where reasons are looked up.
        explain: whether to look for the reasons of all; else only where a floor hangs on them.
    """
    output = next(one for one in demarche.outputs if one.name == which[0])
    part, formula = parts[which[1]], _formula(demarche, parts, which)
    ought, _ = eligible(demarche, parts, *which)
    entity = dict(zip(part.ids, part.entity, strict=True))
    hits = found.get(which, {})
    given = _entities(demarche, part, set(hits), formula)
    awards = _entities(demarche, part, {one for one, use in hits.items() if use == "attribution"}, formula)
    today = _exact_join(demarche, parts, which, entity)
    there = {one for one, selected in zip(part.entity, part.selected.tolist(), strict=True) if selected}
    sizes = {name: int(one.selected.sum()) for name, one in parts.items()}
    line = Line(
        demarche=demarche.id, output=output.name, recipient=which[1], rule=output.expression, use=output.use, parties=sizes,
        eligible=len(ought), hits=len(given), right=len(given & ought), awards=len(awards), awards_right=len(awards & ought),
        lost=len(ought - given), useless=len(given - ought), unselected=len(ought - there), messages=dict(told_by[1]),
        today_right=len(today & ought), today_hits=len(today), seconds=round(told_by[0], 1),
        disclosed=0 if demarche.local else sum(count for name, count in sizes.items() if name != which[1]),
    )  # fmt: skip
    if not demarche.local and (explain or _floor(line, parts, formula)):
        lost = bench.lost(which, ought - given)
        missed = sum(one.kind in ("lien_manque", "selection_autre") for one in lost.values())
        line = replace(line, missed=missed, why_lost=tally(lost.values()))
        if explain:
            line = replace(line, why_useless=tally(bench.useless(which, given - ought).values()))
    return replace(line, floor=_floor(line, parts, formula))


def _formula(demarche: Demarche, parts: dict[str, Part], which: tuple[str, str]) -> Formula:
    rule = next(parse_rule(one.expression) for one in demarche.outputs if one.name == which[0])
    return formula_of(rule, which[1], {name: (name,) for name in parts if name != which[1]})


def _entities(demarche: Demarche, part: Part, ids: set[str], formula: Formula) -> set[int]:
    """Who is meant by rows, as the tool resolves it.

    A household is found by any of its members; where the rule only excludes, it is left out as soon as one of its members is.
    """
    entity = dict(zip(part.ids, part.entity, strict=True))
    named = {entity[one] for one in ids if one in entity}
    if demarche.identity_terms.entity != "foyer" or formula.requires or not formula.excludes:
        return named
    sent = zip(part.ids, part.entity, part.selected.tolist(), strict=True)
    return named - {one for name, one, selected in sent if selected and name not in ids}


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
    return replace(part, entity=entity, blind=blind, taken=part.selected)


def _keys(part: Part) -> dict[str, str]:
    columns = part.identity
    named = zip(columns["nom_naissance"], columns["prenoms"], columns["date_naissance"], strict=True)
    rows = zip(part.ids, named, part.selected.tolist(), strict=True)
    return {
        one: f"{fold(name)}|{fold(first.split(' ')[0])}|{day}" for one, (name, first, day), selected in rows if selected
    }


def _number(key: str) -> int:
    return hash(key)


def _floor(line: Line, parts: dict[str, Part], formula: Formula) -> str:
    """The floor that a line misses, in words, or nothing."""
    rule = parse_rule(line.rule)
    worst = min(_RECALL[part.profile] for name, part in parts.items() if name in rule.operands)
    slack = 3 * (max(line.eligible, 1) * (1 - worst)) ** 0.5 / max(line.eligible, 1)
    if line.awards_right < _AWARD_PRECISION * line.awards - 2:
        return f"précision des attributions {line.awards_right / line.awards:.4f} < {_AWARD_PRECISION}"
    if formula.excludes and line.hidden > max(_LOST * line.eligible, 2):
        return f"{line.hidden} personnes éligibles sur {line.eligible} cachées par un faux lien"
    if (formula.requires or not formula.excludes) and line.recall < worst - slack:
        return f"rappel {line.recall:.4f} < {worst}"
    return ""


def told(line: Line) -> str:
    """One line for people."""
    sizes = ", ".join(f"{name} {count}" for name, count in line.parties.items())
    text = (
        f"{line.demarche} / {line.output} → {line.recipient} [{line.rule}] : {sizes} ; éligibles {line.eligible}, "
        f"résultats {line.hits}, précision {line.precision:.4f}, rappel {line.recall:.4f}, perdues {line.lost}"
    )
    if line.unselected:
        text += f" (dont {line.unselected} que le fichier ne sélectionne pas)"
    text += f", inutiles {line.useless}"
    if line.use == "attribution":
        text += f", attributions {line.awards} ({line.awards - line.awards_right} à tort)"
    if line.messages:
        text += " ; messages : " + ", ".join(f"{channel} {count}" for channel, count in line.messages.items())
    text += f" ; jointure exacte : {line.today_right} à raison sur {line.today_hits} ; {line.seconds:.0f} s"
    for title, reasons in (("perdue", line.why_lost), ("inutile", line.why_useless)):
        text += "".join(f"\n    {count} {title}(s) : {reason}" for reason, count in reasons.items())
    return f"{text}\n    PLANCHER MANQUÉ : {line.floor}" if line.floor else text
