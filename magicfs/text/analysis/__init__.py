"""The words of texts, names and questions, by the same rules: what Postgres keeps as `tsvector` and looks for."""

from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.forms import forms_in_one_piece, umlaut_forms
from magicfs.text.analysis.phrases import phrase_query, phrase_words
from magicfs.text.analysis.question import question_terms
from magicfs.text.analysis.words import ANALYSIS_VERSION, analyze, analyze_moved_path, analyze_path

__all__ = [
    "ANALYSIS_VERSION",
    "analyze",
    "analyze_moved_path",
    "analyze_path",
    "fold",
    "forms_in_one_piece",
    "phrase_query",
    "phrase_words",
    "question_terms",
    "umlaut_forms",
]
