/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LAB_UTIL_H
#define LAB_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <sys/types.h>

#include <ttbridge/lab.h>

/* A private directory for a test, 0700, removed with all that is in it by scratch_free(). */
char *scratch_new(void);
void scratch_free(char *path);
/* PATH/NAME, to be freed. */
char *in(const char *path, const char *name);
void write_file(const char *path, const void *data, size_t len_bytes, mode_t mode);
/* The whole file as a string, to be freed; NULL if there is none. */
char *read_text(const char *path);

/* Collects console lines and log lines as text. */
struct notes {
    char *text;
    size_t len_bytes;
    uint64_t lines;
    uint64_t longest_bytes;
    uint64_t first_ns, last_ns;
    bool keep;
    char log[4096];
};
void note_line(void *notes, struct ttb_lab_node *node, uint64_t time_ns, const char *text,
               size_t len_bytes);
void note_log(void *notes, enum ttb_log_level level, const char *text);

/* A lab in `directory` that writes its log and lines into `notes`; asserts success. */
struct ttb_lab *open_lab(const char *directory, const struct ttb_lab_opts *opts,
                         const struct ttb_bridge_opts *bridge_opts, struct notes *notes);
/* A node; asserts success. `argument` goes to the kernel, may be NULL. */
struct ttb_lab_node *add_node(struct ttb_lab *lab, const char *name, const char *commands,
                              const char *argument);
/* Advance to `until_ns` over all transmissions; asserts success. */
void run_until(struct ttb_lab *lab, uint64_t until_ns);

/* Number of live (not zombie) processes in the process group or session `group`. */
int count_processes(pid_t group);
/* The same, waiting up to timeout_ms until there are none. */
int wait_no_processes(pid_t group, int timeout_ms);
/* Number of sockets in a directory. */
int count_sockets(const char *path);
/* A number after `word` in a file, waited for up to timeout_ms; -1 if it does not come. */
long wait_number(const char *path, const char *word, int timeout_ms);

/* Exit 77 with a line that says why unless TTB_KERNEL and TTB_IMAGE are set. */
void need_kernel(void);

#define assert_contains(text, part)                                 \
    do {                                                            \
        if (!strstr(text, part))                                    \
            fail_msg("\"%s\" does not contain \"%s\"", text, part); \
    } while (0)

#endif
