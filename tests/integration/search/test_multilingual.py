"""The real models of an index, MiniLM and the multilingual one: questions in one language, texts in others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model, start_multilingual
from magicfs.domain.contents import Document, Gap, Unreadable
from magicfs.domain.ids import ChunkId
from magicfs.domain.models import ModelSpec, StoredModel
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.ingest.roots import add_root
from magicfs.search.measured_chunks import MeasuredChunks
from magicfs.search.service import SearchService
from tests.plugins.index import HOST, Index, Reader
from tests.plugins.searches import InProcessQueryEmbedder
from tests.plugins.servers import Servers
from tests.plugins.services import make_embed_service

TEXTS = {
    "lease.en": "The tenant pays the rent on the third working day of each month, and gives notice three months ahead.",
    "bread.en": "Feed the sourdough with rye flour in the evening, and bake the loaf in a hot oven the next morning.",
    "storm.de": "Der Sturm deckte in der Nacht Dächer ab, und die Feuerwehr räumte umgestürzte Bäume von der Straße.",
    "garten.de": "Kletterrosen schneidet man im Frühling, wenn kein starker Frost mehr zu erwarten ist.",
    "train.zh": "从北京到上海的夜班火车每天晚上九点出发,座位需要提前两个星期预订。",
    "medicine.ar": "يؤخذ القرص في الصباح مع الماء، ومن آثاره الجانبية السعال الجاف والدوار.",
}


class ReaderOfLanguages(Reader):
    """Takes the ending of a file's name for the language of its text."""

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        language = name.rpartition(b".")[2].decode()
        return Document(text=content.decode(), mime_type="text/plain", language=language)


@pytest.fixture(scope="module")
def searched(
    servers: Servers,
    stored_model: StoredModel,
    stored_multilingual: StoredModel,
    embedder: FastembedEmbedder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SearchService, Database]]:
    """All texts with the vectors of both models, and where they are."""
    multilingual = FastembedEmbedder.load(stored_multilingual.folder)
    home = tmp_path_factory.mktemp("multilingual")
    folder = home / "docs"
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with servers.new_database() as url, Database(url, application="test") as database:
        with database.transaction() as connection:
            # The store knows which languages a model reads.
            activate_model(connection, stored_model.spec)
            start_multilingual(connection, multilingual.spec)
        root = add_root(database, host=HOST, path=folder, home=home / "home")
        index = Index(database, root, folder, ReaderOfLanguages(), embedder)
        index.scan()
        while index.extraction().run_batch():
            pass
        models = {embedder.spec: embedder, multilingual.spec: multilingual}

        def load(spec: ModelSpec) -> FastembedEmbedder:
            return next(model for known, model in models.items() if known.is_model(spec))

        while make_embed_service(database, load=load).run_turn():
            pass
        yield SearchService(database, InProcessQueryEmbedder(embedder, multilingual), default_limit=50), database


@pytest.fixture(scope="module")
def service(searched: tuple[SearchService, Database]) -> SearchService:
    return searched[0]


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("when is the rent due", "lease.en"),
        ("damage by heavy winds at night", "storm.de"),
        ("night train tickets from Beijing", "train.zh"),
        ("side effects of the tablets", "medicine.ar"),
        ("Wann muss der Mieter die Miete bezahlen?", "lease.en"),
        ("Wie backe ich Brot mit Sauerteig?", "bread.en"),
        ("Unwetter reißt Bäume um", "storm.de"),
        ("预订夜班火车的座位", "train.zh"),
        ("春天修剪玫瑰", "garten.de"),
        ("خبز رغيف العجين المخمر", "bread.en"),
        ("القرص في الصباح مع الماء", "medicine.ar"),
    ],
)
def test_a_question_in_any_language_finds_the_text_that_answers_it(
    service: SearchService, question: str, name: str
) -> None:
    result = service.search(question, deadline_s=30)
    first, *others = result.hits
    assert first.name.decode() == name
    assert first.vector is not None
    # Six texts say little of how near an unrelated one may be, so scores are low: beyond it, but not by much.
    assert all(other.score <= first.score / 2 for other in others)
    assert 0.05 < first.vector <= 1.0
    assert result.notices == ()


def test_what_is_unrelated_to_all_texts_is_far_from_each(service: SearchService) -> None:
    hits = service.search("quantum chromodynamics lattice simulation", deadline_s=30).hits
    assert all(hit.score < 0.5 for hit in hits)


SIGNS = """
SELECT m.state, count(*), count(token_signs), sum(length(token_signs) % 32), min(length(token_signs)) > 32 * 8
FROM embeddings e JOIN models m ON m.id = e.model_id WHERE e.state = 'done' GROUP BY 1 ORDER BY 1
"""


def test_the_signs_of_tokens_are_stored_beside_the_vectors_of_the_multilingual_model(
    searched: tuple[SearchService, Database],
) -> None:
    with searched[1].transaction() as connection:
        rows = connection.execute(SIGNS).fetchall()
    assert rows == [("active", 2, 0, None, None), ("multilingual", 6, 6, 0, True)]


def test_the_tokens_of_an_answer_in_another_language_tell_it_from_other_texts(
    searched: tuple[SearchService, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    service, database = searched
    counted: list[Mapping[ChunkId, float]] = []
    monkeypatch.setattr(MeasuredChunks, "count_matches", lambda _, matches: counted.append(matches))
    service.search("wie viele Wochen vorher muss man einen Sitzplatz reservieren", deadline_s=30)
    [matches] = counted
    order = sorted(matches, key=lambda chunk: -matches[chunk])
    with database.transaction() as connection:
        rows = connection.execute("SELECT id, text FROM chunks WHERE id = ANY(%s)", (list(order),)).fetchall()
    texts = {ChunkId(chunk): text for chunk, text in rows}
    names = {text: name for name, text in TEXTS.items()}
    found = [names[texts[chunk]] for chunk in order]
    assert found[0] == "train.zh"
    assert set(found) == {name for name in TEXTS if not name.endswith(".de")}
