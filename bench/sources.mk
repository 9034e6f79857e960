# Programs that measure; the scripts in bench/ run them.
BENCH_PROGS := \
	bench/bench_file.c \
# Programs that measure, run by the scripts here.
BENCH_PROGS := \
	bench/fold.c \
	#
