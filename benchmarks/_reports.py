"""Annual reports that are made up: long, with running headers, contents, notes and tables that repeat their items.

Each comes with questions whose page is known. What tells one table from the next, such as a segment or a year, stands
in a heading, a caption or the head of the table, as in real reports. Everything depends on the seed alone.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from _pages_pdf import LINES, Pages

YEARS = ("2023", "2022", "2021")

COMPANIES = {
    "Norvane Shipping": (
        ("Container Lines", "Tank Terminals", "Cold Storage", "Inland Barges", "Marine Repairs"),
        ("Kelmouth", "Port Saben", "Ostrava Quay", "Tarn Haven", "Vellinge", "Dorstad"),
        ("fuel", "steel", "port dues", "crews", "spare parts"),
    ),
    "Halbrook Foods": (
        ("Dairy Products", "Frozen Meals", "Bakery Goods", "Infant Nutrition", "Pet Food"),
        ("Aldermoor", "Brisk Valley", "Cotham", "Lower Penn", "Marsk", "Tiverside"),
        ("milk", "wheat", "packaging", "palm oil", "energy"),
    ),
    "Quillon Instruments": (
        ("Medical Imaging", "Industrial Sensors", "Weather Radar", "Laboratory Scales", "Optical Fibres"),
        ("Ashgrove", "Bellmont", "Carrow Park", "Edenfield", "Glasson", "Hartsea"),
        ("silicon", "rare earths", "lenses", "software licences", "helium"),
    ),
}
"""Segments, sites and supplies by company."""

REGIONS = ("Nordic Countries", "Central Europe", "Southern Europe", "Latin America", "South East Asia", "East Africa")
CAUSES = (
    "customers delayed their orders", "a competitor lowered its prices", "two large contracts ended",
    "a new product sold out within weeks", "the integration of an acquired business went well",
    "demand from public authorities doubled", "a strike closed the main site", "freight rates halved",
)  # fmt: skip
EVENTS = (
    ("a fire", "stopped production", "How long did the fire at {site} stop production?"),
    ("a flood", "closed the warehouse", "For how many weeks was the warehouse at {site} closed by water?"),
    ("a cyber attack", "shut down the planning systems", "How long were the planning systems at {site} down?"),
    ("a strike", "interrupted deliveries", "For how long did workers at {site} stop deliveries?"),
)
FILLER = (
    "Management reviews {a} and {b} at least once a year and more often where circumstances change.",
    "The Group buys {supply} from several suppliers and agrees prices for twelve months where it can.",
    "In {region} the business of {segment} met the expectations that were set at the beginning of the year.",
    "The board considers that the controls over {a} worked as intended throughout the period.",
    "Estimates of {a} depend on assumptions about {b}, which may turn out to be different.",
    "Colleagues in {site} completed the training on {a} that was introduced in the previous year.",
    "Changes in the price of {supply} are passed on to customers with a delay of about one quarter.",
    "The Group does not expect {a} to have a material effect on its results or its financial position.",
    "Further information on {a} is given in the notes to the consolidated financial statements.",
    "Demand in {region} was stable, while {segment} gained new customers near {site}.",
)
MATTERS = (
    "credit quality", "exchange rates", "interest rates", "inventories", "pension obligations", "site safety",
    "supplier audits", "working capital", "data protection", "tax positions", "lease terms", "energy efficiency",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and the pages that answer it."""

    text: str
    pages: frozenset[int]


@dataclass(slots=True)
class Report:
    """A report while it is written, and its questions."""

    name: str
    random: random.Random
    pages: Pages
    questions: list[Question] = field(default_factory=list)

    @property
    def segments(self) -> Sequence[str]:
        """The segments of the company."""
        return COMPANIES[self.name][0]

    def figure(self) -> str:
        """A value for a table."""
        value = f"{self.random.randint(3, 99_999):,}"
        return f"({value})" if self.random.random() < 0.2 else value

    def filler(self, sentences: int) -> str:
        """Prose that answers no question."""
        segments, sites, supplies = COMPANIES[self.name]
        return " ".join(
            self.random.choice(FILLER).format(
                a=self.random.choice(MATTERS),
                b=self.random.choice(MATTERS),
                supply=self.random.choice(supplies),
                region=self.random.choice(REGIONS),
                segment=self.random.choice(segments),
                site=self.random.choice(sites),
            )
            for _ in range(sentences)
        )

    def prose(self, paragraphs: int) -> None:
        """Write paragraphs that answer no question."""
        for _ in range(paragraphs):
            self.pages.prose(self.filler(self.random.randint(3, 6)))

    def ask(self, text: str, *pages: int) -> None:
        """Note a question that these pages answer."""
        self.questions.append(Question(text, frozenset(pages)))

    def table(self, caption: str, head: Sequence[str], rows: Sequence[str]) -> dict[str, int]:
        """Write a table that may continue on the next page. Returns the page of each row."""
        self.pages.heading(caption)
        self.pages.row("In thousands of euros", head)
        return {row: self.pages.row(row, [self.figure() for _ in head]) for row in rows}


def make_report(company: str, *, seed: int) -> Report:
    """A report of more than a hundred pages."""
    report = Report(company, random.Random(f"{company} {seed}"), Pages(f"{company} plc  Annual Report 2023", "Page"))
    contents = _reserve_contents(report)
    for title, write in SECTIONS:
        report.pages.new_page()
        contents.append((title, report.pages.heading(title)))
        write(report, contents)
    _write_contents(report, contents)
    return report


def _reserve_contents(report: Report) -> list[tuple[str, int]]:
    report.pages.line(f"{report.name} plc")
    report.pages.line("Annual Report and Accounts for the year ended 31 December 2023")
    for _ in range(2):
        report.pages.pages.append([])
    return []


def _write_contents(report: Report, contents: Sequence[tuple[str, int]]) -> None:
    """Fill the two pages that were left free after the first one."""
    lines = [f"{title} {'.' * (76 - len(title))} {page}" for title, page in contents]
    report.pages.pages[1] = ["Contents", "", *lines[: LINES - 2]]
    report.pages.pages[2] = ["Contents, continued", "", *lines[LINES - 2 : 2 * LINES - 4]]


def _business(report: Report, contents: list[tuple[str, int]]) -> None:
    _, sites, _ = COMPANIES[report.name]
    for segment, site, (event, effect, question), (cause, other) in zip(
        report.segments, sites, (*EVENTS, EVENTS[0]), zip(CAUSES, reversed(CAUSES), strict=True), strict=False
    ):
        contents.append((f"Review of {segment}", report.pages.heading(f"Review of {segment}")))
        report.prose(8)
        page = report.pages.prose(f"Revenue fell in 2022 because {cause}, and recovered in 2023 when {other}.")
        report.ask(f"Why did the revenue of {segment} fall in 2022?", page)
        report.prose(8)
        weeks = report.random.randint(3, 30)
        page = report.pages.prose(f"In March {event} at {site} {effect} for {weeks} weeks. {report.filler(2)}")
        if segment != report.segments[-1]:
            report.ask(question.format(site=site), page, page + (report.pages.number > page))
        report.prose(8)
        report.table("Key figures", YEARS, ("Revenue", "Operating profit", "Capital expenditure", "Employees"))


def _risks(report: Report, contents: list[tuple[str, int]]) -> None:
    for matter in MATTERS:
        contents.append((f"Risks from {matter}", report.pages.heading(f"Risks from {matter}")))
        report.prose(14)


def _statements(report: Report, contents: list[tuple[str, int]]) -> None:
    for title, items in STATEMENTS.items():
        report.pages.new_page()
        pages = report.table(title, YEARS, items)
        contents.append((title, min(pages.values())))
        item, year = report.random.choice(items), report.random.choice(YEARS)
        report.ask(f"{item} in the {title.lower()} for {year}", pages[item])


def _notes(report: Report, contents: list[tuple[str, int]]) -> None:
    for number, (title, classes, items) in enumerate(NOTES, 1):
        name = f"Note {number}. {title}"
        contents.append((name, report.pages.heading(name, below=12)))
        report.prose(3)
        groups = classes or report.segments
        by_year = number % 2 == 0
        for group in YEARS if by_year else groups:
            head = groups[:3] if by_year else YEARS
            caption = f"Movements during {group}" if by_year else group
            if by_year:
                head = [name.split()[0] for name in head]
            pages = report.table(caption, head, items)
            if report.random.random() < QUESTION_SHARE:
                item = report.random.choice(items)
                about = report.random.choice(groups[:3]) if by_year else group
                year = group if by_year else report.random.choice(YEARS)
                report.ask(f"{title}: what was {item.lower()} of {about} in {year}?", pages[item])
            report.prose(report.random.randint(2, 5))


QUESTION_SHARE = 0.4
STATEMENTS = {
    "Consolidated Income Statement": (
        "Revenue", "Cost of sales", "Gross profit", "Distribution costs", "Administrative expenses", "Other income",
        "Operating profit", "Finance income", "Finance costs", "Profit before tax", "Income tax", "Profit for the year",
    ),
    "Consolidated Balance Sheet": (
        "Goodwill", "Other intangible assets", "Property, plant and equipment", "Right-of-use assets", "Deferred tax",
        "Inventories", "Trade receivables", "Cash and cash equivalents", "Share capital", "Retained earnings",
        "Borrowings", "Lease liabilities", "Provisions", "Trade payables", "Current tax",
    ),
    "Consolidated Statement of Cash Flows": (
        "Profit for the year", "Depreciation", "Impairment", "Change in inventories", "Change in receivables",
        "Change in payables", "Interest paid", "Income tax paid", "Purchase of property, plant and equipment",
        "Purchase of intangible assets", "Acquisition of businesses", "Proceeds from borrowings",
        "Repayment of borrowings", "Dividends paid", "Cash at the end of the year",
    ),
}  # fmt: skip
MOVEMENTS = (
    "Cost at 1 January", "Additions", "Disposals", "Transfers", "Exchange differences", "Cost at 31 December",
    "Depreciation at 1 January", "Charge for the year", "Impairment", "Depreciation on disposals",
    "Depreciation at 31 December", "Carrying amount",
)  # fmt: skip
NOTES: tuple[tuple[str, Sequence[str], Sequence[str]], ...] = (
    ("Operating segments", (), ("Revenue from customers", "Revenue between segments", "Operating costs", "Depreciation",
                                "Operating profit", "Capital expenditure", "Total assets", "Employees")),
    ("Property, plant and equipment", ("Buildings", "Machinery", "Vehicles", "Construction"), MOVEMENTS),
    ("Revenue by region", REGIONS,
     ("Goods sold", "Services", "Licences", "Rent", "Discounts granted", "Total revenue")),
    ("Intangible assets", ("Goodwill", "Software", "Patents", "Brands"), MOVEMENTS),
    ("Trade receivables", REGIONS, ("Not due", "Up to 30 days overdue", "31 to 90 days overdue", "Over 90 days overdue",
                                    "Loss allowance", "Net receivables")),
    ("Leased assets", ("Land", "Offices", "Cars", "Equipment"), MOVEMENTS),
    ("Provisions", ("Warranties", "Restructuring", "Environmental damage", "Litigation", "Onerous contracts"),
     ("Balance at 1 January", "Additional amounts", "Amounts used", "Amounts released", "Discount", "Balance at end")),
    ("Investment property", ("Shops", "Warehouses", "Flats"), MOVEMENTS),
    ("Pensions", REGIONS, ("Present value of obligations", "Fair value of plan assets", "Service cost", "Interest cost",
                           "Actuarial gains", "Contributions", "Benefits paid", "Discount rate", "Salary growth")),
    ("Assets held for sale", ("Plants", "Shops", "Stocks"), MOVEMENTS),
    ("Borrowings", ("Bank loans", "Bonds", "Commercial paper", "Shareholder loans"),
     ("Within one year", "Between one and five years", "After five years", "Average interest rate", "Secured amounts")),
)  # fmt: skip
SECTIONS = (
    ("Business Review", _business),
    ("Principal Risks", _risks),
    ("Financial Statements", _statements),
    ("Notes to the Financial Statements", _notes),
)
