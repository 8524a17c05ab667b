"""URLs: a server on this machine that is honest, slow, lying or pointing elsewhere. No real network."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from vlmcli import __version__, images
from vlmcli.errors import NotAPicture, PictureDamaged, PictureError, PictureNotFound, PictureTooLarge, PictureUnreadable
from vlmcli.images.sources import connecting, fetching
from vlmcli.images.sources.addresses import is_local
from vlmcli.images.wishes import Wish

LOCAL = Wish(allow_local=True)
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """`server.at("/a.png", body)`: its URL. A body is bytes, or what answers by hand. `seen`: (path, headers)."""

    def __init__(self, address: str) -> None:
        self.pages: dict[str, bytes | Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.seen.append((self.path, dict(self.headers)))
                page = outer.pages.get(self.path.partition("?")[0], outer._missing)
                try:
                    if callable(page):
                        page(self)
                    else:
                        respond(200, page)(self)
                except OSError:
                    pass  # the reader has gone

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.root = f"http://{address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def _missing(self, handler: BaseHTTPRequestHandler) -> None:
        respond(404, b"<html>no</html>")(handler)

    def at(self, path: str, page: bytes | Answer) -> str:
        self.pages[path] = page
        return self.root + path

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def respond(status: int, body: bytes = b"", **headers: object) -> Answer:
    """Headers' underscores are hyphens. Content-Length is of the body unless given; None leaves it out."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                handler.send_header(name.replace("_", "-"), str(value))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirect(target: str, status: int = 302) -> Answer:
    return respond(status, Location=target)


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    server = Server("127.0.0.1")
    yield server
    server.close()


@pytest.fixture
def server(running: Server) -> Server:
    running.pages.clear()
    running.seen.clear()
    return running


@pytest.fixture
def red(encoded) -> bytes:
    return encoded(Image.new("RGB", (2, 1), (255, 0, 0)), "PNG")


def load(url, wish=LOCAL):
    return images.load(images.resolve(url, wish))


def fails(error, url, wish=LOCAL):
    with pytest.raises(error) as caught:
        load(url, wish)
    assert type(caught.value) is error
    assert caught.value.sentence.startswith(url), "the picture is called what the user called it"
    return caught.value.sentence[len(url) :].strip(), caught.value.hint


# --- what is read -----------------------------------------------------------------------------------------


def test_a_picture(server, red):
    url = server.at("/a.png", red)
    loaded = load(url)
    assert (loaded.name, loaded.rgb, loaded.format) == (url, b"\xff\0\0" * 2, "PNG")


def test_it_is_fetched_when_it_is_its_turn_and_each_time_once(server, red):
    ref = images.resolve(server.at("/a.png", red), LOCAL)
    assert server.seen == []
    images.load(ref)
    assert [path for path, _ in server.seen] == ["/a.png"]


def test_what_is_sent_says_nothing_of_the_user(server, red, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    load(server.at("/a.png", redirect("/b.png?x=1")) + "#fragment") if server.at("/b.png", red) else None
    sent = {"Host": server.root[7:], "User-Agent": f"vlm/{__version__}", "Accept": "image/*, */*;q=0.1"}
    sent |= {"Accept-Encoding": "identity", "Connection": "close"}
    assert server.seen == [("/a.png", sent), ("/b.png?x=1", sent)]


def test_a_path_that_must_be_quoted(server, red):
    server.at("/a%20%C3%A9%2F.png", red)
    load(server.root + "/a é%2F.png?q=[1] ü")
    assert server.seen[0][0] == "/a%20%C3%A9%2F.png?q=[1]%20%C3%BC"


def test_a_page_of_a_document(server, encoded):
    pages = [Image.new("RGB", (2, 2), colour) for colour in ("red", "lime")]
    url = server.at("/scan.tif", encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert load(url + "#page=2").rgb[:3] == b"\0\xff\0"
    assert images.looks_like_picture(url + "#page=2")


def test_content_is_known_by_its_bytes(server, red):
    assert load(server.at("/a.jpg", respond(200, red, Content_Type="text/html"))).format == "PNG"
    assert fails(NotAPicture, server.at("/b.png", respond(200, b"<html><p>Hi", Content_Type="image/png"))) == (
        "is not a picture: it seems to be a web page.",
        "The page has taken the place of the picture; use the address of the picture itself.",
    )


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "GZIP"])
def test_what_is_compressed_though_nobody_asked(server, red, encoding):
    body = zlib.compress(red) if encoding == "deflate" else gzip.compress(red)
    assert load(server.at("/a.png", respond(200, body, Content_Encoding=encoding))).format == "PNG"


def test_chunks_and_no_length(server, red):
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (red[:20], red[20:])) + b"0\r\n\r\n"
    chunked = respond(200, chunks, Content_Length=None, Transfer_Encoding="chunked")

    def answer(handler):
        handler.protocol_version = "HTTP/1.1"
        chunked(handler)

    assert load(server.at("/chunked", answer)).format == "PNG"
    assert load(server.at("/open", respond(200, red, Content_Length=None))).format == "PNG"


# --- statuses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "said"),
    [
        (404, PictureNotFound, "is not there: the server answers 404 Not Found."),
        (410, PictureNotFound, "is not there: the server answers 410 Gone."),
        (403, PictureUnreadable, "may not be read: the server answers 403 Forbidden."),
        (500, PictureUnreadable, "cannot be read: the server answers 500 Internal Server Error."),
        (418, PictureUnreadable, "cannot be read: the server answers 418 I'm a Teapot."),
        (204, PictureUnreadable, "cannot be read: the server answers 204 No Content."),
    ],
)
def test_a_status(server, red, status, error, said):
    sentence, hint = fails(error, server.at("/a.png", respond(status, b"" if status == 204 else red)))
    assert sentence == said
    assert hint


def test_words_of_the_server_cannot_paint_the_terminal(server):
    def answer(handler):
        handler.wfile.write(b"HTTP/1.0 500 \x1b[31mred\x07\r\n\r\n")

    assert fails(PictureUnreadable, server.at("/a", answer))[0] == (
        r"cannot be read: the server answers 500 \x1b[31mred\x07."
    )


# --- redirects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect(server, red, status):
    server.at("/b.png", red)
    url = server.at("/a", redirect("b.png", status))
    assert load(url).name == url


def test_five_redirects_and_no_more(server, red):
    for number in range(6):
        server.at(f"/{number}", redirect(f"/{number + 1}"))
    server.at("/6", red)
    assert load(server.root + "/1").format == "PNG"
    said, hint = fails(PictureUnreadable, server.root + "/0")
    assert said == "leads on and on: more than 5 redirects."
    assert hint == f"Fetch it first: curl -sL --max-redirs 50 {server.root}/0 | vlm describe -"
    assert len(server.seen) == 6 + 6


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://example.org/a.png", "data:image/png;base64,AA"])
def test_a_redirect_to_another_scheme(server, target):
    said, _ = fails(PictureUnreadable, server.at("/a", redirect(target)))
    assert said == f"leads to {target}, and only http and https are read."


def test_a_redirect_out_of_encryption():
    with pytest.raises(PictureUnreadable, match="and that way is not encrypted"):
        fetching._next("https://example.org/a", "https://example.org/a", 302, "http://example.org/a")


@pytest.mark.parametrize("target", ["http://", "http://user:pass@127.0.0.1/", "http://a b/", "http://[::1/"])
def test_a_redirect_to_nowhere(server, target):
    with pytest.raises(PictureError):
        load(server.at("/a", redirect(target)))


def test_a_redirect_without_a_target(server):
    assert fails(PictureUnreadable, server.at("/a", respond(302)))[0] == (
        ": the server answers 302 without saying where to look."
    )


# --- the local network ------------------------------------------------------------------------------------


def test_this_machine_is_not_asked_without_permission(server, red):
    url = server.at("/a.png", red)
    said, hint = fails(PictureUnreadable, url, Wish())
    assert said == "is at 127.0.0.1, an address of the local network, which is not fetched."
    assert hint == "Allow it with --allow-local"
    assert server.seen == []
    for host in ("localhost", "127.1", "2130706433", "0x7f.1", "0"):
        fails(PictureUnreadable, url.replace("127.0.0.1", host), Wish())
    assert server.seen == []


@pytest.fixture
def public(monkeypatch):
    """127.0.0.1 is taken for an address out in the world, 127.0.0.2 is not; names as in the table that is returned."""
    monkeypatch.setattr(connecting, "is_local", lambda address: address != "127.0.0.1")
    names: dict[str, list[str]] = {}
    asked: list[str] = []

    def getaddrinfo(host, port, *rest, **more):
        asked.append(host)
        addresses = names.get(host, [host])
        names[host] = addresses[1:] + addresses[:1]
        answer = addresses[0] if isinstance(addresses[0], list) else [addresses[0]]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]

    monkeypatch.setattr(connecting.socket, "getaddrinfo", getaddrinfo)
    return names, asked


def test_a_redirect_into_the_local_network(server, red, public):
    inner = Server("127.0.0.2")
    secret = inner.at("/secret.png", red)
    said, hint = fails(PictureUnreadable, server.at("/a.png", redirect(secret)), Wish())
    assert said == "leads to 127.0.0.2, at 127.0.0.2, an address of the local network, which is not fetched."
    assert hint == "Allow it with --allow-local"
    assert inner.seen == []
    assert load(server.root + "/a.png").format == "PNG"
    inner.close()


def test_a_name_that_changes_its_address(server, red, public):
    names, asked = public
    inner = Server("127.0.0.2")
    inner.at("/a.png", b"secret")
    names["rebind.test"] = ["127.0.0.1", "127.0.0.2"]
    server.at("/a.png", red)
    assert load(server.root.replace("127.0.0.1", "rebind.test") + "/a.png", Wish()).format == "PNG"
    assert asked == ["rebind.test"], "once: what was checked is what is connected to"
    fails(PictureUnreadable, server.root.replace("127.0.0.1", "rebind.test") + "/a.png", Wish())
    assert inner.seen == []
    inner.close()


def test_a_name_with_a_public_and_a_local_address(server, red, public):
    names, _ = public
    names["both.test"] = [["127.0.0.1", "127.0.0.2"]]
    fails(PictureUnreadable, server.root.replace("127.0.0.1", "both.test") + "/a.png", Wish())
    assert server.seen == []


def test_the_next_address_where_the_first_does_not_answer(server, red, public):
    names, _ = public
    names["two.test"] = [["127.0.0.9", "127.0.0.1"]]
    server.at("/a.png", red)
    assert load(server.root.replace("127.0.0.1", "two.test") + "/a.png").format == "PNG"


NEAR = (
    "127.0.0.1 127.9.9.9 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1"
    " 255.255.255.255 240.0.0.1 198.18.0.1 192.0.2.1 :: ::1 fe80::1 fe80::1%1 fc00::1 fd12::1 fec0::1 ff02::1"
    " ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:c0a8:101:: 2001:db8::1"
    " 2001::1 64:ff9b:1::1 ::127.0.0.1"
)
FAR = "1.1.1.1 8.8.8.8 172.32.0.1 192.169.0.1 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808"


@pytest.mark.parametrize("address", NEAR.split())
def test_a_local_address(address):
    assert is_local(address)


@pytest.mark.parametrize("address", FAR.split())
def test_a_public_address(address):
    assert not is_local(address)


# --- limits -----------------------------------------------------------------------------------------------


def test_a_body_without_end(server, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_BYTES", 300_000)
    sent = []

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(50_000))
            sent.append(50_000)

    said, hint = fails(PictureTooLarge, server.at("/a.png", answer))
    assert said == "is too large: more than 0 MB."
    assert hint.startswith("Fetch it first: curl -sL http://127.0.0.1:")
    assert sum(sent) < 20_000_000


def test_a_length_beyond_the_limit_is_not_even_begun(server, red):
    url = server.at("/a.png", respond(200, red, Content_Length=100_000_001))
    assert fails(PictureTooLarge, url)[0] == "is too large: more than 100 MB."


def test_a_bomb_in_gzip(server, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_BYTES", 1_000_000)
    bomb = gzip.compress(bytes(50_000_000))
    url = server.at("/a.png", respond(200, bomb, Content_Encoding="gzip"))
    assert fails(PictureTooLarge, url)[0] == "is too large: more than 1 MB."


def test_a_length_that_promises_too_much(server, red):
    url = server.at("/a.png", respond(200, red, Content_Length=len(red) + 900))
    assert fails(PictureUnreadable, url)[0] == f"broke off after {len(red)} of {len(red) + 900:,} bytes."


def test_a_length_that_promises_too_little(server, red):
    url = server.at("/a.png", respond(200, red, Content_Length=40))
    assert "is a damaged PNG picture: it ends too early" in fails(PictureDamaged, url)[0]


@pytest.mark.parametrize("length", ["-5", "many", "0x10", ""])
def test_a_length_that_is_none(server, red, length):
    assert load(server.at("/a.png", respond(200, red, Content_Length=length))).format == "PNG"


def test_an_empty_body(server):
    assert fails(PictureUnreadable, server.at("/a.png", b""))[0] == "is empty: there is no picture in it."


def drip(before, pause=0.05):
    def answer(handler):
        handler.wfile.write(before)
        for _ in range(200):
            time.sleep(pause)
            handler.wfile.write(b"x")
            handler.wfile.flush()

    return answer


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.0 200 OK\r\nX: ", b"HTTP/1.0 200 OK\r\n\r\n"], ids=["status", "header", "body"]
)
def test_a_server_that_drips_is_given_up_wherever_it_does(server, before, monkeypatch):
    monkeypatch.setattr(fetching, "TOTAL_S", 0.3)
    start = time.monotonic()
    said, _ = fails(PictureUnreadable, server.at("/a.png", drip(before)))
    assert said == "takes too long: it is given up after 0.3 seconds."
    assert time.monotonic() - start < 5


def test_a_server_that_is_silent(server, monkeypatch):
    monkeypatch.setattr(fetching, "READ_S", 0.1)
    said, _ = fails(PictureUnreadable, server.at("/a.png", lambda handler: time.sleep(0.5)))
    assert said == "cannot be read: 127.0.0.1 does not answer."


def test_redirects_share_one_time_limit(server, monkeypatch):
    monkeypatch.setattr(fetching, "TOTAL_S", 0.3)

    def answer(handler):
        time.sleep(0.12)
        redirect("/a.png")(handler)

    assert fails(PictureUnreadable, server.at("/a.png", answer))[0] == (
        "takes too long: it is given up after 0.3 seconds."
    )


# --- what is broken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [b"", b"hello\r\n\r\n", b"HTTP/1.0 abc OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"],
    ids=["nothing", "other", "status", "many"],
)
def test_a_server_that_does_not_speak_http(server, sent):
    def answer(handler):
        handler.wfile.write(sent)

    said, hint = fails(PictureUnreadable, server.at("/a.png", answer))
    assert said.startswith("cannot be read: 127.0.0.1 does not speak HTTP as it should (")
    assert hint


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(bytes(1000))[:-9]], ids=["none", "cut"])
def test_damaged_compression(server, body):
    url = server.at("/a.png", respond(200, body, Content_Encoding="gzip"))
    assert fails(PictureUnreadable, url)[0].startswith("cannot be read: what it sends ")


def test_nobody_listens(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.png"
    assert fails(PictureUnreadable, url)[0] == "cannot be read: Connection refused."


def test_a_name_that_nobody_knows(monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(connecting.socket, "getaddrinfo", unknown)
    assert fails(PictureUnreadable, "https://no.such.host/a.png")[0] == (
        "cannot be read: the address of no.such.host is not known."
    )


def test_https_with_a_server_that_does_not_speak_it(server):
    said, _ = fails(PictureUnreadable, server.root.replace("http:", "https:") + "/a.png")
    assert said.startswith("cannot be read: ")
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "url", ["http://", "https:///a.png", "http://:80/", "http://a:b/", "http://[::1/", "http://a\nb/"]
)
def test_what_is_no_url_is_said_at_once(url):
    with pytest.raises(PictureNotFound) as caught:
        images.resolve(url)
    assert caught.value.sentence.isprintable()


def test_a_password_is_not_taken_and_not_repeated():
    with pytest.raises(PictureUnreadable) as caught:
        images.resolve("https://me:secret@example.org/a.png")
    assert caught.value.sentence == "A URL with a user name in it is not fetched: example.org."


def test_a_redirect_with_letters_that_are_not_ascii(server, red):
    def answer(handler):
        handler.wfile.write("HTTP/1.0 302 Found\r\nLocation: /é.png\r\n\r\n".encode())

    server.at("/%C3%A9.png", red)
    assert load(server.at("/a", answer)).format == "PNG"
