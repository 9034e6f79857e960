/* seccomp: the system calls that the server was seen to make, and those that its libraries make when they must.
 *
 * Whatever else is called fails with EPERM, so that a C library newer than this list goes another way; what only an
 * intruder calls ends the process. */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/sandbox.h"

#define CALL(name) SCMP_SYS(name)

/* Memory, time, threads, the end: what any process needs. */
static const int common[] = {
    CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(futex), CALL(read), CALL(write), CALL(close),
    CALL(recvmsg), CALL(sendmsg), CALL(clock_gettime), CALL(gettimeofday), CALL(getpid), CALL(gettid), CALL(getrandom),
    CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(restart_syscall), CALL(sched_yield), CALL(exit),
    CALL(exit_group), CALL(munlock)};

static const int of_server[] = {
    /* files */
    CALL(readv), CALL(writev), CALL(pread64), CALL(pwrite64), CALL(preadv), CALL(pwritev), CALL(lseek), CALL(open),
    CALL(openat), CALL(stat), CALL(lstat), CALL(fstat), CALL(newfstatat), CALL(statx), CALL(access), CALL(faccessat),
    CALL(faccessat2), CALL(readlink), CALL(readlinkat), CALL(getcwd), CALL(getdents64), CALL(mkdir), CALL(mkdirat),
    CALL(rmdir), CALL(unlink), CALL(unlinkat), CALL(rename), CALL(renameat), CALL(renameat2), CALL(linkat), CALL(fsync),
    CALL(fdatasync), CALL(sync_file_range), CALL(ftruncate), CALL(fallocate), CALL(fcntl), CALL(flock), CALL(fadvise64), CALL(statfs),
    CALL(fstatfs), CALL(dup), CALL(utimensat), CALL(fchmod), CALL(umask), CALL(copy_file_range),
    /* sockets that are there, and waiting */
    CALL(accept4), CALL(recvfrom), CALL(sendto), CALL(sendmmsg), CALL(shutdown), CALL(getsockopt), CALL(setsockopt),
    CALL(getsockname), CALL(getpeername), CALL(sendfile), CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait),
    CALL(epoll_pwait), CALL(epoll_pwait2), CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(eventfd2), CALL(pipe2),
    /* threads, time, itself */
    CALL(set_robust_list), CALL(rseq), CALL(sched_getaffinity), CALL(sched_getparam), CALL(sched_getscheduler),
    CALL(membarrier), CALL(sigaltstack), CALL(nanosleep), CALL(clock_nanosleep), CALL(clock_getres), CALL(time),
    CALL(rt_sigtimedwait), CALL(rt_sigpending), CALL(wait4), CALL(prlimit64), CALL(getrlimit), CALL(setrlimit),
    CALL(getrusage), CALL(times), CALL(uname), CALL(sysinfo), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid),
    CALL(getegid), CALL(mlock)};

/* No honest code of ours comes here. */
static const int of_intruders[] = {
    CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv), CALL(process_vm_writev), CALL(pidfd_getfd),
    CALL(bpf), CALL(mount), CALL(umount2), CALL(pivot_root), CALL(chroot), CALL(unshare), CALL(setns), CALL(init_module),
    CALL(finit_module), CALL(delete_module), CALL(kexec_load), CALL(kexec_file_load), CALL(keyctl), CALL(add_key),
    CALL(request_key), CALL(io_uring_setup), CALL(io_uring_enter), CALL(io_uring_register), CALL(perf_event_open),
    CALL(userfaultfd), CALL(open_by_handle_at), CALL(setuid), CALL(setresuid), CALL(setreuid), CALL(setgid), CALL(setresgid),
    CALL(setregid), CALL(setgroups), CALL(bind), CALL(listen), CALL(personality), CALL(memfd_create)};

struct list {
    scmp_filter_ctx filter;
    int err; /* the first, negative */
};

static void add(struct list *list, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int err = calls[i] == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(list->filter, action, calls[i], 0);
        if (err && err != -EDOM && !list->err) list->err = err; /* EDOM: this machine has no such call */
    }
}

static void add_if(struct list *list, int call, struct scmp_arg_cmp argument)
{
    int err = seccomp_rule_add_array(list->filter, SCMP_ACT_ALLOW, call, 1, &argument);
    if (err && err != -EDOM && !list->err) list->err = err;
}

/* Allowed with some arguments only. */
static void add_common_ifs(struct list *list)
{
    add_if(list, CALL(mmap), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    add_if(list, CALL(mprotect), SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    add_if(list, CALL(tgkill), SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0)); /* abort() */
}

static void add_server_ifs(struct list *list)
{
    const unsigned long thread = CLONE_VM | CLONE_THREAD;
    add_if(list, CALL(clone), SCMP_A0_64(SCMP_CMP_MASKED_EQ, thread, thread));
    add_if(list, CALL(socket), SCMP_A0_64(SCMP_CMP_EQ, AF_UNIX, 0)); /* to tell the service manager */
    add_if(list, CALL(prctl), SCMP_A0_64(SCMP_CMP_EQ, PR_SET_NAME, 0));
    add_if(list, CALL(ioctl), SCMP_A1_32(SCMP_CMP_EQ, 0x5401, 0)); /* TCGETS: is it a terminal? */
    add_if(list, CALL(ioctl), SCMP_A1_32(SCMP_CMP_EQ, 0x5421, 0)); /* FIONBIO */
    /* Its flags lie in memory, where no filter sees them: the C library then takes clone. */
    int err = seccomp_rule_add(list->filter, SCMP_ACT_ERRNO(ENOSYS), CALL(clone3), 0);
    if (err && !list->err) list->err = err;
}

#define COUNT(a) (sizeof(a) / sizeof *(a))

int pv_sandbox_limit_calls(enum pv_call_list which)
{
    struct list list = {.filter = seccomp_init(SCMP_ACT_ERRNO(EPERM))};
    if (!list.filter) return ENOMEM;
    seccomp_attr_set(list.filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    add(&list, SCMP_ACT_ALLOW, common, COUNT(common));
    add(&list, SCMP_ACT_KILL_PROCESS, of_intruders, COUNT(of_intruders));
    add_common_ifs(&list);
    if (which == PV_CALLS_SERVER) {
        add(&list, SCMP_ACT_ALLOW, of_server, COUNT(of_server));
        add_server_ifs(&list);
    }
    if (!list.err) list.err = seccomp_load(list.filter);
    seccomp_release(list.filter);
    return -list.err;
}
