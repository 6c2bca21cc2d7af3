/* The open files that are read and written without Python, and their file systems. */
#include "fastpath.h"
#include <sys/uio.h>

enum { FILE_BUCKETS = 1024 };

static struct file *files[FILE_BUCKETS];
static struct device *devices;
static uint64_t opened_here;

struct device *hold_device(dev_t number)
{
    struct device *device = devices;
    while (device && device->number != number)
        device = device->next;
    if (!device && (device = calloc(1, sizeof *device))) {
        device->number = number;
        device->next = devices;
        devices = device;
    }
    if (device)
        device->users++;
    return device;
}

void drop_device(struct device *device)
{
    struct device **place = &devices;
    if (--device->users > 0)
        return;
    while (*place != device)
        place = &(*place)->next;
    *place = device->next;
    free(device);
}

static struct file **place_of(uint64_t number)
{
    struct file **place = &files[number % FILE_BUCKETS];
    while (*place && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

struct file *find_file(uint64_t number)
{
    return *place_of(number);
}

bool add_file(struct file *file, dev_t device)
{
    struct file **bucket = &files[file->number % FILE_BUCKETS];
    file->device = state == RUNNING ? hold_device(device) : NULL;
    if (!file->device)
        return false;
    file->next = *bucket;
    *bucket = file;
    return true;
}

uint64_t new_file_number(void)
{
    return OPENED_HERE | ++opened_here;
}

bool remove_file(struct file *file)
{
    *place_of(file->number) = file->next;
    file->is_removed = true;
    if (file->busy)
        return false;
    drop_device(file->device);
    free(file);
    return true;
}

int leave_file(struct file *file)
{
    int descriptor = file->descriptor;
    if (--file->busy > 0 || !file->is_removed)
        return -1;
    drop_device(file->device);
    free(file);
    return descriptor;
}

/* At the end of a mount: closes those that Python does not know. */
void forget_files(void)
{
    for (unsigned bucket = 0; bucket < FILE_BUCKETS; bucket++)
        for (struct file *file = files[bucket], *next; file; file = next) {
            int descriptor = file->descriptor;
            next = file->next;
            if (file->inode && remove_file(file))
                close(descriptor);
        }
}

struct file *file_of(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_read_in *read_in = (const void *)(header + 1);
    const struct fuse_write_in *write_in = (const void *)(header + 1);
    const struct fuse_release_in *release_in = (const void *)(header + 1);
    size_t head = sizeof *header + sizeof *write_in; /* as long as that of a request to read */
    if (header->opcode == FUSE_READ && size >= head && read_in->size <= buffer_bytes)
        return find_file(read_in->fh);
    if (header->opcode == FUSE_WRITE && size >= head && write_in->size <= size - head)
        return find_file(write_in->fh);
    if (header->opcode == FUSE_RELEASE && size >= sizeof *header + sizeof *release_in) {
        struct file *file = find_file(release_in->fh);
        return file && file->inode ? file : NULL; /* Python closes what it has opened */
    }
    return NULL;
}

/* Whether a request to flush is about a file that is read and written here. */
bool is_known_file(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_flush_in *in = (const void *)(header + 1);
    if (size < sizeof *header + sizeof *in)
        return false;
    pthread_mutex_lock(&lock);
    bool result = find_file(in->fh) != NULL;
    pthread_mutex_unlock(&lock);
    return result;
}

/* Reading and writing -------------------------------------------------------------------------------------------- */

ssize_t read_from_memory(const struct file *file, const struct fuse_read_in *in, char *buffer)
{
    size_t done = 0;
    for (;;) {
        struct iovec rest = {buffer + done, in->size - done};
        ssize_t count = preadv2(file->descriptor, &rest, 1, (off_t)(in->offset + done), RWF_NOWAIT);
        if (count < 0)
            return -EAGAIN;
        done += (size_t)count;
        if (count == 0 || done == in->size)
            return (ssize_t)done;
    }
}

ssize_t read_fully(const struct file *file, const struct fuse_read_in *in, char *buffer)
{
    size_t done = 0;
    while (done < in->size) {
        ssize_t count = pread(file->descriptor, buffer + done, in->size - done, (off_t)(in->offset + done));
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

ssize_t write_to(const struct file *file, char *buffer)
{
    const struct fuse_write_in *in = (const void *)(buffer + sizeof(struct fuse_in_header));
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

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Does the reading and writing of a file that Python has opened from now on; false if that is not possible. */
EXPORTED bool fast_path_add(uint64_t number, int descriptor, bool is_writable, bool clears_set_id)
{
    struct stat status;
    struct file *file = fstat(descriptor, &status) == 0 ? calloc(1, sizeof *file) : NULL;
    if (!file)
        return false;
    file->number = number;
    file->descriptor = descriptor;
    file->is_writable = is_writable;
    file->clears_set_id = clears_set_id;
    pthread_mutex_lock(&lock);
    bool is_added = add_file(file, status.st_dev);
    pthread_mutex_unlock(&lock);
    if (!is_added)
        free(file);
    return is_added;
}

/* Leaves a file to Python again. Returns true if a call with its descriptor hangs: it is closed here after that. */
EXPORTED bool fast_path_remove(uint64_t number)
{
    pthread_mutex_lock(&lock);
    struct file *file = find_file(number);
    bool is_busy = file && !remove_file(file);
    pthread_mutex_unlock(&lock);
    return is_busy;
}

/* Whether a file was written to since this was asked last. */
EXPORTED bool fast_path_take_written(uint64_t number)
{
    pthread_mutex_lock(&lock);
    struct file *file = find_file(number);
    bool is_written = file && file->is_written;
    if (file)
        file->is_written = false;
    pthread_mutex_unlock(&lock);
    return is_written;
}

/* Gives Python a file that was opened here: returns its descriptor, which Python closes, and the inode; -1 if there is
 * no such file. It is read here as before. */
EXPORTED int fast_path_hand_over(uint64_t number, uint64_t *inode)
{
    int descriptor = -1;
    pthread_mutex_lock(&lock);
    struct file *file = find_file(number);
    if (file && file->inode) {
        *inode = file->inode;
        file->inode = 0;
        descriptor = file->descriptor;
    }
    pthread_mutex_unlock(&lock);
    return descriptor;
}

/* The handle number of a file that was opened here, by its inode; 0 if there is none. */
EXPORTED uint64_t fast_path_opened(uint64_t inode)
{
    uint64_t number = 0;
    pthread_mutex_lock(&lock);
    for (unsigned bucket = 0; bucket < FILE_BUCKETS && !number; bucket++)
        for (struct file *file = files[bucket]; file && !number; file = file->next)
            if (file->inode && file->inode == inode)
                number = file->number;
    pthread_mutex_unlock(&lock);
    return number;
}
