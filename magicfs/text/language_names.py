"""The names of languages: the codes that are meant by `de`, `deu`, `de-AT`, `German` or `Deutsch`.

Used by the search language for `lang:`, and by `language` for what metadata states. It detects nothing, and loads no
detector. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final

from magicfs.text.analysis import fold

NAMES: Final = {
    "aa": "Afar", "ab": "Abkhazian/Abkhaz/Аԥсуа", "ae": "Avestan", "af": "Afrikaans", "ak": "Akan",
    "am": "Amharic/አማርኛ", "an": "Aragonese/Aragonés", "ar": "Arabic/العربية/عربي", "as": "Assamese/অসমীয়া",
    "av": "Avaric/Avar/Авар", "ay": "Aymara", "az": "Azerbaijani/Azeri/Azərbaycanca", "ba": "Bashkir/Башҡортса",
    "be": "Belarusian/Беларуская", "bg": "Bulgarian/Български", "bh": "Bihari/भोजपुरी", "bi": "Bislama",
    "bm": "Bambara/Bamanankan", "bn": "Bengali/Bangla/বাংলা", "bo": "Tibetan/བོད་སྐད", "br": "Breton/Brezhoneg",
    "bs": "Bosnian/Bosanski", "ca": "Catalan/Valencian/Català/Valencià", "ce": "Chechen/Нохчийн", "ch": "Chamorro",
    "co": "Corsican/Corsu", "cr": "Cree", "cs": "Czech/Čeština/Česky", "cu": "Church Slavonic/Church Slavic",
    "cv": "Chuvash/Чӑвашла", "cy": "Welsh/Cymraeg", "da": "Danish/Dansk", "de": "German/Deutsch",
    "dv": "Divehi/Dhivehi/Maldivian/ދިވެހި", "dz": "Dzongkha/རྫོང་ཁ", "ee": "Ewe", "el": "Greek/Ελληνικά",
    "en": "English", "eo": "Esperanto", "es": "Spanish/Castilian/Español/Castellano", "et": "Estonian/Eesti",
    "eu": "Basque/Euskara", "fa": "Persian/Farsi/فارسی", "ff": "Fulah/Fula/Fulfulde/Pulaar", "fi": "Finnish/Suomi",
    "fj": "Fijian", "fo": "Faroese/Føroyskt", "fr": "French/Français",
    "fy": "West Frisian/Western Frisian/Frisian/Frysk", "ga": "Irish/Gaeilge",
    "gd": "Scottish Gaelic/Gaelic/Gàidhlig", "gl": "Galician/Galego", "gn": "Guarani/Avañe'ẽ",
    "gu": "Gujarati/ગુજરાતી", "gv": "Manx/Gaelg", "ha": "Hausa", "he": "Hebrew/עברית", "hi": "Hindi/हिन्दी/हिंदी",
    "ho": "Hiri Motu", "hr": "Croatian/Hrvatski", "ht": "Haitian/Haitian Creole/Kreyòl ayisyen",
    "hu": "Hungarian/Magyar", "hy": "Armenian/Հայերեն", "hz": "Herero", "ia": "Interlingua",
    "id": "Indonesian/Bahasa Indonesia", "ie": "Interlingue/Occidental", "ig": "Igbo",
    "ii": "Nuosu/Sichuan Yi/ꆈꌠꉙ", "ik": "Inupiaq/Iñupiaq", "io": "Ido", "is": "Icelandic/Íslenska",
    "it": "Italian/Italiano", "iu": "Inuktitut/ᐃᓄᒃᑎᑐᑦ", "ja": "Japanese/日本語", "jv": "Javanese/Basa Jawa",
    "ka": "Georgian/ქართული", "kg": "Kongo/Kikongo", "ki": "Kikuyu/Gikuyu/Gĩkũyũ", "kj": "Kuanyama",
    "kk": "Kazakh/Қазақша", "kl": "Kalaallisut/Greenlandic", "km": "Khmer/Cambodian/ខ្មែរ/ភាសាខ្មែរ",
    "kn": "Kannada/ಕನ್ನಡ", "ko": "Korean/한국어/조선말", "kr": "Kanuri", "ks": "Kashmiri/कॉशुर/كٲشُر",
    "ku": "Kurdish/Kurdî", "kv": "Komi/Коми", "kw": "Cornish/Kernewek", "ky": "Kyrgyz/Kirghiz/Кыргызча",
    "la": "Latin/Latina", "lb": "Luxembourgish/Lëtzebuergesch", "lg": "Ganda/Luganda",
    "li": "Limburgish/Limburgan/Limburgs", "ln": "Lingala/Lingála", "lo": "Lao/ລາວ/ພາສາລາວ",
    "lt": "Lithuanian/Lietuvių", "lu": "Luba-Katanga", "lv": "Latvian/Latviešu", "mg": "Malagasy",
    "mh": "Marshallese", "mi": "Maori/Māori/Te reo Māori", "mk": "Macedonian/Македонски", "ml": "Malayalam/മലയാളം",
    "mn": "Mongolian/Монгол", "mr": "Marathi/मराठी", "ms": "Malay/Bahasa Melayu", "mt": "Maltese/Malti",
    "my": "Burmese/Myanmar/မြန်မာ/မြန်မာဘာသာ", "na": "Nauru", "nb": "Bokmål/Norwegian Bokmål/Norsk bokmål",
    "nd": "North Ndebele", "ne": "Nepali/नेपाली", "ng": "Ndonga", "nl": "Dutch/Flemish/Nederlands/Vlaams",
    "nn": "Nynorsk/Norwegian Nynorsk/Norsk nynorsk", "no": "Norwegian/Norsk", "nr": "South Ndebele",
    "nv": "Navajo/Diné bizaad", "ny": "Chichewa/Nyanja", "oc": "Occitan", "oj": "Ojibwa", "om": "Oromo",
    "or": "Odia/Oriya/ଓଡ଼ିଆ", "os": "Ossetian/Ирон", "pa": "Punjabi/Panjabi/ਪੰਜਾਬੀ", "pi": "Pali/पालि",
    "pl": "Polish/Polski", "ps": "Pashto/پښتو", "pt": "Portuguese/Português", "qu": "Quechua/Runa Simi",
    "rm": "Romansh/Rumantsch", "rn": "Rundi/Kirundi", "ro": "Romanian/Moldovan/Română", "ru": "Russian/Русский",
    "rw": "Kinyarwanda", "sa": "Sanskrit/संस्कृतम्", "sc": "Sardinian/Sardu", "sd": "Sindhi/سنڌي",
    "se": "Northern Sami", "sg": "Sango", "sh": "Serbo-Croatian/Српскохрватски/Srpskohrvatski",
    "si": "Sinhala/Sinhalese/සිංහල", "sk": "Slovak/Slovenčina/Slovensky",
    "sl": "Slovenian/Slovene/Slovenščina/Slovensko", "sm": "Samoan", "sn": "Shona", "so": "Somali/Soomaali",
    "sq": "Albanian/Shqip", "sr": "Serbian/Српски/Srpski", "ss": "Swati", "st": "Southern Sotho/Sesotho",
    "su": "Sundanese/Basa Sunda", "sv": "Swedish/Svenska", "sw": "Swahili/Kiswahili", "ta": "Tamil/தமிழ்",
    "te": "Telugu/తెలుగు", "tg": "Tajik/Тоҷикӣ", "th": "Thai/ไทย/ภาษาไทย", "ti": "Tigrinya/ትግርኛ",
    "tk": "Turkmen/Türkmençe", "tl": "Tagalog/Filipino", "tn": "Tswana/Setswana", "to": "Tonga/Tongan",
    "tr": "Turkish/Türkçe", "ts": "Tsonga", "tt": "Tatar/Татарча", "tw": "Twi", "ty": "Tahitian",
    "ug": "Uyghur/Uighur/ئۇيغۇرچە", "uk": "Ukrainian/Українська", "ur": "Urdu/اردو", "uz": "Uzbek/Ozbekcha",
    "ve": "Venda", "vi": "Vietnamese/Tiếng Việt", "vo": "Volapük", "wa": "Walloon/Walon", "wo": "Wolof",
    "xh": "Xhosa/isiXhosa", "yi": "Yiddish/ייִדיש", "yo": "Yoruba/Yorùbá", "za": "Zhuang/Vahcuengh",
    "zh": "Chinese/Mandarin/中文/汉语/漢語/华语/華語/普通话/國語", "zu": "Zulu/isiZulu",
}  # fmt: skip
"""The English names of a language and those that its speakers give it, by ISO 639-1 code.

The last one is in the script in which people write it to each other; in Latin letters, where they use those too.
"""

_MEANT: Final = {
    "no": ("no", "nb", "nn"), "nb": ("nb", "no"), "sh": ("sh", "hr", "sr", "bs"),
    "iw": ("he",), "in": ("id",), "ji": ("yi",), "jw": ("jv",), "mo": ("ro",),
}  # fmt: skip
"""Codes that stand for others too, or that others have replaced. Texts in Bokmål have the code of Norwegian."""


_LONG_CODES: Final = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "nld": "nl",
    "dut": "nl", "por": "pt", "rus": "ru", "swe": "sv", "dan": "da", "nor": "no", "nob": "nb", "nno": "nn",
    "fin": "fi", "hun": "hu", "ron": "ro", "rum": "ro", "tur": "tr", "ell": "el", "gre": "el", "ara": "ar",
    "zho": "zh", "chi": "zh", "jpn": "ja", "kor": "ko", "tam": "ta", "pol": "pl", "ces": "cs", "cze": "cs",
    "ukr": "uk", "heb": "he", "tha": "th", "vie": "vi", "hin": "hi", "fas": "fa", "per": "fa", "ind": "id",
    "cat": "ca", "bul": "bg", "hrv": "hr", "srp": "sr", "slk": "sk", "slo": "sk", "slv": "sl", "lit": "lt",
    "lav": "lv", "est": "et", "kat": "ka", "geo": "ka", "hye": "hy", "arm": "hy", "ben": "bn", "urd": "ur",
    "tel": "te", "mar": "mr", "kan": "kn", "mal": "ml", "guj": "gu", "pan": "pa", "khm": "km", "lao": "lo",
    "mya": "my", "bur": "my", "msa": "ms", "may": "ms", "sqi": "sq", "alb": "sq", "eus": "eu", "baq": "eu",
    "mkd": "mk", "mac": "mk", "isl": "is", "ice": "is", "gle": "ga", "cym": "cy", "wel": "cy", "afr": "af",
    "swa": "sw", "lat": "la", "epo": "eo", "aze": "az", "kaz": "kk", "uzb": "uz", "mon": "mn", "nep": "ne",
    "sin": "si", "amh": "am", "tgl": "tl", "bel": "be", "bos": "bs", "glg": "gl", "bod": "bo", "tib": "bo",
    "yid": "yi",
}  # fmt: skip
"""ISO 639-1 codes by those of ISO 639-2, which books state and people type."""

_CODE_CHARACTERS: Final = 2
_TAG: Final = re.compile(r"([a-z]{2,3})(?:[-_]|$)", re.IGNORECASE)
_TAG_ALONE: Final = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{1,8})*", re.IGNORECASE)


def language_codes(name: str) -> tuple[str, ...]:
    """The ISO 639-1 codes of the language that a name, a code or a language tag means; empty for an unknown one."""
    code = _codes_by_name().get(fold(" ".join(name.split())))
    if code is None and _TAG_ALONE.fullmatch(name):
        code = normalize_language(name)
    if code in _MEANT:
        return _MEANT[code]
    return (code,) if code in NAMES else ()


def normalize_language(tag: str | None) -> str | None:
    """The ISO 639-1 code at the beginning of a language tag, such as `en-US` or `deu`; None if there is none."""
    match = _TAG.match((tag or "").strip())
    code = match[1].lower() if match else ""
    return _LONG_CODES.get(code) if len(code) > _CODE_CHARACTERS else code or None


@cache
def is_written_in(code: str, *, latin: bool) -> bool:
    """Whether a language, by its ISO 639-1 code, is written in Latin letters, or else in others; so is an unknown one.

    A few, such as Serbian, are written in both.
    """
    own = NAMES.get(code, "").split("/")[1:]
    if code not in NAMES:
        return True
    return is_latin("".join(own[-1:])) if latin else not all(map(is_latin, own))


def is_latin(text: str) -> bool:
    """Whether all letters of a text are Latin ones, also wide and raised ones (`1º`). A turned comma is no letter."""
    return text.isascii() or all(
        unicodedata.name(letter, "").startswith("LATIN")
        for letter in unicodedata.normalize("NFKC", text)
        if letter.isalpha() and unicodedata.category(letter) != "Lm"
    )


@cache
def _codes_by_name() -> dict[str, str]:
    """The code of each name in the form in which names are compared."""
    return {fold(name): code for code, names in NAMES.items() for name in names.split("/")}
