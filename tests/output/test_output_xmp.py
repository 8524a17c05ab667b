"""Alt text as XMP: in a new file, and in one that says other things already."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from random import Random

import pytest

from vlmcli.output.xmp import NotXmp, has_alt_text, with_alt_text

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
XMP = "{http://ns.adobe.com/xap/1.0/}"
ALT_TEXT = "{http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/}AltTextAccessibility"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

RATED = """<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>
<!-- mine -->
<x:xmpmeta xmlns:x='adobe:ns:meta/' x:xmptk='Album 7'>
 <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>
  <rdf:Description rdf:about='uuid:1' xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmp:Rating='4' xmlns:my='urn:my'>
   <!-- inside -->
   <?keep me?>
   <my:thing rdf:parseType='Resource'><my:part>a &amp; b</my:part></my:thing>
  </rdf:Description>
  <rdf:Description rdf:about='uuid:1' xmlns:dc='http://purl.org/dc/elements/1.1/'>
   <dc:description><rdf:Alt>DESCRIPTIONS</rdf:Alt></dc:description>
   <dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end='w'?>
"""
GERMAN = "<rdf:li xml:lang='de'>Eine Katze</rdf:li>"
MINE = "<rdf:li xml:lang='x-default'>My words</rdf:li>"


def rated(*descriptions: str) -> bytes:
    return RATED.replace("DESCRIPTIONS", "".join(descriptions)).encode()


def said(data: bytes, tag: str) -> dict[str | None, str | None]:
    """Language -> words of a property."""
    [property] = list(ElementTree.fromstring(data).iter(tag))
    [languages] = property
    assert languages.tag == f"{RDF}Alt"
    return {item.get(LANGUAGE): item.text for item in languages}


def test_a_new_file_has_both_properties() -> None:
    data = with_alt_text(None, 'A <cat> & a "dog".\nOn a wall, é漢🎉.', overwrite=False)
    for tag in (ALT_TEXT, f"{DC}description"):
        assert said(data, tag) == {"x-default": 'A <cat> & a "dog".\nOn a wall, é漢🎉.'}
    assert data.startswith("<?xpacket begin='\ufeff'".replace("'", '"').encode())
    assert has_alt_text(data)


def test_all_else_is_kept() -> None:
    before = rated(GERMAN)
    data = with_alt_text(before, "A cat.", overwrite=False)
    assert said(data, ALT_TEXT) == {"x-default": "A cat."}
    assert said(data, f"{DC}description") == {"x-default": "A cat.", "de": "Eine Katze"}
    root = ElementTree.fromstring(data)
    first, second = root.findall(f".//{RDF}Description")[:2]
    assert first.attrib == {f"{RDF}about": "uuid:1", f"{XMP}Rating": "4"}
    assert first.findtext(".//{urn:my}part") == "a & b"
    assert [item.text for item in second.findall(f"{DC}subject//{RDF}li")] == ["one", "two"]
    text = data.decode()
    for kept in ("<!-- mine -->", "<!-- inside -->", "<?keep me?>", "<my:part>", 'x:xmptk="Album 7"', "xmp:Rating="):
        assert kept in text
    assert text.startswith("<?xpacket begin='\ufeff'")
    assert text.endswith("</x:xmpmeta>\n<?xpacket end='w'?>\n")


def test_words_of_a_person_stay_unless_told() -> None:
    kept = with_alt_text(rated(MINE, GERMAN), "A cat.", overwrite=False)
    assert said(kept, f"{DC}description") == {"x-default": "My words", "de": "Eine Katze"}
    assert said(kept, ALT_TEXT) == {"x-default": "A cat."}
    replaced = with_alt_text(kept, "A dog.", overwrite=True)
    assert said(replaced, f"{DC}description") == {"x-default": "A dog.", "de": "Eine Katze"}
    assert said(replaced, ALT_TEXT) == {"x-default": "A dog."}


@pytest.mark.parametrize("form", ["attribute", "element"])
def test_words_in_another_form_stay_unless_told(form: str) -> None:
    if form == "attribute":
        odd = rated().replace(
            b"xmp:Rating='4'", b"xmp:Rating='4' xmlns:d='http://purl.org/dc/elements/1.1/' d:description='My words'"
        )
        odd = odd.replace(b"<dc:description><rdf:Alt></rdf:Alt></dc:description>", b"")
    else:
        odd = rated().replace(b"<rdf:Alt></rdf:Alt>", b"My words")
    kept = with_alt_text(odd, "A cat.", overwrite=False)
    assert b"My words" in kept
    assert said(kept, ALT_TEXT) == {"x-default": "A cat."}
    replaced = with_alt_text(odd, "A cat.", overwrite=True)
    assert b"My words" not in replaced
    assert said(replaced, f"{DC}description") == {"x-default": "A cat."}


@pytest.mark.parametrize(
    "before", ["", "\ufeff", "<?xml version='1.0' encoding='UTF-8'?>\n", "<!-- <b></b> -->\n<?a <c> ?>"]
)
@pytest.mark.parametrize("after", ["", "\n", "\n<!-- </rdf:RDF> > -->\n", " " * 2000 + "<?xpacket end='w'?>"])
def test_what_stands_around_the_root_is_kept(before: str, after: str) -> None:
    root = RATED[RATED.index("<x:") : RATED.index("</x:xmpmeta>")] + "</x:xmpmeta>"
    text = with_alt_text(f"{before}{root}{after}".encode(), "A cat.", overwrite=False).decode()
    assert text.startswith(f"{before}<x:xmpmeta ")
    assert text.endswith(f"</x:xmpmeta>{after}")


def test_twice_is_as_once() -> None:
    once = with_alt_text(rated(GERMAN), "A cat.", overwrite=True)
    assert with_alt_text(once, "A cat.", overwrite=True) == once
    assert with_alt_text(once, "Other.", overwrite=False) == once


@pytest.mark.parametrize(("words", "has"), [("Mine", True), (" ", False)])
def test_an_alt_text_in_another_form_is_one(words: str, has: bool) -> None:
    named = "xmlns:i='http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/'"
    attribute = rated().replace(b"xmp:Rating=", f"{named} i:AltTextAccessibility='{words}' xmp:Rating=".encode())
    element = f"<i:AltTextAccessibility {named}>{words}</i:AltTextAccessibility>"
    for odd in (attribute, rated().replace(b"<my:thing ", f"{element}<my:thing ".encode())):
        assert has_alt_text(odd) == has
        assert has_alt_text(with_alt_text(odd, "A cat.", overwrite=False))


def test_has_alt_text_only_when_words_are_there() -> None:
    assert not has_alt_text(rated(MINE))
    assert not has_alt_text(with_alt_text(rated(), "", overwrite=False))


@pytest.mark.parametrize(
    ("data", "why"),
    {
        b"": "no XML",
        b"My notes": "no XML",
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf": "no XML",
        b"<html/>": "no XMP",
        b"\xff\xd8\xff\xe0": "no XML",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>": "document type",
        b"<?xml version='1.0' encoding='nonsense'?><a/>": "no XML",
    }.items(),
)
def test_what_is_not_understood_is_not_touched(data: bytes, why: str) -> None:
    with pytest.raises(NotXmp, match=why):
        with_alt_text(data, "A cat.", overwrite=True)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_becomes_utf8(encoding: str) -> None:
    text = rated("<rdf:li xml:lang='fr'>Été</rdf:li>").decode().replace("\ufeff", "")
    text = f"<?xml version='1.0' encoding='{encoding}'?>\n{text}"
    data = with_alt_text(text.encode(encoding), "漢", overwrite=False)
    assert said(data, f"{DC}description") == {"x-default": "漢", "fr": "Été"}


def test_any_words_make_valid_xml() -> None:
    random = Random(5)
    pieces = [
        "\0",
        "\x0b",
        "\x1b",
        "\x7f",
        "\x85",
        "\ufffe",
        "\uffff",
        "\ud800",
        "\udcff",
        "]]>",
        "<!--",
        "&#0;",
        "&",
        "a",
    ]
    for _ in range(300):
        words = "".join(random.choices(pieces, k=random.randint(0, 12)))
        data = with_alt_text(None, words, overwrite=False)
        expected = "".join(char for char in words if char in "a\x7f\x85]>!<-&#0;")
        assert said(data, ALT_TEXT) == {"x-default": expected or None}


@pytest.mark.skipif(not shutil.which("exiftool"), reason="needs exiftool")
def test_exiftool_reads_it(tmp_path: Path) -> None:
    (tmp_path / "new.xmp").write_bytes(with_alt_text(None, "A cat é.", overwrite=False))
    (tmp_path / "old.xmp").write_bytes(with_alt_text(rated(GERMAN), "A cat é.", overwrite=False))
    for name in ("new.xmp", "old.xmp"):
        command = ["exiftool", "-T", "-XMP-iptcCore:AltTextAccessibility", "-XMP-dc:Description", "-validate", name]
        shown = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode().strip()
        assert shown.split("\t") == ["A cat é.", "A cat é.", "OK"]
