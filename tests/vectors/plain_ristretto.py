"""Textbook ristretto255 and CPace over it: for checking examples only.

Sources: RFC 9496 §4; draft-irtf-cfrg-cpace §3 to §7."""

import hashlib

from plain_crypto import D, P, ROOT, _add, _times

ONE_MINUS_D_SQ = (1 - D * D) % P
D_MINUS_ONE_SQ = (D - 1) ** 2 % P


def _abs(x):
    x %= P
    return P - x if x & 1 else x


def _sqrt_ratio(u, v):
    """(was it a square, the nonnegative root of u/v, or of ROOT·u/v)"""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in ((P - u) % P, -u * ROOT % P):
        r = r * ROOT % P
    return check in (u % P, (P - u) % P), _abs(r)


SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = _sqrt_ratio(1, (-1 - D) % P)[1]


def decode(data):
    s = int.from_bytes(data, "little")
    if s >= P or s & 1:
        return None
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-(D * u1 * u1) - u2 * u2) % P
    square, root = _sqrt_ratio(1, v * u2 * u2 % P)
    x = _abs(2 * s * root * u2)
    y = u1 * root * root * u2 * v % P
    t = x * y % P
    return None if not square or t & 1 or y == 0 else (x, y, 1, t)


def encode(point):
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    root = _sqrt_ratio(1, u1 * u2 * u2 % P)[1]
    d1, d2 = root * u1 % P, root * u2 % P
    z_inv = d1 * d2 * t % P
    if t * z_inv % P & 1:
        x, y, inverse = y * ROOT % P, x * ROOT % P, d1 * INVSQRT_A_MINUS_D % P
    else:
        inverse = d2
    if x * z_inv % P & 1:
        y = -y % P
    return _abs(inverse * (z - y)).to_bytes(32, "little")


def _map(data):
    t = int.from_bytes(data, "little") & (1 << 255) - 1
    r = ROOT * t * t % P
    u, v = (r + 1) * ONE_MINUS_D_SQ % P, (-1 - r * D) * (r + D) % P
    square, s = _sqrt_ratio(u, v)
    if not square:
        s = -_abs(s * t) % P
    c = -1 if square else r
    n = (c * (r - 1) * D_MINUS_ONE_SQ - v) % P
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return (w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)


def _part(data):
    length, out = len(data), b""
    while length > 127:
        out, length = out + bytes([length & 127 | 128]), length >> 7
    return out + bytes([length]) + data


def cpace_generator(password, channel, sid):
    dsi = b"CPaceRistretto255"
    pad = max(0, 128 - 1 - len(_part(dsi)) - len(_part(password)))
    h = hashlib.sha512(b"".join(map(_part, (dsi, password, bytes(pad), channel, sid)))).digest()
    return _add(_map(h[:32]), _map(h[32:]))


def cpace_share(scalar, generator):
    return encode(_times(int.from_bytes(scalar, "little"), generator))


def cpace_key(scalar, peer, sid, initiator, responder):
    """The shares in the order of their sending; no associated data."""
    secret = encode(_times(int.from_bytes(scalar, "little"), decode(peer)))
    text = map(_part, (b"CPaceRistretto255_ISK", sid, secret, initiator, b"", responder, b""))
    return hashlib.sha512(b"".join(text)).digest()
