/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/credential_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/kube/credentials.h"

/*
 * How often it is looked whether the program has ended: one that it left behind may keep the pipes open. Once the
 * pipes are closed the end is near.
 */
#define LOOK_MS 100
#define LOOK_CLOSED_MS 2
#define WHY_BYTES_MAX 300

struct program {
    pid_t pid;
    int out_fd, err_fd; /* what it writes; -1 once closed by it */
    struct str out;
    char tail[4096]; /* of its stderr */
    size_t tail_len;
    int status; /* of waitpid() */
};

/* -- words -- */

/* @text as one line of a message. */
static char *one_line(const char *text)
{
    struct str line = STR_INIT(WHY_BYTES_MAX);
    for (const char *c = text; *c; c++)
        str_add_char(&line, (unsigned char)*c < ' ' || *c == 0x7f ? ' ' : *c);
    return str_take(&line);
}

/* The last line that is not blank. */
static char *last_line(const char *text, size_t len)
{
    while (len && strchr(" \t\r\n", text[len - 1]))
        len--;
    size_t start = len;
    while (start && text[start - 1] != '\n' && text[start - 1] != '\0')
        start--;
    AUTO_FREE char *line = mem_strndup(text + start, len - start);
    return one_line(line);
}

static int ended_badly(const struct program *program, struct err **err)
{
    AUTO_FREE char *line = last_line(program->tail, program->tail_len);
    const char *colon = *line ? ": " : "";
    if (WIFSIGNALED(program->status))
        return err_set(err, ERR_UNAUTHENTICATED, "signal %d%s%s", WTERMSIG(program->status), colon,
                       line);
    return err_set(err, ERR_UNAUTHENTICATED, "exit code %d%s%s", WEXITSTATUS(program->status),
                   colon, line);
}

static int not_started(const struct kube_exec *exec, int number, struct err **err)
{
    AUTO_FREE char *hint =
        number == ENOENT && exec->install_hint ? one_line(exec->install_hint) : NULL;
    return err_set(err, ERR_UNAUTHENTICATED, "%s%s%s", strerror(number), hint ? "; " : "",
                   hint ? hint : "");
}

/* -- start -- */

static bool has_name(const char *variable, const char *name)
{
    size_t len = strlen(name);
    return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

static bool is_replaced(const struct kube_exec *exec, const char *variable)
{
    bool replaced = has_name(variable, "KUBERNETES_EXEC_INFO");
    for (size_t i = 0; i < exec->env.len && !replaced; i++)
        replaced = has_name(variable, exec->env.items[i].key);
    return replaced;
}

static void texts_free(char **texts)
{
    for (char **text = texts; text && *text; text++)
        mem_free(*text);
    mem_free(texts);
}

/* Ours, with the variables of @config in it; owned. */
static char **environment_of(const struct kube_config *config)
{
    const struct kube_exec *exec = &config->exec;
    AUTO_FREE char *info = kube_exec_info(config);
    size_t count = 0, len = 0;
    while (environ[count])
        count++;
    char **texts = mem_resize(NULL, count + exec->env.len + 2, sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        if (!is_replaced(exec, environ[i]))
            texts[len++] = mem_strdup(environ[i]);
    }
    for (size_t i = 0; i < exec->env.len; i++)
        texts[len++] = mem_printf("%s=%s", exec->env.items[i].key, exec->env.items[i].value);
    texts[len++] = mem_printf("KUBERNETES_EXEC_INFO=%s", info);
    texts[len] = NULL;
    return texts;
}

static char **arguments_of(const struct kube_exec *exec)
{
    char **texts = mem_resize(NULL, exec->args.len + 2, sizeof(*texts));
    texts[0] = mem_strdup(exec->command);
    for (size_t i = 0; i < exec->args.len; i++)
        texts[i + 1] = mem_strdup(exec->args.items[i]);
    texts[exec->args.len + 1] = NULL;
    return texts;
}

/* Return: 0 or an errno. */
static int spawn(const struct kube_config *config, int out_fd, int err_fd, pid_t *ret_pid)
{
    char **argv = arguments_of(&config->exec), **env = environment_of(config);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_fd, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    /* Threads of ours block signals, and the process ignores some: not so the program. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    int number = posix_spawnp(ret_pid, argv[0], &actions, &attributes, argv, env);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    texts_free(argv);
    texts_free(env);
    return number;
}

static void close_pipe(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

/* A pipe of which we read without waiting. Return: 0 or an errno. */
static int make_pipe(int fds[2])
{
    if (pipe2(fds, O_CLOEXEC) < 0)
        return errno;
    /* 0 to 2 are replaced in the program, and can only be free where ours were closed. */
    if (fds[0] <= STDERR_FILENO || fds[1] <= STDERR_FILENO ||
        fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
        close_pipe(fds);
        return EBADF;
    }
    return 0;
}

static int start(const struct kube_config *config, struct program *program, struct err **err)
{
    int out[2], complaints[2];
    int number = make_pipe(out);
    if (number)
        return not_started(&config->exec, number, err);
    number = make_pipe(complaints);
    if (number) {
        close_pipe(out);
        return not_started(&config->exec, number, err);
    }
    number = spawn(config, out[1], complaints[1], &program->pid);
    if (number) {
        close_pipe(out);
        close_pipe(complaints);
        return not_started(&config->exec, number, err);
    }
    close(out[1]);
    close(complaints[1]);
    program->out_fd = out[0];
    program->err_fd = complaints[0];
    return 0;
}

/* -- while it runs -- */

static void close_slot(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Up to @size bytes that are there; 0 where there are none now. Closes *@fd at the end of the pipe. */
static size_t read_some(int *fd, char *bytes, size_t size)
{
    if (*fd < 0)
        return 0;
    ssize_t len = read(*fd, bytes, size);
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
        close_slot(fd);
    return len > 0 ? (size_t)len : 0;
}

static void keep_tail(struct program *program, const char *bytes, size_t len)
{
    const size_t max = sizeof(program->tail);
    size_t over = program->tail_len + len > max ? program->tail_len + len - max : 0;
    memmove(program->tail, program->tail + over, program->tail_len - over);
    memcpy(program->tail + program->tail_len - over, bytes, len);
    program->tail_len += len - over;
}

static void read_what_is_there(struct program *program)
{
    char bytes[sizeof(program->tail) / 2];
    size_t len;
    while (!program->out.full && (len = read_some(&program->out_fd, bytes, sizeof(bytes))))
        str_add_bytes(&program->out, bytes, len);
    /* Not more than a pipe holds: a program that never stops complaining would keep us here. */
    for (int i = 0; i < 64 && (len = read_some(&program->err_fd, bytes, sizeof(bytes))); i++)
        keep_tail(program, bytes, len);
}

static bool has_ended(struct program *program)
{
    pid_t pid = waitpid(program->pid, &program->status, WNOHANG);
    if (pid < 0 && errno == ECHILD) /* somebody else was told its status: what it printed decides */
        program->status = 0;
    return pid == program->pid || (pid < 0 && errno == ECHILD);
}

/* Until it has ended. Return: 0, or -1 and it still runs. */
static int follow(struct program *program, struct clock *clock, int stop_fd, struct err **err)
{
    int64_t deadline_ms = clock_mono_ms(clock) + KUBE_PROGRAM_MS;
    while (!has_ended(program)) {
        bool closed = program->out_fd < 0 && program->err_fd < 0;
        struct pollfd fds[] = {{.fd = stop_fd, .events = POLLIN},
                               {.fd = program->out_fd, .events = POLLIN},
                               {.fd = program->err_fd, .events = POLLIN}};
        (void)poll(fds, ARRAY_LEN(fds), closed ? LOOK_CLOSED_MS : LOOK_MS); /* all are looked at */
        if (fds[0].revents)
            return err_set(err, ERR_CANCELLED, "stopped");
        read_what_is_there(program);
        if (program->out.full)
            return err_set(err, ERR_UNAUTHENTICATED, "prints more than %zu bytes",
                           LIMIT_CREDENTIAL);
        if (clock_mono_ms(clock) >= deadline_ms)
            return err_set(err, ERR_UNAUTHENTICATED, "no end after %d s", KUBE_PROGRAM_MS / 1000);
    }
    read_what_is_there(program);
    return 0;
}

/* With what it has started itself. */
static void kill_group(struct program *program)
{
    kill(-program->pid, SIGKILL);
    while (waitpid(program->pid, &program->status, 0) < 0 && errno == EINTR) {
    }
}

static int run(const struct kube_config *config, struct program *program, struct clock *clock,
               int stop_fd, struct kube_issued *out, struct err **err)
{
    if (start(config, program, err) < 0)
        return -1;
    int result = follow(program, clock, stop_fd, err);
    if (result < 0)
        kill_group(program);
    close_slot(&program->out_fd);
    close_slot(&program->err_fd);
    if (result < 0)
        return -1;
    if (!WIFEXITED(program->status) || WEXITSTATUS(program->status))
        return ended_badly(program, err);
    if (kube_issued_read(str_text(&program->out), program->out.len, config->exec.api_version, out,
                         err) < 0)
        return err_wrap(err, "what it printed");
    return 0;
}

int kube_program_run(const struct kube_config *config, struct clock *clock, int stop_fd,
                     struct kube_issued *out, struct err **err)
{
    struct program program = {.out = STR_INIT(LIMIT_CREDENTIAL), .out_fd = -1, .err_fd = -1};
    int result = run(config, &program, clock, stop_fd, out, err);
    str_done(&program.out);
    return result == 0 ? 0 : err_wrap(err, "credential program %s", config->exec.command);
}
