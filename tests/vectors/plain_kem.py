"""Textbook X-Wing (X25519 with ML-KEM-768), slow and not constant-time: for checking examples only.

Sources: draft-connolly-cfrg-xwing-kem; FIPS 203, whose names are used; RFC 7748 §5."""

import hashlib

Q, K, DU, DV = 3329, 3, 10, 4

sha3_256 = lambda data: hashlib.sha3_256(data).digest()
shake256 = lambda data, size: hashlib.shake_256(data).digest(size)


def bit_reverse(i):
    return int(f"{i:07b}"[::-1], 2)


ZETAS = [pow(17, bit_reverse(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * bit_reverse(i) + 1, Q) for i in range(128)]


def ntt(f):
    f, k, size = list(f), 1, 128
    while size >= 2:
        for start in range(0, 256, 2 * size):
            for j in range(start, start + size):
                t = ZETAS[k] * f[j + size]
                f[j], f[j + size] = (f[j] + t) % Q, (f[j] - t) % Q
            k += 1
        size //= 2
    return f


def ntt_inverse(f):
    f, k, size = list(f), 127, 2
    while size <= 128:
        for start in range(0, 256, 2 * size):
            for j in range(start, start + size):
                f[j], f[j + size] = (f[j] + f[j + size]) % Q, ZETAS[k] * (f[j + size] - f[j]) % Q
            k -= 1
        size *= 2
    return [x * 3303 % Q for x in f]


def multiply(f, g):
    h = []
    for i in range(128):
        a, b, c, d = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h += [(a * c + b * d * GAMMAS[i]) % Q, (a * d + b * c) % Q]
    return h


def add(f, g):
    return [(a + b) % Q for a, b in zip(f, g)]


def dot(left, right):
    total = [0] * 256
    for f, g in zip(left, right):
        total = add(total, multiply(f, g))
    return total


def encode(f, d):
    bits = 0
    for i, x in enumerate(f):
        bits |= x << d * i
    return bits.to_bytes(32 * d, "little")


def decode(data, d):
    bits = int.from_bytes(data, "little")
    return [bits >> d * i & (1 << d) - 1 for i in range(256)]


def compress(f, d):
    return [((x << d) + Q // 2) // Q % (1 << d) for x in f]


def decompress(f, d):
    return [(x * Q + (1 << d - 1)) >> d for x in f]


def sample_ntt(seed):
    data, f, at = hashlib.shake_128(seed).digest(2016), [], 0
    while len(f) < 256:
        a, b, c = data[at:at + 3]
        f += [x for x in (a + 256 * (b % 16), b // 16 + 16 * c) if x < Q]
        at += 3
    return f[:256]


def sample_cbd(seed, n):
    bits = int.from_bytes(shake256(seed + bytes([n]), 128), "little")
    bit = lambda i: bits >> i & 1
    return [(bit(4 * i) + bit(4 * i + 1) - bit(4 * i + 2) - bit(4 * i + 3)) % Q for i in range(256)]


def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def mlkem_keys(d, z):
    """Encapsulation key, secret vector, z."""
    seeds = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = seeds[:32], seeds[32:]
    s = [ntt(sample_cbd(sigma, i)) for i in range(K)]
    e = [ntt(sample_cbd(sigma, K + i)) for i in range(K)]
    t = [add(dot(row, s), error) for row, error in zip(matrix(rho), e)]
    return b"".join(encode(f, 12) for f in t) + rho, s, z


def mlkem_encrypt(ek, m, r):
    t, rho = [decode(ek[384 * i:384 * i + 384], 12) for i in range(K)], ek[384 * K:]
    y = [ntt(sample_cbd(r, i)) for i in range(K)]
    a = matrix(rho)
    u = [add(ntt_inverse(dot([a[i][j] for i in range(K)], y)), sample_cbd(r, K + j)) for j in range(K)]
    v = add(add(ntt_inverse(dot(t, y)), sample_cbd(r, 2 * K)), decompress(decode(m, 1), 1))
    return b"".join(encode(compress(f, DU), DU) for f in u) + encode(compress(v, DV), DV)


def mlkem_decapsulate(keys, c):
    ek, s, z = keys
    size = 32 * DU
    u = [ntt(decompress(decode(c[size * i:size * (i + 1)], DU), DU)) for i in range(K)]
    v = decompress(decode(c[size * K:], DV), DV)
    w = [(a - b) % Q for a, b in zip(v, ntt_inverse(dot(s, u)))]
    m = encode(compress(w, 1), 1)
    shared = hashlib.sha3_512(m + sha3_256(ek)).digest()
    return shared[:32] if mlkem_encrypt(ek, m, shared[32:]) == c else shake256(z + c, 32)


P = 2**255 - 19


def x25519(scalar, point):
    k = int.from_bytes(scalar, "little") & (1 << 254) - 8 | 1 << 254
    x1 = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for i in range(254, -1, -1):
        bit = k >> i & 1
        if swap ^ bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def xwing_keys(seed):
    expanded = shake256(seed, 96)
    secret = expanded[64:]
    return mlkem_keys(expanded[:32], expanded[32:64]), secret, x25519(secret, (9).to_bytes(32, "little"))


def xwing_public(seed):
    mlkem, _, public = xwing_keys(seed)
    return mlkem[0] + public


def xwing_decapsulate(seed, ciphertext):
    mlkem, secret, public = xwing_keys(seed)
    c, point = ciphertext[:1088], ciphertext[1088:]
    return sha3_256(mlkem_decapsulate(mlkem, c) + x25519(secret, point) + point + public + b"\\.//^\\")


def xwing_encapsulate(public, m, scalar):
    """Ciphertext and shared secret, from 64 random bytes in two halves."""
    ek, point = public[:1184], public[1184:]
    shared = hashlib.sha3_512(m + sha3_256(ek)).digest()
    ephemeral = x25519(scalar, (9).to_bytes(32, "little"))
    ciphertext = mlkem_encrypt(ek, m, shared[32:]) + ephemeral
    return ciphertext, sha3_256(shared[:32] + x25519(scalar, point) + ephemeral + point + b"\\.//^\\")
