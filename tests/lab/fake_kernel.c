/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks like a UML kernel to whoever inspects it, and misbehaves as its argument fake=... says. What
 * it prints goes to the node's console.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* volatile: kept although nobody reads them. */
static const char *volatile const marks[] = {
    "Linux version 9.8.7-fake (nobody@nowhere)",
    "umid=<name>",
    "ubd<n><flags>=",
    "virtio_uml.device=",
#ifdef FAKE_TIME_TRAVEL
    "time-travel=ext:[ID:]/path",
    "time-travel-seed=",
    "seccomp=<on/auto/off>",
#endif
};

static const char *option(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, strlen(name)) == 0)
            return argv[i] + strlen(name);
    }
    return "";
}

static void report(int argc, char **argv)
{
    extern char **environ;
    char directory[4096];
    struct rlimit limit;
    int death_signal = 0, descriptors = 0;
    struct dirent *entry;
    sigset_t mask;
    DIR *dir;

    for (int i = 0; i < argc; i++)
        printf("argument %s\n", argv[i]);
    for (char **variable = environ; *variable; variable++)
        printf("environment %s\n", *variable);
    printf("directory %s\n", getcwd(directory, sizeof(directory)) ? directory : "?");
    printf("randomised %d\n", !(personality(0xffffffff) & ADDR_NO_RANDOMIZE));
    prctl(PR_GET_PDEATHSIG, &death_signal);
    printf("death signal %d\n", death_signal);
    printf("session leader %d group leader %d\n", getsid(0) == getpid(), getpgrp() == getpid());
    dir = opendir("/proc/self/fd");
    while (dir && (entry = readdir(dir)))
        descriptors += entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(dir);
    printf("descriptors %d\n", descriptors);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("blocked %d\n", sigismember(&mask, SIGUSR1));
    printf("pipe ignored %d\n", signal(SIGPIPE, SIG_DFL) == SIG_IGN);
    getrlimit(RLIMIT_CORE, &limit);
    printf("core %lu %lu\n", (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    printf("umask %03o\n", (unsigned)umask(077));
    printf("input ends %d\n", getchar() == EOF);
}

static void make_children(void)
{
    for (int i = 0; i < 3; i++) {
        if (fork() == 0) {
            signal(SIGTERM, SIG_IGN);
            signal(SIGHUP, SIG_IGN);
            for (;;) {
                if (i)
                    pause();
            }
        }
    }
}

/* Locks a file in the name of all who share its descriptors, one of which takes long to die, since it
 * has much memory to give back. */
static void share_a_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    const size_t size_bytes = 256 << 20;
    int ready[2];
    char byte;

    if (fcntl(open("held", O_RDWR | O_CREAT, 0600), F_SETLK, &lock) < 0 || pipe(ready) < 0)
        _exit(1);
    if (syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0) == 0) {
        char *memory =
            mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        madvise(memory, size_bytes, MADV_NOHUGEPAGE);
        memset(memory, 1, size_bytes);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    if (read(ready[0], &byte, 1) != 1)
        _exit(1);
}

static void say(const char *text)
{
    printf("%s\n", text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const char *mode = option(argc, argv, "fake=");

    (void)marks[0];
    if (strcmp(mode, "report") == 0) {
        report(argc, argv);
        return 0;
    }
    if (strcmp(mode, "panic") == 0) {
        say("Kernel panic - not syncing: VFS: Unable to mount root fs\n");
        return 7;
    }
    if (strcmp(mode, "crash") == 0) {
        say("about to crash");
        raise(SIGSEGV);
    }
    if (strcmp(mode, "flood") == 0) {
        for (int i = 0; i < 1000000; i++)
            printf("line %d of the flood\n", i);
        return 1;
    }
    if (strcmp(mode, "noise") == 0) {
        fwrite("one\r\n\0two\n\n", 1, 11, stdout);
        for (int i = 0; i < 10000; i++)
            putchar('a' + i % 26);
        printf("\nno end of line");
        return 1;
    }
    if (strcmp(mode, "share") == 0) {
        share_a_lock();
        return 8;
    }
    make_children();
    printf("pid %d\n", (int)getpid());
    say("sleeping");
    if (strcmp(mode, "leave") == 0)
        return 9;
    for (;;)
        pause();
}
