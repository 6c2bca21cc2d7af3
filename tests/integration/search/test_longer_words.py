"""A word that nothing has is found in longer ones that begin so, and a code in the pieces that a text has it in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from magicfs.db.pool import Database
from magicfs.search.service import SearchService
from tests.integration.search.corpus import ChosenVectors, Corpus
from tests.plugins.servers import Servers


@pytest.fixture(scope="module")
def service(servers: Servers) -> Iterator[SearchService]:
    """A search that the tests share: they only search."""
    with servers.new_database() as url, Database(url, application="test", size=4) as database:
        fill(Corpus(database))
        yield SearchService(database, ChosenVectors(), host="box", default_limit=50)


def fill(corpus: Corpus) -> None:
    corpus.add(b"budget.txt", "die Kinderbetreuungseinrichtung und die Feuerwehr", language="de")
    corpus.add(b"contract.txt", "Frau Keller arbeitet als Konstrukteurin", language="de")
    corpus.add(b"driver.c", "UART driver for the STM32F407, at 115200u")
    corpus.add(b"cells.txt", "knock-out in HEK293T cells and the wallet bc1qar0srrr7xf")
    corpus.add(b"serials.txt", "drill SN: 3 601 JH5 202 and licence QWER-1234-TYUI-88")
    corpus.add(b"release.txt", "shipped from 7e21f0a on Friday")
    corpus.add(b"plate.txt", "the car with the plate 4B7 3921")
    corpus.add(b"claim.txt", "your ref. CS/2024/99871, and nothing but apples")
    corpus.add(b"nets.txt", "the internet, an internal memo, international trade")
    corpus.add(b"ordinary.txt", "3 601 apples, JH5 pears and 202 plums")
    corpus.add(b"photosynthesis.txt", "leaves and photosynthesis")
    corpus.add(b"garage.txt", "in der Garage hängen Regenjacken und Fahrradanhänger", language="de")
    corpus.add(b"office.txt", "die Gesellschaft ist teilweise kritisch und chaotisch am Schreibtisch", language="de")
    corpus.add(b"hyra.txt", "hyresavtalet för lägenheten", language="sv")
    corpus.add(
        b"tales.txt", "er ruft Zaubersesam, und Kellertüren öffnen sich in Washington und Kensington", language="de"
    )
    corpus.add(b"cuentos.txt", "cuentos para niños", language="es")
    corpus.add(b"sprookjes.txt", "sprookjes voor kinderen", language="nl")
    corpus.add(b"tools.csv", "Hochdruckreiniger;1")
    corpus.file(b"Kellertreppe.bin", None, state="named")
    corpus.add(b"bengali.txt", "সরিষার তেল, পরিবারের রান্না", language="bn")
    corpus.add(b"georgian.txt", "გადასახადი გადახდილია", language="ka")
    corpus.add(b"generation.txt", "the lost generation", language="en")
    corpus.file(b"Tunnel/spec.bin", None, state="named")


def found(service: SearchService, text: str) -> tuple[list[str], list[str]]:
    result = service.search(text, deadline_s=60)
    notices = [notice for notice in result.notices if notice.startswith("nothing has")]
    return [hit.name.decode() for hit in result.hits if hit.score > 0.3], notices


@pytest.mark.parametrize(
    ("typed", "name", "meant"),
    [
        ("Kinderbetreuung", "budget.txt", "kinderbetreuungseinrichtung"),
        ("Kinderbetreuungen", "budget.txt", "kinderbetreuungseinrichtung"),
        ("Konstrukteure", "contract.txt", "konstrukteurin"),
        ("photosyn", "photosynthesis.txt", "photosynthesis"),
        ("STM32", "driver.c", "stm32*"),
        ("115200", "driver.c", "115200*"),
        ("HEK293", "cells.txt", "hek293*"),
        ("bc1qar0", "cells.txt", "bc1qar0*"),
        ("3601JH5202", "serials.txt", "3 601 jh5 202"),
        ("7e21f0ab44", "release.txt", "7e21f0a"),
        ("4B73921", "plate.txt", "4b7 3921"),
        ("QWER1234TYUI88", "serials.txt", "qwer 1234 tyui 88"),
        ("cs202499871", "claim.txt", "cs 2024 99871"),
        ("tunnelspec", "spec.bin", "tunnel spec"),
        ("Jacke", "garage.txt", "regenjacken"),
        ("Anhänger", "garage.txt", "fahrradanhanger"),
        ("Tisch", "office.txt", "schreibtisch"),
        ("avtal", "hyra.txt", "hyresavtalet"),
        ("Reiniger", "tools.csv", "hochdruckreiniger"),
        ("Treppe", "Kellertreppe.bin", "kellertreppe"),
        ("Türen", "tales.txt", "kellerturen"),
        ("সরিষা", "bengali.txt", "সরিষার"),
        ("გადასახადები", "georgian.txt", "გადასახადი"),
    ],
)
def test_a_word_that_nothing_has_finds_what_begins_so_or_its_pieces(
    service: SearchService, typed: str, name: str, meant: str
) -> None:
    names, notices = found(service, typed)
    typed = typed.lower().replace("ä", "a").replace("ü", "u")
    assert (names[0], notices) == (name, [f"nothing has the word {typed}: searched for {meant} too"])


def test_a_beginning_is_less_certain_than_a_code(service: SearchService) -> None:
    word, number, code = (
        service.search(text, deadline_s=60).hits[0] for text in ("Kinderbetreuung", "115200", "HEK293")
    )
    assert word.score < 0.7
    assert number.score < 0.7
    assert code.score >= 0.9


@pytest.mark.parametrize(
    "typed",
    [
        "intern",
        "stm3",
        "11520",
        "kind",
        "ration",
        "Schaft",
        "Weise",
        "Samaras",
        "Tonnen",
        "apple pear plum kinderbetreuung",
    ],
)
def test_other_words_stand_for_themselves(service: SearchService, typed: str) -> None:
    assert found(service, typed)[1] == []
