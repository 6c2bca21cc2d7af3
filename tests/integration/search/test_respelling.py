"""Words that nothing has are found in the spelling that something has; a sign alone is found or explained."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from magicfs.db.pool import Database
from magicfs.domain.models import ModelSpec
from magicfs.domain.token_vectors import EmbeddedQuestion
from magicfs.errors import EmbedderUnavailable, MagicFSError
from magicfs.search import compiled_query
from magicfs.search.near_spellings import edits, in_pieces, one_letter_away
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus, unit
from tests.plugins.servers import Servers


@pytest.fixture(scope="module")
def service(servers: Servers) -> Iterator[SearchService]:
    """A search that the tests share that add nothing."""
    with servers.new_database() as url, Database(url, application="test", size=4) as database:
        fill(Corpus(database))
        yield SearchService(database, ChosenVectors(), host="box", default_limit=50)


@pytest.fixture
def growing(corpus: Corpus) -> Corpus:
    """A corpus to which a test adds."""
    fill(corpus)
    return corpus


@pytest.fixture
def service_of_growing(database: Database, vectors: ChosenVectors) -> SearchService:
    return SearchService(database, vectors, host="box", default_limit=50)


def fill(corpus: Corpus) -> None:
    corpus.add(b"letter.txt", "we received the parcel with the invoice")
    corpus.add(b"other.txt", "nothing but apples and pears")
    corpus.add(b"code.txt", "x_tps_report_final = max_wombat_count")
    corpus.add(b"russian.txt", "Пришло письмо из Воронежа", language="ru")
    corpus.add(b"arabic.txt", "زرنا المتحف المصري", language="ar")
    corpus.add(b"hindi.txt", "चिड़ियाघर में इलायची", language="hi")
    corpus.add(b"hebrew.txt", "המדריכה סיפרה", language="he")
    corpus.add(b"signs.txt", "x \u2264 y \u2192 z costs 5 \u20ac, a && b")
    corpus.file(b"ibex_ledger.bin", None, state="named")
    corpus.file(b"Marrakesh.bin", None, state="named")


def found(service: SearchService, text: str) -> tuple[list[str], tuple[str, ...]]:
    result = service.search(text, deadline_s=60)
    notices = [notice for notice in result.notices if "query embedder" not in notice]
    return [hit.name.decode() for hit in result.hits], tuple(notices)


@pytest.mark.parametrize(
    ("typed", "name", "meant"),
    [
        ("recieve", "letter.txt", "received"),
        ("invioce", "letter.txt", "invoice"),
        ("invoic3e parsel", "letter.txt", "parcel"),
        ("parccel", "letter.txt", "parcel"),
        ("письио", "russian.txt", "письмо"),
        ("Marakesh", "Marrakesh.bin", "marrakesh"),
        ("المتحق", "arabic.txt", "المتحف"),
        ("इलाइची", "hindi.txt", "इलायची"),
        ("המדריקה", "hebrew.txt", "המדריכה"),
    ],
)
def test_a_word_with_one_wrong_letter_finds_the_word_and_a_notice_says_so(
    service: SearchService, typed: str, name: str, meant: str
) -> None:
    names, notices = found(service, typed)
    assert names[:1] == [name]
    [notice] = notices
    assert notice.endswith(f": searched for {meant} too")


@pytest.mark.parametrize(
    ("typed", "name", "meant"),
    [
        ("gbcmvj bp djhjyt;f", "russian.txt", "письмо из воронежа"),
        ("letter", "letter.txt", ""),
        ("зфксуд", "letter.txt", "parcel"),
        ("vnsrhfv", "hebrew.txt", "המדריכה"),
        ("qpples", "other.txt", "apples"),
        ("Marrakesh", "Marrakesh.bin", ""),
    ],
)
def test_what_was_typed_in_another_layout_of_the_keyboard_is_found(
    service: SearchService, typed: str, name: str, meant: str
) -> None:
    names, notices = found(service, typed)
    assert names[:1] == [name]
    assert notices == ((f"nothing has the word {typed}: searched for {meant} too",) if meant else ())


@pytest.mark.parametrize(
    ("typed", "name", "meant"),
    [
        ("марракеш", "Marrakesh.bin", "marrakesh"),
        ("voronezh", "russian.txt", "воронеж"),
        ("pismo voronezh", "russian.txt", "письмо"),
    ],
)
def test_what_is_written_in_letters_of_another_script_is_found(
    service: SearchService, typed: str, name: str, meant: str
) -> None:
    names, notices = found(service, typed)
    assert names[:1] == [name]
    assert any(f": searched for {meant} too" in notice for notice in notices)


def test_a_pasted_text_is_not_looked_up_in_each_layout(service: SearchService, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[int] = []

    def count(_: object, conditions: Sequence[str]) -> list[tuple[int, int]]:
        looked_up.append(len(conditions))
        return [(0, 0)] * len(conditions)

    monkeypatch.setattr(compiled_query, "count_chunks", count)
    words = [f"{first}{last}qq" for first in "abcdefghij" for last in "abcdefghij"]
    assert found(service, " ".join(words)) == ([], ())
    assert looked_up == []
    found(service, " ".join(words[:4]))
    assert looked_up


@pytest.mark.parametrize(
    ("typed", "meant"), [("unnecessarely", "unnecessary"), ("structura", "structures"), ("unnecesary", "unnecessary")]
)
def test_the_word_of_the_notice_stands_in_a_text(
    growing: Corpus, service_of_growing: SearchService, typed: str, meant: str
) -> None:
    growing.add(b"building.txt", "it was unnecessary to pull the structures down")
    names, notices = found(service_of_growing, typed)
    assert (names, notices) == (["building.txt"], (f"nothing has the word {typed}: searched for {meant} too",))


@pytest.mark.parametrize(
    "typed",
    [
        "who has borrowed something",
        "apples bought with the letter and parcel",
        "parsel milk tea",
        "lentil",
    ],
)
def test_a_word_that_is_spelt_right_is_not_taken_for_another(
    growing: Corpus, service_of_growing: SearchService, typed: str
) -> None:
    growing.add(b"burrow.txt", "wombats dig burrows, an event that was brought to an end, resulting in pears")
    growing.add(b"lento.txt", "se cuece a fuego lento", language="es")
    assert not [notice for notice in found(service_of_growing, typed)[1] if "searched for" in notice]


@pytest.mark.parametrize(
    ("typed", "spelt"), [("recieve", "receive"), ("invioce", "invoice"), ("Marakesh", "Marrakesh")]
)
def test_a_word_in_another_spelling_is_not_the_very_word(service: SearchService, typed: str, spelt: str) -> None:
    [other, *_], [very, *_] = (service.search(text, deadline_s=60).hits for text in (typed, spelt))
    assert other.file_id == very.file_id
    assert very.score >= 0.9
    assert 0.5 < other.score < 0.7
    assert other.lexical == pytest.approx(other.score)


def test_of_two_words_one_in_another_spelling_counts_nearly_as_both(service: SearchService) -> None:
    [best, *_] = service.search("the parcel with the invioce", deadline_s=60).hits
    assert (best.name, best.matched != ()) == (b"letter.txt", True)
    assert 0.7 < best.score < 0.85


def test_the_notice_names_the_form_that_most_texts_have(growing: Corpus, service_of_growing: SearchService) -> None:
    growing.add(b"receipt.txt", "whoever may receive it signs")
    assert found(service_of_growing, "recieve")[1] == ("nothing has the word recieve: searched for receive too",)
    for number in range(4):
        growing.add(b"receipt%d.txt" % number, f"received on day {number}")
    names, notices = found(service_of_growing, "recieve")
    assert notices == ("nothing has the word recieve: searched for received too",)
    assert len(names) == 6


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("tpsreport", "code.txt"),
        ("wombatcount", "code.txt"),
        ("maxwombatcount", "code.txt"),
        ("ibexledger", "ibex_ledger.bin"),
        ("final version of the tpsreport by Ms Quagga", "code.txt"),
    ],
)
def test_a_name_in_pieces_is_found_as_it_is_typed_in_one(service: SearchService, typed: str, name: str) -> None:
    assert found(service, typed) == ([name], ())


@pytest.mark.parametrize(
    ("typed", "name", "meant"),
    [("withtheinvoice", "", ""), ("theparcel", "letter.txt", "the parcel"), ("butapples", "other.txt", "but apples")],
)
def test_two_words_that_stand_side_by_side_are_found_as_one(
    service: SearchService, typed: str, name: str, meant: str
) -> None:
    notices = (f"nothing has the word {typed}: searched for {meant} too",) if name else ()
    assert found(service, typed) == ([name] if name else [], notices)


def test_of_two_words_that_nothing_has_side_by_side_none_is_searched_for(service: SearchService) -> None:
    assert found(service, "parcelapples") == ([], ())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Heizungswartung", "heizung wartung"),
        ("Urlaubstage", "urlaub tage"),
        ("Heizungsurlaub", ""),
        ("workmate", ""),
    ],
)
def test_a_compound_finds_the_text_that_has_its_parts(
    growing: Corpus, service_of_growing: SearchService, typed: str, meant: str
) -> None:
    growing.add(b"boiler.txt", "Am Montag wird die Heizung gewartet. Die Wartung dauert eine Stunde", language="de")
    growing.add(b"office.txt", "at work I share a desk with my best mate")
    growing.add(b"contract.txt", "Der Urlaub im Jahr beträgt dreißig Tage", language="de")
    notices = (f"nothing has the word {typed.lower()}: searched for {meant} too",) if meant else ()
    assert found(service_of_growing, typed)[1] == notices
    if meant:
        [hit] = service_of_growing.search(typed, deadline_s=60).hits
        assert 0.5 < hit.score < 0.7


def test_of_several_spellings_the_one_is_meant_that_stands_with_the_other_words(
    growing: Corpus, service_of_growing: SearchService
) -> None:
    for number in range(3):
        growing.add(b"roof%d.txt" % number, f"Schmidt has mended roof {number}")
    growing.add(b"mail.txt", "from Tobias Schmitt about a gateway")
    assert found(service_of_growing, "Schmit")[1] == ("nothing has the word schmit: searched for schmidt too",)
    names, notices = found(service_of_growing, "Tobias Schmit")
    assert (names[0], notices) == ("mail.txt", ("nothing has the word schmit: searched for schmitt too",))


@pytest.mark.parametrize(
    "typed", ["received", "invoice", "marrakesh", "pearz", "qqqqqqq", '"recieve"', "-recieve pears"]
)
def test_a_word_that_something_has_a_short_one_and_one_like_none_are_searched_as_they_are(
    service: SearchService, typed: str
) -> None:
    assert not [notice for notice in found(service, typed)[1] if "searched for" in notice]


@pytest.mark.parametrize("sign", ["\u2264", "\u2192", "\u20ac", "\u2192\u2264"])
def test_a_sign_alone_is_found_and_shown(service: SearchService, sign: str) -> None:
    [hit] = service.search(sign, deadline_s=60).hits
    assert (hit.name, len(hit.matched)) == (b"signs.txt", len(sign))


@pytest.mark.parametrize("signs", ["&&", "==", "!"])
def test_signs_that_the_index_has_not_are_explained(service: SearchService, signs: str) -> None:
    assert found(service, signs) == ([], (f"no word to look for in {signs}: the index has no such signs",))


def test_the_words_one_letter_away_have_the_same_first_letter() -> None:
    words = one_letter_away("parcel")
    assert {"parcels", "pracel", "parel", "porcel", "pparcel"} <= set(words)
    assert not {"parcel", "aprcel", "arcel"} & set(words)
    assert {word[0] for word in words} == {"p"}


def test_the_pieces_of_a_word_are_two_or_three() -> None:
    pieces = in_pieces("tpsreport")
    assert {"tps_report", "tps-report", "tp_sreport", "tps_rep_ort"} <= set(pieces)
    assert not {"t_psreport", "tp_sr_eport"} & set(pieces)


def test_letters_more_less_and_others_are_edits_and_two_swapped_ones_are_one() -> None:
    pairs = {("recieve", "received"): 2, ("borrowed", "burrows"): 3, ("parcel", "parcel"): 0, ("pears", ""): 5}
    assert {pair: edits(*pair) for pair in pairs} == pairs


@pytest.mark.parametrize(
    ("known", "other", "meant"),
    [
        ({"Parsel"}, unit(0, 1, 0), ""),
        ({"Parsel"}, unit(1, 0.2, 0), "parcel"),
        (set(), unit(0, 1, 0), "parcel"),
        ({"Parsel"}, EmbedderUnavailable("busy"), "parcel"),
    ],
    ids=["another word", "another spelling of it", "no word that a model knows", "nobody says"],
)
def test_a_word_that_a_model_knows_is_no_other_word(
    service_of_growing: SearchService,
    growing: Corpus,
    vectors: ChosenVectors,
    known: set[str],
    other: NDArray[np.float32] | MagicFSError,
    meant: str,
) -> None:
    growing.add(b"stove.txt", "the oven is lit", vectors=[unit(1, 0.6, 0)])
    vectors.known_words = frozenset(known)
    vectors.vectors |= {"Parsel": unit(1, 0, 0), "parcel": other}
    names, notices = found(service_of_growing, "Parsel")
    assert names == (["letter.txt", "stove.txt"] if meant else ["stove.txt"])
    assert notices == ((f"nothing has the word parsel: searched for {meant} too",) if meant else ())


@dataclass
class SilentAbout(ChosenVectors):
    """Question vectors of an embedder that gives no answer for some texts, however long one waits."""

    silent: frozenset[str] = frozenset()

    def embed_by_each(
        self, text: str, *, specs: Sequence[ModelSpec], kept: Sequence[ModelSpec], deadline_s: float
    ) -> list[EmbeddedQuestion | MagicFSError]:
        if text in self.silent:
            threading.Event().wait(deadline_s)
        return super().embed_by_each(text, specs=specs, kept=kept, deadline_s=deadline_s)


def test_an_embedder_that_hangs_at_a_word_takes_no_more_than_its_share_of_a_search(
    growing: Corpus, database: Database
) -> None:
    vectors = SilentAbout({"Parsel": unit(1, 0, 0)}, known_words=frozenset({"Parsel"}), silent=frozenset({"parcel"}))
    service = SearchService(database, vectors, host="box", default_limit=50)
    assert [hit.name for hit in service.search("Parsel", deadline_s=8).hits] == [b"letter.txt"]


def test_a_word_that_is_meant_is_no_other_one_in_a_phrase_with_two_words_typed_in_one(
    growing: Corpus, service_of_growing: SearchService, vectors: ChosenVectors
) -> None:
    growing.add(b"meant.txt", "the red apples parcel")
    vectors.known_words = frozenset({"Parsel"})
    vectors.vectors |= {"redapples Parsel": unit(1, 0, 0), "Parsel": unit(1, 0, 0), "parcel": unit(0, 1, 0)}
    best = service_of_growing.search("redapples Parsel", deadline_s=60).hits[0]
    assert best.name == b"meant.txt"
    assert best.score < 0.9
