"""Why a success broke: what changed between the two snapshots, found out by looking and by trying.

Looking: is the article still there, in its language, for everybody, with its words? Trying: would it be found with the
rules or synonyms of before, or without the articles that are new? What nothing of this explains is the ranking's, or
the new model's, doing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from indexer.replay.compare import LISTED, Compared, Pair, Shown, helps
from kbsearch.editing import Editing
from kbsearch.embed.protocol import Embedder
from kbsearch.engine import Engine
from kbsearch.manifest import CALIBRATION
from kbsearch.snapshot import Snapshot
from kbsearch.text.synonyms import Thesaurus
from kbsearch.text.words import surfaces
from kbsearch.types import MAX_LIMIT, Action, Hit


@dataclass(frozen=True, slots=True)
class Cause:
    """One change that broke successes."""

    kind: str
    """deleted, language, translation, hidden, retagged, rule, synonym, title, text, calibration, decision, newcomer,
    rewritten, model or ranking."""
    subject: str
    """What changed: an article, a language, a rule, a model …"""
    sentence: str


class Causes:
    """Finds causes for one pair of snapshots."""

    def __init__(self, pair: Pair, before: Snapshot, after: Snapshot, embedder: Embedder) -> None:
        """`embedder`: that of the candidate."""
        self._pair = pair
        self._before = before
        self._after = after
        old, new = before.editing, after.editing
        # The candidate with one thing as it was before: where that repairs a success, it is the cause.
        self._with_old_rules = (
            _engine(after, replace(new, rules=old.rules), embedder) if old.rules != new.rules else None
        )
        self._with_old_words = (
            _engine(after, replace(new, synonyms=old.synonyms, protected=old.protected), embedder)
            if (old.synonyms, old.protected) != (new.synonyms, new.protected)
            else None
        )
        self._losses: dict[str, tuple[Cause, ...]] = {}  # by language

    def of(self, compared: Compared) -> Cause:
        """The likeliest cause of a broken success."""
        return next(self._found(compared))

    def place_of(self, compared: Compared) -> int | None:
        """Where the article stands in the candidate, counted from 1, as far as anybody can page; None beyond that."""
        names = self._pair.names_of(compared.success)
        hits = self._pair.after.search(self._pair.request(compared.success, MAX_LIMIT)).hits
        return next((hit.position for hit in hits if helps(compared.success, hit, names)), None)

    def _found(self, compared: Compared) -> Iterator[Cause]:
        if compared.before.shown is None:
            yield Cause("decision", "unanswerable", "A question that nothing answers would be answered.")
            return
        document = self._before.number_of(compared.before.shown.id)
        if document is not None:
            yield from self._of_article(compared, self._before.record(document))
        yield from self._of_editing(compared)
        if document is not None:
            yield from self._of_text(document)
        if compared.after.level >= LISTED:
            yield self._of_decision(compared)
        yield from self._of_rivals(compared)
        yield self._model_or(Cause("ranking", "", "Other articles are ranked before it now."))

    def _of_article(self, compared: Compared, old: Mapping[str, object]) -> Iterator[Cause]:
        """Gone, in another language, or not for everybody any more."""
        name, lang, group = str(old["id"]), str(old["lang"]), str(old["group"])
        number = self._after.number_of(name)
        record = None if number is None else self._after.record(number)
        if record is None or record["lang"] != lang:
            yield from self._loss_of(lang)
        if record is None:
            other = compared.after.shown
            if other or group in self._groups_after:
                shown = f"; it is shown in {other.lang}" if other else ""
                yield Cause("translation", name, f"“{old['title']}” ({name}) is gone in {lang}{shown}.")
            else:
                yield self._deleted(old)
            return
        if compared.success.public and "public" not in record["audience"]:
            now = ", ".join(record["audience"])
            yield Cause("hidden", name, f"“{old['title']}” ({name}) is only for {now} now, not for the public.")
        if record["lang"] != lang:
            yield Cause("retagged", name, f"“{old['title']}” ({name}) is marked {record['lang']} now, not {lang}.")

    def _deleted(self, old: Mapping[str, object]) -> Cause:
        """One cause for all languages of an article."""
        number = self._before.number_of(str(old["id"])) or 0
        several = len(self._before.group_members(int(self._before.document_group[number]))) > 1
        everywhere = ", in every language" if several else ""
        return Cause("deleted", str(old["group"]), f"“{old['title']}” ({old['id']}) is gone{everywhere}.")

    @cached_property
    def _groups_after(self) -> frozenset[str]:
        return frozenset(str(self._after.record(number)["group"]) for number in range(self._after.document_count))

    def _loss_of(self, lang: str) -> tuple[Cause, ...]:
        if lang not in self._losses:
            self._losses[lang] = self._language_loss(lang)
        return self._losses[lang]

    def _language_loss(self, lang: str) -> tuple[Cause, ...]:
        """Where most of a language is gone or marked as another: that is the one thing to say."""
        numbers = self._before.documents_with("lang", [lang]).nonzero()[0].tolist()
        found = [self._after.number_of(str(self._before.record(number)["id"])) for number in numbers]
        now = [None if number is None else str(self._after.record(number)["lang"]) for number in found]
        gone = now.count(None)
        marked = [other for other in now if other not in (None, lang)]
        if 2 * (gone + len(marked)) <= len(numbers):
            return ()
        said = [f"{gone} are gone"] if gone else []
        said += [f"{marked.count(other)} are marked {other} now" for other in sorted({*map(str, marked)})]
        return (Cause("language", lang, f"Of {len(numbers)} articles in {lang}, {' and '.join(said)}."),)

    def _of_editing(self, compared: Compared) -> Iterator[Cause]:
        """The editor's rules and synonyms: would it be found with those of before?"""
        if self._with_old_rules and self._holds(compared, self._with_old_rules):
            changed = set(self._after.editing.rules) ^ set(self._before.editing.rules)
            query = [word.casefold() for word in surfaces(compared.success.query)]
            met = [rule for rule in changed if set(map(str.casefold, surfaces(rule.query))) <= set(query)]
            rule = min(met or changed, key=lambda rule: (rule.query, rule.target))
            new = rule in self._after.editing.rules
            what = f"{rule.action}s {rule.target} for “{rule.query}”"
            sentence = f"A new rule {what}." if new else f"The rule that {what} is gone."
            yield Cause("rule", f"{rule.action} {rule.target} {rule.query}", sentence)
        if self._with_old_words and self._holds(compared, self._with_old_words):
            yield self._synonym(compared)

    def _synonym(self, compared: Compared) -> Cause:
        new, old = self._after.editing.synonyms, self._before.editing.synonyms
        words = surfaces(compared.success.query)
        for changed, said in ((set(new) - set(old), "now also finds"), (set(old) - set(new), "does not find any more")):
            for synonym in sorted(changed, key=lambda synonym: (synonym.typed, synonym.found)):
                langs = [synonym.lang] if synonym.lang else list(self._after.languages)
                if Thesaurus([synonym], langs).expand(words, langs):
                    typed, found = "; ".join(synonym.typed), "; ".join(synonym.found)
                    return Cause("synonym", f"{typed} => {found}", f"Typing “{typed}” {said} “{found}”.")
        return Cause("synonym", "", "The synonyms or protected words changed.")

    def _holds(self, compared: Compared, engine: Engine) -> bool:
        """Whether the success stands as before on another engine."""
        trial = Pair(self._pair.before, engine, self._pair.first)
        return not trial.compare([compared.success])[0].broken

    def _of_text(self, document: int) -> Iterator[Cause]:
        """The article itself was written anew."""
        old = self._before.stored(document)
        number = self._after.number_of(old.id)
        if number is None:
            return
        new = self._after.stored(number)
        if new.title != old.title:
            yield Cause("title", old.id, f"“{old.title}” ({old.id}) is called “{new.title}” now.")
        elif new.text != old.text:
            words = f"{len(old.text.split())} words before, {len(new.text.split())} now"
            yield Cause("text", old.id, f"The text of “{old.title}” ({old.id}) changed ({words}).")

    def _of_decision(self, compared: Compared) -> Cause:
        """Still found, but no longer given as the answer."""
        had, has = (CALIBRATION in snapshot.manifest["files"] for snapshot in (self._before, self._after))
        if had and not has:
            again = f"kbsearch calibrate --index {self._after.directory.parent} --queries FILE.jsonl"
            return Cause("calibration", "", f"The candidate is not calibrated, so it answers less; run: {again}")
        replaced = compared.replaced_by
        if replaced:
            return self._model_or(Cause("decision", replaced.id, f"{_named(replaced)} is the first result now."))
        how = "lists it among others" if compared.after.action is Action.LIST else "hands over to a human"
        return self._model_or(Cause("decision", "less sure", f"The candidate is less sure: it {how}."))

    def _of_rivals(self, compared: Compared) -> Iterator[Cause]:
        """Would it be found without the articles that are new or were rewritten?"""
        in_front = self._in_front(compared)
        new = [hit for hit in in_front if self._before.number_of(hit.id) is None]
        if new and len(in_front) - len(new) < self._pair.first:
            yield Cause("newcomer", new[0].id, f"The new article {_named(new[0])} stands in front.")
        changed = [hit for hit in in_front if self._rewritten(hit)]
        if changed and len(in_front) - len(changed) < self._pair.first:
            yield Cause("rewritten", changed[0].id, f"{_named(changed[0])} was rewritten and stands in front.")

    def _model_or(self, cause: Cause) -> Cause:
        old, new = self._before.model, self._after.model
        if old == new:
            return cause
        named = f"{old.name} → {new.name}" if old.name != new.name else f"other files of {new.name}"
        return Cause("model", named, f"The model changed ({named}), and it ranks them otherwise.")

    def _in_front(self, compared: Compared) -> list[Hit]:
        """What the candidate shows before the article, as far as anybody can page."""
        place = self.place_of(compared)
        hits = self._pair.after.search(self._pair.request(compared.success, MAX_LIMIT)).hits
        return list(hits if place is None else hits[: place - 1])

    def _rewritten(self, hit: Hit) -> bool:
        old, new = self._before.number_of(hit.id), self._after.number_of(hit.id)
        if old is None or new is None:
            return False
        one, other = self._before.stored(old), self._after.stored(new)
        return (one.title, one.text) != (other.title, other.text)


def _engine(snapshot: Snapshot, editing: Editing, embedder: Embedder) -> Engine:
    """The snapshot under other words of the editor."""
    other = copy.copy(snapshot)
    other.editing = editing
    return Engine(other, embedder)


def _named(hit: Hit | Shown) -> str:
    return f"“{hit.title}” ({hit.id})"
