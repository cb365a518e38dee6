/* SPDX-License-Identifier: BSD-3-Clause */
#include "lab_util.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

char *scratch_new(void)
{
    char *path = strdup("/tmp/ttb-test-XXXXXX");

    assert_non_null(path);
    assert_non_null(mkdtemp(path));
    return path;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char *child;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        child = in(path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_tree(child);
        else
            unlink(child);
        free(child);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

void scratch_free(char *path)
{
    remove_tree(path);
    free(path);
}

char *in(const char *path, const char *name)
{
    char *joined;

    assert_true(asprintf(&joined, "%s/%s", path, name) > 0);
    return joined;
}

void write_file(const char *path, const void *data, size_t len_bytes, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len_bytes), len_bytes);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t size_bytes = 0;

    if (!file)
        return NULL;
    if (getdelim(&text, &size_bytes, 0, file) < 0) {
        free(text);
        text = strdup("");
    }
    fclose(file);
    return text;
}

void note_line(void *user, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
               size_t len_bytes)
{
    struct notes *notes = user;

    (void)node;
    if (notes->lines++ == 0)
        notes->first_ns = time_ns;
    notes->last_ns = time_ns;
    if (len_bytes > notes->longest_bytes)
        notes->longest_bytes = len_bytes;
    if (!notes->keep)
        return;
    notes->text = realloc(notes->text, notes->len_bytes + len_bytes + 2);
    assert_non_null(notes->text);
    memcpy(notes->text + notes->len_bytes, text, len_bytes);
    notes->len_bytes += len_bytes;
    notes->text[notes->len_bytes++] = '\n';
    notes->text[notes->len_bytes] = 0;
}

void note_log(void *user, enum ttb_log_level level, const char *text)
{
    struct notes *notes = user;
    size_t used = strlen(notes->log);

    (void)level;
    snprintf(notes->log + used, sizeof(notes->log) - used, "%s\n", text);
}

struct ttb_lab *open_lab(const char *directory, const struct ttb_lab_opts *opts,
                         const struct ttb_bridge_opts *bridge_opts, struct notes *notes)
{
    struct ttb_lab_opts lab_opts = {.size = sizeof(lab_opts)};
    struct ttb_bridge_opts inner = {.size = sizeof(inner)};
    struct ttb_lab *lab;
    char error[512] = "";
    int rc;

    if (opts)
        lab_opts = *opts;
    if (bridge_opts)
        inner = *bridge_opts;
    lab_opts.size = sizeof(lab_opts);
    inner.size = sizeof(inner);
    inner.no_pin = true;
    if (notes) {
        inner.log = note_log;
        inner.log_user = notes;
    }
    lab_opts.directory = directory;
    lab_opts.bridge = &inner;
    rc = ttb_lab_new(&lab_opts, &lab, error, sizeof(error));
    if (rc)
        fail_msg("ttb_lab_new: %s (%d)", error, rc);
    if (notes)
        ttb_lab_on_console_line(lab, note_line, notes);
    return lab;
}

struct ttb_lab_node *add_node(struct ttb_lab *lab, const char *name, const char *commands,
                              const char *argument)
{
    const char *arguments[] = {argument, NULL};
    struct ttb_lab_node_opts opts = {
        .size = sizeof(opts),
        .name = name,
        .commands = commands,
        .kernel_arguments = arguments,
    };
    struct ttb_lab_node *node;

    if (ttb_lab_add_node(lab, &opts, &node))
        fail_msg("ttb_lab_add_node: %s", ttb_lab_error(lab));
    return node;
}

void run_until(struct ttb_lab *lab, uint64_t until_ns)
{
    struct ttb_bridge *bridge = ttb_lab_bridge(lab);
    uint64_t now_ns;

    do {
        if (ttb_bridge_advance(bridge, until_ns, &now_ns))
            fail_msg("ttb_bridge_advance: %s", ttb_bridge_error(bridge));
    } while (now_ns < until_ns);
}

int count_processes(pid_t group)
{
    DIR *dir = opendir("/proc");
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        char path[300], text[512];
        int parent, process_group, session;
        char state, *after;
        ssize_t got;
        int fd;

        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
        fd = open(path, O_RDONLY);
        if (fd < 0)
            continue;
        got = read(fd, text, sizeof(text) - 1);
        close(fd);
        if (got <= 0)
            continue;
        text[got] = 0;
        after = strrchr(text, ')');
        if (!after ||
            sscanf(after + 2, "%c %d %d %d", &state, &parent, &process_group, &session) != 4)
            continue;
        if ((process_group == group || session == group) && state != 'Z' && state != 'X')
            count++;
    }
    closedir(dir);
    return count;
}

static void pause_ms(int ms)
{
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

    nanosleep(&pause, NULL);
}

int wait_no_processes(pid_t group, int timeout_ms)
{
    int count;

    while ((count = count_processes(group)) > 0 && timeout_ms > 0) {
        pause_ms(10);
        timeout_ms -= 10;
    }
    return count;
}

int count_sockets(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        count += entry->d_type == DT_SOCK;
    closedir(dir);
    return count;
}

long wait_number(const char *path, const char *word, int timeout_ms)
{
    for (; timeout_ms > 0; timeout_ms -= 10) {
        char *text = read_text(path);
        const char *found = text ? strstr(text, word) : NULL;
        long number = found && strchr(found, '\n') ? atol(found + strlen(word)) : -1;

        free(text);
        if (number >= 0)
            return number;
        pause_ms(10);
    }
    return -1;
}

void need_kernel(void)
{
    if (getenv("TTB_KERNEL") && getenv("TTB_IMAGE"))
        return;
    fprintf(stderr, "SKIPPED: TTB_KERNEL and TTB_IMAGE do not name a UML kernel and an image\n");
    exit(77);
}
