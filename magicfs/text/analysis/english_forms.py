"""English words that the rules of Snowball do not connect: irregular forms, and British beside American spellings.

Used by `forms`: a word that is typed stands for its other forms too, with the weight of a variant, so that nothing
of this is stored. Forms that are as often another word are left out: `left`, `saw`, `leaves`, `ground`. Pure data and
functions; any thread.
"""

from __future__ import annotations

import re
from typing import Final

_BASE_FORMS: Final = {
    # nouns
    "child": "children", "grandchild": "grandchildren", "schoolchild": "schoolchildren", "stepchild": "stepchildren",
    "man": "men", "woman": "women", "ox": "oxen", "foot": "feet", "tooth": "teeth", "goose": "geese", "mouse": "mice",
    "dormouse": "dormice", "louse": "lice", "wife": "wives", "housewife": "housewives", "midwife": "midwives",
    "knife": "knives", "penknife": "penknives", "shelf": "shelves", "bookshelf": "bookshelves", "half": "halves",
    "wolf": "wolves", "thief": "thieves", "calf": "calves", "loaf": "loaves", "scarf": "scarves", "elf": "elves",
    "self": "selves", "hoof": "hooves", "sheaf": "sheaves", "wharf": "wharves", "dwarf": "dwarves",
    "matrix": "matrices", "index": "indices", "vertex": "vertices", "vortex": "vortices", "appendix": "appendices",
    "codex": "codices", "cortex": "cortices", "apex": "apices", "criterion": "criteria", "phenomenon": "phenomena",
    "automaton": "automata", "bacterium": "bacteria", "curriculum": "curricula", "memorandum": "memoranda",
    "addendum": "addenda", "erratum": "errata", "stratum": "strata", "spectrum": "spectra", "symposium": "symposia",
    "millennium": "millennia", "aquarium": "aquaria", "ovum": "ova", "schema": "schemata", "stigma": "stigmata",
    "analysis": "analyses", "crisis": "crises", "thesis": "theses", "hypothesis": "hypotheses", "oasis": "oases",
    "synthesis": "syntheses", "parenthesis": "parentheses", "diagnosis": "diagnoses", "prognosis": "prognoses",
    "synopsis": "synopses", "ellipsis": "ellipses", "emphasis": "emphases", "prosthesis": "prostheses",
    "metastasis": "metastases", "neurosis": "neuroses", "psychosis": "psychoses", "hyperbola": "hyperbolae",
    "fungus": "fungi", "cactus": "cacti", "nucleus": "nuclei", "radius": "radii", "stimulus": "stimuli",
    "alumnus": "alumni", "focus": "foci", "locus": "loci", "bacillus": "bacilli", "syllabus": "syllabi",
    "terminus": "termini", "corpus": "corpora", "genus": "genera", "larva": "larvae",
    "formula": "formulae", "antenna": "antennae", "alga": "algae", "vertebra": "vertebrae", "nebula": "nebulae",
    "supernova": "supernovae", "bureau": "bureaux", "plateau": "plateaux", "tableau": "tableaux",
    "chateau": "chateaux", "gateau": "gateaux",
    # verbs
    "go": "went gone", "undergo": "underwent undergone", "forgo": "forwent forgone", "come": "came",
    "become": "became", "overcome": "overcame", "run": "ran", "give": "gave given", "forgive": "forgave forgiven",
    "take": "took taken", "mistake": "mistook mistaken", "undertake": "undertook undertaken",
    "overtake": "overtook overtaken", "shake": "shook shaken", "forsake": "forsook forsaken",
    "write": "wrote written", "rewrite": "rewrote rewritten", "overwrite": "overwrote overwritten",
    "drive": "drove driven", "ride": "rode ridden", "rise": "risen", "arise": "arose arisen",
    "strive": "strove striven",
    "break": "broke broken", "speak": "spoke spoken", "steal": "stole stolen", "freeze": "froze frozen",
    "choose": "chose chosen", "weave": "wove woven", "wake": "woke woken", "awake": "awoke awoken",
    "wear": "wore worn", "tear": "tore torn", "swear": "swore sworn", "fly": "flew flown", "grow": "grew grown",
    "know": "knew known", "throw": "threw thrown", "overthrow": "overthrew overthrown", "blow": "blew blown",
    "draw": "drew drawn", "withdraw": "withdrew withdrawn", "see": "seen", "foresee": "foresaw foreseen",
    "oversee": "oversaw overseen", "eat": "ate eaten", "fall": "fallen", "forbid": "forbade forbidden",
    "hide": "hidden", "bite": "bitten", "show": "shown", "sew": "sewn", "sow": "sown", "mow": "mown",
    "prove": "proven", "swell": "swollen", "beat": "beaten", "get": "got gotten", "forget": "forgot forgotten",
    "begin": "began begun", "swim": "swam swum", "sing": "sang sung", "ring": "rang", "sink": "sank sunk",
    "drink": "drank drunk", "shrink": "shrank shrunk", "spring": "sprang sprung", "stink": "stank stunk",
    "win": "won", "hang": "hung", "cling": "clung", "fling": "flung", "swing": "swung", "sting": "stung",
    "string": "strung", "wring": "wrung", "dig": "dug", "spin": "spun", "stick": "stuck", "strike": "struck stricken",
    "stand": "stood", "understand": "understood", "misunderstand": "misunderstood", "withstand": "withstood",
    "buy": "bought", "bring": "brought", "teach": "taught", "catch": "caught", "fight": "fought", "seek": "sought",
    "think": "thought", "sell": "sold", "resell": "resold", "tell": "told", "foretell": "foretold", "hold": "held",
    "withhold": "withheld", "uphold": "upheld", "behold": "beheld", "keep": "kept", "sleep": "slept",
    "sweep": "swept", "weep": "wept", "creep": "crept", "leap": "leapt", "kneel": "knelt", "deal": "dealt",
    "mean": "meant", "dream": "dreamt", "learn": "learnt", "burn": "burnt", "spoil": "spoilt", "build": "built",
    "rebuild": "rebuilt", "send": "sent", "spend": "spent", "lend": "lent", "bend": "bent",
    "pay": "paid", "repay": "repaid", "say": "said", "lay": "laid", "mislead": "misled",
    "feed": "fed", "breed": "bred", "bleed": "bled", "speed": "sped", "flee": "fled", "meet": "met", "lose": "lost",
    "make": "made", "find": "found", "hear": "heard", "overhear": "overheard", "shine": "shone", "slide": "slid",
    "sit": "sat", "tread": "trod trodden", "slay": "slew slain", "undo": "undid undone", "redo": "redid redone",
}  # fmt: skip
"""The irregular forms of a word, by its base form."""

_SPELLINGS: Final = {
    "aeroplane": "airplane", "aluminium": "aluminum", "anaesthetic": "anesthetic", "anaemia": "anemia",
    "analogue": "analog", "archaeology": "archeology", "calibre": "caliber", "catalogue": "catalog",
    "centimetre": "centimeter", "centre": "center", "counsellor": "counselor", "defence": "defense",
    "dialogue": "dialog",
    "encyclopaedia": "encyclopedia", "enrolment": "enrollment", "fibre": "fiber", "fulfil": "fulfill",
    "gynaecology": "gynecology", "grey": "gray", "haemorrhage": "hemorrhage", "instalment": "installment",
    "jewellery": "jewelry", "judgement": "judgment", "kilometre": "kilometer", "licence": "license",
    "litre": "liter", "lustre": "luster", "manoeuvre": "maneuver", "metre": "meter", "millimetre": "millimeter",
    "mould": "mold", "moustache": "mustache", "offence": "offense", "orthopaedic": "orthopedic",
    "paediatric": "pediatric", "paediatrician": "pediatrician", "plough": "plow", "pretence": "pretense",
    "programme": "program", "pyjamas": "pajamas", "sceptic": "skeptic", "sceptical": "skeptical",
    "skilful": "skillful", "sombre": "somber", "sulphur": "sulfur", "theatre": "theater", "wilful": "willful",
}  # fmt: skip
"""The American spelling of a British one. Regular plurals follow."""

_OUR: Final = re.compile(
    r"\A((?:dis|mis|un|bi|multi)?(?:arm|behavi|cand|col|enam|endeav|fav|ferv|flav|harb|hon|hum|lab|neighb|od|parl|ranc"
    r"|rig|rum|sav|splend|succ|tum|val|vap|vig)o)(u?)r"
)
"""The beginnings of words such as `colours`, `favorite` and `neighbourhood`; not of `hour`."""
_ISE: Final = re.compile(
    r"\A(?!(?:adverti|chasti|circumci|compri|compromi|conci|disgui|enterpri|exerci|experti|franchi|improvi|likewi"
    r"|merchandi|otherwi|paradi|practi|preci|premi|promi|supervi|surpri|televi|treati|un(?:promi|supervi|surpri))s)"
    r"([a-z]{3,}[^aeou][iy])([sz])(?=(?:e|es|ed|ing|er|ers|ation|ations|ational|able)\Z)"
)
"""The ending of `organise` and `analyzed`; not that of words which all write with an `s`."""
_OF_MEN: Final = (
    "business chair clergy congress country crafts fire fisher fresh gentle mail noble police post sales service spokes"
    " sports states work"
)
"""What stands before `man` and `woman`."""


def _families() -> dict[str, tuple[str, ...]]:
    """All forms of a word, by each of them."""
    families = [[base, *others.split()] for base, others in _BASE_FORMS.items()]
    for kind in _OF_MEN.split():
        families += [[f"{kind}man", f"{kind}men"], [f"{kind}woman", f"{kind}women"]]
    families += [[british, american] for british, american in _SPELLINGS.items()]
    families += [[f"{british}s", f"{american}s"] for british, american in _SPELLINGS.items()]
    return {form: tuple(family) for family in families for form in family}


_FAMILIES: Final = _families()


def other_forms(word: str, stem: str) -> list[str]:
    """The other forms of a word in lower case, whose stem by Snowball is given: `matrix` for `matrices`.

    A regular form of an irregular word, such as `going`, has the irregular ones: `went` and `gone`.
    """
    family = _FAMILIES.get(word) or _FAMILIES.get(stem) or (word, *_other_spellings(word))
    return [form for form in family if form != word]


def _other_spellings(word: str) -> list[str]:
    """The word as the other side of the Atlantic spells it."""
    spelt = (
        _OUR.sub(lambda match: f"{match[1]}{'' if match[2] else 'u'}r", word),
        _ISE.sub(lambda match: match[1] + ("z" if match[2] == "s" else "s"), word),
    )
    return [other for other in spelt if other != word]
