import pytest

from vlmcli.output.sanitize import Cleaner, clean_text, show_name

HOSTILE = {
    "\x1b[31mred\x1b[0m": "red",
    "\x1b]0;title\x07after": "after",
    "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\": "link",
    "\x1bP1$r0m\x1b\\dcs": "dcs",
    "\x9b31mc1\x9d0;t\x9c": "c1",
    "\x1b(0line\x1bcreset": "linereset",
    "a\x08b\x07c\rd\x7fe\x00f\x85g": "abcdefg",
    "one\r\ntwo\tthree": "one\ntwo\tthree",
    "\u202egnp.exe\u2066x\u2069": "gnp.exex",
    "\x1b[12\nstays": "12\nstays",
    "\x1b]never ends\nstays": "never ends\nstays",
    "\udcff\ud800": r"\xff\ud800",
    "שלום é漢🎉 a\u200db": "שלום é漢🎉 a\u200db",
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_is_clean_however_it_is_cut(hostile: str) -> None:
    assert clean_text(hostile) == HOSTILE[hostile]
    for size in range(1, len(hostile) + 1):
        cleaner = Cleaner()
        chunks = [cleaner.feed(hostile[i : i + size]) for i in range(0, len(hostile), size)]
        assert "".join(chunks) + cleaner.flush() == HOSTILE[hostile], size


def test_ordinary_text_is_never_held_back() -> None:
    assert [Cleaner().feed(char) for char in "[31m]"] == list("[31m]")


def test_a_sequence_that_never_ends_does_not_swallow_the_answer() -> None:
    cleaner = Cleaner()
    cleaner.feed("\x1b]")
    assert "".join(cleaner.feed("word ") for _ in range(1000)).count("word ") > 900


@pytest.mark.parametrize(
    ("name", "shown"),
    {
        "a b é漢.png": "a b é漢.png",
        "C:\\x.png": "C:\\x.png",
        "a\nb\t.png": r"a\nb\t.png",
        "\x1b[31m\x9b\x7f\u202e": r"\x1b[31m\x9b\x7f\u202e",
        "caf\udce9": r"caf\xe9",
    }.items(),
)
def test_names_show_what_is_in_them(name: str, shown: str) -> None:
    assert show_name(name) == shown
