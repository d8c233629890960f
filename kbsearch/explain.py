"""Why a result stands where it stands, in words and figures that an editor understands.

Takes what the engine knows of one hit, gives a plain dictionary; imported by the engine, for `explain=true` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kbsearch.lexicon import Lexicon
from kbsearch.text.normalise import fold
from kbsearch.text.tags import primary
from kbsearch.text.words import surfaces
from kbsearch.understand import Understanding

# Shorter parts of words are no words of their own.
PART = 4


@dataclass(frozen=True, slots=True)
class Placing:
    """A hit among the others."""

    position: int
    score: float
    first_score: float
    parts: Mapping[str, float]
    """Scores that were fused, 0..1 each."""
    pinned: bool
    first_pinned: bool
    titled: bool
    first_titled: bool


def explain_hit(
    query: Understanding, lexicon: Lexicon, texts: Sequence[str], fields: Mapping[str, str], placing: Placing
) -> dict[str, object]:
    """`texts`: title, headings and the passage that was found; `fields`: lang and updated_at of the article shown."""
    found = list(dict.fromkeys(word for text in texts for word in surfaces(text)))
    matches = [_match(word, query, lexicon, found) for word in query.content]
    missing = [str(match["word"]) for match in matches if match["how"] == "missing"]
    likeliest = next(iter(query.languages), "")
    return {
        **{name: round(value, 4) for name, value in placing.parts.items()},
        "words": matches,
        "language": {
            "query": likeliest,
            "article": fields["lang"],
            "same": primary(fields["lang"]) == primary(likeliest),
            "read_as": list(query.readings),
        },
        "rules": ["pinned to this place by a rule"] if placing.pinned else [],
        "updated_at": fields["updated_at"],
        "to_be_first": _to_be_first(placing, missing),
        "readings": list(query.readings),
        "terms": list(query.terms),
    }


def _match(word: str, query: Understanding, lexicon: Lexicon, found: Sequence[str]) -> dict[str, object]:
    """How a word typed was found: exact, stem, typo, synonym, compound, prefix, or missing; and as which word."""
    folded = fold(word)

    def with_stem_of(other: str) -> str | None:
        stems = {lexicon.stems(other, lang)[0] for lang in query.readings}
        return next(
            (held for held in found if any(lexicon.stems(held, lang)[0] in stems for lang in query.readings)), None
        )

    correction = query.corrections.get(word)
    others = [other for phrase, others in query.synonyms.items() if word in phrase.split() for other in others]
    tried = (
        ("exact", next((held for held in found if fold(held) == folded), None)),
        ("stem", with_stem_of(word)),
        ("typo", with_stem_of(correction) if correction else None),
        ("synonym", next((held for other in others for part in surfaces(other) if (held := with_stem_of(part))), None)),
        ("compound", next((held for held in found if _is_part(folded, fold(held))), None)),
        ("prefix", next((held for held in found if len(folded) > PART and fold(held)[:PART] == folded[:PART]), None)),
    )
    how, matched = next(((how, held) for how, held in tried if held), ("missing", None))
    return {"word": word, "how": how, "matched": matched}


def _is_part(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return PART < len(short) < len(long) and short in long[1:]


def _to_be_first(placing: Placing, missing: Sequence[str]) -> dict[str, object] | None:
    """What would put this article above the first one; None for the first."""
    if placing.position == 1:
        return None
    gap = max(0.0, placing.first_score - placing.score)
    ways = []
    if placing.first_pinned and not placing.pinned:
        ways.append("A rule pins another article: pin this one before it, or remove that rule.")
    elif placing.first_titled and not placing.titled:
        ways.append(
            "The first article's title is the query word for word; only such a title or a rule comes before it."
        )
    if missing:
        ways.append(f"Name these words in its title or text, or as synonyms: {', '.join(missing)}.")
    if placing.parts.get("title", 0.0) < 1.0:
        ways.append("Say in its title what was typed.")
    return {"score_gap": round(gap, 4), "missing_words": list(missing), "ways": ways}
