/* What becomes of a request: it is done here, or passed to Python.
 *
 * A call that hangs must cost nobody else anything. So a request is done here only while another thread is free to read
 * the next one, and while fewer than DEVICE_PLACES wait for its file system; beyond that it goes to Python, which has
 * threads, bounds and deadlines for each file system. A request that takes too long is answered by `fast_path_expire`.
 */
#include "fastpath.h"
#include <poll.h>
#include <sys/uio.h>

#ifndef FOPEN_NOFLUSH
#define FOPEN_NOFLUSH (1 << 5) /* Linux 5.16 */
#endif

enum {
    DEVICE_PLACES = 6,       /* requests in progress for one file system */
    SHORT_BYTES = 128 << 10, /* copied within microseconds */
    ATTRIBUTE_SECONDS = 1,   /* the kernel keeps attributes so long, as `REAL_FILE_TIMEOUT_SECONDS` says */
};

/* A request that is done here, and what it needs meanwhile. */
struct job {
    struct device *device;
    struct file *file;   /* NULL for one to open a file, or for its attributes */
    struct known *known; /* NULL for all others */
    struct directory *directory; /* in which a name is looked up, else NULL */
    uint64_t changes;            /* of names, before that */
};

static unsigned long served;

bool answer(uint64_t unique, int error, const void *data, size_t size)
{
    struct fuse_out_header header = {.len = (uint32_t)(sizeof header + size), .error = -error, .unique = unique};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)(uintptr_t)data, size}};
    ssize_t count;
    while ((count = writev(device_fd, parts, size ? 2 : 1)) < 0 && errno == EINTR)
        continue;
    return count >= 0;
}

/* The directory of a request to look a name up; NULL for others, and where Python does that. */
static struct directory *directory_of(const char *buffer, size_t size, uint64_t *device)
{
    const struct fuse_in_header *header = (const void *)buffer;
    bool is_lookup = header->opcode == FUSE_LOOKUP && memchr(header + 1, 0, size - sizeof *header);
    return is_lookup ? use_directory(header->nodeid, device) : NULL;
}

/* Takes a request that can be done here; false if Python has to do it. A file to release is not found any more. */
static bool begin(struct worker *self, size_t size, struct job *job)
{
    const struct fuse_in_header *header = (const void *)self->buffer;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(self->buffer, size);
    struct known *known = known_of(self->buffer, size);
    uint64_t number = file ? file->device->number : known ? known->seen.device : 0;
    struct directory *directory = directory_of(self->buffer, size, &number);
    struct device *device = file || known || directory ? hold_device(number) : NULL;
    bool is_done_here = device && device->busy < DEVICE_PLACES && begin_request(self, header->unique);
    if (is_done_here) {
        *job = (struct job){.device = device,
                            .file = file,
                            .known = known,
                            .directory = directory,
                            .changes = changes_of_names()};
        served++;
        device->busy++;
        if (known)
            known->busy++;
        if (file)
            file->busy++;
        if (file && header->opcode == FUSE_RELEASE)
            remove_file(file);
    } else {
        if (device)
            drop_device(device);
        if (directory)
            leave_directory(directory);
    }
    pthread_mutex_unlock(&lock);
    return is_done_here;
}

/* Returns the request to answer, 0 if it was answered because it took too long. */
static uint64_t end(struct worker *self, const struct job *job)
{
    pthread_mutex_lock(&lock);
    job->device->busy--;
    drop_device(job->device);
    uint64_t unique = end_request(self);
    pthread_mutex_unlock(&lock);
    return unique;
}

/* Before a long request. Where no other one waits, giving the turn away costs more than it saves. */
static void leave_turn_if_needed(const struct worker *self)
{
    struct pollfd waiting = {.fd = device_fd, .events = POLLIN};
    if (poll(&waiting, 1, 0) != 0)
        leave_turn(self);
}

static ssize_t read_for(const struct worker *self, const struct file *file)
{
    struct fuse_read_in in; /* a copy: what is read replaces it */
    memcpy(&in, self->buffer + sizeof(struct fuse_in_header), sizeof in);
    if (in.size > SHORT_BYTES)
        leave_turn_if_needed(self);
    ssize_t count = read_from_memory(file, &in, self->buffer);
    if (count != -EAGAIN)
        return count;
    leave_turn(self);
    return read_fully(file, &in, self->buffer);
}

static ssize_t write_for(const struct worker *self, const struct file *file)
{
    const struct fuse_write_in *in = (const void *)(self->buffer + sizeof(struct fuse_in_header));
    if (in->size > SHORT_BYTES)
        leave_turn_if_needed(self);
    return write_to(file, self->buffer);
}

static void do_with_file(struct worker *self, const struct job *job)
{
    const uint32_t opcode = ((const struct fuse_in_header *)(const void *)self->buffer)->opcode;
    ssize_t count = opcode == FUSE_READ    ? read_for(self, job->file)
                    : opcode == FUSE_WRITE ? write_for(self, job->file)
                                           : 0; /* one to release it: it is closed below */
    pthread_mutex_lock(&lock);
    job->file->is_written |= opcode == FUSE_WRITE;
    int unused = leave_file(job->file);
    pthread_mutex_unlock(&lock);
    if (unused >= 0)
        close(unused);
    uint64_t unique = end(self, job);
    if (unique)
        answer(unique, count < 0 ? (int)-count : 0, self->buffer, count < 0 ? 0 : (size_t)count);
}

/* Adds a file that was opened, and returns its number; 0 if that is not possible. */
static uint64_t add_opened(uint64_t inode, dev_t device, int descriptor)
{
    struct file *file = descriptor < 0 ? NULL : calloc(1, sizeof *file);
    if (!file)
        return 0;
    pthread_mutex_lock(&lock);
    uint64_t number = file->number = new_file_number();
    file->inode = inode;
    file->descriptor = descriptor;
    bool is_added = add_file(file, device);
    pthread_mutex_unlock(&lock);
    if (!is_added)
        free(file);
    return is_added ? number : 0;
}

static void do_open(struct worker *self, size_t size, const struct job *job)
{
    const struct fuse_in_header *header = (const void *)self->buffer;
    const struct fuse_open_in *in = (const void *)(header + 1);
    dev_t device = job->device->number;
    struct known *known = job->known;
    int descriptor = open_known(known, in->flags);
    const bool keeps_pages = !may_change_unseen(known); /* asked for before anything is read */
    uint64_t unique = end(self, job);
    uint64_t number = unique ? add_opened(header->nodeid, device, descriptor) : 0;
    uint32_t keep_cache = known->has_pages ? FOPEN_KEEP_CACHE : 0;
    const struct fuse_open_out out = {.fh = number, .open_flags = FOPEN_NOFLUSH | keep_cache};
    if (number)
        answer(unique, 0, &out, sizeof out);
    else if (descriptor >= 0)
        close(descriptor);
    pthread_mutex_lock(&lock);
    known->has_pages |= number != 0 && keeps_pages;
    leave_known(known);
    pthread_mutex_unlock(&lock);
    if (unique && !number)
        pass_to_python(self->buffer, size);
}

static void do_getattr(struct worker *self, size_t size, const struct job *job)
{
    struct fuse_attr_out out = {.attr_valid = ATTRIBUTE_SECONDS};
    bool is_known = read_attributes(job->known, &out.attr);
    pthread_mutex_lock(&lock);
    leave_known(job->known);
    pthread_mutex_unlock(&lock);
    uint64_t unique = end(self, job);
    if (unique && is_known)
        answer(unique, 0, &out, sizeof out);
    else if (unique)
        pass_to_python(self->buffer, size);
}

static void do_question(struct worker *self, size_t size, const struct job *job)
{
    ssize_t count = 0;
    bool is_known = answer_question(job->known, self->buffer, &count);
    pthread_mutex_lock(&lock);
    leave_known(job->known);
    pthread_mutex_unlock(&lock);
    uint64_t unique = end(self, job);
    if (unique && is_known)
        answer(unique, count < 0 ? (int)-count : 0, self->buffer, count < 0 ? 0 : (size_t)count);
    else if (unique)
        pass_to_python(self->buffer, size);
}

/* Tells the kernel of a file, and notes that before it does. False if Python has to. */
static bool tell_of(const struct fuse_in_header *header, uint64_t unique, const struct job *job,
                    const struct listed_file *file, const struct statx *found)
{
    const char *name = (const void *)(header + 1);
    struct fuse_entry_out out = {.entry_valid = ATTRIBUTE_SECONDS, .attr_valid = ATTRIBUTE_SECONDS};
    const struct seen_file seen = seen_file(file);
    out.nodeid = number_of(file);
    out.attr = attributes_of(out.nodeid, found);
    pthread_mutex_lock(&lock);
    bool is_noted = note_lookup(header->nodeid, out.nodeid, file, name, job->changes);
    if (is_noted)
        remember(out.nodeid, job->directory->place, name, &seen, false);
    pthread_mutex_unlock(&lock);
    if (is_noted && !answer(unique, 0, &out, sizeof out)) {
        pthread_mutex_lock(&lock);
        tell_python_to_forget(out.nodeid, 1);
        pthread_mutex_unlock(&lock);
    }
    return is_noted;
}

static void do_lookup(struct worker *self, size_t size, const struct job *job)
{
    const struct fuse_in_header *header = (const void *)self->buffer;
    struct listed_file file;
    struct statx found;
    bool is_plain = look_up(job->directory, (const char *)(header + 1), &file, &found);
    uint64_t unique = end(self, job);
    if (unique && !(is_plain && tell_of(header, unique, job, &file, &found)))
        pass_to_python(self->buffer, size);
    pthread_mutex_lock(&lock);
    leave_directory(job->directory);
    pthread_mutex_unlock(&lock);
}

void handle_request(struct worker *self, size_t size)
{
    const struct fuse_in_header *header = (const void *)self->buffer;
    struct job job;
    if (header->opcode == FUSE_INTERRUPT)
        return; /* nothing here can be interrupted, and no answer is due */
    if (header->opcode == FUSE_FLUSH && is_known_file(self->buffer, size))
        answer(header->unique, 0, NULL, 0); /* nothing is kept here that could fail to be written */
    else if (is_for_capabilities(self->buffer, size))
        answer(header->unique, ENODATA, NULL, 0);
    else if (!begin(self, size, &job))
        pass_to_python(self->buffer, size);
    else if (job.file)
        do_with_file(self, &job);
    else if (job.directory)
        do_lookup(self, size, &job);
    else if (header->opcode == FUSE_OPEN)
        do_open(self, size, &job);
    else if (header->opcode == FUSE_GETATTR)
        do_getattr(self, size, &job);
    else
        do_question(self, size, &job);
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* How many requests were done here. */
EXPORTED unsigned long fast_path_served(void)
{
    pthread_mutex_lock(&lock);
    unsigned long count = served;
    pthread_mutex_unlock(&lock);
    return count;
}
