/* Requests of a mount that need no Python: the reading and writing of files that are open.
 *
 * Loaded before pyfuse3, so that pyfuse3 calls the functions below that have names of libfuse; each calls the one of
 * libfuse in turn. Threads of this file read the requests of the kernel. Those to read or write a file that Python has
 * added (fast_path.py) are done here; all others are passed to pyfuse3 as they are, through a queue whose descriptor
 * stands in for that of the kernel. Where Python has not called `fast_path_enable`, nothing is different from libfuse.
 *
 * A call that hangs must cost nobody else anything. So a request is done here only while another thread waits for the
 * next one, and while fewer than DEVICE_PLACES wait for its file system; beyond that it goes to Python, which has
 * threads, bounds and deadlines for each file system. A request that takes too long is answered by `fast_path_expire`.
 *
 * One thread at a time reads a request, and passes it on if it is one for Python: so Python gets them in the order in
 * which they came, and a file is released before what its program asks for after it has closed it.
 *
 * `lock` guards everything else; no system call that may block is made while it is held. It is taken after `reading`.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#define FUSE_USE_VERSION 31
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_THREADS = 24,
    MAX_IDLE_THREADS = 4,
    DEVICE_PLACES = 6, /* requests in progress for one file system */
    FILE_BUCKETS = 1024,
    INIT_BYTES = 64 << 10, /* more than the kernel's smallest buffer for requests */
    HEADER_BYTES = 4096,   /* room for a header before the data of the largest write */
    MAX_BACKGROUND = 64,   /* requests to read ahead at a time; the kernel's own number is 12 */
    STACK_BYTES = 256 << 10,
};

/* As in fast_path.py. */
#define KEEP_LISTING (UINT64_C(1) << 62)
#define USE_KEPT_LISTING (UINT64_C(1) << 61)
#define NAME_ALONE (UINT64_C(1) << 62)
#define OF_PAGES (UINT64_C(1) << 62)

#define WAKE_SIGNAL (SIGRTMAX - 1) /* ends a wait for requests */

struct device {
    struct device *next;
    dev_t number;
    unsigned files, busy;
};

struct file {
    struct file *next;
    struct device *device;
    uint64_t number; /* the file handle that the kernel uses */
    int descriptor;
    unsigned busy;
    bool clears_set_id; /* writes take set-user-ID bits away: the program is not the superuser, and we are */
    bool is_written;    /* since Python has asked last */
    bool is_removed;    /* Python is done with it: its descriptor is closed when nothing is in progress */
};

struct worker {
    struct worker *next;
    pthread_t thread;
    uint64_t unique; /* the request in progress, 0 when there is none or it was answered already */
    struct timespec began;
    bool is_busy;      /* with a request, answered or not */
    bool is_abandoned; /* it hangs, and the mount has ended */
    char *buffer;
};

struct message { /* a request on its way to Python */
    struct message *next;
    size_t size;
    void *bytes;
};

static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t worker_ended = PTHREAD_COND_INITIALIZER;
static enum { OFF, WANTED, MOUNTED, GREETED, RUNNING, ENDED } state = OFF;
static struct fuse_session *session;
static int device_fd = -1, queue_fd = -1;
static size_t buffer_bytes;
static struct message *first_message, **last_message = &first_message;
static struct file *files[FILE_BUCKETS];
static struct device *devices;
static struct worker *workers;
static unsigned worker_count, idle_count;
static unsigned long served;

/* The functions of libfuse that are replaced below. */
static struct {
    int (*mount)(struct fuse_session *, const char *);
    int (*fd)(struct fuse_session *);
    int (*receive_buf)(struct fuse_session *, struct fuse_buf *);
    void (*process_buf)(struct fuse_session *, const struct fuse_buf *);
    void (*unmount)(struct fuse_session *);
    int (*reply_open)(fuse_req_t, const struct fuse_file_info *);
    size_t (*add_direntry_plus)(fuse_req_t, char *, size_t, const char *, const struct fuse_entry_param *, off_t);
} libfuse;

static void *next_function(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort(); /* this library is linked with libfuse, which has it */
    return function;
}

__attribute__((constructor)) static void find_libfuse(void)
{
    *(void **)&libfuse.mount = next_function("fuse_session_mount");
    *(void **)&libfuse.fd = next_function("fuse_session_fd");
    *(void **)&libfuse.receive_buf = next_function("fuse_session_receive_buf");
    *(void **)&libfuse.process_buf = next_function("fuse_session_process_buf");
    *(void **)&libfuse.unmount = next_function("fuse_session_unmount");
    *(void **)&libfuse.reply_open = next_function("fuse_reply_open");
    *(void **)&libfuse.add_direntry_plus = next_function("fuse_add_direntry_plus");
}

static void wake_python(void)
{
    const uint64_t one = 1;
    while (write(queue_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void let_python_sleep(void)
{
    uint64_t count;
    while (read(queue_fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
}

static void answer(uint64_t unique, int error, const void *data, size_t size)
{
    struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = -error, .unique = unique};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)data, size}};
    while (writev(device_fd, parts, size ? 2 : 1) < 0 && errno == EINTR)
        continue;
}

/* Files and devices ---------------------------------------------------------------------------------------------- */

static struct file **find_file(uint64_t number)
{
    struct file **place = &files[number % FILE_BUCKETS];
    while (*place && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

static struct device *get_device(dev_t number)
{
    struct device *device = devices;
    while (device && device->number != number)
        device = device->next;
    if (!device && (device = calloc(1, sizeof *device))) {
        device->number = number;
        device->next = devices;
        devices = device;
    }
    return device;
}

static void forget_file(struct file *file)
{
    struct device **place = &devices;
    if (--file->device->files == 0) {
        while (*place != file->device)
            place = &(*place)->next;
        *place = file->device->next;
        free(file->device);
    }
    free(file);
}

/* Reading and writing -------------------------------------------------------------------------------------------- */

static ssize_t read_fully(int descriptor, char *buffer, size_t size, off_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(descriptor, buffer + done, size - done, offset + (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && !done)
            return -errno;
        if (count <= 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

/* A part is written where the rest has no room: the next write gets the error. With `is_whole` this one does: the
 * kernel takes all of a page as written unless it gets an error. */
static ssize_t write_fully(int descriptor, const char *data, size_t size, off_t offset, bool is_whole)
{
    size_t done = 0;
    do {
        ssize_t count = pwrite(descriptor, data + done, size - done, offset + (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && (is_whole || !done))
            return -errno;
        if (count <= 0)
            break;
        done += (size_t)count;
    } while (done < size);
    return (ssize_t)done;
}

static void clear_set_id(int descriptor)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return;
    mode_t mode = status.st_mode & (mode_t)~S_ISUID;
    if (mode & S_IXGRP)
        mode &= (mode_t)~S_ISGID;
    if (mode != status.st_mode)
        fchmod(descriptor, mode & 07777);
}

/* Does a request in `buffer`, and returns the number of bytes of the answer, which replaces it, or a negative error. */
static ssize_t serve(const struct file *file, char *buffer)
{
    const struct fuse_in_header *header = (const void *)buffer;
    if (header->opcode == FUSE_READ) {
        const struct fuse_read_in *in = (const void *)(header + 1);
        return read_fully(file->descriptor, buffer, in->size, (off_t)in->offset);
    }
    const struct fuse_write_in *in = (const void *)(header + 1);
    bool clears = file->clears_set_id || (in->write_flags & FUSE_WRITE_KILL_SUIDGID && geteuid() == 0);
    bool is_page = in->write_flags & FUSE_WRITE_CACHE;
    ssize_t count = write_fully(file->descriptor, (const char *)(in + 1), in->size, (off_t)in->offset, is_page);
    if (count < 0)
        return count;
    if (clears)
        clear_set_id(file->descriptor);
    const struct fuse_write_out out = {.size = (uint32_t)count};
    memcpy(buffer, &out, sizeof out);
    return sizeof out;
}

/* The file of a request that is done here; NULL for all others. */
static struct file *file_of(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_read_in *read_in = (const void *)(header + 1);
    const struct fuse_write_in *write_in = (const void *)(header + 1);
    size_t head = sizeof *header + sizeof *write_in; /* as long as that of a request to read */
    if (size < head)
        return NULL;
    if (header->opcode == FUSE_READ && read_in->size <= buffer_bytes)
        return *find_file(read_in->fh);
    if (header->opcode == FUSE_WRITE && write_in->size <= size - head)
        return *find_file(write_in->fh);
    return NULL;
}

/* Whether a request to flush is about a file that is read and written here. */
static bool is_known(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_flush_in *in = (const void *)(header + 1);
    if (size < sizeof *header + sizeof *in)
        return false;
    pthread_mutex_lock(&lock);
    bool result = *find_file(in->fh) != NULL;
    pthread_mutex_unlock(&lock);
    return result;
}

/* The threads ---------------------------------------------------------------------------------------------------- */

static void *work(void *argument);

static void ignore_signal(int number)
{
    (void)number;
}

static struct worker *new_worker(void)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker && !(worker->buffer = malloc(buffer_bytes))) {
        free(worker);
        return NULL;
    }
    return worker;
}

static void free_worker(struct worker *worker)
{
    if (worker)
        free(worker->buffer);
    free(worker);
}

/* Starts another thread; false if that is not possible. With the lock held. */
static bool start_worker(void)
{
    struct worker *worker = worker_count < MAX_THREADS ? new_worker() : NULL;
    pthread_attr_t attributes;
    sigset_t all, before;
    bool is_started = false;
    if (!worker)
        return false;
    /* Signals are for the thread of Python. */
    sigfillset(&all);
    sigdelset(&all, WAKE_SIGNAL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_setstacksize(&attributes, STACK_BYTES);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        is_started = pthread_create(&worker->thread, &attributes, work, worker) == 0;
        pthread_attr_destroy(&attributes);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!is_started) {
        free_worker(worker);
        return false;
    }
    worker->next = workers;
    workers = worker;
    worker_count++;
    idle_count++;
    return true;
}

/* Python learns by the file handle of a request to write whether it is for pages of a mapping. */
static void mark_pages(void *bytes, size_t size)
{
    const struct fuse_in_header *header = bytes;
    struct fuse_write_in *in = (void *)((char *)bytes + sizeof *header);
    if (header->opcode == FUSE_WRITE && size >= sizeof *header + sizeof *in && in->write_flags & FUSE_WRITE_CACHE)
        in->fh |= OF_PAGES;
}

static void pass_to_python(const char *buffer, size_t size)
{
    struct message *message = malloc(sizeof *message);
    void *bytes = malloc(size);
    const struct fuse_in_header *header = (const void *)buffer;
    if (!message || !bytes) {
        free(message);
        free(bytes);
        answer(header->unique, ENOMEM, NULL, 0);
        return;
    }
    memcpy(bytes, buffer, size);
    mark_pages(bytes, size);
    *message = (struct message){.size = size, .bytes = bytes};
    pthread_mutex_lock(&lock);
    bool was_empty = !first_message;
    *last_message = message;
    last_message = &message->next;
    if (was_empty)
        wake_python();
    pthread_mutex_unlock(&lock);
}

/* Takes a request that can be done here: its file, which stays until `end`; NULL if Python has to do it. */
static struct file *begin(struct worker *self, const char *buffer, size_t size)
{
    pthread_mutex_lock(&lock);
    struct file *file = file_of(buffer, size);
    if (file && (file->device->busy >= DEVICE_PLACES || (idle_count == 1 && !start_worker())))
        file = NULL;
    if (file) {
        idle_count--;
        file->busy++;
        file->device->busy++;
        served++;
        self->is_busy = true;
        self->unique = ((const struct fuse_in_header *)(const void *)buffer)->unique;
        clock_gettime(CLOCK_MONOTONIC, &self->began);
    }
    pthread_mutex_unlock(&lock);
    return file;
}

/* Ends it; returns the request to answer, 0 if it was answered because it took too long. */
static uint64_t end(struct worker *self, struct file *file, bool is_write)
{
    int unused = -1;
    pthread_mutex_lock(&lock);
    uint64_t unique = self->unique;
    self->unique = 0;
    self->is_busy = false;
    idle_count++;
    file->is_written |= is_write;
    file->device->busy--;
    if (--file->busy == 0 && file->is_removed) {
        unused = file->descriptor;
        forget_file(file);
    }
    pthread_mutex_unlock(&lock);
    if (unused >= 0)
        close(unused);
    return unique;
}

/* Answers a request that needs nothing, passes one for Python on, and returns the file of one that is to be done here. */
static struct file *take(struct worker *self, size_t size)
{
    const struct fuse_in_header *header = (const void *)self->buffer;
    if (header->opcode == FUSE_INTERRUPT)
        return NULL; /* nothing here can be interrupted, and no answer is due */
    if (header->opcode == FUSE_FLUSH && is_known(self->buffer, size)) {
        answer(header->unique, 0, NULL, 0); /* nothing is kept here that could fail to be written */
        return NULL;
    }
    struct file *file = begin(self, self->buffer, size);
    if (!file)
        pass_to_python(self->buffer, size);
    return file;
}

static void finish(struct worker *self, struct file *file)
{
    bool is_write = ((const struct fuse_in_header *)(const void *)self->buffer)->opcode == FUSE_WRITE;
    ssize_t count = serve(file, self->buffer);
    uint64_t unique = end(self, file, is_write);
    if (unique)
        answer(unique, count < 0 ? (int)-count : 0, self->buffer, count < 0 ? 0 : (size_t)count);
}

/* Whether a thread waits for another request; if not, it counts as idle no more, so that the last ones do not all end.
 * `error` is that of the last wait, 0 without one. */
static bool goes_on(const struct worker *self, int error)
{
    pthread_mutex_lock(&lock);
    if (error && error != EINTR && error != EAGAIN && error != ENOENT && state == RUNNING) {
        /* The mount is gone (ENODEV), or the kernel cannot be talked to. */
        fuse_session_exit(session);
        state = ENDED;
        wake_python();
    }
    bool result = state == RUNNING && !self->is_abandoned && idle_count <= MAX_IDLE_THREADS;
    if (!result)
        idle_count--;
    pthread_mutex_unlock(&lock);
    return result;
}

static void *work(void *argument)
{
    struct worker *self = argument, **place = &workers;
    int error = 0;
    pthread_mutex_lock(&reading);
    while (goes_on(self, error)) {
        ssize_t size = read(device_fd, self->buffer, buffer_bytes);
        error = size < 0 ? errno : 0;
        struct file *file = size >= (ssize_t)sizeof(struct fuse_in_header) ? take(self, (size_t)size) : NULL;
        if (file) {
            pthread_mutex_unlock(&reading);
            finish(self, file);
            pthread_mutex_lock(&reading);
        }
    }
    pthread_mutex_unlock(&reading);
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
static void stop_workers(void)
{
    struct timespec until;
    pthread_mutex_lock(&lock);
    state = ENDED;
    for (struct worker *worker = workers; worker; worker = worker->next) {
        give_up(worker, ENOTCONN);
        worker->is_abandoned = worker->is_busy;
    }
    for (;;) {
        unsigned waiting = 0;
        for (struct worker *worker = workers; worker; worker = worker->next)
            if (!worker->is_abandoned) {
                waiting++;
                pthread_kill(worker->thread, WAKE_SIGNAL);
            }
        if (!waiting)
            break;
        /* A thread that was about to wait has missed the signal. */
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 2000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&worker_ended, &lock, &until);
    }
    pthread_mutex_unlock(&lock);
}

/* The first request -------------------------------------------------------------------------------------------- */

/* Adds to libfuse's answer to the first request what pyfuse3 cannot ask for, as far as the kernel offers it. */
static void extend_init(const struct fuse_init_in *offered, struct fuse_init_out *out)
{
    out->flags |= offered->flags & FUSE_HANDLE_KILLPRIV_V2;
    out->max_background = MAX_BACKGROUND;
    out->congestion_threshold = MAX_BACKGROUND * 3 / 4;
}

/* Lets libfuse answer the first request to a socket, and passes its answer on. Returns false if that is not possible. */
static bool greet(const struct fuse_buf *request)
{
    const struct fuse_in_header *in = request->mem;
    char reply[1024];
    struct fuse_out_header *out = (void *)reply;
    int ends[2];
    int kept = fcntl(device_fd, F_DUPFD_CLOEXEC, 0);
    if (kept < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        if (kept >= 0)
            close(kept);
        return false;
    }
    dup3(ends[0], device_fd, O_CLOEXEC);
    libfuse.process_buf(session, request);
    dup3(kept, device_fd, O_CLOEXEC);
    ssize_t size = recv(ends[1], reply, sizeof reply, MSG_DONTWAIT);
    close(kept);
    close(ends[0]);
    close(ends[1]);
    if (size < (ssize_t)(sizeof *out + offsetof(struct fuse_init_out, time_gran)))
        return size > 0 && write(device_fd, reply, (size_t)size) == size && false;
    struct fuse_init_out *values = (void *)(out + 1);
    extend_init((const void *)(in + 1), values);
    buffer_bytes = values->max_write + (size_t)HEADER_BYTES;
    return write(device_fd, reply, (size_t)size) == size;
}

static void start_serving(const struct fuse_buf *request)
{
    struct sigaction action = {.sa_handler = ignore_signal};
    bool is_greeted = greet(request);
    sigaction(WAKE_SIGNAL, &action, NULL);
    pthread_mutex_lock(&lock);
    state = RUNNING;
    if (!is_greeted || !start_worker() || !start_worker()) {
        fuse_log(FUSE_LOG_ERR, "magicfs: the mount cannot begin: %s\n", strerror(errno));
        state = ENDED;
        fuse_session_exit(session);
        wake_python();
    }
    pthread_mutex_unlock(&lock);
}

/* What pyfuse3 calls instead of libfuse -------------------------------------------------------------------------- */

int fuse_session_mount(struct fuse_session *se, const char *mountpoint)
{
    int result = libfuse.mount(se, mountpoint);
    if (result != 0 || state != WANTED)
        return result;
    queue_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue_fd < 0)
        return result;
    session = se;
    device_fd = libfuse.fd(se);
    state = MOUNTED;
    return result;
}

int fuse_session_fd(struct fuse_session *se)
{
    return se == session ? queue_fd : libfuse.fd(se);
}

/* The first request is read here, where the threads do not run yet; all others were read by them. */
static ssize_t receive_first(void **bytes)
{
    let_python_sleep();
    if (!(*bytes = malloc(INIT_BYTES)))
        return -ENOMEM;
    ssize_t size = read(device_fd, *bytes, INIT_BYTES);
    if (size < 0)
        return errno == ENODEV ? 0 : -errno;
    state = GREETED;
    return size;
}

int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
    void *bytes = NULL;
    ssize_t size = -EINTR;
    if (se != session)
        return libfuse.receive_buf(se, buf);
    if (state == MOUNTED) {
        size = receive_first(&bytes);
    } else {
        pthread_mutex_lock(&lock);
        struct message *message = first_message;
        if (message) {
            bytes = message->bytes;
            size = (ssize_t)message->size;
            first_message = message->next;
        }
        if (!first_message) {
            last_message = &first_message;
            if (state != ENDED)
                let_python_sleep();
            else if (!message)
                size = 0;
        }
        pthread_mutex_unlock(&lock);
        free(message);
    }
    if (bytes) {
        free(buf->mem);
        buf->mem = bytes;
        buf->flags = 0;
    }
    if (size > 0)
        buf->size = (size_t)size;
    return (int)size;
}

void fuse_session_process_buf(struct fuse_session *se, const struct fuse_buf *buf)
{
    const struct fuse_in_header *header = buf->mem;
    if (se == session && header->opcode == FUSE_INIT && state == GREETED)
        start_serving(buf);
    else
        libfuse.process_buf(se, buf);
}

void fuse_session_unmount(struct fuse_session *se)
{
    struct message *message;
    if (se == session) {
        stop_workers();
        while ((message = first_message)) {
            first_message = message->next;
            free(message->bytes);
            free(message);
        }
        last_message = &first_message;
        session = NULL;
        close(queue_fd);
    }
    libfuse.unmount(se);
}

/* Python says by the number of an open directory that the kernel may keep its listing, or use the one that it has. */
int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
    struct fuse_file_info changed = *fi;
    if (fi->fh & KEEP_LISTING) {
        changed.cache_readdir = 1;
        changed.keep_cache = (fi->fh & USE_KEPT_LISTING) != 0;
        changed.fh &= ~(KEEP_LISTING | USE_KEPT_LISTING);
    }
    return libfuse.reply_open(req, &changed);
}

/* Python says by the generation that an entry of a listing is a name alone, without a node. */
size_t fuse_add_direntry_plus(fuse_req_t req, char *buf, size_t bufsize, const char *name,
                              const struct fuse_entry_param *e, off_t off)
{
    struct fuse_entry_param changed = *e;
    if (e->generation == NAME_ALONE) {
        changed.generation = 0;
        changed.ino = 0;
    }
    return libfuse.add_direntry_plus(req, buf, bufsize, name, &changed, off);
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Serves the next session that is mounted. */
void fast_path_enable(void)
{
    state = WANTED;
}

/* Does the reading and writing of an open file from now on; false if that is not possible. */
bool fast_path_add(uint64_t number, int descriptor, bool clears_set_id)
{
    struct stat status;
    struct file *file = fstat(descriptor, &status) == 0 ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return false;
    pthread_mutex_lock(&lock);
    file->device = state == RUNNING ? get_device(status.st_dev) : NULL;
    if (file->device) {
        file->device->files++;
        file->number = number;
        file->descriptor = descriptor;
        file->clears_set_id = clears_set_id;
        file->next = files[number % FILE_BUCKETS];
        files[number % FILE_BUCKETS] = file;
    }
    pthread_mutex_unlock(&lock);
    if (!file->device) {
        free(file);
        return false;
    }
    return true;
}

/* Leaves a file to Python again. Returns true if a call with its descriptor hangs: it is closed here after that. */
bool fast_path_remove(uint64_t number)
{
    bool is_busy = false;
    pthread_mutex_lock(&lock);
    struct file **place = find_file(number), *file = *place;
    if (file) {
        *place = file->next;
        is_busy = file->is_removed = file->busy > 0;
        if (!is_busy)
            forget_file(file);
    }
    pthread_mutex_unlock(&lock);
    return is_busy;
}

/* Whether a file was written to since this was asked last. */
bool fast_path_take_written(uint64_t number)
{
    pthread_mutex_lock(&lock);
    struct file *file = *find_file(number);
    bool is_written = file && file->is_written;
    if (file)
        file->is_written = false;
    pthread_mutex_unlock(&lock);
    return is_written;
}

/* Answers requests that have taken longer with ETIMEDOUT, and returns how many. */
unsigned fast_path_expire(double seconds)
{
    unsigned count = 0;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    for (struct worker *worker = workers; worker; worker = worker->next) {
        double taken = (double)(now.tv_sec - worker->began.tv_sec) + (double)(now.tv_nsec - worker->began.tv_nsec) / 1e9;
        if (taken >= seconds)
            count += give_up(worker, ETIMEDOUT);
    }
    pthread_mutex_unlock(&lock);
    return count;
}

/* How many requests were done here. */
unsigned long fast_path_served(void)
{
    pthread_mutex_lock(&lock);
    unsigned long count = served;
    pthread_mutex_unlock(&lock);
    return count;
}
