"""What stands inside of a longer token is a word too: days, names, codes without `0x`, accounts of IBANs."""

from __future__ import annotations

import pytest

from magicfs.text.analysis import analyze, question_terms
from magicfs.text.analysis.accounts import accounts_in
from magicfs.text.analysis.codes import hosts_in_digits
from magicfs.text.analysis.words import analyze_path
from tests.unit.text.analysis.vectors import missed, missed_in, positions


@pytest.mark.parametrize(
    "name",
    [
        "2021-05-03-minutes.md",
        "syslog-2021-05-03.log",
        "Rechnung_2021-05-03_Kopie.pdf",
        "scan-03.05.2021-page.txt",
        "Screenshot-2021-05-03-14-30-05.png",
        "logs/2021-05-03/app.log",
        "photos/2021/05/03/IMG_1.jpg",
        "photos/2021_05_03/IMG_1.jpg",
        "Scan2021-05-03_x.pdf",
        "Rechnung03.05.2021.pdf",
        "report-2021-05-03v2.md",
    ],
)
@pytest.mark.parametrize("typed", ["2021-05-03", "03.05.2021", "3.5.2021", "20210503", "3 May 2021"])
def test_a_day_is_found_inside_of_a_longer_name(name: str, typed: str) -> None:
    assert missed_in(analyze_path(name), typed) == []
    assert typed == "3 May 2021" or missed(f"it is in {name} there", typed) == []


@pytest.mark.parametrize("text", ["due:2021-05-03", "date=2021-05-03", "see /logs/2021-05-03/x"])
def test_a_day_is_found_behind_the_sign_of_a_field(text: str) -> None:
    assert missed(text, "03.05.2021") == []


@pytest.mark.parametrize("token", ["2021-13-03-a", "2021-05-43-a", "a-1-2-3", "10.0.2021.5.x", "x-2021-05.03"])
def test_other_numbers_are_no_day(token: str) -> None:
    assert missed(token, "03.05.2021") != []


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("db-prod-01.example.org", "db-prod-01"),
        ("self.max_retry_count", "max_retry_count"),
        ("client=203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:8080", "203.0.113.7"),
        ("RE-2024-0117.pdf", "RE-2024-0117"),
    ],
)
def test_a_name_of_several_parts_is_found_inside_of_a_longer_token(token: str, name: str) -> None:
    assert missed(f"it says {token} here", name) == []
    assert name.lower() in positions(analyze(token))


@pytest.mark.parametrize(
    ("token", "part"), [("eu-central-1.compute.internal", "1.compute.internal"), ("a-b-c_d", "a-b-c")]
)
def test_what_cuts_a_name_is_none(token: str, part: str) -> None:
    assert part not in positions(analyze(token))


@pytest.mark.parametrize("typed", ["0x8024402c", "8024402c", "0X8024402C"])
def test_a_code_is_found_with_its_sign_and_without(typed: str) -> None:
    assert missed("failed with 0x8024402C again", typed) == []
    assert missed("failed with 8024402c again", typed) == []


IBAN = "DE12 5001 0517 0648 4898 90"


@pytest.mark.parametrize("written", [IBAN, IBAN.replace(" ", "")])
@pytest.mark.parametrize("typed", ["0648489890", "648489890", "50010517", "648 489 890"])
def test_an_account_and_its_bank_are_found_inside_of_an_iban(written: str, typed: str) -> None:
    assert missed(f"pay to {written} soon", typed) == []


@pytest.mark.parametrize("written", ["0648489890", "648489890"])
def test_an_iban_finds_its_account(written: str) -> None:
    assert missed(f"account {written} of 1998", IBAN.replace(" ", "")) == []
    assert missed("account 0648489891 of 1998", IBAN.replace(" ", "")) != []


@pytest.mark.parametrize(
    ("iban", "accounts"),
    [
        ("at483200000012345864", ["00012345864", "12345864", "32000"]),
        ("nl91abna0417164300", ["0417164300", "417164300"]),
        ("fr1420041010050500013m02606", ["0500013m026", "500013m026"]),
        ("de1250010517064848989", []),
        ("xx12500105170648489890", []),
        ("decentralisations", []),
    ],
)
def test_the_account_is_where_its_country_has_it(iban: str, accounts: list[str]) -> None:
    assert accounts_in(iban) == accounts


def test_an_iban_is_no_digest() -> None:
    [term] = question_terms("DE12500105170648489890", languages=["en"])
    assert not any(lexeme.is_prefix for lexeme in term.lexemes)


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "8.8.8.8:53", "8.8.8.8-8.8.8.9", "dns=8.8.8.8", "http://8.8.8.8/x", "8.8.8.8/32"]
)
def test_the_address_of_a_host_is_one_word(text: str) -> None:
    assert [term.word for term in question_terms("ping 8.8.8.8", languages=["en"])] == ["ping", "8.8.8.8"]
    assert missed(f"asks {text} for names", "8.8.8.8") == []
    assert missed("room 8 of 8", "8.8.8.8") == ["8.8.8.8"]


@pytest.mark.parametrize("typed", ["1.2.3", "1.2.3.4.5", "300.1.1.1", "8.8.8.8:53", "v1.2.3.4"])
def test_other_numbers_with_points_are_no_addresses(typed: str) -> None:
    assert hosts_in_digits(typed) == {}


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8.51234 > 9.9.9.9.53: UDP", "8.8.8.8.log", "scan_8.8.8.8.txt", "host-8.8.8.8.log", "www.8.8.8.8.nip.io"],
)
def test_the_address_of_a_host_is_found_before_a_port_and_an_extension(text: str) -> None:
    assert missed(f"see {text}", "8.8.8.8") == []
    assert missed_in(analyze_path(text), "8.8.8.8") == []
    assert missed("see 1.8.8.8.8.log", "8.8.8.8") == ["8.8.8.8"], "a longer number is no address"


@pytest.mark.parametrize("text", ["php8.3-fpm", "tool8.3", "v8.3.1", "tool8.3.zip"])
def test_the_version_behind_a_name_is_found_alone(text: str) -> None:
    assert "'8.3':" in analyze(f"with {text} here")
    assert "'8.3':" not in analyze("with mp8.x3 and php8 3")


@pytest.mark.parametrize(("text", "typed"), [("Wi-Fi 802.11ac", "802.11"), ("22.04LTS", "22.04"), ("2.5kg", "2.5")])
def test_a_number_with_a_point_is_found_before_its_kind(text: str, typed: str) -> None:
    assert typed in positions(analyze(text))


@pytest.mark.parametrize(("text", "number"), [("a.5f", "a.5"), ("x-3b", "x-3"), ("1.5abcd", "1.5")])
def test_other_letters_are_no_kind(text: str, number: str) -> None:
    assert number not in positions(analyze(text))


@pytest.mark.parametrize(
    ("name", "parts", "others"),
    [("NVMeSSD", {"nvme", "ssd"}, {"nv", "me"}), ("resetPCIeBus", {"reset", "pcie", "bus", "pciebus"}, {"pc", "ie"})],
)
def test_a_small_letter_may_end_an_acronym(name: str, parts: set[str], others: set[str]) -> None:
    found = positions(analyze(name)).keys()
    assert found >= parts
    assert not found & others
