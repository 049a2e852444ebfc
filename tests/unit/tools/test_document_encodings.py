"""Text that does not say how it is encoded: which language's letters its bytes can be decides, for all readers."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tools.documents.document import Source
from tools.documents.encodings import encoding_of
from tools.documents.plain import read_text
from tools.tables.book import Wanted
from tools.tables.delimited import read_delimited

FRENCH = "L'élève naïf déguste des crêpes à l'hôtel. Où est le garçon ? Ça coûte 5 € – « très cher »."
PORTUGUESE = "cidade;população\nSão Paulo;12 milhões\nBrasília;3\n"
RUSSIAN = "Привет, мир. Это проверка кодировки текста."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "cp1252"),
        (FRENCH.replace("€", "").replace("–", ""), "cp850"),
        (FRENCH, "mac_roman"),
        (PORTUGUESE, "cp1252"),
        ("Die Straße führt über die Brücke. Größe, „Äpfel“.", "cp1252"),
        ("¿Qué año es? El niño comió piña.", "cp1252"),
        ("José\nMüller\nSøren\nSão\nFrançois\nGuðrún", "cp1252"),
        ("café", "cp1252"),
        ("20 °C, 10 m², £5", "cp1252"),
        (CZECH, "cp1250"),
        (CZECH, "iso8859_2"),
        ("Zażółć gęślą jaźń. Łódź, Kraków.", "cp1250"),
        ("Árvíztűrő tükörfúrógép.", "cp1250"),
        ("Türkçe metin: şöyle ığdır İstanbul.", "cp1254"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp866"),
        ("Γειά σου Κόσμε. Αυτό είναι ένα κείμενο.", "cp1253"),
        ("שלום עולם זה טקסט בעברית", "cp1255"),
        ("مرحبا بالعالم هذا نص عربي", "cp1256"),
        ("语言是一种功能强大而完善的通用型计算机程序设计语言", "gb18030"),
    ],
)
def test_the_letters_are_those_that_were_written(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    assert data.decode(encoding_of(data)[0]) == text


@pytest.mark.parametrize(
    "text",
    [
        "The price is £30.",
        "item,price\ntea,£3.50",
        "He said “hello” © 2020",
        "Copyright © 1999 … – “as is”.",
        "© 2024 Example Ltd.",
        "20 °C and ±5 %",
        "5 µm",
        "1¼ … ¾",
        "half ½ cup",
        "«Bonjour»",
        "¡Hola amigos!",
        "¡hola! ¿cómo estás?",
        "nº 5",
        "3 × 4 ÷ 2",
        "€ 5",
        "§ 5 Abs. 2",
        "It’s Brand® – wait…",
        "¿Dónde está el nº 3? «Aquí», 5 €.",
        "Portugal: n.º 3 – R$ 5",
        "x³ = 5 ‰ ¤ 3",
        "£m",
        "W/m²K",
        "ñ",
        "¿",
        "fiancé’s £5",
    ],
)
def test_western_signs_are_no_letters_of_other_languages(text: str) -> None:
    data = text.encode("cp1252")
    assert data.decode(encoding_of(data)[0]) == text


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        (RUSSIAN, "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "cp1251 koi8_r cp866 iso8859_5"),
        ("Она сказала «нет» и ушла в 5 часов; цена – 30 €.", "cp1251"),
        ("Москва", "cp1251 koi8_r cp866"),
        ("שלום עולם", "cp1255"),
        ("Καλημέρα, τι κάνεις;", "cp1253 iso8859_7"),
        ("Łódź", "cp1250 iso8859_2"),
        ("Że są w Łodzi, wie każdy. Źródło: książka.", "cp1250 iso8859_2"),
        ("Škoda", "cp1250 iso8859_2"),
        ("Škoda žije v Plzni. Řeka teče.", "cp1250 iso8859_2"),
        ("İstanbul’da güneş doğdu, ağaç", "cp1254"),
    ],
)
def test_words_of_other_languages_stay_theirs(text: str, encodings: str) -> None:
    for encoding in encodings.split():
        data = text.encode(encoding)
        assert data.decode(encoding_of(data)[0]) == text, encoding


def test_utf_8_that_is_cut_inside_a_letter_is_utf_8() -> None:
    assert encoding_of("déjà".encode()[:-1]) == ("utf-8", 0)


def test_a_note_and_a_table_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "table").write_bytes(PORTUGUESE.encode("cp1252"))
    book = read_delimited(tmp_path / "table", "pt.csv", Wanted())
    assert [cell.value for _, cell in sorted(book.sheets[0].cells.items())][:3] == ["cidade", "população", "São Paulo"]
    (tmp_path / "note").write_bytes(FRENCH.encode("cp1252"))
    source = Source(tmp_path / "note", "fr.txt", tmp_path, time.monotonic() + 60, lambda done, total, text: None)
    note = read_text(source)
    assert (note.part(1).text, note.facts) == (FRENCH, ["1 lines, encoding cp1252"])


def test_many_megabytes_take_no_longer_than_their_decoding(tmp_path: Path) -> None:
    start = time.monotonic()
    assert encoding_of(("ordinary words " * 1_000_000 + CZECH).encode("cp1250"))[0] == "cp1250"
    assert encoding_of(bytes(range(128, 256)) * 40_000)[0]
    assert time.monotonic() - start < 20
