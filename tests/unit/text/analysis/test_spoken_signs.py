"""Signs that are typed as words, and Greek letters that are typed for their names."""

from __future__ import annotations

import pytest

from magicfs.text.analysis.spoken_signs import forms_with_signs, greek_letter_forms
from magicfs.text.analysis.variants import OtherForms
from tests.unit.text.analysis.vectors import missed


def one(word: str, form: str) -> OtherForms:
    return frozenset(word.split()), [form]


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("alpha helix", [one("alpha", "α")]),
        ("Beta-carotene", [one("beta", "β")]),
        ("delta_9 and δ", [one("delta", "δ"), one("δ", "delta")]),
        ("Σ-algebra", [one("σ", "sigma")]),
        ("f.Σ", [one("σ", "sigma")]),
        ("λόγος alphabet betas", []),
        # They are articles in Greek.
        ("ETA omicron η ο", []),
    ],
)
def test_a_greek_letter_and_its_name_are_forms_of_one_another(typed: str, forms: list[OtherForms]) -> None:
    assert list(greek_letter_forms(typed)) == forms


@pytest.mark.parametrize(
    ("typed", "forms"),
    [
        ("C sharp minor", [one("c sharp", "c#"), one("sharp", "♯")]),
        ("fsharp", [one("fsharp", "f#")]),
        ("B flat major", [one("flat", "♭")]),
        ("c plus plus templates", [one("c plus", "c++")]),
        ("cpp", [one("cpp", "c++")]),
        ("dot net core", [one("dot net", ".net")]),
        ("dotnet", [one("dotnet", ".net")]),
        ("a sharp knife, a flat tyre in the dots of a net", [one("flat", "♭")]),
        ("C# C++ .NET", []),
    ],
)
def test_a_sign_that_is_typed_as_a_word_is_a_form_of_it(typed: str, forms: list[OtherForms]) -> None:
    assert list(forms_with_signs(typed)) == forms


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("the α-helix of a protein", "alpha helix"),
        ("residents of rank gamma-7", "rank γ-7"),
        ("the generics of C#", "c sharp generics"),
        ("the sonata in B♭ major", "sonata B flat"),
        ("templates of C++", "cpp templates"),
        ("a server in .NET", "dotnet server"),
    ],
)
def test_a_question_finds_all_of_its_words(text: str, question: str) -> None:
    assert missed(text, question) == []
