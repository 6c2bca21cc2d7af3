"""What scores say on a made corpus, with the real model: they tell results apart, unrelated questions have low ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from statistics import median

import pytest

from magicfs.db.pool import Database
from magicfs.db.vectors.model_changes import activate_model
from magicfs.db.vectors.models import active_model
from magicfs.domain.models import StoredModel
from magicfs.domain.results import Hit
from magicfs.embedding.embedder import FastembedEmbedder
from magicfs.ingest.roots import add_root
from magicfs.search.service import SearchService
from tests.plugins.index import HOST, Index, Reader
from tests.plugins.searches import InProcessQueryEmbedder
from tests.plugins.servers import Servers

FIRST = 10
PARTS = {
    "printing": "The print window shows each page before it goes to the printer, and margins are set there",
    "backup": "A copy of all notes is written to another disk every night, from which lost ones are restored",
    "accounts": "Users sign in with a name and a password, and who has forgotten it gets a letter with a new one",
    "colours": "The dark theme has white letters on a black ground, and each theme is a file of colours",
    "shortcuts": "Every command has a key on the keyboard, and the keys are listed in a table that can be changed",
    "languages": "Menus are translated into twelve languages, and the spelling of each text is checked",
    "updates": "A new version is fetched once a week, and its list of changes is shown before it is installed",
    "network": "Notes are sent to a server through a proxy, and a lost connection is opened again after a minute",
    "plugins": "A plugin adds a command in Python, and is loaded from a folder when the program starts",
    "pictures": "Photographs are made smaller when they are pasted, and drawings stay as they were drawn",
    "tables": "Columns of a table are sorted by a click on their heads, and sums stand in the last row",
    "calendar": "Dates in a note become entries of a calendar, with an alarm an hour before they begin",
}
SIDES = (
    "{}. This is what most people use, and it needs no settings.",
    "What can go wrong: {}. An error in this part is written to the log, with the line of the note.",
    "For administrators: {}. A value in the configuration file turns it off for all users.",
    "{}. It was rewritten for the third release, which made it twice as fast.",
)
EVERYDAY = (
    "how do I print a page",
    "forgotten password",
    "restore lost notes from a copy",
    "dark theme",
    "change a key on the keyboard",
    "translation of the menus",
    "install a new version",
    "connection to the server through a proxy",
    "write a plugin in Python",
    "sort a table by a column",
    "alarm before an appointment",
    "turn it off for all users",
)
UNRELATED = (
    "recipe for apple strudel",
    "pruning climbing roses in spring",
    "symptoms of measles in children",
    "knitting a woollen sweater",
    "history of the Ottoman empire",
    "depth of the Mariana trench",
    "vaccination of puppies",
    "blorp zindle quuxly frobnar",
    "grandmother's wedding dress",
    "giraffe",
    "volcano eruption",
    "Wie backe ich einen Apfelstrudel?",
    "怎样种植西红柿",
    "how many moons does Jupiter have",
)


@pytest.fixture(scope="module")
def service(
    servers: Servers,
    stored_model: StoredModel,
    embedder: FastembedEmbedder,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SearchService]:
    home = tmp_path_factory.mktemp("scores")
    folder = home / "docs"
    folder.mkdir()
    for name, text in PARTS.items():
        for number, side in enumerate(SIDES):
            (folder / f"{name}-{number}.txt").write_text(side.format(text))
    with servers.new_database() as url, Database(url, application="test") as database:
        with database.transaction() as connection:
            activate_model(connection, stored_model.spec)
        root = add_root(database, host=HOST, path=folder, home=home / "home")
        index = Index(database, root, folder, Reader(), embedder)
        index.settle()
        with database.transaction() as connection:
            model = active_model(connection)
        assert model is not None
        assert model.scale is not None, "the worker has measured the corpus"
        yield SearchService(database, InProcessQueryEmbedder(embedder), default_limit=FIRST)


def results(service: SearchService, question: str) -> tuple[Hit, ...]:
    return service.search(question, deadline_s=30).hits


def test_everyday_questions_have_scores_that_tell_results_apart(service: SearchService) -> None:
    found = {question: results(service, question) for question in EVERYDAY}
    for question, hits in found.items():
        assert all(later.score <= earlier.score for earlier, later in pairwise(hits)), question
    shown = [hit for hits in found.values() for hit in hits]
    certain = [hit for hit in shown if f"{hit.score:.2f}" == "1.00" and hit.lexical != 1.0]
    assert len(certain) <= len(shown) / 10
    apart = [hits[0].score - hits[-1].score for hits in found.values() if len(hits) >= FIRST / 2]
    assert len(apart) >= len(EVERYDAY) / 2
    assert median(apart) >= 0.15
    equal = [f"{a.score:.2f}" == f"{b.score:.2f}" for hits in found.values() for a, b in pairwise(hits)]
    assert sum(equal) <= 0.4 * len(equal)
    assert median(hits[0].score for hits in found.values()) >= 0.5


@pytest.mark.parametrize("question", UNRELATED)
def test_an_unrelated_question_has_few_results_and_low_scores(service: SearchService, question: str) -> None:
    hits = results(service, question)
    assert all(hit.score < 0.2 for hit in hits), [(hit.name, hit.score) for hit in hits]
    assert len(hits) <= FIRST / 2


def test_all_words_together_score_higher_than_the_same_words_apart(service: SearchService) -> None:
    hits = {hit.name.decode().partition("-")[0]: hit.score for hit in results(service, "proxy server notes")}
    assert 0.9 <= hits["network"] < 0.995
