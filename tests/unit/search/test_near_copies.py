"""Near copies come after what answers as well, the latest one in front."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from magicfs.domain.chunks import FoundFile
from magicfs.domain.files import FileStat
from magicfs.domain.ids import ChunkId, FileId
from magicfs.search.fusion import Evidence
from magicfs.search.measured_files import CandidateFile
from magicfs.search.near_copies import EXAMINED_PER_WANTED, near_copies_later
from magicfs.search.near_texts import MAX_COMPARED, ComparedText, NearTexts

GOOD = Evidence(relative_words=1.0, lexical=0.9)
STAT = FileStat(size=1, mtime_ns=0, ctime_ns=0, ino=1, dev=1, mode=0o644, uid=0, gid=0)

DRAFT = (
    "The Northwind project will replace the warehouse software of our three sites until the autumn. Stock is counted "
    "by radio tags, so that nobody has to walk through the halls with a list at the end of the month. Draft {}."
)
CHINESE = "项目将在秋天之前更换三个仓库的软件，库存用无线标签清点，因此没有人需要在月底拿着清单走过大厅{}"
INVOICE = (
    "Stadtwerke Ulm, Gartenstrasse 5, 89073 Ulm. Invoice number {0}17 of the {0}th of May. Electricity by meter number "
    "7781: {0}50 kilowatt hours at {0} cents each. Total due: {0}9.{0}1 euros within 14 days, please. Thank you."
)
OTHER = "The kickoff of Northwind: Jonas asks two vendors for prices, Marta books the hall for the pilot."


WANTED = 50


def ranked(
    texts: Sequence[str],
    *,
    evidence: Sequence[Evidence] = (),
    mtimes: Sequence[int] = (),
    chunks: Sequence[int] = (),
    wanted: int = WANTED,
    known: NearTexts | None = None,
) -> list[int]:
    """The places of some files, best first, in the order in which they are shown. `chunks` are those of their texts."""
    files = [
        CandidateFile(
            FoundFile(
                copy_key=b"%d" % place,
                file_id=FileId(place),
                host="here",
                root="root",
                root_path=b"/root",
                path=b"%d.txt" % place,
                stat=STAT._replace(mtime_ns=mtimes[place] if mtimes else 0),
                indexed_at=0.0,
                language=None,
                chunk_id=ChunkId(chunks[place] if chunks else place),
            ),
            evidence[place] if evidence else GOOD,
        )
        for place in range(len(texts))
    ]
    by_chunk = {ChunkId(chunks[place] if chunks else place): text for place, text in enumerate(texts)}
    shown = near_copies_later(files, by_chunk, lambda one: one.lexical or 0.0, wanted=wanted, compared=known)
    return [file.found.file_id for file in shown]


def test_drafts_come_after_what_answers_as_well() -> None:
    for draft in (DRAFT, CHINESE):
        texts = [draft.format("A"), draft.format("B"), draft.format("C").replace("three", "all three"), OTHER]
        assert ranked(texts) == [0, 3, 1, 2]


def test_the_latest_of_equal_drafts_is_in_front() -> None:
    drafts = [DRAFT.format(letter) for letter in "ABC"]
    assert ranked([*drafts, OTHER], mtimes=[5, 9, 7, 6]) == [1, 3, 2, 0]


def test_a_draft_with_more_words_of_the_question_is_no_copy() -> None:
    drafts = [DRAFT.format(letter) for letter in "ABC"]
    named = GOOD._replace(name_share=0.5)
    assert ranked([*drafts, OTHER], evidence=[GOOD, named, GOOD, GOOD]) == [0, 1, 3, 2]
    worse = GOOD._replace(lexical=0.8)
    assert ranked([*drafts, OTHER], evidence=[GOOD, worse, GOOD, GOOD], mtimes=[1, 9, 2, 3]) == [2, 3, 0, 1]


def test_a_near_copy_stays_before_what_answers_less() -> None:
    texts = [DRAFT.format("A"), DRAFT.format("B"), OTHER, OTHER.replace("prices", "help")]
    less = GOOD._replace(lexical=0.3)
    assert ranked(texts, evidence=[GOOD, GOOD, GOOD, less]) == [0, 2, 1, 3]
    assert ranked(texts, evidence=[GOOD, GOOD, less, GOOD]) == [0, 1, 2, 3]


def test_many_near_copies_come_after_what_answers_at_all() -> None:
    texts = [*(DRAFT.format(letter) for letter in "ABCDE"), OTHER, "Nothing of that."]
    less, hardly = GOOD._replace(lexical=0.3), GOOD._replace(lexical=0.1)
    assert ranked(texts, evidence=[GOOD, GOOD, GOOD, GOOD, GOOD, less, hardly]) == [0, 1, 2, 5, 3, 4, 6]


def test_invoices_of_one_shop_and_short_notes_are_no_copies() -> None:
    assert ranked([INVOICE.format(2), INVOICE.format(3), OTHER]) == [0, 1, 2]
    assert ranked(["Meet Anna at ten in the hall", "Meet Bernd at ten in the hall", OTHER]) == [0, 1, 2]


def test_files_that_share_a_chunk_are_copies_however_short_it_is() -> None:
    assert ranked(["Yes", "Yes", OTHER], chunks=[1, 1, 2]) == [0, 2, 1]


def test_texts_in_ascii_are_divided_as_others_are() -> None:
    drafts = [DRAFT.format(letter).replace(" ", sign) for letter, sign in (("A", "_"), ("B", " "), ("C", " - "))]
    for text in (*drafts, INVOICE.format(2), "it's 3.5\tKB,\x1f[x]\n"):
        in_ascii, other = ComparedText(ChunkId(1), text), ComparedText(ChunkId(2), text + " é")
        assert {*in_ascii.words, "é"} == other.words


def test_a_file_that_is_named_as_the_question_is_no_copy() -> None:
    named = GOOD._replace(is_whole_name=True)
    assert ranked([DRAFT.format("A"), DRAFT.format("B"), OTHER], evidence=[named, named, GOOD]) == [0, 1, 2]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of files that were compared with another one, one for each time."""
    compared: list[str] = []
    is_near = ComparedText.is_near

    def noted(one: ComparedText, other: ComparedText) -> bool:
        compared.append(one.text)
        return is_near(one, other)

    monkeypatch.setattr(ComparedText, "is_near", noted)
    return compared


def test_each_of_many_invoices_is_compared_with_few_others(compared: list[str]) -> None:
    invoices = [INVOICE.format(number) for number in range(100, 300)]
    assert ranked(invoices, wanted=1000) == list(range(200))
    assert max(map(compared.count, invoices)) == MAX_COMPARED


def test_only_files_that_may_be_shown_are_looked_at(compared: list[str]) -> None:
    invoices = [INVOICE.format(number) for number in range(100, 300)]
    ranked(invoices)
    assert set(compared) == set(invoices[1 : int(EXAMINED_PER_WANTED * WANTED)])


def test_many_near_copies_do_not_hide_those_that_come_next() -> None:
    drafts = [DRAFT.format(f"{place} of all") for place in range(2 * WANTED)]
    others = [f"{place}. {OTHER}" for place in range(WANTED)]
    assert ranked([*drafts, *others])[:WANTED] == [0, *range(2 * WANTED, 3 * WANTED - 1)]


def test_near_copies_are_found_among_many_invoices() -> None:
    texts = [INVOICE.format(number) for number in range(100, 130)]
    texts += [DRAFT.format("A"), texts[-3].replace("please", "soon"), DRAFT.format("B"), OTHER]
    assert ranked(texts) == [*range(31), 33, 31, 32]


def test_texts_that_were_compared_in_another_order_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [DRAFT.format("A"), OTHER, DRAFT.format("B"), *map(INVOICE.format, range(9)), CHINESE, CHINESE.format("A")]
    expected = ranked(texts)
    known = NearTexts()
    known.compare({ChunkId(place): text for place, text in reversed(list(enumerate(texts)))}, most=len(texts))
    assert ranked(texts, known=known) == expected
    # All that takes time was done before.
    monkeypatch.setattr(ComparedText, "words", property(lambda text: pytest.fail(text.text)))
    assert ranked(texts, known=known) == expected
