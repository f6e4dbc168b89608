"""French-looking names, put together from syllables: start, vowel, consonants, ending.

The weights (per thousand, rounded) follow how often the letters of French surnames meet: initials B, L, C, D, M, G, P, R
frequent; W, Z, U, Y, K, X rare. Names come in the order of their first draw, so the likely, short ones come first, as in
the real tables. Two names never differ by accents, capitals, hyphens or spaces alone. Every letter exists in
Windows-1252, which many administrations still write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from unicodedata import combining, normalize

import numpy as np

from linkage.synthetic.frequencies import Frequencies, Texts, chance, texts, weighted

__all__ = ["invent_first_names", "invent_surnames", "without_accents"]

_BATCH = 1.5  # candidates drawn per name still wanted
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "\u2019": "'"})
_SEPARATORS = str.maketrans("", "", " -'")
_SOFT_CEDILLA = re.compile("ç(?=[eiyéèêœ])")
_CLOSED_ACCENT = re.compile(r"[éèêôâ](?=(.)\1|[rnml][bcdfgmnpqtvsl]|s[tp]|c?qu)")

_STARTS = weighted(
    "b:108 l:101 m:91 d:86 g:54 p:59 c:57 r:57 s:34 v:33 h:31 f:30 ch:26 j:21 t:20 br:16 n:14 gr:11 th:8 k:9 w:7 gu:10"
    " fr:7 bl:6 pr:6 tr:6 cl:5 cr:4 qu:3 z:3 fl:3 pl:3 dr:3 st:3 sch:3 ph:1 gl:1 kr:1 x:1"
    " a:26 au:6 e:5 é:3 es:3 o:6 ou:1 i:3 u:1 y:1 hé:1"
)
_VOWELS = weighted(
    "a:205 e:175 o:115 i:80 ou:43 u:35 é:30 au:30 ai:16 oi:11 eu:7 ui:6 y:10 è:6 ei:5 eau:4 ie:8 œu:1 aï:1 ô:3 ê:3 â:2"
)
_MIDDLES = weighted(
    "r:97 n:67 l:60 ll:55 m:42 v:38 b:34 d:33 ss:32 g:26 t:29 ch:25 c:19 rr:21 s:16 nn:16 p:14 z:10 rt:14 rn:14 tt:13"
    " nt:13 gn:12 rd:12 st:10 nd:10 rg:8 f:8 ng:8 qu:7 nc:7 mb:6 rb:6 rm:6 br:6 rl:6 rc:5 tr:5 th:4 vr:4 ff:4 j:4 nch:4"
    " ndr:4 rv:3 cqu:3 gr:3 dr:3 mm:3 rch:3 lv:3 lm:3 lb:3 ns:3 cl:2 rs:2 bl:2 pp:2 mp:2 lh:2 cr:2 k:2 gu:4 ç:2"
)
_ENDINGS = weighted(
    "ier:48 ard:34 eau:25 aud:15 elle:9 ert:13 et:62 and:11 in:57 oux:8 ère:7 on:49 ois:8 ault:7 er:28 aux:7 ette:6"
    " ine:6 ain:6 esse:3 ot:27 ent:6 ant:5 eux:5 art:5 el:22 ont:4 ire:4 enne:4 eur:4 uin:3 ais:4 i:17 oy:4 as:12 our:3"
    " ien:3 é:6 ieu:3 iot:3 at:9 al:8 ure:2 aut:2 ry:3 es:12 e:50 an:12 ez:11 ec:4 ac:4 ay:6 ey:4 ou:8 a:16 o:14 u:4 y:9"
    " it:4 il:4 us:3 ive:2 oz:2 ourt:2 ière:4 aine:3 euil:1 evin:2 ouin:2 onnet:2 iaux:1 icq:2 erie:1 ange:2 aume:1"
)
_SURNAME_SYLLABLES = weighted("1:90 2:640 3:270")  # between the start and the end: 1 = start and ending only

_MEN_ENDINGS = weighted(
    "ien:60 ic:30 éric:12 in:75 el:55 aud:20 aubert:9 ibert:10 and:35 is:40 ent:25 ois:20 an:40 o:35 as:40 ert:20 ald:8"
    " imond:8 é:35 émy:8 aël:18 oël:4 on:45 ain:30 ard:30 e:60 ès:3 y:28 us:8 i:10 ique:8 ôme:4 eph:6 ançois:6 édric:5"
)
_WOMEN_ENDINGS = weighted(
    "ine:95 elle:55 ette:50 ie:90 a:95 ance:18 ise:50 ane:25 ène:22 aude:12 ée:16 ia:40 ique:22 yne:10 ence:16 aëlle:8"
    " oïse:4 anne:30 ille:18 e:60 y:20 is:8 ina:25 ile:8 ale:10 ore:10 aure:8 èle:8 ona:8 iane:18 ançoise:5 aïs:8"
)
_FIRST_NAME_SYLLABLES = weighted("1:240 2:610 3:150")

_NA_RANK = 400  # where the surname NA stands: rare enough, yet met in any file of ten thousand
_PREFIXES = ((0.015, "Le ", "L'"), (0.004, "de ", "d'"), (0.0012, "de la ", "de l'"), (0.001, "Saint-", "Saint-"))
_DOUBLE = 0.004


def without_accents(text: str) -> str:
    """The text without accents, ligatures spelled out; capitals and punctuation stay."""
    if text.isascii():
        return text
    decomposed = normalize("NFD", text.translate(_LIGATURES))
    return "".join(letter for letter in decomposed if not combining(letter))


def invent_surnames(rng: np.random.Generator, count: int) -> list[str]:
    """`count` distinct surnames, likely ones first; `NA` is one of them when there is room.

    Among them a few particles (de, de la, d', le), double and very short names.
    """

    def batch(size: int) -> list[str]:
        return _with_prefixes(rng, _words(rng, size, _SURNAME_SYLLABLES, _ENDINGS))

    # In capitals: readers that take the two letters for a missing value must meet them as a register prints them.
    names = _distinct(batch, count, reserved=("NA",))
    names.insert(min(_NA_RANK, len(names)), "NA")
    return names[:count]


def invent_first_names(rng: np.random.Generator, count: int, *, women: bool) -> list[str]:
    """`count` distinct simple first names of men or women, likely ones first."""
    endings = _WOMEN_ENDINGS if women else _MEN_ENDINGS
    return _distinct(lambda size: _words(rng, size, _FIRST_NAME_SYLLABLES, endings).tolist(), count)


def _distinct(batch: Callable[[int], list[str]], count: int, reserved: tuple[str, ...] = ()) -> list[str]:
    """The first `count` names of the batches that differ by more than accents, capitals and punctuation."""
    seen = {name.lower() for name in reserved}
    names: list[str] = []
    while len(names) < count:
        for name in batch(int(_BATCH * (count - len(names))) + 16):
            key = without_accents(name).lower().translate(_SEPARATORS)
            if key not in seen and len(key) > 1:
                seen.add(key)
                names.append(name)
    return names[:count]


def _words(rng: np.random.Generator, size: int, syllables: Frequencies, endings: Frequencies) -> Texts:
    """(size,) capitalised words: start, then syllables of vowel and consonants, then the ending.

    A start that ends in a vowel takes its consonants at once.
    """
    lengths = syllables.draw(rng, size).astype(np.int64)
    words = _STARTS.draw(rng, size)
    vocalic = np.array([word[-1] in "aeiouyé" and word not in ("gu", "qu") for word in words], dtype=bool)
    words = np.where(
        lengths == 1,
        np.where(vocalic, words + "l", words),
        words + np.where(vocalic, "", _VOWELS.draw(rng, size)),
    )
    words = np.where(lengths >= 2, words + _MIDDLES.draw(rng, size), words)
    words = np.where(lengths == 3, words + _VOWELS.draw(rng, size) + _MIDDLES.draw(rng, size), words)
    return texts(_spelled(word) for word in words + endings.draw(rng, size))


def _spelled(word: str) -> str:
    """The word with a capital and without what French spelling never has."""
    if not word.isascii():
        word = _SOFT_CEDILLA.sub("c", word)
        word = _CLOSED_ACCENT.sub(lambda found: without_accents(found[0]), word)
    return word[0].upper() + word[1:].replace("uu", "u")


def _with_prefixes(rng: np.random.Generator, plain: Texts) -> list[str]:
    """Some names with a particle, some double."""
    names: list[str] = plain.tolist()
    others = names[1:] + names[:1]
    for rate, whole, elided in _PREFIXES:
        for place in np.flatnonzero(chance(rng, rate, len(names))).tolist():
            name = names[place]
            if name.isalpha():
                names[place] = (elided if without_accents(name)[0] in "AEIOUY" else whole) + name
    for place in np.flatnonzero(chance(rng, _DOUBLE, len(names))).tolist():
        if names[place].isalpha() and others[place].isalpha():
            names[place] = f"{names[place]}-{others[place]}"
    return names
