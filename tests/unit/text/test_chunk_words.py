"""The words of a chunk are those of its text, in its language, and at the first chunk those of the metadata."""

from magicfs.domain.chunks import Chunk
from magicfs.domain.contents import Document
from magicfs.text.analysis import ANALYSIS_VERSION
from magicfs.text.chunk_words import chunk_words
from magicfs.text.chunking import TokenChunker
from tests.unit.text.lexemes import positions


def cut(chunker: TokenChunker, text: str, language: str | None = None) -> list[Chunk]:
    return chunker.chunks(
        Document(
            text=text,
            mime_type="text/html",
            title="Spindrift and foam",
            author="Ada Lovelace",
            keywords="oceanography",
            language=language,
        )
    )


def test_a_chunk_has_the_words_of_its_text(chunker: TokenChunker) -> None:
    [chunk] = cut(chunker, "The waves were measured.")
    assert positions(chunk_words(chunk.text, language=None)).items() <= positions(chunk.words).items()
    assert positions(chunk.words)["measured"] == [4]
    assert chunk.analysis == ANALYSIS_VERSION


def test_stems_are_those_of_the_document_s_language(chunker: TokenChunker) -> None:
    [english] = cut(chunker, "Die Rechnungen wurden bezahlt.", "en")
    [german] = cut(chunker, "Die Rechnungen wurden bezahlt.", "de")
    assert "^rechnung" in positions(german.words)
    assert "^rechnung" not in positions(english.words)


def test_a_few_words_have_the_stems_of_their_likely_language_too(chunker: TokenChunker) -> None:
    [few] = cut(chunker, "Zahnarzt, Rechnungen, invoices")
    assert {"^rechnung", "^invoic"} <= positions(few.words).keys()
    [many] = cut(chunker, "Zahnarzt, Rechnungen, invoices. " * 9)
    assert "^rechnung" not in positions(many.words), "a longer text has a language, or is a list"


def test_only_the_first_chunk_has_the_words_of_the_metadata(chunker: TokenChunker) -> None:
    chunks = cut(chunker, "\n\n".join(f"Paragraph {n} is about the waves of the sea. " * 8 for n in range(9)))
    assert len(chunks) > 1
    for word in ("spindrift", "lovelace", "oceanography"):
        assert [word in positions(chunk.words) for chunk in chunks] == [True] + [False] * (len(chunks) - 1)


def test_no_phrase_goes_from_a_text_to_its_metadata_or_through_that(chunker: TokenChunker) -> None:
    [chunk] = cut(chunker, "The waves were measured.")
    places = positions(chunk.words)
    assert places["foam"][0] - places["spindrift"][0] == 2
    assert places["spindrift"][0] - places["measured"][0] > 1
    assert places["ada"][0] - places["foam"][0] > 1
    assert places["oceanography"][0] - places["lovelace"][0] > 1


def test_metadata_that_the_text_states_counts_once(chunker: TokenChunker) -> None:
    [chunk] = cut(chunker, "Spindrift  and\nfoam, by others.")
    assert positions(chunk.words)["spindrift"] == [1]
