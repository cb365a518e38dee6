/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The agent: runs in a node, starts the commands that the runner tells it to, reports how they ended,
 * and hands out files. A static program, so that it needs nothing from the node's image.
 *
 *   agent INTERFACE
 *
 * INTERFACE is the one that leads to the runner. It is moved into a network namespace of its own, so
 * that nothing else in the node sees it, no address family announces itself on it, and no program that
 * looks for interfaces finds one too many. On a kernel without network namespaces it stays in sight.
 *
 * Each command is a session of its own, and so is the shell of a human at the runner's terminal. The agent is the reaper of all that they leave behind.
 * Everything here happens because a frame or a signal has arrived: the agent polls nothing, so an
 * idle node stays idle.
 */
#include "control.h"
#include "session.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Commands of a node. */
#define COMMANDS_MAX 65536

/* What does not end when it is told to (SIGTERM) is killed after this simulated time. */
#define SHUTDOWN_GRACE_S 5

#define COPY_BYTES 65536

struct agent {
    int link;    /* packet socket */
    int signals; /* signalfd: SIGCHLD */
    int timer;   /* timerfd: end of a shutdown's grace */
    uint8_t mac[6];
    pid_t *pids;        /* by number of the command; 0: does not run */
    uint32_t pid_count; /* highest number that was ever used, plus 1 */
    bool shutting_down;
    struct session session;
};

static int die(const char *what)
{
    dprintf(2, "ttb-agent: %s: %s\n", what, strerror(errno));
    return 125;
}

static bool write_all(int fd, const void *data, size_t len_bytes)
{
    const char *next = data;

    while (len_bytes) {
        ssize_t written = write(fd, next, len_bytes);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        next += written;
        len_bytes -= (size_t)written;
    }
    return true;
}

/* ----------------------------------------------------------------------------- the interface */

static void write_setting(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return; /* a kernel without it needs it not */
    if (write(fd, value, strlen(value)) < 0)
        dprintf(2, "ttb-agent: %s: %s\n", path, strerror(errno));
    close(fd);
}

static int move_interface(const char *name, int namespace_fd)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
        struct rtattr attribute;
        int fd;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = RTM_SETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
        .info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)if_nametoindex(name)},
        .attribute = {.rta_len = RTA_LENGTH(sizeof(int)), .rta_type = IFLA_NET_NS_FD},
        .fd = namespace_fd,
    };
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[1024];
    } answer;
    int rc = -1, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return -1;
    if (send(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request) &&
        recv(fd, &answer, sizeof(answer), 0) >= (ssize_t)(sizeof(answer.header) + sizeof(int)) &&
        answer.header.nlmsg_type == NLMSG_ERROR) {
        errno = -answer.error.error;
        rc = answer.error.error ? -1 : 0;
    }
    close(fd);
    return rc;
}

/* Into a new namespace with the interface; *home gets the old one. */
static int hide_interface(const char *name, int *home)
{
    int hidden;

    *home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (*home < 0 || unshare(CLONE_NEWNET) < 0)
        return 0; /* no such thing in this kernel */
    hidden = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    write_setting("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    if (hidden < 0 || setns(*home, CLONE_NEWNET) < 0 || move_interface(name, hidden) < 0 ||
        setns(hidden, CLONE_NEWNET) < 0)
        return -1;
    close(hidden);
    return 0;
}

static int open_link(struct agent *agent, const char *name)
{
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(TTB__CONTROL_ETHERTYPE),
    };
    struct ifreq request = {0};
    int home = -1, one = 1;

    if (hide_interface(name, &home) < 0)
        return -1;
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    agent->link = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (agent->link < 0 || ioctl(agent->link, SIOCGIFHWADDR, &request) < 0)
        return -1;
    memcpy(agent->mac, request.ifr_hwaddr.sa_data, sizeof(agent->mac));
    if (ioctl(agent->link, SIOCGIFFLAGS, &request) < 0)
        return -1;
    request.ifr_flags |= IFF_UP;
    if (ioctl(agent->link, SIOCSIFFLAGS, &request) < 0)
        return -1;
    /* The queueing discipline drops everything until the kernel's link watch has run
     * (net/core/link_watch.c). */
    setsockopt(agent->link, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one));
    address.sll_ifindex = (int)if_nametoindex(name);
    if (bind(agent->link, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -1;
    if (home >= 0) {
        setns(home, CLONE_NEWNET);
        close(home);
    }
    return 0;
}

static void say_data(struct agent *agent, enum ttb__control_op op, uint32_t number, uint32_t value,
                     const void *data, size_t data_bytes)
{
    struct ttb__control_data frame = {
        .message = {.destination = {0x02, 0x74, 0x74, 0xff, 0xff, 0xff},
                    .ethertype = {TTB__CONTROL_ETHERTYPE >> 8, TTB__CONTROL_ETHERTYPE & 0xff},
                    .op = (uint8_t)op,
                    .number = number,
                    .value = value},
    };
    size_t len_bytes = sizeof(frame.message) + data_bytes;

    memcpy(frame.message.source, agent->mac, sizeof(frame.message.source));
    if (data_bytes)
        memcpy(frame.data, data, data_bytes);
    /* The ring is full only until the runner has read it, which takes no time. */
    while (send(agent->link, &frame, len_bytes, 0) < 0) {
        struct timespec moment = {.tv_nsec = 1000000};

        if (errno != ENOBUFS && errno != ENETDOWN && errno != EAGAIN && errno != EINTR) {
            die("cannot send to the runner");
            return;
        }
        nanosleep(&moment, NULL);
    }
}

static void say(struct agent *agent, enum ttb__control_op op, uint32_t number, uint32_t value)
{
    say_data(agent, op, number, value, NULL, 0);
}

/* ----------------------------------------------------------------------------------- terminal */

static void show(void *user, const void *data, size_t len_bytes)
{
    say_data(user, TTB__CONTROL_OUTPUT, (uint32_t)len_bytes, 0, data, len_bytes);
}

static void attach(struct agent *agent, uint32_t size, const uint8_t *data, size_t len_bytes)
{
    char type[64];

    if (agent->session.terminal >= 0 || agent->shutting_down)
        return;
    snprintf(type, sizeof(type), "%.*s", (int)len_bytes, (const char *)data);
    if (session_open(&agent->session, size, type[0] ? type : "dumb") < 0) {
        die("terminal");
        say(agent, TTB__CONTROL_CLOSED, 0, 126);
    }
}

/* ---------------------------------------------------------------------------------- commands */

static void start(struct agent *agent, uint32_t number)
{
    char path[64];
    pid_t pid;

    if (number >= COMMANDS_MAX || agent->pids[number] || agent->shutting_down)
        return;
    snprintf(path, sizeof(path), TTB__GUEST_FOLDER TTB__GUEST_COMMANDS "/%u", number);
    pid = fork();
    if (pid < 0) {
        die("fork");
        say(agent, TTB__CONTROL_ENDED, number, 126);
        return;
    }
    if (pid == 0) {
        sigset_t none;

        setsid();
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execl("/bin/sh", "/bin/sh", path, (char *)NULL);
        _exit(die("/bin/sh"));
    }
    agent->pids[number] = pid;
    if (number >= agent->pid_count)
        agent->pid_count = number + 1;
}

static uint32_t as_shell_says(int status)
{
    return WIFSIGNALED(status) ? 128 + (uint32_t)WTERMSIG(status) : (uint32_t)WEXITSTATUS(status);
}

/* False when there is nobody left. */
static bool reap(struct agent *agent)
{
    struct signalfd_siginfo ignored;
    int status;
    pid_t pid;

    while (read(agent->signals, &ignored, sizeof(ignored)) > 0) {
    }
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == agent->session.pid) {
            session_serve(&agent->session, show, agent); /* its last words */
            session_close(&agent->session);
            say(agent, TTB__CONTROL_CLOSED, 0, as_shell_says(status));
        }
        for (uint32_t number = 0; number < agent->pid_count; number++) {
            if (agent->pids[number] != pid)
                continue;
            agent->pids[number] = 0;
            say(agent, TTB__CONTROL_ENDED, number, as_shell_says(status));
            break;
        }
    }
    return pid == 0;
}

/* -------------------------------------------------------------------------------------- files */

static bool put_padding(int disk, uint64_t len_bytes)
{
    static const char zeros[8];

    return write_all(disk, zeros, (8 - len_bytes % 8) % 8);
}

/* Content of exactly the announced length, whoever writes to the file meanwhile. */
static bool put_content(int disk, int fd, uint64_t len_bytes)
{
    static char piece[COPY_BYTES];

    for (uint64_t left = len_bytes; left;) {
        size_t wanted = left < sizeof(piece) ? (size_t)left : sizeof(piece);
        ssize_t got = read(fd, piece, wanted);

        if (got <= 0) {
            got = (ssize_t)wanted;
            memset(piece, 0, wanted);
        }
        if (!write_all(disk, piece, (size_t)got))
            return false;
        left -= (uint64_t)got;
    }
    return put_padding(disk, len_bytes);
}

static bool put_file(int disk, uint32_t number, const char *path)
{
    struct ttb__output_header header = {.magic = TTB__OUTPUT_MAGIC, .number = number};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    bool good;

    if (fd < 0 || fstat(fd, &status) < 0) {
        header.error = (uint32_t)errno;
    } else if (!S_ISREG(status.st_mode)) {
        header.error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    } else {
        header.len_bytes = (uint64_t)status.st_size;
        header.mode = status.st_mode & 07777;
    }
    good = write_all(disk, &header, sizeof(header));
    if (good && !header.error)
        good = put_content(disk, fd, header.len_bytes);
    if (fd >= 0)
        close(fd);
    return good;
}

static bool put_files(int disk)
{
    struct ttb__output_header end = {.magic = TTB__OUTPUT_MAGIC, .number = TTB__OUTPUT_END};
    FILE *list = fopen(TTB__GUEST_FOLDER TTB__GUEST_COLLECT, "re");
    char *path = NULL;
    size_t size_bytes = 0;
    bool good = true;

    for (uint32_t number = 0; list && good && getdelim(&path, &size_bytes, 0, list) > 0; number++)
        good = put_file(disk, number, path);
    free(path);
    if (list)
        fclose(list);
    return good && write_all(disk, &end, sizeof(end)) && fsync(disk) == 0;
}

static void collect(struct agent *agent)
{
    int error = 0, disk;

    if (access(TTB__GUEST_FOLDER TTB__GUEST_COLLECT, F_OK) < 0) {
        say(agent, TTB__CONTROL_COLLECTED, 0, 0);
        return;
    }
    disk = open(TTB__GUEST_OUTPUT, O_WRONLY | O_CLOEXEC);
    if (disk < 0 || !put_files(disk))
        error = errno ? errno : EIO;
    if (disk >= 0 && close(disk) < 0 && !error)
        error = errno;
    say(agent, TTB__CONTROL_COLLECTED, 0, (uint32_t)error);
}

/* ----------------------------------------------------------------------------------- shutdown */

/* Everybody but the kernel's threads (session 0) and the session that the agent belongs to, which is
 * that of the first process. */
static void signal_all(int number)
{
    DIR *processes = opendir("/proc");
    struct dirent *entry;

    while (processes && (entry = readdir(processes))) {
        pid_t pid = (pid_t)atoi(entry->d_name), session = pid > 1 ? getsid(pid) : 0;

        if (session > 0 && session != getsid(0))
            kill(pid, number);
    }
    if (processes)
        closedir(processes);
}

static void shut_down(struct agent *agent)
{
    struct itimerspec grace = {.it_value = {.tv_sec = SHUTDOWN_GRACE_S}};

    if (agent->shutting_down)
        return;
    agent->shutting_down = true;
    timerfd_settime(agent->timer, 0, &grace, NULL);
    signal_all(SIGTERM);
    signal_all(SIGCONT);
}

/* ------------------------------------------------------------------------------------- main */

static void obey(struct agent *agent, const struct ttb__control_message *message,
                 const uint8_t *data, size_t data_bytes)
{
    switch (message->op) {
    case TTB__CONTROL_RUN:
        start(agent, message->number);
        break;
    case TTB__CONTROL_COLLECT:
        collect(agent);
        break;
    case TTB__CONTROL_SHUTDOWN:
        shut_down(agent);
        break;
    case TTB__CONTROL_ATTACH:
        attach(agent, message->number, data, data_bytes);
        break;
    case TTB__CONTROL_INPUT:
        if (message->number <= data_bytes)
            session_type(&agent->session, data, message->number);
        break;
    case TTB__CONTROL_RESIZE:
        session_resize(&agent->session, message->number);
        break;
    case TTB__CONTROL_HANGUP:
        session_close(&agent->session);
        break;
    default:
        break;
    }
}

static void listen_to_runner(struct agent *agent)
{
    struct ttb__control_data frame;
    struct sockaddr_ll from;
    socklen_t from_bytes = sizeof(from);
    ssize_t got;

    while ((got = recvfrom(agent->link, &frame, sizeof(frame), 0, (struct sockaddr *)&from,
                           &from_bytes)) >= (ssize_t)sizeof(frame.message)) {
        if (from.sll_pkttype != PACKET_OUTGOING)
            obey(agent, &frame.message, frame.data, (size_t)got - sizeof(frame.message));
        from_bytes = sizeof(from);
    }
}

static int serve(struct agent *agent)
{
    struct pollfd polled[] = {
        {.fd = agent->link, .events = POLLIN},
        {.fd = agent->signals, .events = POLLIN},
        {.fd = agent->timer, .events = POLLIN},
        {.fd = -1},
    };

    for (;;) {
        uint64_t expired;
        bool somebody;

        session_prepare(&agent->session, &polled[3]);
        if (poll(polled, 4, -1) < 0 && errno != EINTR)
            return die("poll");
        if (polled[0].revents)
            listen_to_runner(agent);
        if (polled[3].revents)
            session_serve(&agent->session, show, agent);
        somebody = reap(agent);
        if (polled[2].revents && read(agent->timer, &expired, sizeof(expired)) > 0)
            signal_all(SIGKILL);
        if (agent->shutting_down && !somebody) {
            collect(agent);
            return 0;
        }
    }
}

int main(int argc, char **argv)
{
    static struct agent agent = {.link = -1, .session = {.terminal = -1}};
    sigset_t mask;

    if (argc != 2) {
        dprintf(2, "ttb-agent: usage: agent INTERFACE\n");
        return 125;
    }
    agent.pids = calloc(COMMANDS_MAX, sizeof(*agent.pids));
    if (!agent.pids)
        return die("memory");
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    agent.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    agent.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (agent.signals < 0 || agent.timer < 0)
        return die("signalfd, timerfd");
    if (open_link(&agent, argv[1]) < 0)
        return die(argv[1]);
    say(&agent, TTB__CONTROL_HELLO, 0, 0);
    return serve(&agent);
}
