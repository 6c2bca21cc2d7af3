/* Listings of small directories, read before Python is asked to open them: their names, and what each of them has. They
 * lie behind the request, so that nothing is left of one that Python does not use. Reading may wait for the disk, which
 * Python could do in another thread alone.
 *
 * The directory is watched before it is read, so that Python hears of what changes since. */
#include "fastpath.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/inotify.h>

enum {
    MAX_PREPARED = 256, /* names, as READDIR_BATCH */
    NAME_BYTES = NAME_MAX + 1,
    OWN_PATH_BYTES = 32, /* of the path of a descriptor below /proc */
};

/* The largest one, and room for its names before they are sorted. */
static const size_t most_bytes = sizeof(struct prepared_listing) +
                                 MAX_PREPARED * (sizeof(struct listed_file) + 2 * NAME_BYTES + sizeof(char *));

static int inotify_fd = -1; /* 0 or more while directories are prepared */
static uint32_t inotify_mask;

/* What is behind the request that pyfuse3 handles. It belongs to its thread. */
static const void *behind;
static size_t behind_bytes;

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

bool is_to_prepare(const struct known *known)
{
    return inotify_fd >= 0 && known->prepares && now_ns() >= known->prepares_from_ns;
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* Copies the names of a directory, each with a zero at its end, and returns how many there are; -1 if there are too many,
 * or they cannot be read. */
static int read_names(DIR *directory, char *room, char **names)
{
    const struct dirent *entry;
    int count = 0;
    while ((errno = 0, entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        size_t bytes = strlen(entry->d_name) + 1;
        /* A file system whose names are UTF-16 may list longer ones than the kernel looks up. */
        if (count == MAX_PREPARED || bytes > NAME_BYTES)
            return -1;
        memcpy(room, entry->d_name, bytes);
        names[count++] = room;
        room += bytes;
    }
    if (errno)
        return -1;
    qsort(names, (size_t)count, sizeof *names, compare_names);
    return count;
}

/* Whether all files were read, and lie where their directory does: a file system that is mounted there may hang, and is
 * not asked. One that has gone has an error. */
static bool read_files(int directory, uint64_t device, char **names, struct prepared_listing *listing)
{
    struct listed_file *files = (void *)(listing + 1);
    char *end = (char *)(files + listing->count);
    const char *start = end;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    for (unsigned index = 0; index < listing->count; index++) {
        struct statx found;
        bool is_found = statx(directory, names[index], flags, STATX_BASIC_STATS | STATX_BTIME, &found) == 0;
        files[index] = is_found ? listed_file(&found) : (struct listed_file){.error = errno};
        if (files[index].error ? files[index].error != ENOENT : files[index].device != device)
            return false;
        files[index].name = (uint32_t)(end - start);
        end = stpcpy(end, names[index]) + 1;
    }
    listing->name_bytes = (uint32_t)(end - start);
    return true;
}

/* Reads names and files through a descriptor, which it closes; false if Python has to. */
static bool list(int descriptor, uint64_t device, struct prepared_listing *listing)
{
    DIR *directory = fdopendir(descriptor);
    if (!directory) {
        close(descriptor);
        return false;
    }
    char **names = (void *)((char *)listing + most_bytes - MAX_PREPARED * sizeof *names);
    char *room = (char *)names - MAX_PREPARED * NAME_BYTES;
    int count = read_names(directory, room, names);
    listing->count = count < 0 ? 0 : (uint32_t)count;
    bool is_listed = count >= 0 && read_files(descriptor, device, names, listing);
    closedir(directory);
    return is_listed;
}

/* A descriptor of a directory to read it, which is watched from now on; -1 if it is left to Python. */
static int open_watched(const struct known *known, struct prepared_listing *listing)
{
    char own_path[OWN_PATH_BYTES];
    struct statx found;
    int place = open_same_file(known, O_PATH | O_NOFOLLOW | O_CLOEXEC, &found);
    if (place < 0)
        return -1;
    /* What is mounted over it is not opened: that may hang. */
    int descriptor = S_ISDIR(found.stx_mode) ? openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    close(place);
    if (descriptor < 0)
        return -1;
    snprintf(own_path, sizeof own_path, "/proc/self/fd/%d/.", descriptor);
    int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    listing->watch = inotify_add_watch(inotify_fd, own_path, inotify_mask);
    bool is_watched = listing->watch >= 0 && statx(descriptor, "", flags, STATX_BASIC_STATS, &found) == 0;
    const struct listed_file itself = is_watched ? listed_file(&found) : (struct listed_file){.error = EIO};
    if (itself.error) {
        close(descriptor);
        return -1;
    }
    listing->mtime_ns = itself.mtime_ns;
    listing->ctime_ns = itself.ctime_ns;
    return descriptor;
}

size_t prepare_listing(const struct known *known, char *buffer, size_t size)
{
    size_t first = (size + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
    struct prepared_listing *listing = (void *)(buffer + first);
    if (first + most_bytes > buffer_bytes)
        return size;
    *listing = (struct prepared_listing){.read_ns = now_ns(), .watch = -1};
    int descriptor = open_watched(known, listing);
    listing->is_listed = descriptor >= 0 && list(descriptor, known->seen.device, listing);
    if (listing->watch < 0)
        return size;
    if (!listing->is_listed)
        listing->count = listing->name_bytes = 0;
    return first + sizeof *listing + listing->count * sizeof(struct listed_file) + listing->name_bytes;
}

void handles_request(const void *request, size_t size)
{
    const struct fuse_in_header *header = request;
    size_t first = (header->len + sizeof(char *) - 1) / sizeof(char *) * sizeof(char *);
    behind = (const char *)request + first;
    behind_bytes = size > first ? size - first : 0;
}

/* At the end of a mount. */
void handles_nothing(void)
{
    inotify_fd = -1;
    behind_bytes = 0;
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Prepares listings, and watches directories by that descriptor of inotify(7); by a negative one, does so no more. */
EXPORTED void fast_path_watch_with(int descriptor, uint32_t mask)
{
    pthread_mutex_lock(&lock);
    inotify_fd = descriptor;
    inotify_mask = mask;
    pthread_mutex_unlock(&lock);
}

/* Moves what is prepared for the request that is handled into a buffer of PREPARED_BYTES; returns how much that is. */
EXPORTED size_t fast_path_take_prepared(char *buffer)
{
    size_t size = behind_bytes <= PREPARED_BYTES ? behind_bytes : 0;
    if (size)
        memcpy(buffer, behind, size);
    behind_bytes = 0;
    return size;
}
