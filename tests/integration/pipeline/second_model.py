"""An index with two models: an English one, and a multilingual one that reads every language but unicorns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from magicfs.db.vectors.model_changes import start_multilingual
from magicfs.domain.contents import Document, Gap, Unreadable
from magicfs.domain.models import ModelSpec
from magicfs.errors import ModelMissing
from magicfs.pipeline.embed import EmbedService
from tests.fakes.embedder import FAKE_SPEC, FakeEmbedder
from tests.plugins.index import Index, Reader
from tests.plugins.services import make_embed_service, make_maintenance

ENGLISH = replace(FAKE_SPEC, name="fake/english", digest="1" * 64, tokenizer="t", languages=("en",))
MULTILINGUAL = replace(FAKE_SPEC, name="fake/multilingual", dimension=96, digest="2" * 64, tokenizer="t")
RENEWED = replace(MULTILINGUAL, name="fake/renewed", digest="9" * 64)
"""The multilingual model as a later version prepares it."""

ROWS = """
SELECT text, m.name, e.state, e.priority
FROM embeddings e JOIN models m ON m.id = model_id JOIN chunks c ON c.id = chunk_id
WHERE m.state <> 'retired' ORDER BY 1, 2
"""


class MultilingualEmbedder(FakeEmbedder):
    """Reads hedgehogs too."""

    def reads(self, text: str) -> bool:
        return "\N{UNICORN FACE}" not in text


class LanguageReader(Reader):
    """The language of a file is what follows the last dash in its name: `one-de.txt`."""

    def extract(self, content: bytes, *, name: bytes, gap: Gap | None = None) -> Document | Unreadable:
        extracted = super().extract(content, name=name)
        assert isinstance(extracted, Document)
        _, dash, language = name.partition(b".")[0].decode().rpartition("-")
        return replace(extracted, language=language if dash else None)

    def kind(self, content: bytes, *, name: bytes) -> str:
        return name.partition(b".")[0].rpartition(b"-")[2].decode()


def fake_embedder(spec: ModelSpec) -> FakeEmbedder:
    reads_more = spec.is_model(MULTILINGUAL) or spec.is_model(RENEWED)
    return (MultilingualEmbedder if reads_more else FakeEmbedder)(spec)


@dataclass
class TwoModels:
    """An index with an English model, which may get a multilingual one."""

    index: Index
    loaded: list[str] = field(default_factory=list)
    """The names of the models that workers have loaded."""
    lacking: set[str] = field(default_factory=set)
    """The names of the models that this machine cannot load."""
    missing: set[str] = field(default_factory=set)
    """The names of the models that this machine does not have."""

    def start(self, spec: ModelSpec = MULTILINGUAL) -> None:
        with self.index.database.transaction() as connection:
            start_multilingual(connection, spec)

    def write(self, name: str, text: str) -> None:
        (self.index.folder / name).write_text(text)

    def write_both(self) -> None:
        """Write an English file and a German one, of a chunk each."""
        self.write("one-en.txt", "good day")
        self.write("two-de.txt", "Guten Tag")

    def read_saved(self, name: str = "%") -> None:
        """Read what was written. A person has saved the files with a name like this one just now."""
        self.index.scan()
        self.index.rows("UPDATE files SET priority = 1 WHERE display LIKE %s RETURNING 1", name)
        # A batch ends after a while, and on a busy machine after its first file.
        while self.index.extraction().run_batch():
            pass

    def extract(self) -> None:
        """Read what was written, and embed nothing."""
        self.index.end_pauses()
        self.index.scan()
        while self.index.extraction().run_batch():
            pass

    def worker(
        self, owner: str = "embed-1@here", *, model: str | None = None, paused: Callable[[], bool] = lambda: False
    ) -> EmbedService:
        def load(spec: ModelSpec) -> FakeEmbedder:
            self.loaded.append(spec.name)
            if spec.name in self.lacking:
                raise ModelMissing(f"run 'magicfs model pull {spec.name}'")
            return fake_embedder(spec)

        def find(spec: ModelSpec) -> None:
            if spec.name in self.missing:
                raise ModelMissing(f"run 'magicfs model pull {spec.name}'")

        return make_embed_service(self.index.database, find=find, load=load, owner=owner, model=model, paused=paused)

    def embed(self, service: EmbedService | None = None, until: Callable[[], bool] = lambda: False) -> None:
        """Embed until nothing waits that a worker takes at once."""
        service = service or self.worker()
        while not until() and service.run_turn():
            pass

    def embed_batches(self, count: int) -> None:
        """Embed so many batches, and no more."""
        service = self.worker()
        for _ in range(count):
            batch = service.claim_batch()
            assert batch is not None
            service.embed_batch(batch, claim_next=False)

    def settle(self) -> None:
        """Work until nothing waits and maintenance has visited all contents."""
        maintenance = make_maintenance(self.index.database)
        self.extract()
        maintenance.sweep()
        maintenance.sweep()
        self.embed()
        self.embed()

    def rows(self) -> dict[str, dict[str, str]]:
        """The rows of each text by the last part of the model's name: its state, with the priority of a pending one."""
        rows: dict[str, dict[str, str]] = {}
        for text, name, state, priority in self.index.rows(ROWS):
            waits = f" {priority}" if state == "pending" else ""
            rows.setdefault(text, {})[name.partition("/")[2]] = f"{state}{waits}"
        return rows

    def states(self) -> dict[str, tuple[str, str]]:
        """The rows of each text under the English model and under the multilingual one."""
        return {
            text: (models.get("english", ""), models.get("multilingual", "")) for text, models in self.rows().items()
        }
