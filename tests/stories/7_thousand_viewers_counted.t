#!/bin/bash
# Story 7, counted: the bodies of all requests and answers alone, by core's tasks in one process (7_thousand_viewers.c).
cd "$(dirname "$0")/../.." || exit 1
exec build/native/tests/stories/7_thousand_viewers
