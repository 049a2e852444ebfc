"""Where recordings are cut, and what counts as silence."""

from __future__ import annotations

import io
import wave

import numpy

from tools.media.sound import PIECE, RATE, as_wav, cuts, is_quiet

NOISE = numpy.random.default_rng(0).integers(-8000, 8000, int(300 * RATE), dtype=numpy.int16)


def test_pieces_are_short_and_end_in_a_quiet_place() -> None:
    sound = NOISE.copy()
    sound[int(110.0 * RATE) : int(110.3 * RATE)] = 0
    ends = cuts(sound, more=False)
    assert 110.0 < ends[0] / RATE < 110.3
    assert ends[-1] == len(sound)
    assert max(numpy.diff([0, *ends])) <= PIECE * RATE


def test_a_piece_that_the_next_block_goes_on_with_is_not_cut_at_the_blocks_end() -> None:
    sound = NOISE[: int(100 * RATE)].copy()
    sound[int(90.0 * RATE) : int(90.3 * RATE)] = 0
    (end,) = cuts(sound, more=True)
    assert 90.0 < end / RATE < 90.3
    assert cuts(sound, more=False) == [len(sound)]


def test_silence_is_told_from_sound() -> None:
    assert is_quiet(numpy.zeros(RATE, numpy.int16))
    assert is_quiet(numpy.zeros(0, numpy.int16))
    assert not is_quiet(NOISE[:RATE])
    assert not is_quiet(NOISE[:10])


def test_samples_become_a_wav_file() -> None:
    with wave.open(io.BytesIO(as_wav(NOISE[:RATE].tobytes()))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth(), file.getnframes()) == (RATE, 1, 2, RATE)
