"""How text is encoded, where it does not say so: by which language's letters its bytes can be."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice, pairwise

BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
SINGLE = (
    "cp1252", "iso8859_15", "cp1250", "iso8859_2", "cp1254", "cp1257", "cp1251", "koi8_r", "koi8_u", "cp866",
    "iso8859_5", "mac_cyrillic", "cp1253", "iso8859_7", "cp1255", "cp1256", "cp850", "cp852", "mac_roman",
)  # fmt: skip
"""Of those that explain a text equally well the first is taken."""
LATIN = (
    "àâæçéèêëîïôœùûüÿ", "äöüß", "áéíóúüñçàèòï", "áâãàçéêíóôõúü", "àèéìíòóùúî", "éëïöüèêáóíúĳ", "åäöéü", "æøåéèêóòôü",
    "åäöšž", "áðéíóúýþæö", "áéíóöőúüű", "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "čćđšž", "ăâîșțşţ",
    "âçğıiîöşûü̇", "ąčęėįšųūž", "āčēģīķļņšūž", "äöõüšž",
)  # fmt: skip
"""The letters beyond a to z of French, German, Spanish and Catalan, Portuguese, Italian, Dutch, Swedish, Danish and
Norwegian, Finnish, Icelandic, Hungarian, Polish, Czech, Slovak, Croatian, Romanian, Turkish, Lithuanian, Latvian,
Estonian."""
WESTERN = "".join(LATIN[:10])
"""Names of several countries in one file; taken where no single language has all the letters."""
OTHER = (
    ("оеаинтсрвл", "кмдпуяыьгзбчйхжшюцщэфъё"),
    ("оаинвтерісл", "кмдпуяьгзбчйхжшюцщєфїґ"),
    ("аеоинтрсвд", "јкмлпугзбчхжшњцљћђфџ"),
    ("αοιετσνηρςυ", "πκμλωγδχθφβξζψάέήίόύώϊϋΐΰ"),
    ("יוהלאמרתבש", "נםדעחקפטגצסזךןףץכ"),
    ("اليمنوترهب", "عفدسكقحجطشصخضذثزغظءآأؤإئةى"),
)
"""The most frequent letters, and the others, of Russian and Bulgarian, Ukrainian, Serbian and Macedonian, Greek,
Hebrew, Arabic."""
CLEAR = 0.9
_RUNS = re.compile(rb"[A-Za-z]{0,20}[\x80-\xff][A-Za-z\x80-\xff]{0,60}[^A-Za-z\x80-\xff]?")
_MAX_RUNS = 1500
_WORD = re.compile(r"[^\W\d_]+")
_DECLARED = re.compile(rb"(?:encoding|charset)=[\"']?([A-Za-z0-9_.:-]{2,40})")
_BEFORE_LETTERS = frozenset("“‘«¿¡„‚‹€£§©µ–—°’·\xa0\xad…•±ʼ")
_BETWEEN_LETTERS = frozenset("’–—·\xa0\xad…°")
_AFTER_LETTERS = frozenset("”»›™®²³¹½¼¾ªº×÷")


def encoding_of(data: bytes) -> tuple[str, int]:
    """How text is encoded: by its mark, as UTF-8, as it declares itself, or as its letters are spread.

    Returns:
        the encoding, and the length of the mark before the text.
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding, len(mark)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data" and not data[: error.start].isascii()  # inside a character
        if not cut:
            return _declared(data) or guessed(data, error.start), 0
    return "utf-8", 0


def guessed(data: bytes, start: int) -> str:
    """The encoding of bytes that are no UTF-8 from `start` on.

    Windows' Western European one, cp1252, unless another explains the letters better: languages that share their
    bytes cannot be told apart by them, and it is the most frequent one.
    """
    runs = dict.fromkeys(match[0] for match in islice(_RUNS.finditer(data), _MAX_RUNS))
    sample = b" ".join(runs)
    scores = {encoding: _explained(sample.decode(encoding, "replace")) for encoding in SINGLE}
    best = max(scores, key=lambda each: scores[each])  # the first of equals
    if scores[best] >= CLEAR:
        return best
    counted = _by_statistics(data[max(0, start - 25_000) : start + 25_000])
    several_bytes = counted.startswith(("big5", "cp9", "euc", "gb", "hz", "iso2022", "johab", "shift", "utf"))
    return counted if several_bytes or "\ufffd" in sample.decode("cp1252", "replace") else "cp1252"


def _declared(data: bytes) -> str:
    """The encoding that a text names in its first lines, where it fits."""
    found = _DECLARED.search(data[:1000])
    if found is None:
        return ""
    try:
        data.decode(found[1].decode("ascii"))
    except (LookupError, UnicodeError):
        return ""
    return found[1].decode("ascii").lower()


def _by_statistics(data: bytes) -> str:
    try:
        from charset_normalizer import from_bytes
    except ImportError:
        return "cp1252"
    best = from_bytes(data).best()
    return best.encoding if best is not None else "latin-1"


def _explained(text: str) -> float:
    """The share of the characters beyond ASCII that one language accounts for; more than 1 where it is sure."""
    total = sum(not letter.isascii() for letter in text)
    latin: Counter[str] = Counter()
    other: Counter[str] = Counter()
    capitals = 0
    for word in _WORD.findall(text):
        letters = [letter for letter in word if not letter.isascii()]
        if not letters or any(low.islower() and up.isupper() for low, up in pairwise(word)):
            continue
        if len(letters) == len(word) > 1 and word[0].lower() >= "\u0370":
            other.update(word.lower())
            capitals += len(word) * word.isupper()
        elif len(letters) < len(word) or len(word) < 3:
            latin.update(letter.lower()[:1] for letter in letters)
            other.update(letter.lower() for letter in letters if len(word) == 1)
    usual = 0.97 if capitals * 2 > other.total() else 1.0
    best = max(
        *(_count(latin, alphabet) for alphabet in LATIN),
        0.97 * _count(latin, WESTERN),
        *(_count(other, often + seldom) * _likely(other, often) * usual for often, seldom in OTHER),
    )
    return float(best + _symbols(text)) / max(total, 1)


def _count(letters: Counter[str], alphabet: str) -> int:
    return sum(letters[letter] for letter in set(alphabet))


def _likely(letters: Counter[str], often: str) -> float:
    """1 or more where the letters that are frequent in a language are so; less elsewhere: scripts share their bytes."""
    return 0.4 + 1.2 * _count(letters, often) / max(letters.total(), 1)


def _symbols(text: str) -> float:
    """How many signs stand where such signs stand: an opening quote before letters, a power after them."""
    count = 0.0
    padded = f" {text} "
    for position, sign in enumerate(padded):
        if sign.isascii():
            continue
        before, after = padded[position - 1].isalpha(), padded[position + 1].isalpha()
        fits = sign in _BETWEEN_LETTERS or (sign in _BEFORE_LETTERS and not before)
        count += 0.95 * (fits or (sign in _AFTER_LETTERS and not after))
    return count
