# One device's I/O: what the command line, the mount and the tests share.
CLIENT_SRC := \
	client/bulk.c \
	#
