"""HTTP connections that look at the address they really connect to, after the name was resolved, once."""

from __future__ import annotations

import http.client
import socket
import ssl
from contextlib import suppress

from vlmcli.images.sources.addresses import is_local

CONNECT_S = 10.0


class LocalAddress(Exception):
    """The name stands for an address that is not a public one; the address is its text."""


def open_socket(host: str, port: int, allow_local: bool, read_s: float) -> socket.socket:
    """Connected to an address of `host`. The addresses are asked for once: none can change after the check.

    Raises LocalAddress where one of them is local: whoever mixes public and local ones means no good.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for *_, address in found:
        if not allow_local and is_local(str(address[0])):
            raise LocalAddress(str(address[0]))
    failure: OSError = OSError("it has no address")
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(CONNECT_S)
            connection.connect(address)
            connection.settimeout(read_s)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


class Plain(http.client.HTTPConnection):
    allow_local = False
    _is_cut = False
    _held: socket.socket | None = None
    """The socket, also when it is the response's alone and not the connection's any more."""

    def connect(self) -> None:
        self.sock = self._held = open_socket(self.host, self.port, self.allow_local, self.timeout or CONNECT_S)
        if self._is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """End it from another thread: who reads there finds the end, or an error."""
        self._is_cut = True
        if self._held is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._held, socket.SHUT_RDWR)  # not SSLSocket's, which forgets its state


class Secure(Plain):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        secure = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = self._held = secure
        secure.do_handshake()  # not before `cut` has something to cut
