/* What a server in its sandbox can still do, and what it cannot: each tried in a child that has entered it. */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/process.h"
#include "tests/tap.h"

static struct pv_config config;
static char dir[] = "/tmp/privity-sandbox-XXXXXX", path[256];

static const char *in_dir(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

static int open_errno(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC, 0600);
	if (fd < 0) return errno;
	close(fd);
	return 0;
}

static int read_key(void) { return open_errno(in_dir("log.key"), O_RDONLY); }
static int write_key(void) { return open_errno(in_dir("log.key"), O_WRONLY | O_TRUNC); }
static int make_beside(void) { return open_errno(in_dir("new"), O_WRONLY | O_CREAT); }
static int read_passwd(void) { return open_errno("/etc/passwd", O_RDONLY); }
static int list_root(void) { return open_errno("/", O_RDONLY | O_DIRECTORY); }
static int write_meta(void) { return open_errno(in_dir("meta.db"), O_RDWR); }
static int write_wal(void) { return open_errno(in_dir("meta.db-wal"), O_RDWR | O_TRUNC); }

static int move_blob(void)
{
	char from[256];
	snprintf(from, sizeof from, "%s/blobs/tmp/x", dir);
	int err = open_errno(from, O_WRONLY | O_CREAT | O_EXCL);
	if (!err && mkdir(in_dir("blobs/ab"), 0700)) err = errno;
	if (!err && linkat(AT_FDCWD, from, AT_FDCWD, in_dir("blobs/ab/x"), 0)) err = errno;
	return !err && unlink(from) ? errno : err;
}

static int internet(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return fd < 0 ? errno : 0;
}

static int code_to_run(void)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return at == MAP_FAILED || mprotect(at, 4096, PROT_READ | PROT_EXEC) ? errno : 0;
}

static void *nothing(void *context) { return context; }

static int thread(void)
{
	pthread_t made;
	int err = pthread_create(&made, NULL, nothing, NULL);
	return err ? err : pthread_join(made, NULL);
}

static int process(void)
{
	pid_t pid = fork();
	if (pid == 0) _exit(0);
	return pid < 0 ? errno : 0;
}

static int program(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return errno;
}

static int trace(void) { return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) ? errno : 0; }
static int become(void) { return setuid(1) ? errno : 0; }

/* The errno of what was tried, or -1 when the child was killed for it. */
static int tried(bool is_signer, int (*what)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		int version;
		pv_process_harden();
		if (pv_sandbox_limit_files(is_signer ? NULL : &config, &version) ||
		    pv_sandbox_limit_calls(is_signer ? PV_CALLS_SIGNER : PV_CALLS_SERVER))
			_exit(255);
		_exit(what());
	}
	if (child < 0 || waitpid(child, &status, 0) != child) return 254;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

static void is_tried(bool is_signer, int (*what)(void), int want, const char *name)
{
	int got = tried(is_signer, what);
	tap_ok(got == want, "%s", name);
	if (got != want) tap_note("got %d, want %d", got, want);
}

static void touch(const char *name)
{
	if (open_errno(in_dir(name), O_WRONLY | O_CREAT)) abort();
}

int main(void)
{
	struct pv_sandbox here = pv_sandbox_try();
	if (!pv_sandbox_is_whole(&here)) {
		printf("1..0 # SKIP %s\n", PV_SANITIZED ? "a sanitizer has calls of its own" : "this kernel or container has no whole sandbox");
		return 0;
	}
	if (!mkdtemp(dir)) return 1;
	touch("log.key");
	touch("meta.db");
	touch("meta.db-wal");
	if (mkdir(in_dir("blobs"), 0700) || mkdir(in_dir("blobs/tmp"), 0700)) return 1;
	snprintf(config.meta, sizeof config.meta, "sqlite:%s/meta.db", dir);
	snprintf(config.blobs, sizeof config.blobs, "fs:%s/blobs", dir);

	is_tried(false, write_meta, 0, "a server opens its metadata");
	is_tried(false, write_wal, 0, "and its log of writes");
	is_tried(false, move_blob, 0, "moves a blob into its place");
	is_tried(false, thread, 0, "makes threads");
	is_tried(false, read_key, EACCES, "it cannot read the log key");
	is_tried(false, write_key, EACCES, "nor write it");
	is_tried(false, make_beside, EACCES, "nor make a file beside it");
	is_tried(false, read_passwd, EACCES, "nor read the system's files");
	is_tried(false, list_root, EACCES, "nor list its folders");
	is_tried(false, internet, EPERM, "nor call anybody");
	is_tried(false, code_to_run, EPERM, "nor run what it wrote");
	is_tried(false, process, EPERM, "nor make a process");
	is_tried(false, program, -1, "it ends when it starts a program");
	is_tried(false, trace, -1, "or looks into another process");
	is_tried(false, become, -1, "or becomes somebody else");
	is_tried(true, write_meta, EPERM, "a signer opens nothing");
	is_tried(true, thread, EPERM, "makes no thread");
	is_tried(true, internet, EPERM, "calls nobody");
	is_tried(true, program, -1, "and ends when it starts a program");

	static const char *const made[] = {"log.key", "meta.db", "meta.db-wal", "blobs/ab/x", "blobs/ab", "blobs/tmp", "blobs", ""};
	for (size_t i = 0; i < sizeof made / sizeof *made; i++) remove(in_dir(made[i]));
	return tap_done();
}
