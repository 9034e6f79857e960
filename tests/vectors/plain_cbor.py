"""CBOR as FORMAT.md §1 restricts it, and nothing else."""


class Bad(Exception):
    pass


def check(good, what):
    if not good:
        raise Bad(what)


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    size = next(size for size in (1, 2, 4, 8) if value < 1 << 8 * size)
    return bytes([major << 5 | 23 + size.bit_length()]) + value.to_bytes(size, "big")


def encode(item):
    if item is None or isinstance(item, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        return head(3, len(item.encode())) + item.encode()
    return head(4, len(item)) + b"".join(encode(part) for part in item)


def _item(data, at, depth):
    check(at < len(data), "truncated")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        check(20 <= info <= 22, "simple value")
        return {20: False, 21: True, 22: None}[info], at
    check(major <= 4 and info < 28, "major type or length")
    value = info
    if info >= 24:
        size = 1 << info - 24
        check(at + size <= len(data), "truncated")
        value = int.from_bytes(data[at:at + size], "big")
        check(value >= (24 if size == 1 else 1 << 4 * size), "not the shortest head")
        at += size
    if major == 0:
        return value, at
    if major == 1:
        return -1 - value, at
    if major == 4:
        check(depth < 8, "nesting")
        items = []
        for _ in range(value):
            item, at = _item(data, at, depth + 1)
            items.append(item)
        return items, at
    check(at + value <= len(data), "truncated")
    content = bytes(data[at:at + value])
    return (content if major == 2 else content.decode("utf-8")), at + value


def first(data):
    """The first item, and the bytes that follow it."""
    item, at = _item(data, 0, 0)
    return item, data[at:]


def decode(data):
    item, rest = first(data)
    check(not rest, "trailing bytes")
    return item
