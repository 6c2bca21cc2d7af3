"""The words of texts, and what questions find in them, without a database."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from magicfs.text.analysis import analyze, analyze_path, phrase_query, question_terms
from magicfs.text.analysis.readable import readable
from tests.unit.text.analysis.vectors import positions, share


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("本周我们讨论了利用番茄钟进行高效学习的方法", "番茄钟"),
        ("订票网站是铁路12306客户端", "12306"),
        ("昨日、東京タワーに登った。", "東京タワー"),
        ("ภาษาไทยไม่มีช่องว่างระหว่างคำ", "ช่องว่าง"),
        ("학교에서 돌아왔다", "학교"),
        ("吾輩は猫である", "猫"),
        ("wörter in größeren Texten", "GROSSEREN"),
        ("the electri-\ncian came", "electrician"),
        ("// the electri-\n// cian came", "electrician"),
        ("a well-\nknown fact", "well known"),
        ("die Ver-\nsicherungs-\ngesell-\nschaft", "versicherungsgesellschaft"),
        ("se\u00adcu\u00adri\u00adties and pass\u200bport", "securities passport"),
        ("\x1b[31mERROR\x1b[0m \x1b[1mpay\x1b[22mment\x1b[0m", "error payment"),
        ("N\bNA\bAM\bME\bE, _\bu_\bn_\bd_\be_\br", "name under"),
        ("a **sour**dough and a half*baked* cake", "sourdough halfbaked"),
        ("see [the guide](https://example.org/docs/start.html) first", "example.org docs/start.html"),
        ("public class HTTPServerPool", "http server pool"),
        ("void parseJSONToDOM()", "parse json to dom"),
        ("Сумма = НДСПоСчету;", "ндс по счету"),
        ("let PDFsToRead = 3", "pdfs to read"),
        ("s = base64Encode(x)", "base64 encode"),
        ("MAX_RETRY_COUNT kebab-case-name", "max retry count kebab case name"),
        ("commit 4f1c2abe7d0e95c6970b74767f19372d61af8b2c", "4f1c2ab*"),
        ("commit 4f1c2abe7d0e95c6970b74767f19372d61af8b2c", "4f1c2ab"),
        ("image app@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "sha256:9f86d081884c"),
        ("See Taxfile2021", "taxfile*"),
        ("the INVOICES were paid", "invoice"),
        ("AT&T's offer of 1,234.56 at 12:30", "at&t 1,234.56 12:30"),
        ("mail bob.smith@example.com", "bob.smith@example.com"),
        ("release v1.2.3-rc1, then V2.0", "1.2.3-rc1 2.0"),
        ("release v1.2.3-rc1", "v1.2.3"),
        ("party 🎉 time", "🎉"),
        ("an e-mail\u2014which O\u2019Malley\u2014the vicar\u2014sent", "email omalley vicar"),
        # A word that goes on in the next line.
        ("如何使用微\n波炉加热", "微波炉"),
        ("> > the parlia-\n> > mentary vote", "parliamentary"),
        ("/// the dead-\n//! lock detector", "deadlock"),
        ("% the eigen-\n% value", "eigenvalue"),
        ("a kingf-  \nisher", "kingfisher"),
        ("double spaced catas-\n\n  trophe", "catastrophe"),
        ("\x1b]8;;https://ci.example.org/9\x1b\\job\x1b]8;;\x1b\\", "ci.example.org"),
        # Words behind the escape of a line end, in a header of mail, in quoted-printable, and encoded twice.
        ('s = "Dear guest,\\nharpsichord\\tvirginal\\r\\nspinet"', "harpsichord virginal spinet"),
        ("'C:\\new\\theta.ini'", "new theta.ini"),
        ("=?UTF-8?Q?B=C3=BCro?= =?iso-8859-1?B?S/xuZGlndW5n?=", "Büro Kündigung"),
        ("f=C3=BCr K=C3=BChl=\nschrank", "für Kühlschrank"),
        ("Gr\u00c3\u00bc\u00c3\u0178e aus K\u00c3\u00b6ln", "Grüße Köln"),
        # Links of wikis with another text, and names of Japan in their own characters.
        ("see [[Tools#Saws|the saw]], [[Wood|lar]]ch and [[hill]]s", "larch hills tools"),
        ("髙橋様と渡邊様", "高橋 渡辺"),
        # Traditional and simplified characters, also where Japan has a third form.
        ("臺灣的圖書館在廣場", "台湾 图书馆 广场"),
        ("广岛的头发", "廣島 広島 頭髮"),
        ("他們看著什麼", "看着 什么"),
        # Colours with eight bits, with another escape character, and with none.
        ("\x9b31mreactor\x9b0m cool\x9b1mant\x9bm", "reactor coolant"),
        ("^[[31mreactor^[[0m \\033[0;36mcoolant\\033[0m", "reactor coolant"),
        ("#033[31mreactor#033[0m", "reactor"),
        ("[31;1mreactor[0m coolant", "reactor coolant"),
        ("rate[5m] of a [main] [multi] word [0m", "main multi 5m"),
        # Emphasis, tags, links and references inside words.
        ("foot***ball***er, un**frigging**believable", "footballer unfriggingbelievable"),
        ("**S**ub**M**arine and ~~strike~~out", "submarine strikeout"),
        ("日本**語学**校と地*下*鉄", "日本語学校 地下鉄"),
        ("<b>thunder</b>storm and water<sup>melon</sup>", "thunderstorm watermelon"),
        ('<span class="badge">new</span>', "badge span"),
        ("super&shy;cali, ice&#8203;breaker, Caf&eacute;", "supercali icebreaker café"),
        ("a&nbsp;b in code", "nbsp"),
        ("total = matrix[row][column_index]", "matrix column index"),
        ("[[https://orgmode.org][the manual]]", "the manual orgmode.org"),
        ("`the manual <https://rst.org/x>`_", "the manual rst.org"),
        ("see [the guide][install_page]", "guide install_page"),
        # Signs that make another word.
        ("GCC/C++ or C/C++", "c++"),
        ("Notes on Objective-C++", "c++"),
        ("PR#4821 and issue#17", "#4821 #17"),
        # Letters that people leave out.
        ("צַהַ״ל הודיע וצ׳ק", "צהל וצק"),
        ("il·lusió", "illusio"),
        ("Об'єднання біля під’їзду", "обєднання обʼєднання підїзду під'їзду"),
        ("п'ять комп’ютерів", "пять компютерів"),
        ("می\u200cخواهم کتاب\u200cهای تازه", "میخواهم می کتاب کتابهای"),
        ("می\u200cخواهم کتاب\u200cهای تازه", "می\u200cخواهم کتاب\u200cهای"),
        ("میخواهم کتابهای تازه", "می\u200cخواهم"),
        ("അവന്\u200d വന്നു", "അവൻ"),
        # Parts of names in code.
        ("int iOSVersion; class GitHubClient", "ios github"),
        ("OAuth2TokenProvider", "oauth2 token provider"),
        ("parseURLFromJSON2XML; rowCount2", "json xml row count"),
        ("class KundenÜbersicht { größeÄndern }", "kunden übersicht größe ändern"),
        # Words that a scan or a page divides.
        ("the exam¬\nination of photo¬\n synthesis", "examination photosynthesis"),
        ("die Ver⸗\nwaltung", "verwaltung"),
        ("inter-\n\fnational and trans-\n\n\fatlantic", "international transatlantic"),
        ('see [the guide](https://example.org "an ostrich") now', "ostrich example.org"),
        ("see [the guide](<my file.md> 'an emu') now", "emu file.md"),
        # Escaped signs, raised and lowered letters, forums.
        (r"written in C\# and C\+\+, some\_name", "c# c++ some_name"),
        ("H~2~O and CO~2~ and x^2^", "h2o co2 x2"),
        ("[b]thunder[/b]storm and [url=https://example.org]water[/url]melon", "thunderstorm watermelon example.org"),
        # Letters in addresses.
        ("see https://de.example.org/wiki/K%C3%B6nigsberger_Klopse", "Königsberger Klopse"),
        ("file:///home/ada/Gl%C3%BCck%20auf%20Reisen.mp3", "Glück auf Reisen"),
        ("https://ja.example.org/wiki/%E5%AF%BF%E5%8F%B8", "寿司"),
        # Signs of other languages inside words.
        ("Hawaiʻi and Qurʾān", "hawaii quran"),
        ("http://example.org/annual%20report%20of%202023%28draft%29.pdf", "annual report of 2023 draft"),
        (r"VALUES ('O\'Brien', 'say \"hi\"')", "obrien hi"),
        ("a ==star==fish and moon==light==", "starfish moonlight"),
        ("if a==b and first==second: c==3", "first second"),
        # Numbers before lines, which may be data.
        ("1  苹果\n2  香蕉", "2 香蕉"),
        ("10022\t田中商店\n10023\t山田商店", "10023 山田商店"),
        ("10022\tjones\tO-\n10023\tsmith\tA-\n10024\tbrown", "10023 smith 10024 brown"),
        ("s\u0336t\u0336ruck", "struck"),
        # Kana of one sound, and long vowels at the end of a word.
        ("りんごとぶどう", "リンゴ ブドウ"),
        ("サーバの設定とコンピューター室", "サーバー コンピュータ室"),
        ("ｻｰﾊﾞｰの設定", "サーバ"),
    ],
)
def test_a_text_has_what_a_question_asks_for(text: str, question: str) -> None:
    assert share(text, question) == 1.0


@pytest.mark.parametrize(
    ("text", "whole", "other"),
    [
        ("GCC/C++", "c++", "GCC/C"),
        ("Notes on Objective-C++", "objective-c++", "Notes on Objective-C"),
        ("blood group A- only", "a-", "blood group A+ only"),
        ("watch Disney+.", "disney+", "watch Disney"),
        ("plus 19% VAT", "19%", "plus 19 more"),
    ],
)
def test_a_sign_after_a_word_makes_another_word(text: str, whole: str, other: str) -> None:
    assert whole in {lexeme for term in question_terms(whole, languages=["en"]) for lexeme in [term.word]}
    assert whole in positions(analyze(text))
    assert whole not in positions(analyze(other))


@pytest.mark.parametrize(
    ("text", "whole", "other"),
    [
        ("Learning C++ in a day", "c++", "Learning C# in a day"),
        ("C#/.NET and F#", "c#", "C and D"),
        ("C#/.NET and F#", ".net", "a net of ropes"),
        ("bool operator==(a, b)", "operator==", "the operator left"),
        ("#define LIMIT 7", "#define", "we define a limit"),
        ("use --force to go on", "--force", "brute force"),
        ("edit ~/.bashrc now", "~/.bashrc", "the bashrc"),
        ("release 2.10.3 is out", "2.10.3", "3 of 10, 2 of 3"),
        ("order 20220705_1755", "20220705_1755", "20220705 and 1755"),
        ("call os.path.join", "os.path.join", "join the path of the os"),
        ("store at -70 degrees", "-70", "store at 70 degrees"),
        ("it is €45 here", "€45", "page 45"),
        ("as §7 says", "§7", "page 7"),
        ("as § 7 Abs. 2 says", "§7", "page 7"),
        ("see §§ 12 and 13", "§12", "page 12"),
        ("\u201e§ 7 says\u201c", "§7", "page 7"),
        ("as §\n7 says", "§7", "page 7"),
        ("cf.§  7", "§7", "page 7"),
        ("tea for 99₽, now", "99₽", "page 99"),
        ("ab £12.50", "£12.50", "page 12.50"),
        ("only ￥500!", "¥500", "page 500"),
    ],
)
def test_a_word_with_signs_is_another_word(text: str, whole: str, other: str) -> None:
    terms = question_terms(whole, languages=[])
    [lexeme] = [term.lexemes[0].text for term in terms if term.word == whole]
    assert lexeme in positions(analyze(text))
    assert lexeme not in positions(analyze(other))


@pytest.mark.parametrize(
    ("text", "compound"),
    [
        ("see https://dike.example.org/plans/a?x=1 first", "dike.example.org"),
        ("see https://dike.example.org/plans/a", "dike.example.org/plans/a"),
        ("log in to ssh://git@code.example.org:22/x", "code.example.org"),
        ("ask bob@mail.example.org", "mail.example.org"),
        ("see https://my-dike.example.org", "my-dike.example.org"),
    ],
)
def test_a_host_in_an_address_is_a_word_of_its_own(text: str, compound: str) -> None:
    assert f"'{compound}':" in analyze(text)


def test_each_of_several_addresses_has_its_words() -> None:
    text = "https://old.example.org/2020/https://dike.example.org/plans/a"
    assert {"dike.example.org", "dike.example.org/plans/a"} <= set(positions(analyze(text)))


@pytest.mark.parametrize("test", ["[[ $x =~ ^(start|stop)$ ]]", "a [[:space:]]or b", '[[ -n "$a" || b|c ]]x'])
def test_a_test_in_a_shell_is_no_link_of_a_wiki(test: str) -> None:
    assert readable(test) == (test, [])


def test_encoded_data_is_no_word_but_a_digest_is() -> None:
    digest = "0123456789abcdef" * 8
    words = positions(analyze(f"{'QUJDREVG' * 20} {digest} {'Z' * 101}"))
    assert set(words) == {digest}


def test_the_name_of_a_file_is_told_from_its_directories() -> None:
    vector = analyze_path("Rechnungen/2023/Über-Sicht.pdf")
    weights = dict(re.findall(r"'([^']+)':\d+(A?)", vector))
    assert weights["rechnungen"] == weights["2023"] == ""
    assert weights["uber"] == weights["sicht"] == weights["pdf"] == weights["uber-sicht.pdf"] == "A"


def test_exact_words_weigh_more_than_stems() -> None:
    [term] = question_terms("invoices", languages=["en"])
    factors = {lexeme.text: lexeme.factor for lexeme in term.lexemes}
    words = positions(analyze("invoices"))
    others = positions(analyze("invoice"))
    assert sum(factors.get(word, 0) for word in words) > sum(factors.get(word, 0) for word in others) >= 1


def test_a_question_counts_a_word_once_and_how_often_it_has_it() -> None:
    terms = question_terms("tax Tax TÄX form", languages=["en", "de"])
    assert [(term.word, term.count) for term in terms] == [("tax", 3), ("form", 1)]


@given(st.text(max_size=200))
def test_any_text_gives_a_vector_and_any_question_a_condition(text: str) -> None:
    for places in positions(analyze(text)).values():
        assert min(places) >= 1
    for term in question_terms(text, languages=["de", "zh"]):
        assert term.lexemes
    phrase_query(text)
    analyze_path(text)


def test_marks_of_scripts_without_spaces_are_left_out_and_pairs_stay() -> None:
    assert analyze("\u1037") == ""
    assert analyze("\u1000\u1037\u1001") == "'\u1000\u1001':1 '\u1001':2"
    assert phrase_query("\u1037") is None
    assert phrase_query("\u1000\u1037\u1001") == phrase_query("\u1000\u1001")
    assert question_terms("\u1000\u1037\u1001", languages=()) == question_terms("\u1000\u1001", languages=())


def test_a_line_ends_a_word_of_a_script_with_spaces() -> None:
    assert "'교도'" not in analyze("오늘 학교\n도서관에서 만나요")
    assert "'论番'" in analyze("本周讨论\n番茄钟")


@pytest.mark.parametrize("name", ["\u0345Y", "a\u0345Bc", "_\u0345L"])
def test_a_part_of_a_name_that_is_a_mark_alone_is_no_word(name: str) -> None:
    assert " '':" not in f" {analyze(name)}"
    assert all(term.word and "" not in term.parts for term in question_terms(name, languages=["en"]))


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("the oven at 180 °C", "180C"),
        ("500g of flour", "500 g"),
        ("a fuse of 16 A", "16A"),
        ("at 230V", "230 V"),
        ("at 12 V", "12v"),
    ],
)
def test_a_number_is_found_beside_its_unit_and_apart(text: str, question: str) -> None:
    had = positions(analyze(text))
    assert all(any(form.text in had for form in term.lexemes) for term in question_terms(question, languages=[])[-1:])


@pytest.mark.parametrize("word", ["3D", "5G", "4k", "2b", "h264"])
def test_short_names_with_digits_are_one_word(word: str) -> None:
    assert set(positions(analyze(word))) == {word.lower()}
