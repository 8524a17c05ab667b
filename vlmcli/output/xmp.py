"""Alt text as XMP, the metadata that photo programs keep in a file beside the picture.

Two properties get the words, each in the default language: `Iptc4xmpCore:AltTextAccessibility`, which is for people who
do not see the picture, and `dc:description`, which all programs show. Whatever else a file says stays: its other
properties, its other languages, its prefixes, and what stands around its root element. A file that is not understood
is not touched.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from xml.etree.ElementTree import Element

from vlmcli.output.sanitize import xml_text

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PREFIXES = {
    "x": "adobe:ns:meta/",
    "rdf": _RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
}
_ALT_TEXT = f"{{{_PREFIXES['Iptc4xmpCore']}}}AltTextAccessibility"
_DESCRIPTION = f"{{{_PREFIXES['dc']}}}description"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_DEFAULT = "x-default"

_NEW = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}">'
    '<rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
_BEFORE = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_AFTER = b'\n<?xpacket end="w"?>\n'

_ASIDE = rb"((?:\xef\xbb\xbf|\s|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)*)"
_BEFORE_ROOT = re.compile(_ASIDE, re.DOTALL)
_AFTER_ROOT = re.compile(rb">" + _ASIDE + rb"\Z", re.DOTALL)
_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"'](?!utf-?8[\"'])", re.IGNORECASE)
_NUMBERED = re.compile(r"ns\d+")


class NotXmp(Exception):
    """What is there is not XMP; the message says why, as the end of a sentence."""


def with_alt_text(existing: bytes | None, words: str, overwrite: bool) -> bytes:
    """An XMP file (UTF-8) that says `words`; of an existing one all else is kept.

    Words that stand there already are replaced with `overwrite` alone. Raises NotXmp.
    """
    root, before, after = _parse(_NEW.encode() if existing is None else existing)
    if existing is None:
        before, after = _BEFORE, _AFTER
    rdf = _find_rdf(root)
    for tag in (_ALT_TEXT, _DESCRIPTION):
        _say(rdf, tag, xml_text(words), overwrite)
    return before + ElementTree.tostring(root, encoding="unicode").encode() + after


def has_alt_text(existing: bytes) -> bool:
    """Whether the file holds an alt text, in any form that it may have. Raises NotXmp."""
    return bool(_words_of(_find_rdf(_parse(existing)[0]), _ALT_TEXT))


def says(existing: bytes, words: str) -> bool:
    """Whether these words, and no others, are what both properties say. Raises NotXmp."""
    rdf = _find_rdf(_parse(existing)[0])
    return all(_words_of(rdf, tag) == [xml_text(words).strip()] for tag in (_ALT_TEXT, _DESCRIPTION))


def _words_of(rdf: Element, tag: str) -> list[str]:
    """What a property says: as an attribute, as plain text, or in each of its languages."""
    attributes = [one.get(tag) for one in rdf.iter() if tag in one.attrib]
    elements = [part.text for property in rdf.iter(tag) for part in (property, *property.iter(f"{{{_RDF}}}li"))]
    return [words.strip() for words in attributes + elements if words and words.strip()]


def _parse(data: bytes) -> tuple[Element, bytes, bytes]:
    """The root element, and the bytes before and after it."""
    if b"<!DOCTYPE" in data:  # entities, which XMP has none of and which may grow without end
        raise NotXmp("it has a document type, which XMP files have not")
    keeping = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    try:
        for _, pair in ElementTree.iterparse(io.BytesIO(data), ["start-ns"]):
            _register(*pair)
        root = ElementTree.XML(data, ElementTree.XMLParser(target=keeping))
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise NotXmp(f"it is no XML ({error})") from error
    for prefix, uri in _PREFIXES.items():
        _register(prefix, uri)
    return root, *_around(data)


def _around(data: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the root element; nothing where it is not UTF-8, as what is written will be."""
    before, after = _BEFORE_ROOT.match(data), _AFTER_ROOT.search(data)
    if before is None or after is None or _ENCODING.match(data) or data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return b"", b"\n"
    return before[1], after[1]


def _register(prefix: str, uri: str) -> None:
    """Written as it was read: ElementTree would call it ns0. Those names are its own, and cannot be given."""
    if prefix and not _NUMBERED.fullmatch(prefix):
        ElementTree.register_namespace(prefix, uri)


def _find_rdf(root: Element) -> Element:
    rdf = next(root.iter(f"{{{_RDF}}}RDF"), None)
    if rdf is None:
        raise NotXmp("it is XML, but no XMP")
    return rdf


def _say(rdf: Element, tag: str, words: str, overwrite: bool) -> None:
    """Put the words into a property, as the default among its languages."""
    descriptions = rdf.findall(f"{{{_RDF}}}Description") or [
        ElementTree.SubElement(rdf, f"{{{_RDF}}}Description", {f"{{{_RDF}}}about": ""})
    ]
    holder = next((one for one in descriptions if one.find(tag) is not None), descriptions[0])
    if not overwrite and any(one.get(tag, "").strip() for one in descriptions):
        return
    for one in descriptions:
        one.attrib.pop(tag, None)
    property = holder.find(tag)
    if property is None:
        property = ElementTree.SubElement(holder, tag)
    languages = property.find(f"{{{_RDF}}}Alt")
    if languages is None:
        if not overwrite and (property.text or "").strip():
            return  # somebody's own words, if not in the form they should have
        property.text = None
        languages = ElementTree.SubElement(property, f"{{{_RDF}}}Alt")
    _say_default(languages, words, overwrite)


def _say_default(languages: Element, words: str, overwrite: bool) -> None:
    items = [item for item in languages if item.tag == f"{{{_RDF}}}li"]
    default = next((item for item in items if item.get(_LANGUAGE) == _DEFAULT), None)
    if default is None:
        default = Element(f"{{{_RDF}}}li", {_LANGUAGE: _DEFAULT})
        languages.insert(0, default)  # the default comes first
    elif (default.text or "").strip() and not overwrite:
        return
    default.text = words
