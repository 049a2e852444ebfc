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
    "cp1252", "iso8859_15", "cp1250", "iso8859_2", "cp1254", "cp1257", "cp1255", "cp1251", "koi8_r", "koi8_u", "cp866",
    "iso8859_5", "mac_cyrillic", "cp1253", "iso8859_7", "cp1256", "cp850", "cp852", "mac_roman",
)  # fmt: skip
"""Of those that explain a text equally well the first is taken."""
OTHER_SCRIPTS = {
    "cp1255", "cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5", "mac_cyrillic", "cp1253", "iso8859_7", "cp1256",
}  # fmt: skip
"""Taken only for words in these."""
OLD = frozenset(("cp850", "cp852", "mac_roman"))
"""Of before Windows: they must explain a text clearly better."""
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
ODD = 0.8
"""What explains a text of odd words, where Western European explains far less of it."""
_RUNS = re.compile(rb"[0-9A-Za-z]{0,20}[\x80-\xff][A-Za-z\x80-\xff]{0,60}[^A-Za-z\x80-\xff]?")
_MAX_RUNS = 1500
_WORD = re.compile(r"[^\W\d_]+")
_DECLARED = re.compile(rb"(?:encoding|charset)=[\"']?([A-Za-z0-9_.:-]{2,40})")
_L = r"[^\W\d_ªºµ²³¹¼½¾]"
_SURE_SIGN = re.compile(
    rf"(?<!{_L})[€£¥¢¤§¶†‡‰¦¬±¼½¾×÷–—…•·°\xa0](?!{_L})|(?<=[A-Z])€(?!{_L})|[£€](?=(?:k|m|bn)\b)|(?<!{_L})°(?=[CFKNSEWO]\b)"
    rf"|(?<!{_L})©(?![a-z])|[®™](?!{_L})|(?<!{_L})µ(?=[mslgAVFWHLM]?\b)"
    rf"|(?<=[\d.])[¹²³ºª](?!{_L})|(?<=\b[nN])º(?!{_L})|(?:(?<=m)|(?<=\b[A-Za-z]))[²³](?![^\W\d_A-Z])"
    rf"|(?<!{_L})(?:¡(?={_L})|¿(?=[A-ZÀ-Þcdfghjpqstv]))"
    rf"|(?<=[A-Za-z])’(?=(?:s|t|m|d|ll|re|ve)\b)|(?<=\b[cdjlmnstCDJLMNST])’(?={_L})"
)
"""Signs where they stand as only they do: an amount after its currency, a power after a digit, a degree."""
_OTHER_SIGN = re.compile(rf"[’–—·\xa0\xad…]|(?<!{_L})[“‘«¿¡„‚‹€§µ°•±ʼ]|[”»›™®²³¹ªº](?!{_L})|(?<!{_L})[½¼¾×÷](?!{_L})")
_QUOTES = (("“", "”"), ("„", "“"), ("„", "”"), ("‘", "’"), ("‚", "‘"), ("«", "»"), ("»", "«"), ("‹", "›"))
_MALFORMED = re.compile("[ךםןףץ][א-ת]|[כמנפצ]$|þ$|^ð")
"""Hebrew has other forms of five letters at the end of words, and only there; no Icelandic word ends in þ."""
_ALONE = frozenset("àèéóåöáíį")
"""The letters that are words."""


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
    scores = {each: _score(each, sample.decode(each, "replace")) for each in SINGLE}
    best = max(scores, key=lambda each: scores[each])  # the first of equals
    if scores[best] >= CLEAR or (scores[best] >= ODD and scores["cp1252"] < 0.65):
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


def _score(encoding: str, text: str) -> float:
    """The share of the characters beyond ASCII that one language accounts for; more than 1 where it is sure."""
    words = [word for word in _WORD.findall(text) if not word.isascii() and not _mixed(word)]
    script = max(_scripts([word for word in words if word[0].lower() >= "\u0370" and not any(map(str.isascii, word))]))
    if encoding in OTHER_SCRIPTS and not script:
        return 0.0
    latin = Counter(letter for word in words for letter in _latin_letters(word))
    if encoding in OLD and not latin:
        return 0.0
    best = max(script, 0.97 * _count(latin, WESTERN), *(_count(latin, alphabet) for alphabet in LATIN))
    total = sum(not letter.isascii() for letter in text)
    return (0.94 if encoding in OLD else 1.0) * (best + _symbols(text)) / max(total, 1)


def _mixed(word: str) -> bool:
    return any(low.islower() and up.isupper() for low, up in pairwise(word))


def _latin_letters(word: str) -> list[str]:
    """The letters beyond ASCII of a word that has others too; one that stands alone only where it is a word."""
    letters = [letter.lower()[:1] for letter in word if not letter.isascii()]
    if _MALFORMED.search(word):
        return []
    if len(word) == 1:
        return [letter for letter in letters if letter in _ALONE]
    return letters if len(letters) < len(word) or len(word) == 2 else []


def _scripts(words: list[str]) -> list[float]:
    """How many letters each of the other scripts accounts for: none without a word of three of its letters."""
    usual = 0.97 if sum(len(word) for word in words if word.isupper()) * 2 > sum(map(len, words)) else 1.0
    found = []
    for often, seldom in OTHER:
        alphabet = set(often + seldom)
        mine = [word.lower() for word in words if not _MALFORMED.search(word)]
        letters = Counter("".join(mine))
        shown = any(len(word) > 2 and alphabet.issuperset(word) for word in mine)
        sure = 1.05 if "ש" in alphabet else 1.0  # its malformed words are left out
        found.append(shown * _count(letters, often + seldom) * _likely(letters, often) * usual * sure)
    return found


def _count(letters: Counter[str], alphabet: str) -> int:
    return sum(letters[letter] for letter in set(alphabet))


def _likely(letters: Counter[str], often: str) -> float:
    """1 or more where the letters that are frequent in a language are so; less elsewhere: scripts share their bytes."""
    return 0.4 + 1.2 * _count(letters, often) / max(letters.total(), 1)


def _symbols(text: str) -> float:
    """How many signs stand where such signs stand: as much as letters where nothing else would, and quotes in pairs."""
    sure = {match.start() for match in _SURE_SIGN.finditer(text)}
    for opening, closing in _QUOTES:
        first = [match.start() for match in re.finditer(rf"(?<!{_L}){opening}", text)]
        last = [match.start() for match in re.finditer(rf"{closing}(?!{_L})", text)]
        if first and last:
            sure.update(first, last)
    others = {match.start() for match in _OTHER_SIGN.finditer(text)} - sure
    return len(sure) + 0.95 * len(others)
