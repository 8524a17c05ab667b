"""The small world that the demo model knows: its colours, shapes, places and texts, and scenes drawn from them at
random."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

# Several anchors a colour: a sampled colour is a blend of two of them, plus a little noise.
COLOURS = {
    "red": [(255, 0, 0), (220, 40, 40), (200, 16, 30)],
    "green": [(0, 128, 0), (40, 165, 60), (0, 200, 0), (0, 240, 20)],
    "blue": [(0, 0, 255), (40, 80, 220), (20, 50, 180)],
    "yellow": [(255, 255, 0), (245, 220, 50), (255, 235, 90)],
    "orange": [(255, 165, 0), (245, 140, 30), (255, 128, 0)],
    "purple": [(128, 0, 128), (130, 50, 170), (110, 20, 160)],
    "pink": [(255, 192, 203), (245, 140, 190), (255, 105, 180)],
    "brown": [(139, 69, 19), (125, 75, 35), (110, 60, 30)],
    "black": [(0, 0, 0), (20, 20, 20), (30, 28, 32)],
    "white": [(255, 255, 255), (248, 248, 248), (240, 240, 236)],
    "gray": [(128, 128, 128), (150, 150, 150), (112, 114, 118)],
    "cyan": [(0, 255, 255), (50, 205, 220), (0, 215, 215)],
}
COLOUR_NAMES = list(COLOURS)
SHAPES = ["circle", "square", "triangle", "star", "diamond", "cross", "ring"]
SIZES = ["small", "large"]
PLACES = [
    "top left",
    "top center",
    "top right",
    "middle left",
    "center",
    "middle right",
    "bottom left",
    "bottom center",
    "bottom right",
]
DARK = ["black", "blue", "purple", "brown", "red", "green"]
LIGHT = ["white", "yellow", "pink", "cyan", "orange"]
CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$.,:-%/!?&+#"
MAX_TEXT = 8
MAX_ASPECT = 2.0

WORDS = """able acid aged also area army away baby back ball band bank base bath bear beat bell best bird blue boat
body bone
book born boss boy bread brick bridge bring brown bus cake call camp card care case cash cat chair chat city class clean
clock close cloud club coat code coffee cold color come cook cool copy corn cost cow cup dark data date dawn day dear
deep
desk dog door down draw dream dress drink drive drop duck dust duty each earth east easy edge egg empty energy enter
exit
eye face fact fall farm fast fire fish five flag flat floor flower fly food foot forest form four fox free fresh friend
frog fruit full fun game garden gate gift girl glass goal gold good grass gray great green group grow guide hair half
hall
hand happy hard hat head heart heat hello help hero hill home honey hope horse hot hotel hour house ice idea inch iron
island jazz job joy juice jump june just keep key kind king kiss kite lady lake lamp land large last late lazy leaf left
lemon letter level life light lime line lion list live local long look lost love low luck lunch magic mail main map
market
math maze meal meet melon menu metal milk mind mint moon more mouse move movie much music name near neck new news next
nice night nine noon north nose note novel ocean office oil old olive open orange oven page paint pair paper park party
path peace peach pen pet phone photo piano pink pizza plan plant plate play plus point pool post price prize pull pump
pure push queen quick quiet quiz race radio rain read red rice rich ride right ring river road rock roof room rose round
safe sail sale salt sand save school sea seat seed sell seven shade shape ship shoe shop short show sign silver sing six
size sky sleep slow small smile snow soap soft song soup south space spoon sport spring square stairs star start stay
stone
stop store storm street sugar sun sweet swim table taxi tea team ten test thank three ticket tiger time tiny toast today
tool top town toy track train tree truck true tube turn two uncle under unit up van vase very view vote wait walk wall
warm
wash watch water wave way welcome west whale wheel white wide wild wind window wine wing winter wolf wood word work
world
write yard year yellow yes young zebra zero zone zoo""".split()


@dataclass(frozen=True)
class Shape:
    kind: str
    colour: str
    size: str
    place: int  # index into PLACES
    dx: float = 0.0  # offset of the centre in its cell, -1..1
    dy: float = 0.0
    radius: float = 0.1  # half the extent, as a share of the canvas' shorter side
    turn: float = 0.0


@dataclass(frozen=True)
class Text:
    string: str
    colour: str
    row: int  # third of the canvas that it lies in
    width: float = 0.8  # share of the canvas' width that it may fill
    face: int = 0


@dataclass(frozen=True)
class Scene:
    width: int
    height: int
    background: str
    shapes: tuple[Shape, ...] = ()
    text: Text | None = None
    outside: bool = False  # a picture of another world: noise, gradients, textures
    seed: int = 0


def sample_rgb(rng: random.Random, name: str) -> tuple[int, int, int]:
    a, b = rng.choice(COLOURS[name]), rng.choice(COLOURS[name])
    t = rng.random()
    return tuple(max(0, min(255, round(p + (q - p) * t + rng.uniform(-6, 6)))) for p, q in zip(a, b, strict=False))


def sample_canvas(rng: random.Random) -> tuple[int, int]:
    if rng.random() < 0.3:
        side = rng.randint(96, 1024)
        return side, side
    while True:
        w, h = rng.randint(96, 1024), rng.randint(96, 1024)
        if max(w, h) <= MAX_ASPECT * min(w, h):
            return w, h


def sample_shape(rng: random.Random, place: int, background: str) -> Shape:
    size = rng.choice(SIZES)
    radius = rng.uniform(0.065, 0.085) if size == "small" else rng.uniform(0.125, 0.16)
    slack = 0.55 if size == "small" else 0.12
    colour = rng.choice([c for c in COLOUR_NAMES if c != background])
    return Shape(
        rng.choice(SHAPES),
        colour,
        size,
        place,
        rng.uniform(-slack, slack),
        rng.uniform(-slack, slack),
        radius,
        rng.uniform(-0.12, 0.12),
    )


def sample_string(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.55:
        word = rng.choice(WORDS)
    elif kind < 0.75:
        word = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(1, MAX_TEXT)))
    elif kind < 0.87:
        return "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 6)))
    elif kind < 0.97:
        whole = str(rng.randint(0, 999))
        return (
            rng.choice(["$", ""]) + whole + "." + f"{rng.randint(0, 99):02d}"
            if rng.random() < 0.7
            else (
                rng.choice(
                    [
                        "$" + whole,
                        whole + "%",
                        f"{rng.randint(0, 23)}:{rng.randint(0, 59):02d}",
                        "#" + whole,
                        f"{rng.randint(1, 12)}/{rng.randint(1, 31)}",
                        f"{whole}-{rng.randint(0, 99)}",
                    ]
                )
            )
        )
    else:
        word = rng.choice(WORDS)[: MAX_TEXT - 1]
        return rng.choice([word.upper(), word, word.capitalize()]) + rng.choice("!?")
    return rng.choice([word.upper(), word.upper(), word, word.capitalize()])[:MAX_TEXT]


def sample_text(rng: random.Random, background: str, row: int) -> Text:
    dark = background in DARK
    colour = rng.choice(LIGHT[:1] * 3 + LIGHT if dark else ["black"] * 4 + DARK)
    return Text(sample_string(rng), colour, row, rng.uniform(0.72, 0.96), rng.randrange(1 << 16))


def sample_scene(rng: random.Random, kind: str | None = None) -> Scene:
    """kind: shapes, text, both or outside."""
    kind = kind or rng.choices(["shapes", "text", "both", "outside"], [50, 38, 8, 4])[0]
    width, height = sample_canvas(rng)
    seed = rng.randrange(1 << 30)
    if kind == "outside":
        return Scene(width, height, "gray", outside=True, seed=seed)
    if kind == "shapes":
        background = rng.choice(COLOUR_NAMES)
        places = sorted(rng.sample(range(9), rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5])))
        shapes = tuple(sample_shape(rng, p, background) for p in places)
        return Scene(width, height, background, shapes, seed=seed)
    background = rng.choice(["white"] * 5 + LIGHT + ["black"] * 2 + DARK)
    text = sample_text(rng, background, rng.choice([0, 1, 1, 1, 2]))
    shapes: tuple[Shape, ...] = ()
    if kind == "both":
        rows = [r for r in range(3) if r != text.row]
        row = rng.choice(rows)
        shapes = tuple(
            sample_shape(rng, row * 3 + c, background) for c in sorted(rng.sample(range(3), rng.randint(1, 2)))
        )
    return Scene(width, height, background, shapes, text, seed=seed)


CHANGES = ("added", "removed", "moved", "recoloured", "background", "nothing")


def sample_change(rng: random.Random, changes: tuple[str, ...] = CHANGES) -> tuple[Scene, Scene, str, tuple]:
    """Two scenes, what changed from the first to the second, and the facts of it."""
    while True:
        a = sample_scene(rng, "shapes")
        free = [p for p in range(9) if p not in {s.place for s in a.shapes}]
        what = rng.choice(changes)
        shapes = list(a.shapes)
        i = rng.randrange(len(shapes)) if shapes else -1
        if what == "nothing":
            return a, a, what, ()
        if what == "background":
            colour = rng.choice([c for c in COLOUR_NAMES if c != a.background and c not in {s.colour for s in shapes}])
            return a, replace(a, background=colour), what, (a.background, colour)
        if what == "added" and len(shapes) < 5:
            new = sample_shape(rng, rng.choice(free), a.background)
            return a, replace(a, shapes=ordered([*shapes, new])), what, (new,)
        if i < 0:
            continue
        old = shapes.pop(i)
        if what == "removed":
            return a, replace(a, shapes=tuple(shapes)), what, (old,)
        if what == "moved":
            new = replace(old, place=rng.choice(free))
        elif what == "recoloured":
            new = replace(old, colour=rng.choice([c for c in COLOUR_NAMES if c not in (a.background, old.colour)]))
        else:
            continue
        return a, replace(a, shapes=ordered([*shapes, new])), what, (old, new)


def ordered(shapes: list[Shape]) -> tuple[Shape, ...]:
    return tuple(sorted(shapes, key=lambda s: s.place))
