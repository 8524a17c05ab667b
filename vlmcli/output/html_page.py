"""The frame of --format html: what stands before the first picture and after the last, its style and its one script.

Nothing is fetched from anywhere, and the page itself forbids it: its policy allows pictures that are in it, this one
style and this one script, each by its digest. Should a model's answer ever become markup, no script in it would run.
Without the script all is there but the search.
"""

from __future__ import annotations

import base64
import hashlib
import html

_STYLE = """
:root { color-scheme: light dark; --back: #f4f3f1; --card: #fff; --words: #1d1c1a; --soft: #6a675f; --line: #dcd9d2;
  --link: #1554a6; --bad: #a3201d; --pit: #e9e7e2 }
@media (prefers-color-scheme: dark) { :root { --back: #161618; --card: #212124; --words: #ecebe8; --soft: #a5a29a;
  --line: #38383d; --link: #8ab8f5; --bad: #ff9b92; --pit: #1a1a1d } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--words); font: 1rem/1.5 system-ui, sans-serif }
header { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: center;
  padding: .75rem 1.5rem; background: var(--back); border-bottom: 1px solid var(--line) }
h1 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere }
input[type=search] { font: inherit; min-width: min(18rem, 100%); padding: .3rem .7rem; color: inherit;
  background: var(--card); border: 1px solid var(--soft); border-radius: .5rem }
output, footer, .model { color: var(--soft); font-size: .875rem }
main { display: grid; gap: 1.25rem; padding: 1.5rem; align-items: start;
  grid-template-columns: repeat(auto-fill, minmax(min(17rem, 100%), 1fr)) }
article { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; overflow: hidden;
  scroll-margin-top: 5rem; content-visibility: auto; contain-intrinsic-size: auto 26rem }
.pictures { display: flex; gap: 2px; background: var(--pit) }
.pictures > * { flex: 1; min-width: 0; display: block }
img { display: block; width: 100%; height: 15rem; object-fit: contain }
.none { height: 6rem; display: grid; place-content: center; color: var(--soft) }
.words { padding: .75rem 1rem 1rem; max-height: 32rem; overflow: auto }
h2 { margin: 0; font-size: .875rem; font-weight: 600; overflow-wrap: anywhere }
.words p { margin: .5rem 0 0; overflow-wrap: anywhere; white-space: pre-wrap }
.question { font-weight: 600 }
.failed { border-color: var(--bad) }
.bad { color: var(--bad) }
.note { color: var(--soft); font-size: .875rem }
a { color: var(--link) }
a:focus-visible, input:focus-visible, label:focus-within { outline: 3px solid var(--link); outline-offset: -3px }
footer { padding: 0 1.5rem 2rem }
body:has(#failures:checked) article:not(.failed), article[hidden] { display: none }
body:not(:has(.failed)) label { display: none }
@media print { header { position: static } article { break-inside: avoid } }
"""

_SCRIPT = """
const box = document.querySelector("input[type=search]"), shown = document.querySelector("output")
const cards = [...document.querySelectorAll("article")].map(card => [card, card.textContent.toLowerCase()])
const search = () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(word => word)
  let count = 0
  for (const [card, text] of cards) count += !(card.hidden = !words.every(word => text.includes(word)))
  shown.textContent = words.length ? `${count} of ${cards.length}` : `${cards.length} in all`
}
let waiting
box.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(search, 120) })
addEventListener("keydown", event => {
  if (event.key === "/" && event.target !== box) { event.preventDefault(); box.focus() }
})
box.hidden = false
search()
"""


def page_start(title: str) -> str:
    """All before the first picture. `title` is plain words."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="{_policy()}">
<title>{escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<header>
<h1 dir="auto">{escape(title)}</h1>
<input type="search" placeholder="Search names and answers" aria-label="Search names and answers" hidden>
<label><input type="checkbox" id="failures"> only what failed</label>
<output aria-live="polite"></output>
</header>
<main>
"""


def page_end(records: int, failed: int) -> str:
    """All after the last picture: what there was, and the script."""
    count = f"{records:,} answer{'s' * (records != 1)}" + (f", {failed:,} failed" if failed else "")
    return f"</main>\n<footer>{count} · made by vlm</footer>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"


def escape(words: str) -> str:
    """Plain words as they stand in HTML, between tags and in a quoted attribute."""
    return html.escape(words, quote=True)


def in_ascii(text: str) -> str:
    """HTML or XML for a pipe in another encoding: the same page, all else as character references."""
    return text.encode("ascii", "xmlcharrefreplace").decode()


def _policy() -> str:
    own = f"style-src '{_digest(_STYLE)}'; script-src '{_digest(_SCRIPT)}'"
    return f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; {own}"


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
