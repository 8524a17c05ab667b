"""Which addresses are of the local network: a picture's URL, or whoever redirects it, must not reach into there."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")


def is_local(text: str) -> bool:
    """Whether this numeric address is anything but a public one: loopback, private, link-local, multicast, reserved."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = _inner(address)
        if inner is not None:
            return is_local(str(inner))
        if address.is_site_local:
            return True
    return not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one stands for, behind whatever translates between the two."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour
