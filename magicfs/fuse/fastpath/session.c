/* The functions of libfuse that pyfuse3 calls here instead: those that mount, name the descriptor to wait for, receive
 * a request, process one, unmount, reply to an open and add an entry to a listing. */
#include "fastpath.h"
#include <dlfcn.h>
#include <sys/socket.h>

enum {
    INIT_BYTES = 64 << 10, /* more than the kernel's smallest buffer for requests */
    HEADER_BYTES = 4096,   /* room for a header before the data of the largest write */
    MAX_BACKGROUND = 64,   /* requests to read ahead at a time; the kernel's own number is 12 */
};

enum state state = OFF;
struct fuse_session *session;
int device_fd = -1;
size_t buffer_bytes;

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

/* The first request -------------------------------------------------------------------------------------------- */

/* Adds to libfuse's answer to the first request what pyfuse3 cannot ask for, as far as the kernel offers it. Without
 * FUSE_PARALLEL_DIROPS the kernel looks up the new names of a directory one after the other: in a root that hangs, each
 * would wait for the deadlines of those before. With FUSE_DONT_MASK the umask of a program is left to Python: where a
 * directory has a default access list, that list takes its place. */
static void extend_init(const struct fuse_init_in *offered, struct fuse_init_out *out)
{
    out->flags |= offered->flags & (FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS | FUSE_DONT_MASK);
    out->max_background = MAX_BACKGROUND;
    out->congestion_threshold = MAX_BACKGROUND * 3 / 4;
}

/* Lets libfuse answer the first request to a socket, and passes its answer on. False if that is not possible. */
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
    bool is_greeted = greet(request);
    pthread_mutex_lock(&lock);
    state = RUNNING;
    if (!is_greeted || !start_threads()) {
        fuse_log(FUSE_LOG_ERR, "magicfs: the mount cannot begin: %s\n", strerror(errno));
        state = ENDED;
        fuse_session_exit(session);
        wake_python();
    }
    pthread_mutex_unlock(&lock);
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

/* What pyfuse3 calls --------------------------------------------------------------------------------------------- */

int fuse_session_mount(struct fuse_session *se, const char *mountpoint)
{
    int result = libfuse.mount(se, mountpoint);
    if (result != 0 || state != WANTED || !open_queue())
        return result;
    session = se;
    device_fd = libfuse.fd(se);
    state = MOUNTED;
    return result;
}

int fuse_session_fd(struct fuse_session *se)
{
    return se == session ? queue_descriptor() : libfuse.fd(se);
}

int fuse_session_receive_buf(struct fuse_session *se, struct fuse_buf *buf)
{
    void *bytes = NULL;
    if (se != session)
        return libfuse.receive_buf(se, buf);
    ssize_t size = state == MOUNTED ? receive_first(&bytes) : take_message(&bytes);
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
    if (se == session) {
        stop_threads();
        pthread_mutex_lock(&lock);
        forget_files();
        forget_known();
        forget_directories();
        forget_lookups();
        pthread_mutex_unlock(&lock);
        close_queue();
        session = NULL;
    }
    libfuse.unmount(se);
}

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 11)
/* Whether nothing has to be told when a program closes a file: it cannot be written to. */
static bool needs_no_flush(uint64_t number)
{
    pthread_mutex_lock(&lock);
    const struct file *file = find_file(number);
    bool result = file && !file->is_writable;
    pthread_mutex_unlock(&lock);
    return result;
}

#endif

/* Python says by the number of an open directory that the kernel may keep its listing, or use the one that it has. */
int fuse_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
    struct fuse_file_info changed = *fi;
    if (fi->fh & KEEP_LISTING) {
        changed.cache_readdir = 1;
        changed.keep_cache = (fi->fh & USE_KEPT_LISTING) != 0;
        changed.fh &= ~(KEEP_LISTING | USE_KEPT_LISTING);
    }
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 11)
    else
        changed.noflush = needs_no_flush(fi->fh);
#endif
    return libfuse.reply_open(req, &changed);
}

size_t add_entry(fuse_req_t request, char *buffer, size_t room, const char *name, const struct fuse_entry_param *param,
                 off_t position)
{
    return libfuse.add_direntry_plus(request, buffer, room, name, param, position);
}

/* Python says by the generation that an entry of a listing is a name alone, without a node, or stands for several. */
size_t fuse_add_direntry_plus(fuse_req_t req, char *buf, size_t bufsize, const char *name,
                              const struct fuse_entry_param *e, off_t off)
{
    struct fuse_entry_param changed = *e;
    if (e->generation == SEVERAL_ENTRIES)
        return add_prepared(req, buf, bufsize);
    if (e->generation == NAME_ALONE) {
        changed.generation = 0;
        changed.ino = 0;
    }
    return libfuse.add_direntry_plus(req, buf, bufsize, name, &changed, off);
}

/* Whether the Python code was written for this library. */
EXPORTED bool fast_path_fits(unsigned interface, unsigned seen_file_bytes, unsigned listed_file_bytes,
                             unsigned noted_head_bytes, unsigned noted_bytes)
{
    return interface == INTERFACE && seen_file_bytes == sizeof(struct seen_file) &&
           listed_file_bytes == sizeof(struct listed_file) && noted_head_bytes == sizeof(struct noted) &&
           noted_bytes == NOTED_BYTES;
}

/* Serves the next session that is mounted. */
EXPORTED void fast_path_enable(void)
{
    state = WANTED;
}
