/* The requests that Python handles, on their way to pyfuse3, in the order in which the kernel sent them. */
#include "fastpath.h"
#include <sys/eventfd.h>

struct message {
    struct message *next;
    size_t size;
    void *bytes;
};

static int queue_fd = -1;
static struct message *first_message, **last_message = &first_message;

bool open_queue(void)
{
    queue_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    return queue_fd >= 0;
}

int queue_descriptor(void)
{
    return queue_fd;
}

void wake_python(void)
{
    const uint64_t one = 1;
    while (write(queue_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

void let_python_sleep(void)
{
    uint64_t count;
    while (read(queue_fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
}

/* Python learns by the file handle of a request to write whether it is for pages of a mapping. */
static void mark_pages(void *bytes, size_t size)
{
    const struct fuse_in_header *header = bytes;
    struct fuse_write_in *in = (void *)((char *)bytes + sizeof *header);
    if (header->opcode == FUSE_WRITE && size >= sizeof *header + sizeof *in && in->write_flags & FUSE_WRITE_CACHE)
        in->fh |= OF_PAGES;
}

/* Python learns by the thread id whether a program opens a directory as it opens a file: it may not want to list it. */
static void mark_opened_as_file(void *bytes, size_t size)
{
    struct fuse_in_header *header = bytes;
    const struct fuse_open_in *in = (void *)((char *)bytes + sizeof *header);
    if (header->opcode == FUSE_OPENDIR && size >= sizeof *header + sizeof *in && !(in->flags & O_DIRECTORY))
        header->pid |= OPENED_AS_FILE;
}

/* A message with these bytes; NULL without memory. */
static struct message *make_message(const void *buffer, size_t size)
{
    struct message *message = malloc(sizeof *message);
    void *bytes = malloc(size);
    if (!message || !bytes) {
        free(message);
        free(bytes);
        return NULL;
    }
    memcpy(bytes, buffer, size);
    *message = (struct message){.size = size, .bytes = bytes};
    return message;
}

/* With the lock held. */
static void append(struct message *message)
{
    bool was_empty = !first_message;
    *last_message = message;
    last_message = &message->next;
    if (was_empty)
        wake_python();
}

void pass_to_python(const char *buffer, size_t size)
{
    struct message *message = make_message(buffer, size);
    const struct fuse_in_header *header = (const void *)buffer;
    if (!message) {
        answer(header->unique, ENOMEM, NULL, 0);
        return;
    }
    mark_pages(message->bytes, size);
    mark_opened_as_file(message->bytes, size);
    pthread_mutex_lock(&lock);
    append(message);
    pthread_mutex_unlock(&lock);
}

void tell_python_to_forget(uint64_t inode, uint64_t lookups)
{
    struct {
        struct fuse_in_header header;
        struct fuse_forget_in in;
    } request = {{.len = sizeof request, .opcode = FUSE_FORGET, .nodeid = inode}, {.nlookup = lookups}};
    struct message *message = make_message(&request, sizeof request);
    if (message)
        append(message);
}

/* The size of the next request, whose bytes the caller frees; -EINTR if there is none, 0 at the end of the mount. */
ssize_t take_message(void **bytes)
{
    ssize_t size = -EINTR;
    pthread_mutex_lock(&lock);
    struct message *message = first_message;
    if (message) {
        *bytes = message->bytes;
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
    return size;
}

/* At the end of a mount. */
void close_queue(void)
{
    struct message *message;
    while ((message = first_message)) {
        first_message = message->next;
        free(message->bytes);
        free(message);
    }
    last_message = &first_message;
    close(queue_fd);
}
