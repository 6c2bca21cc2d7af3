"""Days, sizes and ranges of them, as people and other tools write them."""

from __future__ import annotations

from datetime import date

import pytest

from magicfs.domain.query import Filters, Period, SizeRange
from magicfs.search.syntax import parse

TODAY = date(2026, 3, 31)
JANUARY, FEBRUARY = Period(date(2024, 1, 1), date(2024, 1, 31)), Period(date(2024, 2, 1), date(2024, 2, 29))
TO_MARCH = Period(date(2024, 1, 1), date(2024, 3, 31))


@pytest.mark.parametrize(
    ("typed", "period"),
    [
        ("date:2024", Period(date(2024, 1, 1), date(2024, 12, 31))),
        ("date:2024-02", FEBRUARY),
        ("date:=2024-02", FEBRUARY),
        ("date:29.2.2024", Period(date(2024, 2, 29), date(2024, 2, 29))),
        ("dm:20240229", Period(date(2024, 2, 29), date(2024, 2, 29))),
        ("date:today", Period(TODAY, TODAY)),
        ("date:2024-01..2024-03", TO_MARCH),
        ("date:2024-03..2024-01", TO_MARCH),
        ("date:2024-01…2024-03", TO_MARCH),
        ("date:2024-01/2024-03", TO_MARCH),
        ("date:[2024-01 TO 2024-03]", TO_MARCH),
        ('date:"2024-01..2024-03"', TO_MARCH),
        ("Modified:2024-01..2024-03", TO_MARCH),
        ("mtime:1.1.2024..31.3.2024", TO_MARCH),
        ("date:2024-01..", Period(date(2024, 1, 1), None)),
        ("date:2024-01..*", Period(date(2024, 1, 1), None)),
        ("date:>=2024-01", Period(date(2024, 1, 1), None)),
        ("date:..2024-02", Period(None, date(2024, 2, 29))),
        ("date:<=2024-02", Period(None, date(2024, 2, 29))),
        ("date:>2024-02", Period(date(2024, 3, 1), None)),
        ("date:<2024-02", Period(None, date(2024, 1, 31))),
        ("date:1w", Period(date(2026, 3, 24), None)),
        ("date:1m..yesterday", Period(date(2026, 2, 28), date(2026, 3, 30))),
    ],
)
def test_a_period_is_whole_days_from_the_first_to_the_last(typed: str, period: Period) -> None:
    query = parse(f"report {typed}", today=TODAY)
    assert (query.filters, query.question, query.misread) == (Filters(periods=(period,)), "report", ())
    assert parse(f"report -{typed}", today=TODAY).excluded_filters == Filters(periods=(period,))


@pytest.mark.parametrize(
    ("typed", "sizes"),
    [
        ("size:1m..5m", SizeRange(1 << 20, 5 << 20)),
        ("size:1..5MB", SizeRange(1 << 20, 5 << 20)),
        ("size:5m-1m", SizeRange(1 << 20, 5 << 20)),
        ("size:1-5mb", SizeRange(1 << 20, 5 << 20)),
        ("size:1000..2k", SizeRange(1000, 2048)),
        ("size:2..2k", SizeRange(2048, 2048)),
        ("size:[1m TO 5m]", SizeRange(1 << 20, 5 << 20)),
        ("size:..1k", SizeRange(0, 1024)),
        ("size:1k..*", SizeRange(1024, None)),
        ("size:1024", SizeRange(1024, 1024)),
        ("size:=1k", SizeRange(1024, 1024)),
        ("size:0", SizeRange(0, 0)),
        ("size:36b", SizeRange(36, 36)),
        ("size:=36", SizeRange(36, 36)),
        ("size:empty", SizeRange(0, 0)),
        ("size:999999999999999t..", SizeRange(1 << 62, None)),
    ],
)
def test_a_range_of_sizes_has_both_its_ends(typed: str, sizes: SizeRange) -> None:
    query = parse(f"report {typed}")
    assert (query.filters, query.question, query.misread) == (Filters(sizes=(sizes,)), "report", ())


@pytest.mark.parametrize(
    "typed",
    [
        "date:..", "date:2024-13", "date:2024-02-30..", "date:2024-01..soon", "date:>9999", "date:last",
        "size:1m", "size:..", "size:1m..big", "size:*..*", "size:42-44", "size:36", "size:999",
    ],
)  # fmt: skip
def test_what_is_no_range_is_told(typed: str) -> None:
    query = parse(f"report {typed}", today=TODAY)
    assert (query.filters, query.misread) == (Filters(), (typed,))


def test_of_several_ranges_a_file_meets_any() -> None:
    assert parse("date:2024-01 date:2024-02").filters.periods == (JANUARY, FEBRUARY)
    query = parse("report date:2024-01 OR date:2024-02")
    assert (query.filters.periods, query.question) == ((JANUARY, FEBRUARY), "report")


def test_a_range_is_printed_as_it_is_typed() -> None:
    ranges = (TO_MARCH, Period(None, date(2024, 1, 31)), Period(date(2024, 1, 1), None))
    for period in ranges:
        assert parse(f"date:{period}").filters.periods == (period,)
    for sizes in (SizeRange(0, 0), SizeRange(1024, 2048), SizeRange(1024, None)):
        assert parse(f"size:{sizes}").filters.sizes == (sizes,)


@pytest.mark.parametrize("typed", ["price:[10 TO 20]", '"the size:[10 TO 20] of it"'])
def test_brackets_of_other_words_and_in_a_phrase_are_text(typed: str) -> None:
    assert parse(typed).question == typed.strip('"')
