# Programs that measure; the scripts in bench/ run them.
BENCH_PROGS := \
	bench/bench_append.c \
	bench/bench_backlog.c \
	bench/bench_cold_open.c \
	bench/bench_empty.c \
	bench/bench_file.c \
	bench/bench_fill.c \
	bench/bench_room_1000.c \
	bench/bench_times.c \
	bench/entry.c \
	bench/fold.c \
	#

# What those that talk to a real server share.
TEST_SRC += \
	bench/person.c \
	#
