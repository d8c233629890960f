"""Compiled loops over the results of a query: one for each group, how many of each kind, what speaks for the first
one, which words of a passage to mark and what part of it to quote.

A result list is a few dozen numbers: NumPy would take longer to begin with them than to go through them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kbsearch.index.candidate_kernels import is_one_of, last_bytes, may_be_one
from kbsearch.index.kernels import compiled, prefetch
from kbsearch.index.query_kernels import cosines_at


@compiled
def rank_groups(
    scores: NDArray[np.float32],
    titled: NDArray[np.bool_],
    passages: NDArray[np.int64],
    documents: NDArray[np.int32],
    floor: np.float32,
    pinned: NDArray[np.int32],
    document_group: NDArray[np.int32],
    starts: NDArray[np.int64],
    members: NDArray[np.int32],
    codes: NDArray[np.int32],
    welcome: NDArray[np.float32],
    allowed: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    """The best candidate of each group (its place), best group first, the group, and the member to show.

    Groups in `pinned` come first, in that order, then titles that were typed (`titled`), then the higher score; groups
    at or below `floor`, a share of the highest score, are left out unless they are pinned or titled. `document_group`
    and `codes` (of languages) have one number a document of the snapshot, `welcome` one a code; group g has the
    documents `members[starts[g]:starts[g + 1]]`. An empty `allowed` means all.
    """
    count = scores.shape[0]
    keys, unwelcome = np.empty(count, dtype=np.float32), np.empty(count, dtype=np.float32)
    groups = np.empty(count, dtype=np.int32)
    highest = np.float32(0.0)
    for place in range(count):
        keys[place] = scores[place] + np.float32(titled[place])
        unwelcome[place] = -welcome[codes[documents[place]]]
        groups[place] = document_group[documents[place]]
        highest = max(highest, scores[place])
    best = best_of_groups(keys, unwelcome, passages, groups)
    kept = np.empty_like(best)
    size = 0
    for group in pinned:
        for place in best:
            if groups[place] == group:
                kept[size] = place
                size += 1
    for place in best:
        if (titled[place] or scores[place] > floor * highest) and not is_one_of(groups[place], pinned):
            kept[size] = place
            size += 1
    kept = kept[:size]
    shown = best_members(documents[kept], document_group, starts, members, codes, welcome, allowed)
    return kept, groups[kept], shown


@compiled
def count_codes(
    documents: NDArray[np.int32],
    types: NDArray[np.int32],
    langs: NDArray[np.int32],
    category_starts: NDArray[np.int64],
    categories: NDArray[np.int32],
    by_type: NDArray[np.int64],
    by_lang: NDArray[np.int64],
    by_category: NDArray[np.int64],
) -> None:
    """Add to `by_…` how many of the documents have each type, language and category (of which each may have more)."""
    for document in documents:
        by_type[types[document]] += 1
        by_lang[langs[document]] += 1
        for entry in range(category_starts[document], category_starts[document + 1]):
            by_category[categories[entry]] += 1


@compiled
def strongest(
    group: int,
    document_group: NDArray[np.int32],
    documents: NDArray[np.int32],
    lexical: NDArray[np.float32],
    similarity: NDArray[np.float32],
    title: NDArray[np.float32],
) -> tuple[np.float32, np.float32, np.float32, np.float32, np.float32]:
    """The highest lexical score, similarity and title agreement among a group's candidates, and the highest lexical
    score and similarity among all others; 0 where there are none."""
    own_lexical = own_similarity = own_title = other_lexical = other_similarity = np.float32(0.0)
    for place in range(documents.shape[0]):
        if document_group[documents[place]] == group:
            own_lexical = max(own_lexical, lexical[place])
            own_similarity = max(own_similarity, similarity[place])
            own_title = max(own_title, title[place])
        else:
            other_lexical = max(other_lexical, lexical[place])
            other_similarity = max(other_similarity, similarity[place])
    return own_lexical, own_similarity, own_title, other_lexical, other_similarity


@compiled
def quotable(
    shown: NDArray[np.int32],
    best: NDArray[np.int64],
    passages: NDArray[np.int64],
    documents: NDArray[np.int32],
    scores: NDArray[np.float32],
    vector: NDArray[np.float32],
    stored: Any,
    starts: NDArray[np.int64],
    marks: Any,
) -> NDArray[np.int64]:
    """The passage to quote of each shown document: its best candidate; of a translation that neither leg found, the
    one nearest to `vector`, or its first where there is none. Where that one holds nothing that was asked for, it is
    the best candidate of the document that holds enough of it, if there is any.

    `best`: the place of each group's best candidate; `stored`: what `cosines_at` takes of the vectors; document d has
    the passages from `starts[d]` to `starts[d + 1]`; `marks`: from `Marks.quotable`.
    """
    rows, stored_at, step, low = stored
    offsets, stems, wanted, enough = marks
    seen = last_bytes(wanted)
    quoted = passages[best]
    for number in range(shown.shape[0]):
        document = shown[number]
        if documents[best[number]] != document:
            place = _best_of(document, passages, documents, scores, offsets, stems, wanted, seen, 0)
            if place >= 0:
                quoted[number] = passages[place]
            elif vector.shape[0]:
                own = np.arange(starts[document], starts[document + 1])
                quoted[number] = own[np.argmax(cosines_at(rows, stored_at, step, low, vector, own))]
            else:
                quoted[number] = starts[document]
        chosen = quoted[number]
        if not _hold(stems[offsets[chosen] : offsets[chosen + 1]], wanted, seen, 1):
            place = _best_of(document, passages, documents, scores, offsets, stems, wanted, seen, enough)
            if place >= 0:
                quoted[number] = passages[place]
    return quoted


@compiled
def _best_of(
    document: int,
    passages: NDArray[np.int64],
    documents: NDArray[np.int32],
    scores: NDArray[np.float32],
    offsets: NDArray[np.int64],
    stems: NDArray[np.uint32],
    wanted: NDArray[np.uint32],
    seen: NDArray[np.bool_],
    enough: int,
) -> int:
    """The place of the best candidate of a document that holds `enough` of the wanted stems, −1 where there is none."""
    highest = np.float32(-np.inf)
    best = -1
    for place in range(documents.shape[0]):
        if documents[place] == document and scores[place] > highest:
            passage = passages[place]
            if enough == 0 or _hold(stems[offsets[passage] : offsets[passage + 1]], wanted, seen, enough):
                best, highest = place, scores[place]
    return best


@compiled
def _hold(stems: NDArray[np.uint32], wanted: NDArray[np.uint32], seen: NDArray[np.bool_], enough: int) -> bool:
    """Whether `enough` different ones of the wanted stems are among these; `seen`: the last bytes of the wanted."""
    met = np.zeros(wanted.shape[0], dtype=np.bool_)
    count = 0
    for stem in stems:
        if not may_be_one(stem, seen):
            continue
        for number in range(wanted.shape[0]):
            if wanted[number] == stem:
                # One that is wanted twice counts once.
                count += not met[number]
                met[number] = True
                break
        if count >= enough:
            return True
    return False


@compiled
def best_members(
    documents: NDArray[np.int32],
    groups: NDArray[np.int32],
    starts: NDArray[np.int64],
    members: NDArray[np.int32],
    codes: NDArray[np.int32],
    worth: NDArray[np.float32],
    allowed: NDArray[np.bool_],
) -> NDArray[np.int32]:
    """For each document the first allowed member of its group with the code of most worth, if that is worth more.

    `groups`: one a document of the snapshot. Of codes worth the same the highest wins. An empty `allowed` means all.
    """
    everything = allowed.shape[0] == 0
    chosen = documents.copy()
    # What lies all over the memory comes side by side, not in turn.
    for document in documents:
        prefetch(starts, np.int64(groups[document]))
    for document in documents:
        prefetch(members, starts[groups[document]])
    for place in range(documents.shape[0]):
        best = documents[place]
        for entry in range(starts[groups[best]], starts[groups[best] + 1]):
            member = members[entry]
            more = worth[codes[member]] - worth[codes[best]]
            same = more == 0.0 and best != documents[place] and codes[member] > codes[best]
            if (more > 0.0 or same) and (everything or allowed[member]):
                best = member
        chosen[place] = best
    return chosen


@compiled
def best_of_groups(
    scores: NDArray[np.float32],
    unwelcome: NDArray[np.float32],
    passages: NDArray[np.int64],
    groups: NDArray[np.int32],
) -> NDArray[np.int64]:
    """The place of each group's best candidate, best group first: the higher score, the less unwelcome, the earlier."""
    order = np.argsort(-scores)
    # Equal scores, in whatever order so far, are put in theirs by insertion.
    for place in range(1, order.shape[0]):
        current = order[place]
        hole = place
        while hole > 0:
            other = order[hole - 1]
            if scores[other] != scores[current]:
                break
            if unwelcome[other] < unwelcome[current] or (
                unwelcome[other] == unwelcome[current] and passages[other] < passages[current]
            ):
                break
            order[hole] = other
            hole -= 1
        order[hole] = current
    # A table of the groups met, twice as large as is needed.
    size = 2
    while size < 2 * order.shape[0]:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    count = 0
    for place in range(order.shape[0]):
        group = groups[order[place]]
        slot = group & (size - 1)
        while table[slot] >= 0 and table[slot] != group:
            slot = (slot + 1) & (size - 1)
        if table[slot] < 0:
            table[slot] = group
            order[count] = order[place]
            count += 1
    return order[:count]


@compiled
def best_window(
    starts: NDArray[np.uint16], ends: NDArray[np.uint16], marked: NDArray[np.int64], size: int, length: int
) -> tuple[int, int]:
    """The half-open range of at most `length` characters of a text that holds the most marked words.

    It is the text's beginning, or begins a little before a marked word, and ends with a word where one fits.
    `starts` and `ends`: offsets of the text's words, in order; `marked`: numbers of words, rising; `size`: characters.
    """
    if size <= length:
        return 0, size
    begin, most = 0, -1
    for place in range(-1, marked.shape[0]):
        start = 0
        if place >= 0:
            start = max(0, starts[marked[place]] - length // 5)
        count = 0
        for other in range(max(place, 0), marked.shape[0]):
            if ends[marked[other]] > start + length:
                break
            count += 1
        if count > most:
            begin, most = start, count
    first = np.searchsorted(starts, begin)
    last = np.searchsorted(ends, begin + length, "right") - 1
    if last < first:
        # One word fills the window: cut it.
        return begin, min(size, begin + length)
    if begin > 0:
        begin = int(starts[first])
    end = size if last == ends.shape[0] - 1 else int(ends[last])
    return begin, min(end, begin + length)


@compiled
def quote_passages(
    passages: NDArray[np.int64],
    sizes: NDArray[np.int64],
    length: int,
    wanted: NDArray[np.uint32],
    offsets: NDArray[np.int64],
    starts: NDArray[np.uint16],
    ends: NDArray[np.uint16],
    stems: NDArray[np.uint32],
    windows: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Choose the window of each passage and the words to mark in it; return their ranges there, shape (words, 2).

    `sizes`: characters of each passage's text; `wanted`: hashes of the stems to mark; `windows`, shape (passages, 3),
    takes start and end of each window, and how many ranges there are up to the end of it.
    """
    most, total = 0, 0
    for passage in passages:
        size = offsets[passage + 1] - offsets[passage]
        most, total = max(most, size), total + size
    marked = np.empty(most, dtype=np.int64)
    ranges = np.empty((total, 2), dtype=np.int64)
    seen = last_bytes(wanted)
    count = 0
    for place in range(passages.shape[0]):
        first, after = offsets[passages[place]], offsets[passages[place] + 1]
        found = 0
        for word in range(first, after):
            if may_be_one(stems[word], seen) and is_one_of(stems[word], wanted):
                marked[found] = word - first
                found += 1
        start, end = best_window(starts[first:after], ends[first:after], marked[:found], sizes[place], length)
        for word in marked[:found]:
            if start <= starts[first + word] and ends[first + word] <= end:
                ranges[count, 0], ranges[count, 1] = starts[first + word] - start, ends[first + word] - start
                count += 1
        windows[place, 0], windows[place, 1], windows[place, 2] = start, end, count
    return ranges[:count]
