#!/usr/bin/env python3
"""Functions that no file may call, and those that core, being pure, may not call."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from sources import LAYERS, c_files, calls
from tap import done, ok

# Unbounded, ambiguous about errors, or not safe with threads.
EVERYWHERE = """strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof scanf sscanf fscanf
    system popen alloca rand srand random srandom drand48 tmpnam tempnam mktemp asctime ctime gmtime localtime
    setjmp longjmp readdir_r""".split()

# The outside world, and the process. (snprintf is a function of memory.)
IN_CORE = """exit _exit _Exit quick_exit atexit printf fprintf vprintf vfprintf puts fputs putchar fputc putc perror
    dprintf fopen fdopen freopen open openat close read write pread pwrite fread fwrite stat fstat unlink rename
    socket connect send recv time clock clock_gettime gettimeofday getenv setenv getrandom getentropy
    randombytes randombytes_buf randombytes_random randombytes_uniform crypto_sign_keypair crypto_box_keypair
    crypto_kem_keypair crypto_kem_xwing_keypair crypto_kem_enc crypto_kem_xwing_enc crypto_pwhash_str
    pthread_create pthread_mutex_lock fork exec execve kill sleep usleep nanosleep sqlite3_randomness""".split()

# SQLite's numbers key a hash table in memory there; no result depends on them.
EXCEPT = {"core/state/written.c: sqlite3_randomness"}


def found(layer, names):
    return [f"{path}:{line}: {name}" for path in c_files(layer) for line, name in calls(path, names)
            if f"{path}: {name}" not in EXCEPT]


for layer in LAYERS:
    bad = found(layer, EVERYWHERE)
    ok(not bad, f"{layer} calls no banned function", *bad)
bad = found("core", IN_CORE)
ok(not bad, "core calls nothing of the outside world", *bad)
done()
