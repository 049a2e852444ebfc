"""Passages that answer a query: word for word, best first, within the budget."""

from __future__ import annotations

import pytest

from tools.web.passages import LONGEST, chosen, end_of_part, passages, ranked, words

TEXT = """# Ports

The server listens on port 5432. Another port can be chosen.

## Limits

| Setting | Default |
| --- | --- |
| max_connections | 100 |
| shared_buffers | 128MB |

Sleeping is done by `pg_sleep`.

```sql
# no heading
SELECT pg_sleep(1.5);

SELECT pg_sleep_for('5 minutes');
```

# Other

Nothing here.
"""


def best(query: str, text: str = TEXT) -> str:
    found = ranked([text], query)
    return text[found[0].passage.start : found[0].passage.end] if found else ""


def test_every_passage_is_found_in_the_text_and_knows_its_headings() -> None:
    found = [(TEXT[each.start : each.end], each.headings) for each in passages(TEXT)]
    assert [text.split("\n")[0] for text, _ in found] == [
        "The server listens on port 5432. Another port can be chosen.",
        "| Setting | Default |",
        "Sleeping is done by `pg_sleep`.",
        "```sql",
        "Nothing here.",
    ]
    assert [headings for _, headings in found][1:] == [("Ports", "Limits")] * 3 + [("Other",)]
    assert "5 minutes" in found[3][0]


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("which port does the server listen on", "5432"),
        ("default of max_connections", "| max_connections | 100 |"),
        ("SLEEP five minutes", "pg_sleep"),
        ("sleep for 5 minutes", "SELECT pg_sleep_for('5 minutes');"),
    ],
)
def test_the_best_passage_answers(query: str, holds: str) -> None:
    assert holds in best(query)


@pytest.mark.parametrize("query", ["giraffe", "the of and", "", "???"])
def test_nothing_fits(query: str) -> None:
    assert ranked([TEXT], query) == []
    assert ranked([], query) == []


def test_words_beside_each_other_count_more_than_apart() -> None:
    text = "New ideas for York, the city.\n\nTrains to New York leave at nine.\n\nYork is old, the plan is new."
    assert best("New York", text).startswith("Trains")


def test_addresses_of_links_are_no_words() -> None:
    assert words("see [the guide](http://x.example/giraffe_(a).html)") == ["see", "guid"]
    assert ranked(["[a](http://giraffe.example/)"], "giraffe") == []


def test_scores_of_several_pages_are_comparable() -> None:
    found = ranked(["Cats sleep.", "Dogs bark. " * 5, "Cats and dogs sleep all day."], "dogs sleep")
    assert found[0].source == 2


def test_long_paragraphs_are_taken_apart_between_sentences() -> None:
    text = "This sentence is exactly so long. " * 100
    parts = [text[each.start : each.end] for each in passages(text)]
    assert len(parts) > 3
    assert all(len(part) <= LONGEST and part.startswith("This") and part.endswith("long.") for part in parts)
    assert len(passages("x" * 5000)) == 5000 // LONGEST + 1


def test_the_budget_is_kept_and_reading_order_too() -> None:
    texts = ["Alpha one.\n\nBeta alpha two.\n\nGamma.", "Alpha three alpha."]
    found = ranked(texts, "alpha")
    assert len(chosen(texts, found, 1000)) == 3
    for budget in (8, 20, 33):
        taken = chosen(texts, found, budget)
        assert sum(each.passage.end - each.passage.start for each in taken) <= budget
        assert [(t.source, t.passage.start) for t in taken] == sorted((t.source, t.passage.start) for t in taken)
        assert taken


def test_parts_of_a_text_cover_it_without_gaps() -> None:
    text = "\n\n".join(f"Paragraph {number} " + "word " * (number % 50) for number in range(200)) + "y" * 3000
    start, parts = 0, []
    while start < len(text):
        end = end_of_part(text, start, 1000)
        assert start < end <= start + 1000
        parts.append(text[start:end])
        start = end
    assert "".join(parts) == text


def test_hostile_text_takes_no_time() -> None:
    for text in ("[" * 100_000, "](" * 100_000, "# " * 100_000, "```\n" * 50_000, ". " * 100_000, "a\n" * 100_000):
        ranked([text], "a b")
