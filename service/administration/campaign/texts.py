"""The texts of a campaign: reviewed French templates, rendered in a sandbox, judged on what comes out.

A channel has one template (``service/gabarits/CHANNEL.txt``) and a step three reviewed phrases (``etapes.toml``): *objet* and
*bref*, which anybody may read, *phrase*, which only its reader sees. An administration may put its own in a folder
(``--templates``): they are judged in the same way; under ``langues/CODE`` it has translations (`translations`). Templates know
nothing but what `variables` names (a name that is not there is refused), run in Jinja's immutable sandbox (`templates`), and see
of a person only the columns that the démarche lists.

Every text that leaves is checked, not the template: mandatory mentions all there, nothing that it must not say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.administration.campaign.letterhead import Letterhead
from service.administration.campaign.mentions import Mentions, mentions_of, missing, short_mentions_of
from service.administration.campaign.templates import Phrases, own_text, read_steps, rendered, shipped
from service.administration.campaign.translations import Translation, read_translation
from service.administration.campaign.wording import SmsSize, check_links, check_private, check_public, plain, sms_size
from service.clauses import LINKS
from service.errors import ServiceError
from service.rule_sheet import Demarche

__all__ = ["LONGEST_SMS", "SHEETS", "WRITTEN", "Text", "Texts"]

LONGEST_SMS = 3  # segments
WRITTEN = (
    "sms",
    "application",
    "courriel",
    "courrier",
    "espace_usager",
    "appel_sortant",
)  # channels that have a template
SHEETS = ("fiche_agents", "fiche_partenaires")
_STATE = ".gouv.fr"
_PUBLIC = ("sms", "application")
_MOST_KEPT = 1000  # texts
_FRENCH = "fr"
_BETWEEN = "\n———\nEn français :\n\n"  # what a translation and its original are put apart by


@dataclass(frozen=True, kw_only=True)
class Text:
    """What a person gets.

    Attributes:
        subject: of an e-mail or a letter; empty for an SMS.
        body: the text.
        size: of an SMS; None elsewhere.
        language: in which it is written.
    """

    subject: str
    body: str
    size: SmsSize | None
    language: str = _FRENCH


@dataclass(frozen=True, kw_only=True)
class Texts:
    """The texts of one démarche, written by one administration.

    Attributes:
        demarche: what is proposed.
        head: who writes.
        folder: templates of the administration's own, or None.
    """

    demarche: Demarche
    head: Letterhead
    folder: Path | None = None
    _steps: dict[str, Phrases] = field(default_factory=dict, init=False)
    _translations: dict[str, Translation | None] = field(default_factory=dict, init=False)
    _made: dict[tuple[Any, ...], Text] = field(default_factory=dict, init=False)  # most people get the same words

    def __post_init__(self) -> None:
        """Refuse a letterhead whose page is not where the démarche lets its messages lead.

        Raises:
            ServiceError: `E_LIEN_INTERDIT`.
        """
        check_links(self.head.link, self.domains)

    @property
    def domains(self) -> tuple[str, ...]:
        """Where messages of this démarche may lead: under gouv.fr alone, where it says so."""
        message = self.demarche.message
        if message is None or message.link != LINKS[0]:
            return self.head.domains
        return tuple(one for one in self.head.domains if f".{one}".endswith(_STATE))

    def phrases(self, step: str) -> Phrases:
        """What a step says.

        Raises:
            ServiceError: `E_GABARIT`, no such step.
        """
        if not self._steps:
            self._steps.update(read_steps(shipped("etapes.toml")))
            own = self.folder / "etapes.toml" if self.folder else None
            if own is not None and own.exists():
                self._steps.update(read_steps(own_text(own)))
        if step not in self._steps:
            known = ", ".join(sorted(self._steps))
            sentence = (
                f"aucun gabarit ne s'appelle « {step} » ; employez : {known}, ou ajoutez-le à etapes.toml (--templates)"
            )
            raise ServiceError("E_GABARIT", sentence)
        return self._steps[step]

    def text(
        self,
        channel: str,
        step: str,
        *,
        award: bool = False,
        person: Mapping[str, str] | None = None,
        language: str = _FRENCH,
    ) -> Text:
        """The text of a step for a channel, checked; in French where there is no reviewed translation that fits.

        A written message in another language has the French one under it, which is the one that counts.

        Args:
            channel: one of `WRITTEN`.
            step: name of the step's phrases.
            award: whether the right is awarded unless refused.
            person: column → value, of the columns that the démarche lists.
            language: of the person.

        Raises:
            ServiceError: `E_GABARIT`, `E_MENTION_ABSENTE`, `E_MESSAGE_INTERDIT`, `E_LIEN_INTERDIT`, `E_SMS_TROP_LONG`.
        """
        key = (channel, step, award, language, *sorted((person or {}).items()))
        if key not in self._made:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            french = self._judged(channel, step, award=award, person=person or {})
            other = None if language == _FRENCH else self.translation(language)
            self._made[key] = (
                french if other is None else self._translated(french, other, (channel, step, award), person or {})
            )
        return self._made[key]

    def translation(self, language: str) -> Translation | None:
        """What the administration has of a language that the démarche foresees; None: nothing that somebody answers for.

        Raises:
            ServiceError: `E_GABARIT`.
        """
        message = self.demarche.message
        if self.folder is None or message is None or language not in message.languages:
            return None
        if language not in self._translations:
            place = self.folder / "langues" / language
            self._translations[language] = read_translation(place, language) if place.is_dir() else None
        found = self._translations[language]
        return found if found is not None and found.reviewed and language in message.translations else None

    def sheet(self, name: str) -> str:
        """A sheet of the kit, for agents or partners; one of `SHEETS`."""
        award = self.demarche.purpose == "attribution"
        mentions = self._mentions(award=award, short=False)
        return self._rendered(name, self.variables(mentions, self.phrases("premier"), award=award, public=False))

    def variables(self, mentions: Mentions, phrases: Phrases, *, award: bool, public: bool) -> dict[str, Any]:
        """What templates may use; a public text does not know the name of the right."""
        message, head = self.demarche.message, self.head
        values: dict[str, Any] = {
            "expediteur": head.sender, "court": head.short, "lien": head.link, "telephone": head.telephone,
            "adresse": "\n".join(head.address), "sans_numerique": head.desk, "etape": phrases, "mentions": mentions,
        }  # fmt: skip
        if not public:
            values["droit"] = self.demarche.title
            values["sujet"] = message.subject if message is not None else self.demarche.title
            values["refus_jours"] = self.demarche.action.refusal_days if award else None
            values["attribution"] = award
        return values

    def _judged(self, channel: str, step: str, *, award: bool, person: Mapping[str, str]) -> Text:
        public, phrases = channel in _PUBLIC, self.phrases(step)
        mentions = self._mentions(award=award, short=public)
        values = dict(person) | self.variables(mentions, phrases, award=award, public=public)
        return self._checked(channel, self._rendered(channel, values), phrases, mentions)

    def _translated(
        self, french: Text, other: Translation, about: tuple[str, str, bool], person: Mapping[str, str]
    ) -> Text:
        """The text in another language, and the French one under it; the French one alone where it has none that fits."""
        channel, step, award = about
        if channel not in other.templates or step not in other.steps:
            return french
        public, phrases, message = channel in _PUBLIC, other.steps[step], self.demarche.message
        subject = message.translations[other.language] if message is not None else ""
        mentions = other.mentions(self.demarche, self.head, subject, award=award, short=public)
        values = dict(person) | self.variables(mentions, phrases, award=award, public=public)
        values |= {} if public else {"sujet": subject, "droit": subject}
        body = rendered(f"langues/{other.language}/{channel}", other.templates[channel], values)
        if channel == "sms" and sms_size(" ".join(body.split())).segments > LONGEST_SMS:
            return french
        text = self._checked(channel, body, phrases, mentions)
        below = "" if public else _BETWEEN + french.body
        return Text(subject=text.subject, body=text.body + below, size=text.size, language=other.language)

    def _checked(self, channel: str, body: str, phrases: Phrases, mentions: Mentions) -> Text:
        message = self.demarche.message
        body = plain(" ".join(body.split())) if channel == "sms" else body
        subject = "" if channel == "sms" else phrases.objet
        names = (self.head.sender, self.head.short, mentions.source, plain(mentions.source))
        titles = (
            self.demarche.title,
            *((message.subject, *message.translations.values()) if message is not None else ()),
        )
        if channel in _PUBLIC:
            check_public(body, names=names, domains=self.domains)
        else:
            check_private(body, names=titles, domains=self.domains)
        check_public(subject, names=names, domains=self.domains)
        if gone := missing(body, self._plain(mentions) if channel == "sms" else mentions):
            raise _absent(channel, gone)
        return Text(subject=subject, body=body, size=self._size(channel, body))

    def _mentions(self, *, award: bool, short: bool) -> Mentions:
        if short:
            return short_mentions_of(self.demarche, self.head)
        return mentions_of(self.demarche, self.head, award=award)

    def _rendered(self, name: str, values: Mapping[str, Any]) -> str:
        own = self.folder / f"{name}.txt" if self.folder else None
        return rendered(name, own_text(own) if own is not None and own.exists() else shipped(f"{name}.txt"), values)

    def _size(self, channel: str, body: str) -> SmsSize | None:
        if channel != "sms":
            return None
        size = sms_size(body)
        if size.segments > LONGEST_SMS:
            sentence = f"le SMS prend {size.segments} segments et {LONGEST_SMS} au plus sont permis ; raccourcissez-le"
            raise ServiceError("E_SMS_TROP_LONG", sentence)
        return size

    @staticmethod
    def _plain(mentions: Mentions) -> Mentions:
        return Mentions(**{name: plain(str(value)) for name, value in vars(mentions).items()})


def _absent(channel: str, gone: list[str]) -> ServiceError:
    sentence = (
        f"{channel} : il manque au message {', '.join(gone)} ; remettez {{{{ mentions.{gone[0]} }}}} dans le gabarit"
    )
    return ServiceError("E_MENTION_ABSENTE", sentence)
