/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One line per thing that a run needs. Each check stands alone, so that all that is wrong is seen at
 * once; the last one boots a node and so covers what nobody thought of.
 */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <ttbridge/lab.h>

#define MEMORY_DIRECTORY "/dev/shm"
#define MIB              (1024ULL * 1024)
#define SLEEP_S          1000
#define TEXT_OF(value)   #value
#define TEXT(value)      TEXT_OF(value)

static const char help[] =
    "usage: ttb doctor\n"
    "\n"
    "Checks everything that a run needs, and boots a node. One line per check:\n"
    "\n"
    "  ok    is as it should be\n"
    "  note  runs work, but something is missing that may be wanted\n"
    "  FAIL  runs do not work; the line says what helps\n"
    "\n"
    "Exit status: 0 if nothing failed, else 3.\n";

struct doctor {
    bool failed;
    char kernel[PATH_MAX], image[PATH_MAX];
    bool have_kernel, have_image;
};

enum verdict {
    OK,
    NOTE,
    FAIL,
};

static void tell(struct doctor *doctor, enum verdict verdict, const char *what, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static void tell(struct doctor *doctor, enum verdict verdict, const char *what, const char *format,
                 ...)
{
    static const char *const words[] = {"ok", "note", "FAIL"};
    va_list args;

    if (verdict == FAIL)
        doctor->failed = true;
    printf("%-5s %-10s ", words[verdict], what);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void check_host(struct doctor *doctor)
{
    struct utsname host;

    if (uname(&host) < 0)
        tell(doctor, FAIL, "host", "uname: %s", strerror(errno));
    else if (strcmp(host.machine, "x86_64") != 0)
        tell(doctor, FAIL, "host", "%s: nodes run on x86_64 only", host.machine);
    else
        tell(doctor, OK, "host", "%s %s, %s", host.sysname, host.release, host.machine);
}

static void check_cores(struct doctor *doctor)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        tell(doctor, NOTE, "cores", "cannot be counted: %s", strerror(errno));
    else
        tell(doctor, OK, "cores", "%d usable; a sequential run uses one", CPU_COUNT(&set));
}

/* True if PATH or the folders of the administrator have it. */
static bool has_tool(const char *name)
{
    const char *value = getenv("PATH");
    char *folders, *rest, *folder;
    bool found = false;

    if (asprintf(&folders, "%s:/usr/sbin:/sbin", value ? value : "/usr/bin:/bin") < 0)
        return false;
    rest = folders;
    while (!found && (folder = strsep(&rest, ":"))) {
        char path[PATH_MAX];
        int len_bytes = snprintf(path, sizeof(path), "%s/%s", *folder ? folder : ".", name);

        found = len_bytes > 0 && (size_t)len_bytes < sizeof(path) && access(path, X_OK) == 0;
    }
    free(folders);
    return found;
}

/* What the build scripts ask for (uml-patches/build.sh, images/build.sh), by Debian package. */
static void check_tools(struct doctor *doctor)
{
    static const struct {
        const char *package, *tool;
    } tools[] = {
        {"make", "make"},
        {"gcc", "gcc"},
        {"binutils", "ld"},
        {"flex", "flex"},
        {"bison", "bison"},
        {"bc", "bc"},
        {"xz-utils", "xz"},
        {"patch", "patch"},
        {"util-linux", "setsid"},
        {"util-linux", "flock"},
        {"e2fsprogs", "mke2fs"},
        {"fakeroot", "fakeroot"},
        {"mmdebstrap", "mmdebstrap"},
    };
    char missing[256] = "";

    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        size_t used = strlen(missing);

        if (strcmp(tools[i].tool, "fakeroot") == 0 && geteuid() == 0)
            continue;
        if (!has_tool(tools[i].tool))
            snprintf(missing + used, sizeof(missing) - used, " %s", tools[i].package);
    }
    if (missing[0])
        tell(doctor, NOTE, "tools",
             "building kernels and images needs more; install it with: apt-get install%s", missing);
    else
        tell(doctor, OK, "tools", "all that building kernels and images needs");
}

static void check_kernel(struct doctor *doctor)
{
    struct ttb_lab_kernel_info info = {.size = sizeof(info)};
    char error[512];

    if (ttb_lab_find_kernel(NULL, doctor->kernel, sizeof(doctor->kernel), error, sizeof(error)) ||
        ttb_lab_inspect_kernel(doctor->kernel, &info, error, sizeof(error))) {
        tell(doctor, FAIL, "kernel", "%s", error);
        return;
    }
    if (!info.time_travel || !info.virtio) {
        tell(doctor, FAIL, "kernel", "%s: Linux %s has no %s; build one with: ttb kernel build",
             doctor->kernel, info.version, info.time_travel ? "virtio devices" : "time travel");
        return;
    }
    doctor->have_kernel = true;
    if (!info.seeded)
        tell(doctor, NOTE, "kernel",
             "%s: Linux %s has no seeded entropy, so runs differ; build one with: ttb kernel build",
             doctor->kernel, info.version);
    else
        tell(doctor, OK, "kernel", "Linux %s, %s", info.version, doctor->kernel);
}

static void check_image(struct doctor *doctor)
{
    struct stat status;
    char error[512];

    if (ttb_lab_find_image(NULL, doctor->image, sizeof(doctor->image), error, sizeof(error))) {
        tell(doctor, FAIL, "image", "%s", error);
        return;
    }
    if (access(doctor->image, R_OK) < 0 || stat(doctor->image, &status) < 0) {
        tell(doctor, FAIL, "image", "%s: %s", doctor->image, strerror(errno));
        return;
    }
    doctor->have_image = true;
    tell(doctor, OK, "image", "%llu MiB, %s", (unsigned long long)status.st_size / MIB,
         doctor->image);
}

static void check_memory(struct doctor *doctor)
{
    struct statvfs status;
    uint64_t free_mib;

    if (statvfs(MEMORY_DIRECTORY, &status) < 0) {
        tell(doctor, FAIL, "memory", MEMORY_DIRECTORY ": %s; mount a tmpfs there", strerror(errno));
        return;
    }
    free_mib = (uint64_t)status.f_bavail * status.f_frsize / MIB;
    if (access(MEMORY_DIRECTORY, W_OK | X_OK) < 0)
        tell(doctor, FAIL, "memory", MEMORY_DIRECTORY ": %s", strerror(errno));
    else if (status.f_flag & ST_NOEXEC)
        tell(doctor, FAIL, "memory",
             MEMORY_DIRECTORY " is mounted noexec; try: mount -o remount,exec " MEMORY_DIRECTORY);
    else if (free_mib < TTB_LAB_MEMORY_DEFAULT_MIB)
        tell(doctor, FAIL, "memory",
             MEMORY_DIRECTORY " has %llu MiB free, one node needs %d; try: mount -o "
                              "remount,size=1G " MEMORY_DIRECTORY " (in a container: --shm-size)",
             (unsigned long long)free_mib, TTB_LAB_MEMORY_DEFAULT_MIB);
    else
        tell(doctor, OK, "memory",
             MEMORY_DIRECTORY " has %llu MiB free, enough for %llu nodes of %d MiB",
             (unsigned long long)free_mib,
             (unsigned long long)free_mib / TTB_LAB_MEMORY_DEFAULT_MIB, TTB_LAB_MEMORY_DEFAULT_MIB);
}

static void check_ptrace(struct doctor *doctor)
{
    int rc = ttb_lab_probe_ptrace();

    if (rc)
        tell(doctor, FAIL, "ptrace",
             "%s; in a container allow it (--cap-add=SYS_PTRACE or a seccomp profile), on a host "
             "set /proc/sys/kernel/yama/ptrace_scope below 3",
             strerror(-rc));
    else
        tell(doctor, OK, "ptrace", "is permitted");
}

static void check_ns3(struct doctor *doctor)
{
#ifdef TTB_HAVE_NS3
    tell(doctor, OK, "ns-3", "the adapter is part of this build");
#else
    tell(doctor, NOTE, "ns-3",
         "the adapter is not part of this build; install libns3-dev and libgsl-dev, and build "
         "again");
#endif
}

/* ------------------------------------------------------------------------------------- the boot */

struct boot {
    double up_s; /* wall time until the node's first line */
    double start_s;
    char first[64];
};

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void on_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
                    size_t len_bytes)
{
    struct boot *boot = user;

    (void)node;
    (void)time_ns;
    (void)len_bytes;
    if (boot->up_s == 0 && strncmp(text, "up ", 3) == 0) {
        boot->up_s = wall_s() - boot->start_s;
        snprintf(boot->first, sizeof(boot->first), "%s", text + 3);
    }
}

/* The bridge's own log would come between our lines; the node's failure says it all. */
static void no_log(void *user, enum ttb_log_level level, const char *text)
{
    (void)user;
    (void)level;
    (void)text;
}

static void run_node(struct doctor *doctor, struct ttb_lab *lab, struct boot *boot)
{
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = "doctor",
        .commands = "echo up $(uname -r); sleep " TEXT(SLEEP_S) "; exit 42",
    };
    struct ttb_lab_interface_opts interface_opts = {
        .size = sizeof(interface_opts),
        .addresses = {"192.0.2.1/24"},
    };
    struct ttb_bridge *bridge = ttb_lab_bridge(lab);
    struct ttb_lab_node *node;
    struct ttb_port *port;
    uint64_t now_ns = 0;
    int rc, status = -1;

    rc = ttb_lab_add_node(lab, &opts, &node);
    if (!rc)
        rc = ttb_lab_node_add_interface(node, &interface_opts, &port);
    if (rc) {
        tell(doctor, FAIL, "boot", "%s", ttb_lab_error(lab));
        return;
    }
    ttb_lab_on_console_line(lab, on_line, boot);
    boot->start_s = wall_s();
    do
        rc = ttb_bridge_advance(bridge, TTB_TIME_NEVER, &now_ns);
    while (!rc && now_ns != TTB_TIME_NEVER);
    if (rc)
        tell(doctor, FAIL, "boot", "%s", ttb_bridge_error(bridge));
    else if (ttb_node_get_state(ttb_lab_node_as_node(node)) != TTB_NODE_STOPPED)
        tell(doctor, FAIL, "boot", "%s", ttb_node_failure(ttb_lab_node_as_node(node)));
    else if (ttb_lab_node_exit_status(node, &status) || status != 42)
        tell(doctor, FAIL, "boot", "the node's commands did not run; its last line: \"%s\"",
             ttb_lab_node_last_line(node));
    else
        tell(doctor, OK, "boot",
             "Linux %s was up after %.0f ms; %d simulated seconds of sleep took %.0f ms",
             boot->first, 1e3 * boot->up_s, SLEEP_S, 1e3 * (wall_s() - boot->start_s - boot->up_s));
}

static void check_boot(struct doctor *doctor)
{
    struct ttb_bridge_opts bridge_opts = {.size = sizeof(bridge_opts), .log = no_log};
    struct ttb_lab_opts opts = {.size = sizeof(opts), .bridge = &bridge_opts};
    struct boot boot = {0};
    struct ttb_lab *lab;
    char error[512];

    if (!doctor->have_kernel || !doctor->have_image) {
        tell(doctor, FAIL, "boot", "not tried: there is no %s",
             doctor->have_kernel ? "image" : "kernel");
        return;
    }
    opts.kernel = doctor->kernel;
    opts.image = doctor->image;
    if (ttb_lab_new(&opts, &lab, error, sizeof(error))) {
        tell(doctor, FAIL, "boot", "%s", error);
        return;
    }
    run_node(doctor, lab, &boot);
    ttb_lab_free(lab);
}

int command_doctor(int argc, char **argv)
{
    struct doctor doctor = {0};

    if (argc > 1 && is_help(argv[1])) {
        fputs(help, stdout);
        return EXIT_AS_EXPECTED;
    }
    if (argc > 1)
        return usage_error("doctor", "\"%s\" is one argument too many", argv[1]);
    check_host(&doctor);
    check_cores(&doctor);
    check_tools(&doctor);
    check_ns3(&doctor);
    check_kernel(&doctor);
    check_image(&doctor);
    check_memory(&doctor);
    check_ptrace(&doctor);
    check_boot(&doctor);
    return doctor.failed ? EXIT_BROKEN : EXIT_AS_EXPECTED;
}
