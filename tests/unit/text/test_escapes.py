"""Escapes of text formats are the characters that they stand for, and lines stay lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from magicfs.text.extract.plain.escapes import unescape


@pytest.mark.parametrize(
    ("mime_type", "written", "read"),
    [
        ("application/json", r'"J\u00fcrgen sagt \"Gr\u00fc\u00dfe\"\nund geht"', '"Jürgen sagt "Grüße" und geht"'),
        ("application/json", r'"C:\\users\\u00fc"', r'"C:\users\u00fc"'),
        ("application/json", r'"\u001b[31mdata\u001b[0mbase"', '"\x1b[31mdata\x1b[0mbase"'),
        ("text/x-diff", r'--- "a/Gr\303\274\303\237e.txt"', '--- "a/Grüße.txt"'),
        ("text/x-c", r'"Se\303\261or \377\101 \303"', r'"Señor \377\101 \303"'),
        ("text/x-wiki", "'''Fett''' und '''Fett'''druck, ''kur''siv", "Fett und Fettdruck, kursiv"),
        ("text/x-asciidoc", "__Saat__krähe und **Ei**chel, __init__", "Saatkrähe und **Ei**chel, __init__"),
        ("text/x-rst", r"**Bunt**\ specht und H\ :sub:`2`\ O", "**Bunt**specht und H2O"),
        (
            "application/json",
            r'{"a": "{\"city\": \"Z\\u00fcrich\"}", "b": "Caf\u00e9"}',
            '{"a": "{"city": "Zürich"}", "b": "Café"}',
        ),
        ("application/json", r'"\ud83c\udf89 party\ud83c"', '"🎉 party\ufffd"'),
        ("application/yaml", r'name: "Z\u00fcrich"', 'name: "Zürich"'),
        ("text/x-asciidoc", "tele{shy}phone and{nbsp}{author} {cpp}", "tele\u00adphone and\u00a0{author} C++"),
        ("text/x-rst", r"``lit``\ eral", "``literal"),
        ("text/x-strings", r'"k" = "one\ntwo \"three\" \U00e4";', '"k" = "one two "three" ä";'),
        ("application/xml", r"<resources><a>Don\'t\nstop</a>", "<resources><a>Don't stop</a>"),
        ("application/xml", r"<other><a>C:\new</a>", r"<other><a>C:\new</a>"),
        ("text/x-ini", r"button=Schlie\u00dfen", "button=Schließen"),
        ("text/x-ini", r"path=C:\new\table", r"path=C:\new\table"),
        ("text/x-java", r'String s = "\u00dcbung\n";', 'String s = "Übung\\n";'),
        ("text/x-swift", r'let s = "\u{1F389}"', 'let s = "🎉"'),
        ("text/x-python", r"re.compile('\\u00fc\d')", r"re.compile('\\u00fc\d')"),
        (
            "application/xml",
            "<t>B&#xFC;rger &#246;ffnen &eacute;t&eacute; &amp; mehr</t>",
            "<t>Bürger öffnen été & mehr</t>",
        ),
        ("application/xml", "<t>a&#10;b &unknownname; &#x110000;</t>", "<t>a b &unknownname; \ufffd</t>"),
        ("text/x-tex", r"Schr\"odinger, Poincar\'e, Erd\H{o}s, \v{C}ech", "Schrödinger, Poincaré, Erdős, Čech"),
        (
            "text/x-tex",
            r"Stra{\ss}e, Stra\ss e, \O re, {\L}\'od\'z, \AA ngstr\"{o}m",
            "Straße, Straße, Øre, Łódź, Ångström",
        ),
        ("text/x-tex", r"G{\"o}del, na{\"\i}ve, fa\c{c}ade, a\~no", "Gödel, naïve, façade, año"),
        (
            "text/x-tex",
            r"\textbf{mol}luscs, un\emph{believ}able, \textbf{bold} word",
            r"molluscs, unbelievable, \textbf{bold} word",
        ),
        ("text/x-tex", r"a fa\c cade, Fran\c cois, \v space", "a façade, François, \\v space"),
        (
            "text/x-python",
            r'"\N{LATIN SMALL LETTER U WITH DIAERESIS}ber \N{BULLET} \N{NO SUCH}"',
            r'"über \N{BULLET} \N{NO SUCH}"',
        ),
        ("text/x-perl", r'"\x{fc}ber \x{2022} \x{ffffff}"', r'"über \x{2022} \x{ffffff}"'),
        ("text/x-gettext", 'msgstr "Datei ö&ffnen, Sa&ve &As"', 'msgstr "Datei öffnen, Save &As"'),
        (
            "text/x-gettext",
            'msgid "AT&T, R&D, dogs&nbsp;and ?a=b&lang=en"',
            'msgid "AT&T, R&D, dogs\u00a0and ?a=b&lang=en"',
        ),
        ("text/x-gettext", 'msgid "a&b&c, ?page=about&print"', 'msgid "a&b&c, ?page=about&print"'),
        ("text/x-ssa", r"Dialogue: {\i1}Star{\i0}board\Non deck", "Dialogue: Starboard on deck"),
        ("application/x-subrip", r"{\an8}Farewell {to} all", "Farewell {to} all"),
        (
            "text/vtt",
            "<v.loud Roger>The <c.blue.bg>cuttle</c>fish&nbsp;sees</v>\nup<00:00:01.240><c> to</c><01:02.000> me",
            "Roger: The cuttlefish\u00a0sees\nup to me",
        ),
        (
            "text/vtt",
            "00:01.000 --> 00:04.000\n<lang en-GB>x < y</lang>, <name>",
            "00:01.000 --> 00:04.000\nx < y, <name>",
        ),
        ("text/x-lrc", "[00:15.50]<00:15.50>lan<00:15.60>terns <00:16>glow", "lanterns glow"),
        ("text/x-tex", r"Donau\-dampf\-schiff, Bett\"uberzug", "Donaudampfschiff, Bettüberzug"),
        ("text/x-tex", r"\documentclass{article} \begin{document} \url{a} \begin{tabular}{c} \large x", None),
        ("text/x-bibtex", r"author = {M{\"u}ller, J{\"o}rg}", "author = {Müller, Jörg}"),
        (
            "application/xml",
            "<d>&lt;p&gt;M&amp;auml;rchen &amp;#8211; ja&lt;/p&gt;</d>",
            "<d><p>Märchen \u2013 ja</p></d>",
        ),
        ("application/xml", r"<string>best\u00e4tigen</string>", "<string>bestätigen</string>"),
        ("text/markdown", "M&uuml;ll in K&#246;penick & mehr", "Müll in Köpenick & mehr"),
        ("text/x-wiki", "[[N&auml;he]]", "[[Nähe]]"),
        ("text/x-vue", r"<p>Sp&auml;tzle</p> a='br\u00fche'", "<p>Spätzle</p> a='brühe'"),
        ("text/x-php", r'$a = "Gem\u{fc}se";', '$a = "Gemüse";'),
        ("text/x-ruby", r'a = "Kn\u00f6del"', 'a = "Knödel"'),
        ("text/x-typescript", r'b: "\xdcbersicht"', 'b: "Übersicht"'),
        ("text/x-c", r'char *s = "Stra\xc3\x9f" "e";', 'char *s = "Straß" "e";'),
        ("text/x-c", r'"\x31\xc0\x50\x68" "\\xfc" "\x89PNG"', r'"\x31\xc0\x50\x68" "\\xfc" "\x89PNG"'),
        ("text/css", r'content: "Men\fc s \00e4 hnlich"; width: 9px\9', 'content: "Menüs ähnlich"; width: 9px\\9'),
        ("text/x-strings", r'"ok" = "Best\U00e4tigen";', '"ok" = "Bestätigen";'),
        ("text/x-java-properties", "a=Wei\\u00df\\\n   wurst\nb=C:\\\\\nc=1", "a=Weißwurst\n\nb=C:\\\\\nc=1"),
        ("text/x-java-properties", "# a path\\\nb=1\nc=2\\", "# a path\\\nb=1\nc=2"),
        (
            "text/x-gettext",
            'msgstr "Fens"\n"ter\\n"\n"\\"auf\\""\n\nmsgid ""',
            'msgstr "Fenster "auf""\n\n\n\nmsgid ""',
        ),
        ("text/x-tex", r"na\"\i ve \'\i{}sland \'{\i}sland", "naïve ísland ísland"),
        ("text/x-tex", r'\usepackage[ngerman]{babel} "Uber stra"se', r"\usepackage[ngerman]{babel} Über straße"),
        ("text/x-tex", r'He said "also" and left', r'He said "also" and left'),
        (
            "text/x-bibtex",
            "title = {{G}raph {T}heory of Mac{OS} and {DNA}}",
            "title = {Graph Theory of MacOS and {DNA}}",
        ),
        (
            "text/troff",
            r"gr\(:ussen na\[:i]ve \fBbold\fR\-x re\%cog\%nize \[u00E9]t\[u00E9]",
            "grüssen naïve bold-x recognize été",
        ),
        ("text/plain", r"C:\u00fc &#252; \"u", None),
        ("text/x-tex", r"50\,\% \& C\# \\% no", r"50 % & C# \\% no"),
        ("application/xml", "<!DOCTYPE TS><TS><b>Be&amp;enden", "<!DOCTYPE TS><TS><b>Beenden"),
        ("application/xml", "<r>Be&amp;enden</r>", "<r>Be&enden</r>"),
        ("text/x-tex", r"a shelf{}ful of \TeX{}books", r"a shelfful of \TeX{}books"),
        ("application/json", r'"fa\u00c3\u00a7on \u00f0\u009f\u0098\u00a2 \u00c4\u00d6"', '"façon 😢 ÄÖ"'),
        ("application/json", r'"a\u00c2\u00a0! \u00f0\u009f\u0091\u00a9\u00e2\u0080\u008d"', '"a\u00a0! 👩\u200d"'),
        ("application/json", r'"\u00bbGro\u00dfer Spa\u00df\u00ab"', '"»Großer Spaß«"'),
        ("text/x-bibtex", "t = {{B}ayes{ian} e{Bay}, \\emph{x}}", "t = {Bayesian eBay, \\emph{x}}"),
        ("text/x-tex", r"a \emph{hyper}\/cube \\/x", r"a hypercube \\/x"),
        ("application/yaml", "a: 'it''s here'\nb: ''", "a: 'it's here'\nb: ''"),
        ("text/x-sql", r"VALUES ('O''Shea', 'C:\new')", r"VALUES ('O'Shea', 'C:\new')"),
        ("text/x-sql", r"INSERT INTO `a` VALUES ('cat\'s\ncradle')", "INSERT INTO `a` VALUES ('cat's cradle')"),
        ("text/x-lrc", "[ar:Ada]\n[00:12.00]Under <00:12.50>a\n[01:02]tree", "[ar:Ada]\nUnder a\ntree"),
        ("text/x-gettext", 'msgstr "Bitte warten&hellip; &Ouml;l"', 'msgstr "Bitte warten… Öl"'),
    ],
)
def test_escapes_are_replaced(mime_type: str, written: str, read: str | None) -> None:
    assert unescape(written, mime_type=mime_type) == (written if read is None else read)


MESSAGE = """{
 "text": [
  "by the ",
  {
   "type": "bold",
   "text": "mossy"
  },
  {"type": "text_link", "text": " tele", "href": "https://kelp.example/"},
  "scope"
 ],
 "text_entities": [
  {"type": "plain", "text": "by the "},
  {"type": "bold", "text": "mossy"},
  {"type": "text_link", "text": " tele", "href": "https://kelp.example/"},
  {"type": "plain", "text": "scope"}
 ]
}
"""


def test_a_message_of_telegram_is_whole_and_there_once() -> None:
    read = unescape(MESSAGE, mime_type="application/json")
    assert '"text": "by the mossy telescope https://kelp.example/"' in read
    assert read.count("mossy") == 1
    assert read.count("\n") == MESSAGE.count("\n")


def test_other_lists_of_texts_stay() -> None:
    other = '{"text": ["a", {"type": "b", "items": [1]}], "text_entities": [1]}'
    assert unescape(other, mime_type="application/json") == other


@given(st.text(), st.booleans())
def test_a_json_text_keeps_its_words(text: str, ascii_only: bool) -> None:
    words = [word for word in text.split() if word.isalpha()]
    read = unescape(json.dumps({"text": text}, ensure_ascii=ascii_only), mime_type="application/json")
    assert all(word in read for word in words)


@example('\\"\na {\\o\n}', "text/x-tex")
@example("{\\'\n{e\n}}", "text/x-bibtex")
@given(
    st.text(alphabet="\\\"'{}u0fce&#;x1\n ab", max_size=60),
    st.sampled_from(
        [
            *("application/json", "application/xml", "text/x-tex", "text/x-java", "text/x-java-properties"),
            *("text/x-gettext", "text/css", "text/troff", "text/x-bibtex", "text/x-vue"),
        ]
    ),
)
def test_lines_stay_lines_whatever_the_text_is(text: str, mime_type: str) -> None:
    assert unescape(text, mime_type=mime_type).count("\n") == text.count("\n")
