"""What is printed in the pictures: words, numbers, prices and dates, on one to three lines."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass, replace

from .colours import DARK, LIGHT

CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$.,:-%/!?&+#"
SHORT, LONG, LINES = 8, 16, 3  # characters of a short and of a long line; lines of a text
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
LONG_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August"]
LONG_MONTHS += ["September", "October", "November", "December"]

WORDS = """able acid aged also area army away baby back ball band bank base bath bear beat bell best bird blue boat
body bone book born boss boy bread brick bridge bring brown bus cake call camp card care case cash cat chair chat
city class clean clock close cloud club coat code coffee cold color come cook cool copy corn cost cow cup dark data
date dawn day dear deep desk dog door down draw dream dress drink drive drop duck dust duty each earth east easy
edge egg empty energy enter exit eye face fact fall farm fast fire fish five flag flat floor flower fly food foot
forest form four fox free fresh friend frog fruit full fun game garden gate gift girl glass goal gold good grass
gray great green group grow guide hair half hall hand happy hard hat head heart heat hello help hero hill home honey
hope horse hot hotel hour house ice idea inch iron island jazz job joy juice jump june just keep key kind king kiss
kite lady lake lamp land large last late lazy leaf left lemon letter level life light lime line lion list live local
long look lost love low luck lunch magic mail main map market math maze meal meet melon menu metal milk mind mint
moon more mouse move movie much music name near neck new news next nice night nine noon north nose note novel ocean
office oil old olive open orange oven page paint pair paper park party path peace peach pen pet phone photo piano
pink pizza plan plant plate play plus point pool post price prize pull pump pure push queen quick quiet quiz race
radio rain read red rice rich ride right ring river road rock roof room rose round safe sail sale salt sand save
school sea seat seed sell seven shade shape ship shoe shop short show sign silver sing six size sky sleep slow small
smile snow soap soft song soup south space spoon sport spring square stairs star start stay stone stop store storm
street sugar sun sweet swim table taxi tea team ten test thank three ticket tiger time tiny toast today tool top
town toy track train tree truck true tube turn two uncle under unit up van vase very view vote wait walk wall warm
wash watch water wave way welcome west whale wheel white wide wild wind window wine wing winter wolf wood word work
world write yard year yellow yes young zebra zero zone zoo""".split()


@dataclass(frozen=True)
class Text:
    string: str  # up to three lines
    colour: str
    row: int  # third of the canvas that it lies in
    width: float = 0.8  # share of the canvas' width that it may fill
    face: int = 0

    @property
    def lines(self) -> list[str]:
        return self.string.split("\n")

    @property
    def spoken(self) -> str:
        """As a sentence quotes it: on one line."""
        return self.string.replace("\n", " ")

    @property
    def longest(self) -> int:
        return max(map(len, self.lines))


def sample_digits(rng: random.Random, most: int) -> str:
    return "".join(rng.choice(string.digits) for _ in range(rng.randint(1, most)))


def sample_case(rng: random.Random, words: str) -> str:
    return rng.choice([words.upper(), words.upper(), words, words.capitalize(), words.title()])


def sample_short_figure(rng: random.Random) -> str:
    """A price, a percentage, a time, a number or a day."""
    whole = str(rng.randint(0, 999))
    price = rng.choice(["$", ""]) + whole + "." + f"{rng.randint(0, 99):02d}"
    others = [
        "$" + whole,
        whole + "%",
        f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}",
        "#" + whole,
        f"{rng.randint(1, 12)}/{rng.randint(1, 31)}",
        f"{whole}-{rng.randint(0, 99)}",
        f"{rng.randint(1, 31)} {rng.choice(MONTHS)}",
    ]
    return price if rng.random() < 0.7 else rng.choice(others)


def sample_short(rng: random.Random) -> str:
    """A line of up to 8 characters."""
    kind = rng.random()
    if kind < 0.5:
        return sample_case(rng, rng.choice(WORDS)[:SHORT])
    if kind < 0.7:
        letters = (rng.choice(string.ascii_lowercase) for _ in range(rng.randint(1, SHORT)))
        return sample_case(rng, "".join(letters))
    if kind < 0.75:
        return sample_case(rng, sample_words(rng, SHORT))
    if kind < 0.87:
        return sample_digits(rng, 6)
    if kind < 0.97:
        return sample_short_figure(rng)
    return sample_case(rng, rng.choice(WORDS)[: SHORT - 1]) + rng.choice("!?")


def sample_words(rng: random.Random, room: int) -> str:
    """Two or more words that fill a line of so many characters as well as they happen to."""
    while True:
        words = " ".join(rng.choice(WORDS) for _ in range(rng.choice([2, 2, 2, 3])))
        if len(words) <= room:
            return words


def sample_date(rng: random.Random) -> str:
    year, month, day = rng.randint(1950, 2049), rng.randrange(12), rng.randint(1, 28)
    return rng.choice(
        [
            f"{month + 1}/{day}/{year}",
            f"{month + 1:02d}/{day:02d}/{year}",
            f"{year}-{month + 1:02d}-{day:02d}",
            f"{day:02d}.{month + 1:02d}.{year}",
            f"{day} {MONTHS[month]} {year}",
            f"{MONTHS[month]} {day}, {year}",
            f"{day} {LONG_MONTHS[month]}",
        ]
    )


def sample_long_figure(rng: random.Random) -> str:
    """A number, a price or an amount of something with its name."""
    figure, word = rng.choice([sample_digits(rng, 5), sample_short_figure(rng)]), rng.choice(WORDS)
    thousands = f"{rng.randint(1, 9_999_999):,}"
    telephone = f"{rng.randint(200, 999)}-{rng.randint(200, 999)}-{rng.randint(0, 9999):04d}"
    return rng.choice(
        [
            f"{sample_case(rng, word)} {figure}",
            f"{sample_case(rng, word)}: {figure}",
            f"{figure} {sample_case(rng, word)}",
            f"${thousands}.{rng.randint(0, 99):02d}",
            thousands,
            telephone,
        ]
    )


def sample_long(rng: random.Random) -> str:
    """A line of 9 to 16 characters."""
    while True:
        kind = rng.random()
        if kind < 0.6:
            line = sample_case(rng, sample_words(rng, LONG))
        elif kind < 0.72:
            line = "".join(rng.choice(CHARS[:62]) for _ in range(rng.randint(SHORT + 1, LONG)))
        elif kind < 0.86:
            line = sample_date(rng)
        else:
            line = sample_long_figure(rng)
        if SHORT < len(line) <= LONG:
            return line


def sample_line(rng: random.Random) -> str:
    return sample_short(rng) if rng.random() < 0.6 else sample_long(rng)


def sample_string(rng: random.Random) -> str:
    """A short line, a long one, or two or three of either."""
    lines = rng.choices([1, 2, 3], [80, 10, 10])[0]
    if lines > 1:
        return "\n".join(sample_line(rng) for _ in range(lines))
    return sample_short(rng) if rng.random() < 0.69 else sample_long(rng)


def print_colour(rng: random.Random, background: str) -> str:
    return rng.choice(LIGHT[:1] * 3 + LIGHT if background in DARK else ["black"] * 4 + DARK)


def sample_text(rng: random.Random, background: str, row: int, string: str) -> Text:
    text = Text(string, print_colour(rng, background), row, face=rng.randrange(1 << 16))
    least = 0.72 if text.longest <= SHORT else 0.92  # long lines need nearly all of it
    return replace(text, width=rng.uniform(least, 0.96))


def other_short(rng: random.Random, old: str) -> str:
    """A short line that differs: another one, or one or two other characters in the old one."""
    while True:
        new = list(old)
        for i in rng.sample(range(len(old)), rng.randint(1, min(2, len(old)))):
            alike = next((s for s in (string.ascii_uppercase, string.digits) if old[i] in s), string.ascii_lowercase)
            new[i] = rng.choice(alike) if old[i].isalnum() else old[i]
        found = "".join(new) if rng.random() < 0.4 else sample_short(rng)
        if found != old:
            return found
