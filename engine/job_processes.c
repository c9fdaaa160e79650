/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job whose members are child processes that talk over loopback TCP.
 *
 *   caller: key, listening sockets, a pipe per member
 *      fork ──> member: its socket and key by inheritance; its outcome into its pipe at the end
 *      watch ──> a pipe that closes without an outcome is a member that died
 *
 * After the first failure the others have GRACE_US to notice by themselves and say so; whoever is
 * left then is killed. A member that is stopped (SIGSTOP) when its peers have gone is missed by
 * nobody but the caller: it is given the time that its peers would have given it. Children die with
 * the caller too (PR_SET_PDEATHSIG): nothing outlives it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/job_private.h"
#include "engine/snapshot_manifest.h"
#include "engine/transport_tcp.h"

#define GRACE_US    (2 * G_USEC_PER_SEC)
#define PATIENCE_US (10 * G_USEC_PER_SEC) /* with a stopped member, if the job says nothing */

typedef struct {
    pid_t pid; /* 0: not started, or reaped */
    int pipe_read;
    bool concluded; /* its outcome is known */
    GasketOutcome outcome;
} Child;

typedef struct {
    const GasketJob *job;
    unsigned n; /* workers and the loader */
    Child *children;
    int *listen_fds; /* [workers] */
    uint16_t *ports;
    GasketTcpOptions tcp; /* key and run id */
    unsigned n_running;
    int64_t kill_at_us;    /* 0: nothing failed yet */
    int64_t stopped_at_us; /* since when all that are left are stopped; 0: they are not */
    bool stop_forwarded;
    sig_atomic_t snapshots_forwarded; /* requests */
    int died;                         /* the member that died first without a word, or -1 */
} Launch;

/* What goes through a member's pipe: all at once or not at all (PIPE_BUF), so that whoever reads it
 * never waits for the rest of a member that was stopped in between. */
typedef struct {
    uint32_t ok, stopped, is_ours, zero;
    int64_t ended_us;
    int32_t code, also_zero;
    char message[PIPE_BUF - 32]; /* NUL-terminated */
} OutcomeRecord;

G_STATIC_ASSERT(sizeof(OutcomeRecord) == PIPE_BUF);

/* ---- in a child ------------------------------------------------------------------------------ */

static void
tell_outcome(int fd, const GasketOutcome *outcome)
{
    OutcomeRecord record = {
        .ok = outcome->ok,
        .stopped = outcome->stopped,
        .is_ours = outcome->error != NULL && outcome->error->domain == GASKET_ERROR,
        .code = outcome->error != NULL ? outcome->error->code : 0,
        .ended_us = outcome->ended_us,
    };
    g_strlcpy(record.message, outcome->error != NULL ? outcome->error->message : "",
              sizeof record.message);
    while (write(fd, &record, sizeof record) < 0 && errno == EINTR)
        ; /* any other error: the caller is gone, and nobody is left to tell */
}

/* What every member must have been told alike, which HELLO compares: version, algorithm, options,
 * engine, seed. */
static uint64_t
fingerprint_of(const GasketJob *job)
{
    g_auto(GasketSnapshotManifest) manifest = {0};
    gasket_snapshot_manifest_describe(&manifest, job);
    g_autofree char *text = gasket_snapshot_manifest_text(&manifest);
    return gasket_sum128(text, strlen(text)).low;
}

static void
be_member(const Launch *launch, unsigned rank, GasketOutcome *outcome)
{
    const GasketJob *job = launch->job;
    GasketTcpOptions options = launch->tcp;
    g_autofree const char **hosts = g_new(const char *, launch->n);

    for (unsigned p = 0; p < launch->n; p++)
        hosts[p] = "127.0.0.1";
    options.rank = rank;
    options.size = launch->n;
    options.host = hosts;
    options.port = launch->ports;
    options.listen_fd = rank < job->workers ? launch->listen_fds[rank] : -1;
    options.peer_timeout_us = job->peer_timeout_us;
    options.insecure = job->insecure;
    options.fingerprint = fingerprint_of(job);
    g_autoptr(GasketTransport) transport = gasket_transport_tcp_new(&options, &outcome->error);
    if (transport != NULL && rank == job->workers)
        outcome->ok = gasket_job_be_loader(job, transport, &outcome->error);
    else if (transport != NULL)
        outcome->ok =
            gasket_job_be_rank(job, transport, rank, &outcome->stopped, &outcome->error) &&
            (job->history == NULL || gasket_history_hand_over(job->history, &outcome->error));
    outcome->ended_us = g_get_monotonic_time();
}

static G_NORETURN void
child_main(const Launch *launch, unsigned rank, int pipe_write, pid_t parent)
{
    GasketOutcome outcome = {0};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* the caller died before prctl */
    for (unsigned p = 0; p < launch->job->workers; p++)
        if (p != rank)
            close(launch->listen_fds[p]);
    for (unsigned p = 0; p < rank; p++)
        close(launch->children[p].pipe_read);
    be_member(launch, rank, &outcome);
    tell_outcome(pipe_write, &outcome);
    _exit(outcome.ok ? 0 : 1);
}

/* ---- in the caller --------------------------------------------------------------------------- */

static bool
system_error(const char *what, GError **error)
{
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "%s: %s", what, g_strerror(errno));
    return false;
}

static bool
start_child(Launch *launch, unsigned rank, GError **error)
{
    Child *child = &launch->children[rank];
    pid_t parent = getpid();
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return system_error("cannot make a pipe", error);
    pid_t pid = fork();
    if (pid < 0) {
        close(fds[0]);
        close(fds[1]);
        return system_error("cannot start a worker", error);
    }
    if (pid == 0) {
        close(fds[0]);
        child_main(launch, rank, fds[1], parent);
    }
    close(fds[1]);
    child->pid = pid;
    child->pipe_read = fds[0];
    launch->n_running++;
    return true;
}

static const char *
member_name(const Launch *launch, unsigned rank, char name[32])
{
    if (rank == launch->job->workers)
        g_strlcpy(name, "the loader", 32);
    else
        g_snprintf(name, 32, "rank %u", rank);
    return name;
}

/* false if the pipe has been closed without an outcome. */
static bool
read_outcome(Child *child)
{
    OutcomeRecord record;
    ssize_t n;

    while ((n = read(child->pipe_read, &record, sizeof record)) < 0 && errno == EINTR)
        ;
    if (n != (ssize_t)sizeof record)
        return false;
    record.message[sizeof record.message - 1] = '\0';
    child->outcome.ok = record.ok != 0;
    child->outcome.stopped = (GasketStopped)record.stopped;
    child->outcome.ended_us = record.ended_us;
    if (!child->outcome.ok)
        child->outcome.error =
            g_error_new_literal(GASKET_ERROR, record.is_ours ? record.code : GASKET_ERROR_FAILED,
                                record.message);
    return true;
}

/* A member's pipe is readable or closed: takes its outcome and reaps it. */
static void
conclude_child(Launch *launch, unsigned rank, bool killed_by_us)
{
    Child *child = &launch->children[rank];
    char name[32];
    int status = 0;
    bool told = read_outcome(child);

    if (told) /* it has nothing more to do, and might have been stopped */
        (void)kill(child->pid, SIGKILL);
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(child->pipe_read);
    child->pid = 0;
    child->concluded = true;
    launch->n_running--;
    if (!told && !killed_by_us) {
        if (WIFSIGNALED(status))
            child->outcome.error =
                g_error_new(GASKET_ERROR, GASKET_ERROR_PEER, "%s was killed by signal %d (%s)",
                            member_name(launch, rank, name), WTERMSIG(status),
                            g_strsignal(WTERMSIG(status)));
        else
            child->outcome.error =
                g_error_new(GASKET_ERROR, GASKET_ERROR_PEER, "%s ended with status %d",
                            member_name(launch, rank, name), WEXITSTATUS(status));
        if (launch->died < 0)
            launch->died = (int)rank;
    }
    if (!child->outcome.ok && launch->kill_at_us == 0)
        launch->kill_at_us = g_get_monotonic_time() + GRACE_US;
}

static void
signal_children(const Launch *launch, int signal)
{
    for (unsigned p = 0; p < launch->n; p++)
        if (launch->children[p].pid != 0)
            (void)kill(launch->children[p].pid, signal);
}

/* Kills whoever is left, and waits for them. */
static void
end_children(Launch *launch)
{
    signal_children(launch, SIGKILL);
    for (unsigned p = 0; p < launch->n; p++)
        if (launch->children[p].pid != 0)
            conclude_child(launch, p, true);
}

/* Whether someone has concluded, and all who have not are stopped. */
static bool
all_left_are_stopped(const Launch *launch)
{
    if (launch->n_running == launch->n)
        return false; /* as long as nobody has gone, it is their affair */
    for (unsigned p = 0; p < launch->n; p++) {
        siginfo_t state = {0};
        pid_t pid = launch->children[p].pid;
        if (pid != 0 && (waitid(P_PID, (id_t)pid, &state, WSTOPPED | WNOHANG | WNOWAIT) != 0 ||
                         state.si_pid != pid))
            return false;
    }
    return true;
}

/* Ends members that were stopped for too long when others had gone. They are the cause, unless the
 * result stands: rank 0 has concluded well. */
static void
judge_stopped(Launch *launch)
{
    int64_t now = g_get_monotonic_time(), patience = launch->job->peer_timeout_us;
    char name[32];

    if (patience == 0)
        patience = PATIENCE_US;
    if (!all_left_are_stopped(launch))
        launch->stopped_at_us = 0;
    else if (launch->stopped_at_us == 0)
        launch->stopped_at_us = now;
    if (launch->stopped_at_us == 0 || now - launch->stopped_at_us < patience)
        return;
    for (unsigned p = 0; p < launch->n; p++) {
        Child *child = &launch->children[p];
        if (child->pid == 0)
            continue;
        (void)kill(child->pid, SIGKILL);
        conclude_child(launch, p, /* killed_by_us= */ true);
        child->outcome.ok = launch->children[0].outcome.ok;
        if (!child->outcome.ok && child->outcome.error == NULL)
            child->outcome.error =
                g_error_new(GASKET_ERROR, GASKET_ERROR_PEER, "%s was stopped for %g s",
                            member_name(launch, p, name), (double)patience / 1e6);
    }
}

static void
forward_snapshot_requests(Launch *launch)
{
    const volatile sig_atomic_t *asked = launch->job->snapshot.asked;

    if (asked == NULL || *asked == launch->snapshots_forwarded)
        return;
    launch->snapshots_forwarded = *asked;
    signal_children(launch, SIGUSR1);
}

static void
watch(Launch *launch)
{
    g_autofree struct pollfd *fds = g_new(struct pollfd, launch->n);

    while (launch->n_running > 0) {
        for (unsigned p = 0; p < launch->n; p++)
            fds[p] =
                (struct pollfd){.fd = launch->children[p].pid != 0 ? launch->children[p].pipe_read
                                                                   : -1,
                                .events = POLLIN};
        if (poll(fds, launch->n, 200) < 0 && errno != EINTR)
            break;
        if (launch->job->stop != NULL && *launch->job->stop > 0 && !launch->stop_forwarded) {
            signal_children(launch, SIGTERM);
            launch->stop_forwarded = true;
        }
        forward_snapshot_requests(launch);
        for (unsigned p = 0; p < launch->n; p++)
            if (fds[p].fd >= 0 && (fds[p].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
                conclude_child(launch, p, false);
        judge_stopped(launch);
        if (launch->kill_at_us != 0 && g_get_monotonic_time() >= launch->kill_at_us)
            break;
    }
    end_children(launch);
}

static bool
listen_all(Launch *launch, GError **error)
{
    for (unsigned p = 0; p < launch->job->workers; p++)
        if (!gasket_tcp_listen(NULL, &launch->listen_fds[p], &launch->ports[p], error))
            return false;
    return gasket_tcp_random_key(launch->tcp.key, launch->tcp.run_id, error);
}

static void
close_listeners(Launch *launch)
{
    for (unsigned p = 0; p < launch->job->workers; p++)
        if (launch->listen_fds[p] >= 0)
            close(launch->listen_fds[p]);
}

/* A member that died is the cause, whatever the others saw of it. */
static bool
conclude(Launch *launch, GasketStopped *ret_stopped, GError **error)
{
    g_autofree GasketOutcome *outcomes = g_new0(GasketOutcome, launch->n);

    for (unsigned p = 0; p < launch->n; p++)
        outcomes[p] = launch->children[p].outcome;
    if (launch->died >= 0) {
        g_propagate_error(error, outcomes[launch->died].error);
        outcomes[launch->died].error = NULL;
        (void)gasket_job_conclude(outcomes, launch->n, ret_stopped, NULL);
        return false;
    }
    return gasket_job_conclude(outcomes, launch->n, ret_stopped, error);
}

bool
gasket_job_run_processes(const GasketJob *job, GasketStopped *ret_stopped, GError **error)
{
    unsigned n = job->workers + 1;
    g_autofree Child *children = g_new0(Child, n);
    g_autofree int *listen_fds = g_new(int, n);
    g_autofree uint16_t *ports = g_new0(uint16_t, n);
    Launch launch = {.job = job,
                     .n = n,
                     .children = children,
                     .listen_fds = listen_fds,
                     .ports = ports,
                     .died = -1};
    if (job->snapshot.asked != NULL)
        launch.snapshots_forwarded = *job->snapshot.asked;

    for (unsigned p = 0; p < n; p++)
        listen_fds[p] = -1;
    bool ok = listen_all(&launch, error) &&
              (job->history == NULL || gasket_history_share(job->history, error));
    for (unsigned p = 0; ok && p < n; p++)
        ok = start_child(&launch, p, error);
    close_listeners(&launch);
    explicit_bzero(launch.tcp.key, sizeof launch.tcp.key);
    if (!ok) {
        end_children(&launch);
        for (unsigned p = 0; p < n; p++)
            g_clear_error(&children[p].outcome.error);
        return false;
    }
    watch(&launch);
    return conclude(&launch, ret_stopped, error) &&
           (job->history == NULL || gasket_history_collect(job->history, error));
}
