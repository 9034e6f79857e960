"""Textbook Ed25519, XChaCha20-Poly1305 and AES-256-GCM, slow and not constant-time: for checking examples only.

Sources: RFC 8032 §5.1 and its appendix; RFC 8439; draft-irtf-cfrg-xchacha; FIPS 197; NIST SP 800-38D."""

import hashlib
import struct

# ---- Ed25519

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def _add(a, b):
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = _add(result, point)
        point = _add(point, point)
        n >>= 1
    return result


def _x_of(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def _point(data):
    value = int.from_bytes(data, "little")
    y, sign = value & (1 << 255) - 1, value >> 255
    x = _x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def _bytes(point):
    x, y, z, _ = point
    inverse = pow(z, P - 2, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_Y = 4 * pow(5, P - 2, P) % P
BASE = (_x_of(_Y, 0), _Y, 1, _x_of(_Y, 0) * _Y % P)


def ed25519_public(seed):
    a = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return _bytes(_times(a & (1 << 254) - 8 | 1 << 254, BASE))


def ed25519_sign(seed, message):
    digest, public = hashlib.sha512(seed).digest(), ed25519_public(seed)
    a = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    r = int.from_bytes(hashlib.sha512(digest[32:] + message).digest(), "little") % Q
    point = _bytes(_times(r, BASE))
    h = int.from_bytes(hashlib.sha512(point + public + message).digest(), "little") % Q
    return point + ((r + h * a) % Q).to_bytes(32, "little")


def ed25519_verify(public, message, signature):
    a, r, s = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    return _bytes(_times(s, BASE)) == _bytes(_add(r, _times(h, a)))


# ---- XChaCha20-Poly1305

def _rounds(state):
    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = state[x] + state[y] & 0xFFFFFFFF
            value = state[z] ^ state[x]
            state[z] = (value << turn | value >> 32 - turn) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)


SIGMA = struct.unpack("<4I", b"expand 32-byte k")


def _hchacha(key, nonce):
    state = [*SIGMA, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)]
    _rounds(state)
    return struct.pack("<8I", *state[:4], *state[12:])


def _chacha(key, nonce, counter, length):
    stream = b""
    while len(stream) < length:
        start = [*SIGMA, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
        state = list(start)
        _rounds(state)
        stream += struct.pack("<16I", *((a + b) & 0xFFFFFFFF for a, b in zip(start, state)))
        counter += 1
    return stream[:length]


def _poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(message), 16):
        total = (total + int.from_bytes(message[i:i + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def _xchacha_mac(subkey, short, ad, body):
    pad = lambda data: data + bytes(-len(data) % 16)
    return _poly1305(_chacha(subkey, short, 0, 32), pad(ad) + pad(body) + struct.pack("<QQ", len(ad), len(body)))


def xchacha_open(key, nonce, ad, sealed):
    """The plaintext, or None."""
    subkey, short = _hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    body, tag = sealed[:-16], sealed[-16:]
    return xor(body, _chacha(subkey, short, 1, len(body))) if _xchacha_mac(subkey, short, ad, body) == tag else None


def xchacha_seal(key, nonce, ad, plain):
    subkey, short = _hchacha(key, nonce[:16]), bytes(4) + nonce[16:]
    body = xor(plain, _chacha(subkey, short, 1, len(plain)))
    return body + _xchacha_mac(subkey, short, ad, body)


# ---- AES-256-GCM

def _gmul(a, b):
    result = 0
    while b:
        if b & 1:
            result ^= a
        a = a << 1 ^ (0x11B if a & 128 else 0)
        b >>= 1
    return result


def _sbox():
    box = []
    for value in range(256):
        inverse = next((x for x in range(256) if _gmul(value, x) == 1), 0)
        turned = 0x63
        for i in range(5):
            turned ^= (inverse << i | inverse >> 8 - i) & 255
        box.append(turned)
    return bytes(box)


SBOX = _sbox()


def _aes(key, block):
    words, rcon = [key[i:i + 4] for i in range(0, 32, 4)], 1
    while len(words) < 60:
        word = words[-1]
        if len(words) % 8 == 0:
            word = bytes(SBOX[b] for b in word[1:] + word[:1])
            word, rcon = bytes([word[0] ^ rcon]) + word[1:], rcon << 1
        elif len(words) % 8 == 4:
            word = bytes(SBOX[b] for b in word)
        words.append(xor(words[-8], word))
    state = xor(block, b"".join(words[:4]))
    for turn in range(1, 15):
        state = bytes(SBOX[state[(5 * i) % 16]] for i in range(16))
        if turn < 14:
            mixed = b""
            for c in range(0, 16, 4):
                column = state[c:c + 4]
                mixed += bytes(_gmul(column[i], 2) ^ _gmul(column[(i + 1) % 4], 3) ^ column[(i + 2) % 4] ^
                               column[(i + 3) % 4] for i in range(4))
            state = mixed
        state = xor(state, b"".join(words[4 * turn:4 * turn + 4]))
    return state


def aes256gcm_open(key, nonce, sealed):
    """The plaintext (empty associated data), or None."""
    body, tag = sealed[:-16], sealed[-16:]
    h = int.from_bytes(_aes(key, bytes(16)), "big")

    def times_h(x):
        result, v = 0, h
        for i in range(127, -1, -1):
            if x >> i & 1:
                result ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        return result

    total = 0
    padded = body + bytes(-len(body) % 16) + struct.pack(">QQ", 0, 8 * len(body))
    for i in range(0, len(padded), 16):
        total = times_h(total ^ int.from_bytes(padded[i:i + 16], "big"))
    counter = lambda n: _aes(key, nonce + n.to_bytes(4, "big"))
    if xor(total.to_bytes(16, "big"), counter(1)) != tag:
        return None
    stream = b"".join(counter(2 + i) for i in range((len(body) + 15) // 16))
    return xor(body, stream)
