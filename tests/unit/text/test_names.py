"""What the index has of a file's path."""

import re
import unicodedata

import pytest

from magicfs.text.names import (
    file_name,
    fold_path,
    is_at_path,
    is_name_in_another_format,
    is_whole_name,
    plain_name,
    typed_path,
)


@pytest.mark.parametrize(
    ("path", "extension"),
    [
        ("a.TXT", "txt"),
        ("README", ""),
        (".bashrc", ""),
        ("d.x/README", ""),
        ("a.tar.gz", "gz"),
        ("x.ＭＤ", "md"),
        ("a.", ""),
    ],
)
def test_the_extension_is_folded(path: str, extension: str) -> None:
    assert file_name(path.encode()).extension == extension


def test_both_unicode_forms_of_a_name_are_one() -> None:
    composed, decomposed = (
        file_name(unicodedata.normalize(form, "Übungen/Lösung Ä.pdf").encode()) for form in ("NFC", "NFD")
    )
    assert composed.folded == decomposed.folded == "ubungen/losung a.pdf"
    assert composed.words == decomposed.words


@pytest.mark.parametrize(
    ("path", "stem"),
    [
        ("Rechnungen_2024.pdf", "^rechnung"),
        ("Katzen im Garten.jpg", "^katz"),
        ("Dokumente/Passwörter.txt", "^passwort"),
        ("договоры.pdf", "^договор"),
        ("invoices.pdf", "^invoic"),
    ],
)
def test_a_name_has_the_stems_of_its_likely_language(path: str, stem: str) -> None:
    assert f"'{stem}':" in file_name(path.encode()).words


def test_an_english_name_has_no_stems_of_another_language() -> None:
    assert not {"^cod", "^tap", "^plan"} & set(re.findall("'(.*?)'", file_name(b"tape drive/plane code.txt").words))


def test_the_files_own_name_weighs_more() -> None:
    words = file_name(b"invoices/summary.txt").words
    assert "'summary':19A" in words or ("'summary'" in words and "A" in words.partition("'summary':")[2].split()[0])
    assert "A" not in words.partition("'invoices':")[2].split()[0]


def test_directories_are_words_one_by_one() -> None:
    words = file_name(b"usr/share/doc/read-me.txt").words
    assert "usr/share" not in words
    assert {"'usr'", "'share'", "'doc'", "'read-me'", "'read-me.txt'"} <= {
        word.rpartition(":")[0] for word in words.split(" ")
    }


def test_no_folded_character_divides_a_path() -> None:
    assert file_name("a／b ℅.txt".encode()).folded.count("/") == 0
    assert fold_path("in／out") == file_name("in／out".encode()).folded


def test_undecodable_bytes_are_replaced() -> None:
    assert file_name(b"caf\xe9.txt").display == "caf\ufffd.txt"


@pytest.mark.parametrize(
    ("question", "name", "is_name"),
    [
        ("Übung_1.pdf", "ubung 1.pdf", True),
        ("rechnung 2024.03.05", "Rechnung.2024.03.05.txt", True),
        ("rechnung 2024 03 05", "Rechnung.2024.03.05.txt", True),
        ("GmbH & Co. KG", "GmbH & Co.KG.txt", True),
        ("report 2024", "Report.2024.03.txt", False),
        ("rechnung 2024.03", "Rechnung.2024.03.05.txt", False),
        ("annual report 2021", "Annual-Report__2021.pdf", True),
        ("site backup", "site-backup.tar.gz", True),
        ("README", "readme", True),
        ("C++", "C++.md", True),
        ("C++", "C#.md", False),
        ("cooking", "cooking.txt", False),
        ("cooking.txt", "cooking.txt", True),
        ("\u0916\u093e\u0928\u093e", "\u0916\u093e\u0928\u093e.txt", False),
        ("don't", "don't.txt", False),
        ("budget 2021", "budget 2021.7z", True),
        ("clip 7", "clip 7.3gp", True),
        ("2021", "2021.01.05 walk.txt", False),
        ("annual report", "annual report 2021.pdf", False),
        ("", ".md", False),
        ("...", ".bashrc", False),
        (".", ".bashrc", False),
        ("- .", "-.md", False),
        (".bashrc", ".bashrc", True),
    ],
)
def test_a_question_is_a_name_with_or_without_its_extension(question: str, name: str, is_name: bool) -> None:
    assert is_whole_name(plain_name(question), plain_name(name)) == is_name


@pytest.mark.parametrize(
    ("typed", "is_at"),
    [
        ("/home/ada/Notes/Über uns.txt", True),
        ("~/Notes/über uns.txt", True),
        ("./notes/UBER UNS.TXT", True),
        ("../../Notes/Über uns.txt", True),
        ("file:///home/ada/notes/Über uns.txt", True),
        ("ada/notes", True),
        ("~/notes/", True),
        ("/home", True),
        ("tes/Über uns.txt", False),
        ("ada/note", False),
        ("notes", False),
        ("https://ada/notes", False),
        ("ada / notes", False),
        ("and/or", False),
        ("/", False),
        ("", False),
    ],
)
def test_a_path_or_the_end_of_one_that_is_typed(typed: str, is_at: bool) -> None:
    assert is_at_path(fold_path("/home/ada/Notes/Über uns.txt"), typed_path(typed)) is is_at


@pytest.mark.parametrize(
    ("question", "name", "is_name"),
    [
        ("Letter.docx", "letter.pdf", True),
        ("my_letter to Ada.doc", "My letter to Ada.PDF", True),
        ("letter.docx", "letters.pdf", False),
        ("letter.docx", "letter.py", False),
        ("os.path", "os.py", False),
        ("node.js", "node.md", False),
        ("letter", "letter.pdf", False),
        (".docx", ".pdf", False),
    ],
)
def test_a_name_in_another_format_has_another_extension_alone(question: str, name: str, is_name: bool) -> None:
    assert is_name_in_another_format(plain_name(question), plain_name(name)) == is_name
