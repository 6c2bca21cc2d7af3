"""Which benchmarks there are, in the order of docs/benchmarks.md, with what each figure of theirs says."""

from __future__ import annotations

from _page import Benchmark

BENCHMARKS = (
    Benchmark(
        "indexing",
        "How much of the machine's embedding speed reaches the index.",
        {
            "ratio_limit": "pipeline over the limit. Higher is better, 1 is all that the machine can do",
            "ratio_default": "pipeline over fastembed's defaults. Higher is better",
            "pipeline_chunks_s": "chunks a second of the pipeline",
            "limit_chunks_s": "the same of the limit: as many bare processes as cores, each embedding its share of the "
            "same chunks one at a time with the same model",
            "default_chunks_s": "the same of one process that calls fastembed's `embed()` with its defaults",
            "worker_rss_mb": "resident memory of an embedding worker's child, MB",
            "mount_rss_mb": "resident memory of the mount process, MB",
        },
    ),
    Benchmark(
        "rescan",
        "Rescans of a tree, against `find` printing the same metadata. Lower is better.",
        {
            "ratio_unchanged": "a whole rescan of an unchanged tree over `find`",
            "ratio_one_percent": "a rescan after one file in a hundred has changed over `find`",
        },
    ),
    Benchmark(
        "many_files",
        "What a tree of a million empty files costs the agent, and the database meanwhile. Lower is better.",
        {
            f"{scan}_{figure}": f"{about}, {meaning}"
            for scan, about in (
                ("first", "the first scan"),
                ("unchanged", "a scan of the unchanged tree"),
                ("start", "the same by an agent that starts"),
            )
            for figure, meaning in (
                ("s", "seconds"),
                ("agent_cpu_s", "the agent's seconds of a core"),
                ("database_cpu_s", "the database's seconds of a core"),
            )
        }
        | {"agent_mb": "memory of the agent at most, MB"},
    ),
    Benchmark(
        "freshness",
        "Seconds from `close()` of a saved file to its name in a listing of the mount. Lower is better.",
        {
            "lexical_p50_s": "by a word that only this file has, median",
            "lexical_p95_s": "the same, 95th percentile",
            "semantic_p50_s": "by a question that shares no word with it, median",
            "semantic_p95_s": "the same, 95th percentile",
            "semantic_bulk_p50_s": "by meaning while a bulk import keeps the workers busy, median",
            "semantic_bulk_p95_s": "the same, 95th percentile",
        },
    ),
    Benchmark(
        "moves",
        "Files under new names: seconds until all are found there, and those missing meanwhile. Lower is better.",
        {
            "folder_s": "their folder is renamed",
            "folder_missing": "the most files that are found at neither path at the same time",
            "single_s": "each of them is renamed",
            "single_missing": "as `folder_missing`",
        },
    ),
    Benchmark(
        "mount_io",
        "Seconds through the mount over seconds directly, both from warm caches. Lower is better, 1 is no cost at all.",
        {
            "second_read": "a large file from one end to the other, which was read before",
            "first_read": "the same of a file that was never read through the mount",
            "random_reread": "4 KiB at random places of a file that was read before",
            "relist": "names and `stat` of a directory of a thousand files, again",
            "grep": "`grep -r` over a tree of small files that was read before",
            "write": "64 MiB over what is in a file, up to `close()`",
            "write_4k": "four thousand writes of 4 KiB",
            "open": "opening and closing a thousand files",
            "missing": "asking for names that do not exist",
            "first_read_mb_s": "megabytes a second",
            "second_read_mb_s": "the same",
            "write_mb_s": "the same",
        }
        | {
            f"c_{figure}": f"`{figure}` of libfuse's own passthrough example in C"
            for figure in (
                *("second_read", "first_read", "random_reread", "relist", "grep"),
                *("write", "write_4k", "open", "missing"),
                *("first_read_mb_s", "second_read_mb_s", "write_mb_s"),
            )
        },
    ),
    Benchmark(
        "search_latency",
        "Listing `search/<query>` of the mount.",
        {
            "ratio_cold_p50": "a question never asked before over embedding plus SQL, medians; 1 is no other cost",
            "ratio_busy_p95": "95th percentile while a bulk import keeps the workers busy over the idle one",
            "warm_extra_ms": "a query asked before, milliseconds beyond a plain directory of as many entries",
            "cold_p50_ms": "a question never asked before, median",
            "cold_p95_ms": "the same, 95th percentile",
            "embed_p50_ms": "embedding a question, median",
            "sql_p50_ms": "the database's part of a search, median",
        },
    ),
    Benchmark(
        "idle",
        "What a stack takes that has nothing to do, by part. Lower is better.",
        {
            "processes": "processes, with those that they have started",
            "core_percent": "processor time, percent of one core",
            "pss_mb": "memory, MB: what several processes share counts once",
        },
    ),
    Benchmark(
        "ocr",
        "What is read of ten scanned pages in English and German, by each engine that is installed. Tesseract has the "
        "languages in the sizes.",
        {
            "tesseract_words": "share of the words of a page that tesseract finds. Higher is better",
            "tesseract_english_words": "the same of the English pages",
            "tesseract_german_words": "the same of the German pages",
            "tesseract_page_s": "seconds a page",
            "tesseract_slowest_page_s": "the same, of the slowest page",
            "tesseract_page_cpu_s": "seconds of processor time a page",
            "rapidocr_words": "share of the words of a page that rapidocr finds. Higher is better",
            "rapidocr_english_words": "the same of the English pages",
            "rapidocr_german_words": "the same of the German pages",
            "rapidocr_page_s": "seconds a page",
            "rapidocr_slowest_page_s": "the same, of the slowest page",
            "rapidocr_page_cpu_s": "seconds of processor time a page",
        },
    ),
    Benchmark(
        "quality",
        "How good the ranking is on judged questions: by words alone, by the vectors of each model alone and of both, "
        "and by everything as users get it. Higher is better. The ranking was tuned on these same collections. `code` "
        "is made from the functions of Python's standard library and the first lines of their docstrings.",
        {
            "ndcg10": "nDCG of the first ten: gains by grade, discounted by rank, over the best possible",
            "recall10": "share of the relevant texts among the first ten",
            "recall100": "the same among the first hundred",
            "mrr": "mean of one over the rank of the first relevant text",
            "gain": "what `hybrid` has more in nDCG",
            "gain_low": "the lower end of its bootstrap interval of 95 %",
            "gain_high": "the upper end",
        },
    ),
    Benchmark(
        "small",
        "Whether the text that answers comes first in folders of five to ten files, asked in everyday words, often in "
        "another language.",
        {
            "first": "share of the questions whose answer is the first result. Higher is better",
            "third": "the same of the first three",
            "mrr": "mean of one over the rank of the answer",
            "shown": "share of the questions whose answer is a result",
            "score": "score of the answer, median",
            "low": "the same, 10 % quantile",
            "unrelated": "greatest score of a question about something else. Lower is better",
            "unrelated_over": "share of those with a result of 0.2 or more. Lower is better",
        },
    ),
    Benchmark(
        "neighbours",
        "Whether the files that are nearest in meaning to a file answer the same questions. Higher is better.",
        {
            "ndcg10": "nDCG of the first ten, for texts that share a question with others",
            "first": "score of the nearest file, median",
            "tenth": "score of the tenth, median",
            "random": "score of a file that is drawn at random, median. Lower is better",
        },
    ),
    Benchmark(
        "pages",
        "Whether the page that answers comes first, of made-up annual reports with about ninety pages each. Higher is "
        "better.",
        {
            "first": "share of the questions whose first passage stands on a right page",
            "within_ten": "the same of the first ten passages",
            "file_first": "share of the questions for which a search for files names a right page",
        },
    ),
    Benchmark(
        "scores",
        "What scores say, in the first ten results of thirty everyday questions to a project of software and of thirty "
        "that have nothing to do with it.",
        {
            "certain": "share of results that print 1.00 without the very words. Lower is better",
            "first_tenth": "difference between the first and the tenth, median",
            "ties": "share of neighbours that print the same score. Lower is better",
            "first": "score of the first result, median",
            "found": "share of the everyday questions with a result of 0.5 or more",
            "unrelated": "greatest score of an unrelated question. Lower is better",
            "unrelated_over": "share of the unrelated questions with a result of 0.2 or more. Lower is better",
            "unrelated_results": "results of an unrelated question, mean",
        },
    ),
    Benchmark(
        "scale",
        "Searches in a large index of random text and clustered random vectors; a fake query embedder answers at once.",
        {
            "build_s": "building the index of vectors, seconds",
            "build_cpu_s": "the same, time of a core in the process that used most",
            "build_all_cpu_s": "the same in all processes",
            "build_mb": "memory of the process that used most, MB",
            "size_mb": "its size, MB",
            "recall10": "share of the ten nearest chunks that it finds, against comparing all",
            "recall10_filtered": "the same under filters that leave a fiftieth to a fifth of the files",
            "p50_ms": "a whole search, milliseconds, median",
            "p95_ms": "the same, 95th percentile",
            "p95_filtered_ms": "95th percentile under filters",
            "cpu_p50_ms": "time of a core that a whole search takes, here and in the database, milliseconds, median",
            "cpu_p95_ms": "the same, 95th percentile",
            "cpu_p95_filtered_ms": "95th percentile under filters",
        },
    ),
)
