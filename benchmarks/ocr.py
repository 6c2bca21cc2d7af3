"""Measure what tesseract and rapidocr read of ten scanned pages: the share of their words, and the time of a page.

The pages are drawn from text, in English and German, and made worse: rotated, with noise, in two columns, small and
faint. Each is a PDF file that goes through the extractor of a worker. An engine that is not installed is left out.
Tesseract uses the languages that it has: without `deu`, its German words lack their umlauts.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
from _report import parser, report
from _scans import Page, scanned_pages

from magicfs.domain.contents import Document
from magicfs.text.extract.extractor import FileExtractor
from magicfs.text.extract.ocr.ocr_engines import installed_rapidocr, installed_tesseract
from magicfs.text.extract.options import Limits, Ocr, OcrEngine


def main() -> None:
    """Read the pages with each engine, and print the figures."""
    options = parser(__doc__)
    options.add_argument("--tessdata", metavar="DIR", help="a folder with eng.traineddata and deu.traineddata")
    options.add_argument("--pages", type=int, metavar="N", help="only the first N pages; the first five are English")
    options.add_argument("--each", action="store_true", help="print the figures of each page too")
    arguments = options.parse_args()
    pages = list(scanned_pages())[: arguments.pages]
    figures: dict[str, Any] = {}
    languages = ""
    tesseract = installed_tesseract()
    if arguments.tessdata:
        tesseract = Ocr(OcrEngine.TESSERACT, data_dir=arguments.tessdata, languages=("eng", "deu"))
    for ocr in filter(None, (tesseract, installed_rapidocr())):
        languages = "+".join(ocr.languages) or languages
        for name, value in _measure(ocr, pages, each=arguments.each):
            figures[f"{ocr.engine}_{name}"] = value
    sizes = {"pages": len(pages), "words": sum(len(_words(page.text)) for page in pages), "tesseract": languages}
    report("ocr", figures, sizes=sizes, as_json=arguments.json)


def _measure(ocr: Ocr, pages: list[Page], *, each: bool) -> Iterator[tuple[str, float]]:
    """The figures of one engine. The first page is read once more before: a parser process starts with it."""
    shares, seconds, busy = [], [], []
    with FileExtractor(limits=Limits(seconds=120), ocr=ocr) as extractor:
        extractor.extract(pages[0].content, name=b"page.pdf")
        for page in pages:
            started, busy_before = time.monotonic(), _busy_seconds()
            outcome = extractor.extract(page.content, name=b"page.pdf")
            seconds.append(time.monotonic() - started)
            busy.append(_busy_seconds() - busy_before)
            shares.append(_share_found(page, outcome.text if isinstance(outcome, Document) else ""))
            if each:
                print(f"{ocr.engine}  {page.name:<26}  {shares[-1]:.3f}  {seconds[-1]:.1f} s  {busy[-1]:.1f} s")
    for language in ("English", "German"):
        of_language = [share for page, share in zip(pages, shares, strict=True) if page.name.startswith(language)]
        if of_language:
            yield f"{language.lower()}_words", sum(of_language) / len(of_language)
    yield "words", sum(shares) / len(shares)
    yield "page_s", sum(seconds) / len(seconds)
    yield "page_cpu_s", sum(busy) / len(busy)
    yield "slowest_page_s", max(seconds)


def _busy_seconds() -> float:
    """The processor time of the parser process."""
    times = [process.cpu_times() for process in psutil.Process().children(recursive=True)]
    return sum(time.user + time.system for time in times)


def _share_found(page: Page, text: str) -> float:
    """The share of the words of a page that are in the recognised text, each as often as it is on the page."""
    wanted = Counter(_words(page.text))
    return (wanted & Counter(_words(text))).total() / wanted.total()


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


if __name__ == "__main__":
    main()
