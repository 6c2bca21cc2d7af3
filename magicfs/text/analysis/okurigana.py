"""Japanese compounds of two verbs, whose endings people write or leave out: `引っ越し`, `引越し`, `引越`.

Used by `unspaced_forms` for what is typed: a text may have another spelling. Pure data and functions; any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from magicfs.text.analysis.folding import fold
from magicfs.text.analysis.han import HAN

_FIRST: Final = (
    "引き 引っ 打ち 取り 取っ 申し 受け 売り 買い 組み 切り 振り 積み 立ち 立て 乗り 割り 書き 読み 持ち 払い "
    "繰り 差し 押し 落ち 締め 締 付け 付き 貸し 借り 届け 問い 待ち 据え 備え 植え 仕 見 入り 入れ 出 折り 置き "
    "追い 送り 掛け 重ね 聞き 生き 使い 作り 続き 積もり 話し 張り 貼り 払っ 吹き 踏み 巻き 召し 焼き 呼び 寄せ "
    "読ん 揚げ 言い 思い 織り 食べ 飲み 抜き 塗り 練り 飛び 走り 働き"
)
"""Verbs in the form in which they begin a compound: their character, and the ending."""
_SECOND: Final = (
    "合わせ 合せ 合い 替え 換え 代え 変え 付け 付き 扱い 継ぎ 消し 出し 戻し 上げ 上がり 下げ 下がり 込み 越し "
    "越え 入れ 入り 立て 立ち 分け 掛け 掛かり 組み 組 切り 切れ 直し 抜き 渡し 止め 回し 回り 返し 離し 寄せ "
    "置き 除き 外し 取り 引き 払い 積もり 積り 売り 買い 決め 乗り 乗せ 落とし 落し 落ち 押し 通し 通り 越 扱 継 "
    "替 換 続き 続け 貼り 張り 留め 巻き 請け 受け 延べ 込 出 上 下 入"
)
"""Verbs that end one, the same way."""


def _endings(verbs: str) -> dict[str, tuple[str, ...]]:
    """The endings of each verb by its character, all folded."""
    found: dict[str, dict[str, None]] = {}
    for verb in fold(verbs).split():
        found.setdefault(verb[0], {"": None})[verb[1:]] = None
    return {character: tuple(endings) for character, endings in found.items()}


@cache
def _compound() -> tuple[re.Pattern[str], dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """What finds a compound in a folded text, and the endings of the verbs that begin one and that end one."""
    first, second = _endings(_FIRST), _endings(_SECOND)
    return re.compile(f"({_any(first)}|[{HAN}])({_any(second)})"), first, second


def _any(verbs: dict[str, tuple[str, ...]]) -> str:
    forms = [verb + ending for verb, endings in verbs.items() for ending in endings]
    return "|".join(sorted(forms, key=len, reverse=True))


def compounds_of_verbs(folded: str) -> Iterator[tuple[int, int, list[str]]]:
    """Yield parts of a folded text that are spelt otherwise, by start and end, and the pairs that a text has instead.

    Those are the character of the second verb with what may stand before it (`引越`, `っ越`, `き越`) and, at its end,
    with what may follow. A compound without any ending may be Chinese: it has only pairs with an ending.
    """
    pattern, firsts, seconds = _compound()
    for match in pattern.finditer(folded):
        first, second = match[1][0], match[2][0]
        pairs = [ending[-1] + second for ending in firsts.get(first, ()) if ending]
        if len(match[0]) > len(first + second):
            pairs.append(first + second)
        else:
            yield match.end() - 1, match.end(), [second + ending[0] for ending in seconds[second] if ending]
        yield match.start(), match.end(), list(dict.fromkeys(pairs))
