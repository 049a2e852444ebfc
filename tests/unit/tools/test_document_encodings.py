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
