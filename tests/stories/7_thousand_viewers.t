#!/bin/bash
# Story 7: a room of 1,000 viewers, in one process (7_thousand_viewers.c), as it is built for users.
cd "$(dirname "$0")/../.." || exit 1
exec build/native/tests/stories/7_thousand_viewers
