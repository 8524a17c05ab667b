"""What of a new prompt a sequence holds already."""

from __future__ import annotations

import pytest

from vlmcli.engine.held import Held, Key, RowKey, Shared

ROWS = RowKey("digest", 0)
PROMPT: list[Key] = [(1, 10, 11), ROWS, (20, 21, 22)]


def held() -> Held:
    """A prompt of 3 tokens, a picture of 100 positions, 3 tokens; and an answer of two."""
    made = Held()
    for key, end in zip([*PROMPT, (30,), (31,)], [3, 103, 106, 107, 108], strict=True):
        made.add(key, end)
    return made


@pytest.mark.parametrize("word_by_word", [False, True])
def test_nothing_is_shared_with_nothing(word_by_word: bool) -> None:
    assert Held().shared_with(PROMPT, word_by_word) == Shared()
    assert held().shared_with([(9, 9), ROWS, (20,)], word_by_word) == Shared()


def test_another_question_shares_all_up_to_the_picture() -> None:
    assert held().shared_with([(1, 10, 11), ROWS, (20, 99)], word_by_word=False) == Shared(2, 0, 103)


def test_last_token_is_always_read_again() -> None:
    assert held().shared_with(PROMPT, word_by_word=False) == Shared(2, 0, 103)
    assert held().shared_with(PROMPT, word_by_word=True) == Shared(2, 2, 105)
    assert held().shared_with([(1, 10, 11)], word_by_word=True) == Shared(0, 2, 2)


def test_conversation_goes_on_from_its_own_answer() -> None:
    later: list[Key] = [(1, 10, 11), ROWS, (20, 21, 22, 30, 31, 40, 41)]
    assert held().shared_with(later, word_by_word=True) == Shared(2, 5, 108)
    assert held().shared_with(later, word_by_word=False) == Shared(2, 0, 103)


def test_another_picture_is_not_shared() -> None:
    assert held().shared_with([(1, 10, 11), RowKey("other", 0), (20,)], word_by_word=True) == Shared(1, 0, 3)
    assert held().shared_with([(1, 10, 11), RowKey("digest", 1), (20,)], word_by_word=True) == Shared(1, 0, 3)


def test_kept_is_what_was_shared() -> None:
    made = held()
    made.keep(Shared(2, 2, 105))
    assert made.end == 105
    assert made.shared_with([(1, 10, 11), ROWS, (20, 21, 99)], word_by_word=True) == Shared(2, 2, 105)
    made.keep(Shared())
    assert made.end == 0
