"""TAP for Python tests: ok(), is_(), note(), skip_all(), and done() last."""

import sys

_count = 0
_failed = 0


def note(*texts):
    for text in texts:
        for line in str(text).splitlines() or [""]:
            print("#", line, flush=True)


def ok(good, name, *why):
    """One case; the lines of `why` are printed if it fails."""
    global _count, _failed
    _count += 1
    print(f"{'ok' if good else 'not ok'} {_count} - {name}", flush=True)
    if not good:
        _failed += 1
        for line in why:
            note(line)
    return good


def is_(got, want, name, *why):
    return ok(got == want, name, f"got:  {got!r}", f"want: {want!r}", *why)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed or not _count else 0)
