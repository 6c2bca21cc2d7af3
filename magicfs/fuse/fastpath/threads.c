/* The threads that read the requests of the kernel.
 *
 * One thread at a time has the turn: it reads a request, and passes it on if it is one for Python. So Python gets them
 * in the order in which they came, and a file is released before what its program asks for after it has closed it.
 *
 * A request that takes microseconds is done by the thread that has the turn, before it reads the next one: giving the
 * turn to another thread takes longer than that. Where it takes milliseconds after all, the watcher gives the turn
 * away. Before a request that copies much the thread leaves the turn itself if another request waits. */
#include "fastpath.h"
#include <signal.h>
#include <time.h>

enum {
    MAX_THREADS = 24,
    MAX_IDLE_THREADS = 4,
    LATE_NS = 2000000,    /* a request that takes longer does not keep the turn */
    WATCHER_ROUNDS = 100, /* so often the watcher finds nothing done until it sleeps */
    STACK_BYTES = 256 << 10,
};

#define WAKE_SIGNAL (SIGRTMAX - 1) /* ends a wait for requests */

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_is_free = PTHREAD_COND_INITIALIZER;
static pthread_cond_t worker_ended, watcher_is_needed; /* by the clock that nobody puts back */
static struct worker *workers;
static unsigned worker_count, idle_count;

static const struct worker *turn; /* the thread that has it, NULL while none has */
static bool is_turn_in_use;       /* that thread does a request, or answers it: that may free all pages of a file */
static unsigned long turn_uses;   /* how often one did */
static bool is_watcher_running, is_watcher_asleep;

static bool start_worker(void);

__attribute__((constructor)) static void make_conditions(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker_ended, &attributes);
    pthread_cond_init(&watcher_is_needed, &attributes);
    pthread_condattr_destroy(&attributes);
}

/* Waits at most so long, with the lock held. */
static void wait_for(pthread_cond_t *condition, long nanoseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += nanoseconds;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(condition, &lock, &until);
}

/* The turn ------------------------------------------------------------------------------------------------------- */

static void give_turn_away(void)
{
    turn = NULL;
    is_turn_in_use = false;
    pthread_cond_signal(&turn_is_free);
}

void leave_turn(const struct worker *self)
{
    pthread_mutex_lock(&lock);
    if (turn == self)
        give_turn_away();
    pthread_mutex_unlock(&lock);
}

/* Gives the turn away where the thread that has it is late, until the mount ends. */
static void *watch(void *unused)
{
    unsigned idle_rounds = 0;
    pthread_mutex_lock(&lock);
    while (state == RUNNING) {
        unsigned long before = turn_uses;
        bool was_in_use = is_turn_in_use;
        wait_for(&watcher_is_needed, LATE_NS);
        if (was_in_use && is_turn_in_use && turn_uses == before)
            give_turn_away();
        idle_rounds = turn_uses == before ? idle_rounds + 1 : 0;
        if (idle_rounds >= WATCHER_ROUNDS && !is_turn_in_use && state == RUNNING) {
            is_watcher_asleep = true;
            pthread_cond_wait(&watcher_is_needed, &lock);
            is_watcher_asleep = false;
            idle_rounds = 0;
        }
    }
    is_watcher_running = false;
    pthread_cond_signal(&worker_ended);
    pthread_mutex_unlock(&lock);
    return unused;
}

/* Counts a thread as busy with a request, and the turn as in use; false if no other thread is free, or the mount ends. */
bool begin_request(struct worker *self, uint64_t unique)
{
    if (state != RUNNING || (idle_count == 1 && !start_worker()))
        return false;
    idle_count--;
    self->is_busy = true;
    self->unique = unique;
    clock_gettime(CLOCK_MONOTONIC, &self->began);
    is_turn_in_use = true;
    turn_uses++;
    if (is_watcher_asleep)
        pthread_cond_signal(&watcher_is_needed);
    is_watcher_asleep = false;
    return true;
}

/* The opposite. Returns the request to answer, 0 if it was answered because it took too long. */
uint64_t end_request(struct worker *self)
{
    uint64_t unique = self->unique;
    self->unique = 0;
    self->is_busy = false;
    idle_count++;
    return unique;
}

/* The threads ---------------------------------------------------------------------------------------------------- */

/* Wakes all threads that wait for each other. With the lock held. */
static void end_waits(void)
{
    state = ENDED;
    pthread_cond_broadcast(&turn_is_free);
    pthread_cond_broadcast(&watcher_is_needed);
}

/* Waits for the turn; false if the thread is not needed any more, which counts as idle no more then. `error` is that of
 * reading a request, 0 without one. */
static bool take_turn(const struct worker *self, int error)
{
    pthread_mutex_lock(&lock);
    if (error && error != EINTR && error != EAGAIN && error != ENOENT && state == RUNNING) {
        /* The mount is gone (ENODEV), or the kernel cannot be talked to. */
        fuse_session_exit(session);
        end_waits();
        wake_python();
    }
    while (turn && turn != self && state == RUNNING)
        pthread_cond_wait(&turn_is_free, &lock);
    bool goes_on = state == RUNNING && !self->is_abandoned && idle_count <= MAX_IDLE_THREADS;
    if (goes_on) {
        turn = self;
        is_turn_in_use = false;
    } else {
        idle_count--;
        if (!turn || turn == self)
            give_turn_away();
    }
    pthread_mutex_unlock(&lock);
    return goes_on;
}

static void free_worker(struct worker *worker)
{
    if (worker)
        free(worker->buffer);
    free(worker);
}

static void *work(void *argument)
{
    struct worker *self = argument, **place = &workers;
    int error = 0;
    while (take_turn(self, error)) {
        ssize_t size = read(device_fd, self->buffer, buffer_bytes);
        error = size < 0 ? errno : 0;
        if (size >= (ssize_t)sizeof(struct fuse_in_header))
            handle_request(self, (size_t)size);
    }
    pthread_mutex_lock(&lock);
    while (*place != self)
        place = &(*place)->next;
    *place = self->next;
    worker_count--;
    pthread_cond_signal(&worker_ended);
    pthread_mutex_unlock(&lock);
    free_worker(self);
    return NULL;
}

static bool start_thread(pthread_t *thread, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    bool is_started = false;
    /* Signals are for the thread of Python. */
    sigfillset(&all);
    sigdelset(&all, WAKE_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        is_started = pthread_create(thread, &attributes, run, argument) == 0;
        pthread_attr_destroy(&attributes);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_started;
}

/* Starts another thread; false if that is not possible. With the lock held. */
static bool start_worker(void)
{
    struct worker *worker = worker_count < MAX_THREADS ? calloc(1, sizeof *worker) : NULL;
    if (!worker || !(worker->buffer = malloc(buffer_bytes)) || !start_thread(&worker->thread, work, worker)) {
        free_worker(worker);
        return false;
    }
    worker->next = workers;
    workers = worker;
    worker_count++;
    idle_count++;
    return true;
}

static void ignore_signal(int number)
{
    (void)number;
}

bool start_threads(void)
{
    struct sigaction action = {.sa_handler = ignore_signal};
    pthread_t watcher;
    sigaction(WAKE_SIGNAL, &action, NULL);
    is_watcher_running = start_thread(&watcher, watch, NULL);
    return is_watcher_running && start_worker() && start_worker();
}

/* Answers the request in progress of a thread with an error, if it has one. With the lock held. */
static bool give_up(struct worker *worker, int error)
{
    if (!worker->unique)
        return false;
    answer(worker->unique, error, NULL, 0);
    worker->unique = 0;
    return true;
}

/* Ends all threads. Those that hang in a call never touch the mount again. */
void stop_threads(void)
{
    pthread_mutex_lock(&lock);
    end_waits();
    for (struct worker *worker = workers; worker; worker = worker->next) {
        give_up(worker, ENOTCONN);
        worker->is_abandoned = worker->is_busy;
    }
    for (;;) {
        unsigned waiting = is_watcher_running;
        for (struct worker *worker = workers; worker; worker = worker->next)
            if (!worker->is_abandoned) {
                waiting++;
                pthread_kill(worker->thread, WAKE_SIGNAL);
            }
        if (!waiting)
            break;
        /* A thread that was about to wait has missed the signal. */
        wait_for(&worker_ended, LATE_NS);
    }
    pthread_mutex_unlock(&lock);
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Answers requests that have taken longer with ETIMEDOUT, and returns how many. */
EXPORTED unsigned fast_path_expire(double seconds)
{
    unsigned count = 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    for (struct worker *worker = workers; worker; worker = worker->next) {
        double taken = (double)(now.tv_sec - worker->began.tv_sec);
        taken += (double)(now.tv_nsec - worker->began.tv_nsec) / 1e9;
        if (taken >= seconds)
            count += give_up(worker, ETIMEDOUT);
    }
    pthread_mutex_unlock(&lock);
    return count;
}
