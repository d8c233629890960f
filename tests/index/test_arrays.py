"""Arrays and records on disk: what is written is what is read, and damage is noticed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsearch.errors import SnapshotDamaged
from kbsearch.index.arrays import (
    Records,
    find_hashes,
    group_pairs,
    hash_texts,
    open_array,
    write_array,
    write_records,
)
from kbsearch.index.ragged import Ragged


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint16, np.uint32, np.uint64, np.float32, np.bool_])
@pytest.mark.parametrize("shape", [(0,), (1,), (7, 3)], ids=str)
def test_an_array_comes_back_the_same(dtype: type, shape: tuple[int, ...], tmp_path: Path) -> None:
    """Values, type and shape survive; the copy is mapped read-only."""
    array = np.arange(int(np.prod(shape))).astype(dtype).reshape(shape)
    write_array(tmp_path / "a.npy", array)
    opened = open_array(tmp_path / "a.npy")
    np.testing.assert_array_equal(opened, array)
    assert (opened.dtype, opened.shape) == (array.dtype, array.shape)
    assert type(opened) is np.ndarray
    if array.size:
        assert not opened.flags.writeable


def test_a_strided_array_is_written_whole(tmp_path: Path) -> None:
    """A view is written as what it shows."""
    array = np.arange(20, dtype=np.int32).reshape(4, 5)[::2, ::3]
    write_array(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(open_array(tmp_path / "a.npy"), array)


@pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY", b"not an array at all"], ids=repr)
def test_a_damaged_array_is_named(content: bytes | None, tmp_path: Path) -> None:
    """Missing, empty, cut short or foreign: SnapshotDamaged with the path and the next command."""
    if content is not None:
        (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(SnapshotDamaged, match=r"a\.npy cannot be read.*kbsearch-index build"):
        open_array(tmp_path / "a.npy")


def test_an_array_cut_short_is_noticed(tmp_path: Path) -> None:
    """The header promises more than the file holds."""
    write_array(tmp_path / "a.npy", np.arange(100))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-8])
    with pytest.raises(SnapshotDamaged):
        open_array(tmp_path / "a.npy")


def test_no_array_is_ever_unpickled(tmp_path: Path) -> None:
    """An array of objects, which only pickle could read, is refused on both sides."""
    with pytest.raises(ValueError, match="pickle"):
        write_array(tmp_path / "a.npy", np.asarray([{}], dtype=object))
    np.save(tmp_path / "b.npy", np.asarray([{}], dtype=object), allow_pickle=True)
    with pytest.raises(SnapshotDamaged):
        open_array(tmp_path / "b.npy")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=40)))
def test_records_come_back_the_same(records: list[bytes]) -> None:
    """Any bytes, empty ones too, by number."""
    with tempfile.TemporaryDirectory() as folder:
        write_records(Path(folder), "r", Ragged.of_bytes(records))
        read = Records(Path(folder), "r")
        assert len(read) == len(records)
        assert [read[number] for number in range(len(read))] == records


@pytest.mark.parametrize(
    "change", [lambda b: b[:-1], lambda b: b + b"x", lambda b: b""], ids=["cut", "longer", "empty"]
)
def test_damaged_records_are_noticed(change, tmp_path: Path) -> None:
    """The size of the bytes and the offsets must agree."""
    write_records(tmp_path, "r", Ragged.of_bytes([b"first", b"second"]))
    path = tmp_path / "r.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(SnapshotDamaged, match=r"r\.bin holds \d+ bytes, not 11"):
        Records(tmp_path, "r")


def test_missing_records_are_named(tmp_path: Path) -> None:
    """A missing file of bytes is SnapshotDamaged."""
    write_records(tmp_path, "r", Ragged.of_bytes([]))
    (tmp_path / "r.bin").unlink()
    with pytest.raises(SnapshotDamaged, match=r"r\.bin cannot be read"):
        Records(tmp_path, "r")


class _Forgotten(dict[int, object]):
    """Remembered values that another thread throws away as soon as they are looked at."""

    def __init__(self, records: Records) -> None:
        super().__init__({0: "first"})
        self._records = records

    def __contains__(self, number: object) -> bool:
        self._records._values = {}
        return super().__contains__(number)


def test_a_value_forgotten_by_another_thread_is_still_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is replaced when it is full, by whichever thread finds it so; it never holds more than so many."""
    write_records(tmp_path, "r", Ragged.of_bytes([b'"first"', b'"second"', b'"third"']))
    records = Records(tmp_path, "r")
    records._values = _Forgotten(records)
    assert records.value(0) == "first"
    monkeypatch.setattr("kbsearch.index.arrays._MOST_VALUES", 2)
    for number in (0, 1, 2, 1, 0):
        assert records.value(number) == ("first", "second", "third")[number]
        assert len(records._values) <= 2


@given(st.sets(st.text(max_size=8)), st.lists(st.text(max_size=8)))
def test_hashes_are_found_where_they_are_and_minus_one_where_not(known: set[str], wanted: list[str]) -> None:
    """Every known text is found at its own place, every other gives −1."""
    hashes = np.sort(hash_texts(known))
    places = find_hashes(hashes, hash_texts(wanted))
    for text, place in zip(wanted, places.tolist(), strict=True):
        if text in known:
            assert hashes[place] == hash_texts([text])[0]
        else:
            assert place == -1


def test_hashes_depend_on_nothing_but_the_text() -> None:
    """The dictionary on disk is the same on every machine: XXH3's published value for an empty text."""
    assert hash_texts([""])[0] == 0x2D06800538D394C2
    assert hash_texts(["ā"]) == hash_texts(["ā"])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 99))))
def test_grouped_pairs_equal_a_dictionary_of_lists(pairs: list[tuple[int, int]]) -> None:
    """Each key's values, in their old order."""
    array = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    indptr, values = group_pairs(array[:, 0], array[:, 1], 6)
    for key in range(6):
        expected = [value for owner, value in pairs if owner == key]
        assert values[indptr[key] : indptr[key + 1]].tolist() == expected
