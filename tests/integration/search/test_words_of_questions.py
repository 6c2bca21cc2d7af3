"""What the words of a question find, in any script: texts analysed as they are indexed, and a real Postgres."""

from __future__ import annotations

import pytest

from magicfs.db.pool import Database
from magicfs.domain.results import Hit
from magicfs.search.service import SearchService
from tests.integration.search.corpus import Corpus

FILLERS = (
    "The harvest of apples was good this year.",
    "A train leaves the station at noon.",
    "今天天气很好,我们去公园散步。",
    "Der Zug kommt heute später an.",
    "ذهب الولد إلى المدرسة صباحا",
)


@pytest.fixture
def corpus(database: Database) -> Corpus:
    corpus = Corpus(database)
    for number, text in enumerate(FILLERS):
        corpus.add(b"filler%d.dat" % number, text)
    return corpus


def hits(service: SearchService, text: str) -> list[Hit]:
    return list(service.search(text, deadline_s=60).hits)


def names(service: SearchService, text: str) -> list[str]:
    return [hit.name.decode() for hit in hits(service, text)]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        # Scripts without spaces: a word inside a sentence, at its ends, beside a number or a Latin word.
        ("她昨天在图书馆借了三本小说,准备周末阅读。", "图书馆"),
        ("她昨天在图书馆借了三本小说,准备周末阅读。", '"三本小说"'),
        ("请拨打95588咨询信用卡业务", "95588"),
        ("请拨打95588咨询信用卡业务", "信用卡"),
        ("请拨打95588咨询信用卡业务", "业务"),
        ("新しいiPhoneケースを注文しました", "iphone"),
        ("新しいiPhoneケースを注文しました", "ケース"),
        ("新しいiPhoneケースを注文しました", "文"),
        ("การประชุมจะเริ่มวันจันทร์หน้า", "วันจันทร์"),
        ("ភាសាខ្មែរពិរោះណាស់", "ខ្មែរ"),
        ("내일 오전에 도서관에서 만나요", "도서관"),
        # Words that are written in one piece and in several, and umlauts as two letters.
        ("We run Node.js and a GPT-4 model", "nodejs gpt4"),
        ("We run nodejs and a GPT4 model", "Node.js GPT-4"),
        ("send the e-mails at once", "email"),
        ("send one email at once", "e-mails"),
        ("Herr Müller und Frau Größler", "mueller groessler"),
        ("Herr Mueller und Frau Groessler", "Müller Größler"),
        # Words that are typed apart, and are one compound of the text.
        ("Die Haftpflichtversicherung zahlt den Schaden", "Haftpflicht Versicherung"),
        ("Die Betriebskostenabrechnung ist falsch", "Betriebskosten Abrechnung"),
        ("two databases were lost", "data base"),
        # Letters without a decomposition, and accents.
        ("Die Straße nach Preßburg ist gesperrt.", "Pressburg Strasse"),
        ("Die Strasse nach Pressburg ist gesperrt.", "Preßburg"),
        ("Smørrebrød og pølser", "smorrebrod polser"),
        ("Encyclopædia of Tromsø", "encyclopaedia tromso"),
        ("Zażółć gęślą jaźń w Łomży", "lomzy gesla"),
        ("Kırşehir'de ılık bir gün", "kirsehir ilik"),
        ("Đà Nẵng là thành phố", "da nang"),
        ("cœur de bœuf", "coeur boeuf"),
        # Points, vowels and variants of letters.
        ("قال المُعَلِّمُ درسًا جديدًا", "المعلم"),
        ("رحلة إلى الإسكندرية", "الاسكندرية"),
        ("الســـلام عليكم", "السلام"),
        ("הַשָּׁנָה הַחֲדָשָׁה", "השנה החדשה"),
        ("Ο ΟΔΥΣΣΕΥΣ γύρισε", "οδυσσευς"),
        ("العدد ١٩٨٤ من المجلة", "1984"),
        ("ｆｕｌｌｗｉｄｔｈ Ｔｅｘｔ", "fullwidth text"),
        # Signs that make another word.
        ("Interop between F# and C++ code", "F#"),
        ("Interop between F# and C++ code", "c++"),
        ("moved to .NET from Java", ".net"),
        ("bool operator==(const T& other)", "operator=="),
        ("rsync --delete-after src dst", "--delete-after"),
        ("rsync --delete-after src dst", "delete"),
        ("ask carol.miller@example.org about it", "carol.miller@example.org"),
        ("ask carol.miller@example.org about it", "miller"),
        ("import os.path as p", "os.path"),
        ("edit ~/.profile first", "~/.profile"),
        # Parts of names in code.
        ("class XMLHttpRequestFactory: pass", "xml http request factory"),
        ("def decode_base64Stream(self): ...", "stream base64"),
        ("MAX_RETRY_COUNT = 3", "retry count"),
        ("my-kebab-component", "kebab"),
        ("parseJSONBody()", "parsejsonbody"),
        # The beginning of a word.
        ("Umsatzsteuervoranmeldung 2023", "umsatzsteuer*"),
        ("build 9fceb02d0ae598e95dc970b74767f19372d61af8", "9fceb02*"),
        ("release 10.4.11 is out", "10.4*"),
        # Identifiers to the letter.
        ("order PO-7781-B, address 10.20.30.40", '"PO-7781-B"'),
        ("order PO-7781-B, address 10.20.30.40", '"10.20.30.40"'),
        ("order PO-7781-B, address 10.20.30.40", "10.20.30.40"),
        ("order PO-7781-B, address 10.20.30.40", "7781"),
        ("file scan_20230811_0912.pdf", "20230811"),
    ],
)
def test_words_are_found(corpus: Corpus, service: SearchService, text: str, question: str) -> None:
    corpus.add(b"the.txt", text)
    first = hits(service, question)[0]
    assert first.name == b"the.txt"
    assert first.lexical is not None
    assert first.lexical >= 0.9
    if question.startswith('"'):
        assert names(service, question) == ["the.txt"]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("order PO-7718-B", '"PO-7781-B"'),
        ("host 10.20.30.140", '"10.20.30.40"'),
        ("release 3.1.40", '"3.1.4"'),
        ("release 13.1.4", '"3.1.4"'),
        ("running the tests", '"run the test"'),
        ("the tests, running", '"running the tests"'),
        ("a_b c", '"a b_c"'),
        ("C# spans", '"C++ spans"'),
        ("三本书和小说", '"三本小说"'),
        ("图书和书馆", '"图书馆"'),
        ("cafés", '"cafe"'),
    ],
)
def test_phrases_are_exact(corpus: Corpus, service: SearchService, text: str, question: str) -> None:
    corpus.add(b"the.txt", text)
    assert names(service, question) == []


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("It was «too—late», he said", '"too late he said"'),
        ("divided over\n   two lines", '"over two lines"'),
        ("the Café Müller in Köln", '"cafe muller in koln"'),
        ("see src/main/App.java for it", '"main/App.java for it"'),
        ("to be or not to be", '"to be or not to be"'),
    ],
)
def test_case_accents_and_white_space_do_not_matter_in_a_phrase(
    corpus: Corpus, service: SearchService, text: str, question: str
) -> None:
    corpus.add(b"the.txt", text)
    assert names(service, question) == ["the.txt"]


def test_the_address_of_a_host_finds_no_text_with_its_numbers_apart(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"other.txt", "at 17.0.0.10 now")
    corpus.add(b"log.txt", "at 10.0.0.17:53 now")
    assert names(service, "10.0.0.17") == ["log.txt"]


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("C++", "C++ in a month", "C# in a month"),
        ("C#", "C# in a month", "C++ in a month"),
        (".NET memory", ".NET memory", "net memory"),
        ("foo.bar", "call foo.bar here", "call bar here, foo there"),
        ("2.10.3", "now 2.10.3 is out", "now 10.3.2 is out"),
        ("--force", "git push --force it", "git push by force it"),
        ("HTTPServerPool", "an HTTPServerPool here", "an http server and a pool here"),
    ],
)
def test_the_very_word_ranks_first(
    corpus: Corpus, service: SearchService, question: str, first: str, second: str
) -> None:
    corpus.add(b"second.txt", second)
    corpus.add(b"first.txt", first)
    found = hits(service, question)
    assert [hit.name for hit in found[:2]] == [b"first.txt", b"second.txt"]
    assert found[0].score > found[1].score


def test_another_form_of_the_word_ranks_lower(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"second.txt", "they connect it")
    corpus.add(b"first.txt", "they connected it")
    assert names(service, "connected") == ["first.txt", "second.txt"]


def test_a_compound_that_no_text_has_costs_nothing(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "the red panda lives here")
    (hit,) = hits(service, "red-panda")
    assert hit.lexical is not None
    assert hit.lexical >= 0.9


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("de", "Alle Rechnungen waren falsch", "falsche Rechnung"),
        ("fr", "Les chevaux galopaient vite", "galoper"),
        ("es", "Los perros corrieron rápidamente", "correr perro"),
        ("ru", "новые книги для детей", "новая книга"),
        ("ar", "قرأ الطلاب الكتاب", "كتاب"),
    ],
)
def test_stems_are_those_of_the_texts_language(
    corpus: Corpus, service: SearchService, language: str, text: str, question: str
) -> None:
    corpus.add(b"the.txt", text, language=language)
    hit = hits(service, question)[0]
    assert hit.name == b"the.txt"
    assert hit.lexical is not None
    assert hit.lexical >= 0.9


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("de", "Verteidigung der Panthers", "Wie war die Verteidigung von den Panthers?"),
        ("fr", "prix du pétrole", "c'est le prix de ce pétrole"),
        ("en", "price of oil", "what was the price of the oil?"),
    ],
)
def test_stop_words_of_the_questions_language_are_left_out(
    corpus: Corpus, service: SearchService, language: str, text: str, question: str
) -> None:
    corpus.add(b"the.txt", text, language=language)
    corpus.add(b"other.txt", "Ein anderes Wort", language="de")
    hit = hits(service, question)[0]
    assert hit.name == b"the.txt"
    assert hit.lexical is not None
    assert hit.lexical >= 0.8


def test_a_stop_word_of_another_language_is_a_word(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"deutsch.txt", "Ein anderes Wort", language="de")
    corpus.add(b"dice.txt", "you throw the die once")
    assert names(service, "throw the die")[0] == "dice.txt"
    assert names(service, "die") == ["dice.txt"]
    assert names(service, "the") != []


def test_an_excluded_word_is_excluded_in_any_form_but_a_phrase_to_the_letter(
    corpus: Corpus, service: SearchService
) -> None:
    corpus.add(b"a.txt", "zebra with running shoes")
    corpus.add(b"b.txt", "zebra that runs home")
    corpus.add(b"c.txt", "zebra in C++ and Java")
    corpus.add(b"d.txt", "zebra in C# and 图书馆")
    assert sorted(names(service, "zebra -run")) == ["c.txt", "d.txt"]
    assert sorted(names(service, 'zebra -"run"')) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert sorted(names(service, 'zebra -"runs"')) == ["a.txt", "c.txt", "d.txt"]
    assert sorted(names(service, 'zebra -"runs home"')) == ["a.txt", "c.txt", "d.txt"]
    assert sorted(names(service, 'zebra -"run home"')) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    assert sorted(names(service, 'zebra -"C++"')) == ["a.txt", "b.txt", "d.txt"]
    assert sorted(names(service, "zebra -图书馆")) == ["a.txt", "b.txt", "c.txt"]


def test_an_excluded_particle_is_excluded_with_its_word(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "zebra 基本設計書", language="ja")
    corpus.add(b"b.txt", "zebra 犬の基本", language="ja")
    assert names(service, "zebra -の基本") == ["a.txt"]


def test_the_whole_question_in_other_forms_is_a_phrase_too(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"apart.txt", "the invoices; and there are taxes")
    corpus.add(b"phrase.txt", "all the taxes invoiced")
    found = hits(service, "tax invoice")
    assert (found[0].name, found[0].lexical) == (b"phrase.txt", 1.0)


def test_the_words_of_an_older_version_are_found(database: Database, corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"old.txt", "placeholder")
    with database.transaction() as connection:
        connection.execute(
            "UPDATE chunks SET words = %s, terms = NULL, analysis = 0 WHERE text = 'placeholder'",
            ("'invoic':1 'paid':2",),
        )
    (hit,) = hits(service, "invoices paid")
    assert (hit.name, hit.lexical) == (b"old.txt", 1.0)


def test_a_beginning_that_many_words_have_is_ranked(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"many.txt", "taxfile taxfiles taxfiling taxfiled taxfiler")
    corpus.add(b"one.txt", "taxfile of a company with many other words in its text")
    assert names(service, "taxfil*") == ["many.txt", "one.txt"]


def test_forms_of_one_word_are_one_word_of_the_question(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"a.txt", "a network of pipes")
    (hit,) = hits(service, "pipes network pipe networks")
    assert hit.lexical is not None
    assert hit.lexical >= 0.9


def test_a_phrase_goes_over_words_that_no_index_has(corpus: Corpus, service: SearchService) -> None:
    blob = "Zx9" * 60
    corpus.add(b"a.txt", f"the key {blob} was lost")
    corpus.add(b"b.txt", "the key was lost")
    assert names(service, f'"key {blob} was"') == ["a.txt"]
    assert names(service, f'"key {blob}.{blob} was"') == []


def test_two_letters_are_no_umlaut_where_the_word_is_found_as_it_is_typed(
    corpus: Corpus, service: SearchService
) -> None:
    corpus.add(b"visit.txt", "our guest arrives at noon")
    corpus.add(b"storm.txt", "a gust of wind")
    assert names(service, "guest") == ["visit.txt"]
    corpus.add(b"brief.txt", "Der Gast ist da und bleibt bis morgen", language="de")
    corpus.add(b"name.txt", "Frau Güst wohnt hier", language="de")
    assert names(service, "guest")[0] == "visit.txt"
    assert "name.txt" in names(service, "guest")


def test_a_phrase_is_found_in_each_spelling_of_its_words(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"author.txt", "a book by the well-\nknown author of this town")
    corpus.add(b"bylaws.txt", "Die große Änderung der Satzung ist im Amtsblatt zu lesen", language="de")
    corpus.add(b"letter.txt", "Herr Mueller wohnt seit gestern in der neuen Strasse", language="de")
    assert names(service, '"well-known author"') == ["author.txt"]
    assert names(service, '"grosse Aenderung der"') == ["bylaws.txt"]
    assert names(service, '"Herr Müller wohnt"') == ["letter.txt"]
    assert names(service, '"known well author"') == []
    assert "letter.txt" not in names(service, 'wohnt -"Herr Müller"')
    assert "author.txt" not in names(service, 'book -"well-known"')


def test_a_compound_of_words_typed_apart_counts_less_than_the_words(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"compound.txt", "the database of the town")
    corpus.add(b"words.txt", "the data base of the town")
    assert names(service, "data base")[:2] == ["words.txt", "compound.txt"]


def test_forms_of_a_word_beside_different_neighbours_are_one_word_still(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"compound.txt", "an opener of basenetworks")
    found = hits(service, "network base networks cards")
    assert [hit.name for hit in found] == [b"compound.txt"]


def test_a_stop_word_makes_no_compound(corpus: Corpus, service: SearchService) -> None:
    corpus.add(b"suburb.txt", "Er wohnt mit den anderen in einem Vorort", language="de")
    corpus.add(b"place.txt", "An diesem Ort wird mit den anderen gebaut", language="de")
    assert names(service, "vor Ort") == ["place.txt"]


def test_a_noun_in_ment_does_not_find_another_word_by_its_stem_in_french(
    corpus: Corpus, service: SearchService
) -> None:
    corpus.add(b"will.txt", "my last testament is at the court")
    corpus.add(b"code.txt", "run the tests, and test this function again")
    corpus.add(b"logements.txt", "Les logements de la ville sont trop chers", language="fr")
    assert names(service, "testament") == ["will.txt"]
    assert names(service, "logement") == ["logements.txt"]
    assert "code.txt" in names(service, "testing")
