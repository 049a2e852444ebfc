"""Lexical search engines side by side: `python -m benchmarks.lexical [--cases N] [--seed S]`.

Each engine indexes the same made-up questions and finds the 64 best by BM25 for questions of up to 20 words. The
vocabulary follows Zipf's law, and each question asked shares words with a text indexed. Recall is against BM25 computed
in full (k1 1.2, b 0.75, the inverse document frequency of Lucene); a hit that ties with the tenth counts. A query's
time is the best of three.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Words: TypeAlias = list[str]
Search: TypeAlias = Callable[[Words], list[int]]
Scores: TypeAlias = NDArray[np.float64]

K1, B = 1.2, 0.75
TOP, COUNTED = 64, 10
QUERIES, REPEATS = 100, 3
CANDIDATES = 500
FEWEST = 1_000
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "zu")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tokenised texts, the questions asked of them (no word twice), and how many texts hold each word."""

    texts: list[Words]
    queries: list[Words]
    frequencies: dict[str, int]
    mean_length: float

    def weights(self, words: Iterable[str]) -> dict[str, float]:
        """Lucene's inverse document frequency of the words that occur."""
        known = {word: self.frequencies[word] for word in words if word in self.frequencies}
        total = len(self.texts)
        return {word: math.log(1 + (total - n + 0.5) / (n + 0.5)) for word, n in known.items()}


@dataclass(frozen=True, slots=True)
class Result:
    build_seconds: float
    query_seconds: list[float]
    recall: float


def make_corpus(cases: int, seed: int) -> Corpus:
    """Texts of 6 to 20 words, and questions that keep about half the words of a text."""
    draw = np.random.default_rng(seed)
    size = max(200, int(75 * math.sqrt(cases)))
    vocabulary = np.array([_word(number) for number in range(size)])
    share = 1.0 / np.arange(2, size + 2)
    share /= share.sum()
    lengths = draw.integers(6, 21, cases)
    drawn = vocabulary[draw.choice(size, int(lengths.sum()), p=share)].tolist()
    ends = np.cumsum(lengths).tolist()
    texts = [drawn[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    queries = []
    for number in draw.integers(0, cases, QUERIES).tolist():
        kept = [word for word in texts[number] if draw.random() < 0.5]
        other = vocabulary[draw.choice(size, int(draw.integers(8, 21)), p=share)].tolist()
        queries.append(list(dict.fromkeys(kept + other))[: max(8, len(other))])
    frequencies: dict[str, int] = {}
    for text in texts:
        for word in set(text):
            frequencies[word] = frequencies.get(word, 0) + 1
    return Corpus(texts, queries, frequencies, len(drawn) / cases)


def exact_scores(corpus: Corpus) -> list[Scores]:
    """BM25 of every text for every question, from a pass over the texts."""
    wanted = {word for query in corpus.queries for word in query}
    postings: dict[str, tuple[list[int], list[float]]] = {word: ([], []) for word in wanted}
    for number, text in enumerate(corpus.texts):
        norm = _norm(len(text), corpus.mean_length)
        for word in wanted.intersection(text):
            count = text.count(word)
            postings[word][0].append(number)
            postings[word][1].append(count / (count + norm))
    found = []
    for query in corpus.queries:
        scores = np.zeros(len(corpus.texts))
        for word, weight in corpus.weights(query).items():
            scores[postings[word][0]] += weight * np.array(postings[word][1])
        found.append(scores)
    return found


class Fts5:
    """One SQLite file: the texts, the words' document frequencies, and a full-text index without its own copy.

    `budget` bounds the sum of the document frequencies of the words searched for, rarest first; None searches for all.
    With `rescored`, what was found are candidates, ranked by BM25 over all words; the index then needs no lengths.
    """

    def __init__(self, database: sqlite3.Connection, corpus: Corpus, *, budget: int | None, rescored: bool) -> None:
        self._database, self._corpus, self._budget, self._rescored = database, corpus, budget, rescored
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE texts (number INTEGER PRIMARY KEY, words TEXT)")
        database.execute("CREATE TABLE frequencies (word TEXT PRIMARY KEY, texts INTEGER) WITHOUT ROWID")
        lengths = ", columnsize=0" if rescored else ""
        database.execute(f"CREATE VIRTUAL TABLE lexical USING fts5(words, content=''{lengths})")
        rows = [(number, " ".join(text)) for number, text in enumerate(corpus.texts)]
        database.execute("BEGIN")
        database.executemany("INSERT INTO texts VALUES (?, ?)", rows)
        database.executemany("INSERT INTO frequencies VALUES (?, ?)", sorted(corpus.frequencies.items()))
        database.executemany("INSERT INTO lexical (rowid, words) VALUES (?, ?)", rows)
        database.execute("COMMIT")

    def search(self, query: Words) -> list[int]:
        marks = ", ".join("?" * len(query))
        statement = f"SELECT word, texts FROM frequencies WHERE word IN ({marks})"  # noqa: S608
        frequencies: dict[str, int] = dict(self._database.execute(statement, query).fetchall())
        if not frequencies:
            return []
        # Sorting by bm25() keeps the best only; by `rank`, FTS5 would sort all that it finds.
        statement = "SELECT rowid FROM lexical WHERE lexical MATCH ? ORDER BY bm25(lexical) LIMIT ?"
        match = match_any(rarest(frequencies, self._budget))
        if not self._rescored:
            return [number for (number,) in self._database.execute(statement, (match, TOP))]
        joined = f"SELECT number, words FROM ({statement}) JOIN texts ON number = rowid"  # noqa: S608
        return self._rescore(self._corpus.weights(query), self._database.execute(joined, (match, CANDIDATES)))

    def _rescore(self, weights: dict[str, float], candidates: Iterable[tuple[int, str]]) -> list[int]:
        scored = []
        for number, text in candidates:
            words = text.split()
            norm = _norm(len(words), self._corpus.mean_length)
            counts = ((word, words.count(word)) for word in weights.keys() & set(words))
            scored.append((-sum(weights[word] * count / (count + norm) for word, count in counts), number))
        return [number for _, number in sorted(scored)[:TOP]]


def rarest(frequencies: dict[str, int], budget: int | None) -> list[str]:
    """The rarest words whose document frequencies add up to the budget at most; one word at least."""
    chosen: list[str] = []
    spent = 0
    for word in sorted(frequencies, key=frequencies.__getitem__):
        spent += frequencies[word]
        if chosen and budget is not None and spent > budget:
            break
        chosen.append(word)
    return chosen


def match_any(words: Sequence[str]) -> str:
    """An FTS5 expression for any of the words, each a quoted string, so that none is read as an operator."""
    return " OR ".join('"' + word.replace('"', '""') + '"' for word in words)


def bm25s_search(corpus: Corpus) -> Search:
    index: Any = importlib.import_module("bm25s").BM25(k1=K1, b=B, method="lucene")
    numbers: dict[str, int] = {}
    coded = [[numbers.setdefault(word, len(numbers)) for word in text] for text in corpus.texts]
    index.index((coded, numbers), show_progress=False)

    def search(query: Words) -> list[int]:
        scores = index.get_scores([word for word in query if word in numbers])
        best = np.argpartition(scores, -TOP)[-TOP:]
        return [int(number) for number in best[np.argsort(-scores[best])]]

    return search


def tantivy_search(corpus: Corpus, folder: str) -> Search:
    tantivy: Any = importlib.import_module("tantivy")
    fields = tantivy.SchemaBuilder()
    fields.add_integer_field("number", stored=True)
    fields.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    schema = fields.build()
    index = tantivy.Index(schema, path=folder)
    writer = index.writer(num_threads=1)
    for number, text in enumerate(corpus.texts):
        writer.add_document(tantivy.Document(number=number, words=" ".join(text)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def search(query: Words) -> list[int]:
        terms = [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "words", word)) for word in query]
        hits = searcher.search(tantivy.Query.boolean_query(terms), TOP, count=False).hits
        return [searcher.doc(address)["number"][0] for _, address in hits]

    return search


def measure(build: Callable[[], Search], corpus: Corpus, exact: Sequence[Scores]) -> Result:
    """Build, then ask every question; the first is asked once before, so that nothing is loaded while timed."""
    start = time.perf_counter()
    search = build()
    build_seconds = time.perf_counter() - start
    search(corpus.queries[0])
    seconds, recalls = [], []
    for query, scores in zip(corpus.queries, exact, strict=True):
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            found = search(query)
            times.append(time.perf_counter() - start)
        seconds.append(min(times))
        tenth = float(np.partition(scores, -COUNTED)[-COUNTED])
        recalls.append(sum(scores[number] >= tenth - 1e-4 for number in found[:COUNTED]) / COUNTED)
    return Result(build_seconds, seconds, statistics.mean(recalls))


def compare(cases: int, seed: int) -> None:
    """Measure every engine that can be imported and print the table."""
    corpus = make_corpus(cases, seed)
    exact = exact_scores(corpus)
    budget = max(10_000, cases // 20)
    print(f"{cases} texts, {len(corpus.frequencies)} words; the {TOP} best for {len(corpus.queries)} questions")
    print(f"{'engine':36}{'build s':>9}{'p50 ms':>9}{'p95 ms':>9}{'recall@10':>11}")
    variants: list[tuple[str, int | None, bool]] = [
        ("FTS5, all words", None, False),
        (f"FTS5, rarest words to {budget}", budget, False),
        (f"FTS5, rarest, best {CANDIDATES} rescored", budget, True),
    ]
    for name, limit, rescored in variants:
        with tempfile.TemporaryDirectory() as folder, closing(_database(folder)) as database:
            _report(name, measure(partial(_fts5_search, database, corpus, limit, rescored), corpus, exact))
    with tempfile.TemporaryDirectory() as folder:
        others: list[tuple[str, Callable[[], Search]]] = [
            ("bm25s", partial(bm25s_search, corpus)),
            ("tantivy", partial(tantivy_search, corpus, folder)),
        ]
        for name, build in others:
            if importlib.util.find_spec(name) is None:
                print(f"{name:36}not installed")
            else:
                _report(name, measure(build, corpus, exact))


def _report(name: str, result: Result) -> None:
    middle, high = np.percentile(result.query_seconds, [50, 95]) * 1000
    print(f"{name:36}{result.build_seconds:9.2f}{middle:9.2f}{high:9.2f}{result.recall:11.3f}", flush=True)


def _fts5_search(database: sqlite3.Connection, corpus: Corpus, budget: int | None, rescored: bool) -> Search:
    return Fts5(database, corpus, budget=budget, rescored=rescored).search


def _database(folder: str) -> sqlite3.Connection:
    return sqlite3.connect(Path(folder) / "index.db", isolation_level=None)


def _norm(length: int, mean_length: float) -> float:
    return K1 * (1 - B + B * length / mean_length)


def _word(number: int) -> str:
    word = ""
    while True:
        number, place = divmod(number, len(SYLLABLES))
        word += SYLLABLES[place]
        if number == 0:
            return word
        number -= 1


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare lexical search engines on made-up questions.")
    parser.add_argument("--cases", type=int, default=100_000, help="texts to index (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the made-up texts (default: %(default)s)")
    arguments = parser.parse_args()
    if arguments.cases < FEWEST:
        parser.error(f"--cases: got {arguments.cases}; takes {FEWEST} or more")
    compare(arguments.cases, arguments.seed)


if __name__ == "__main__":
    main()
