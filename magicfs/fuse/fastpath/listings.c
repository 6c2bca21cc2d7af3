/* Entries of listings: their attributes are read many at a time, and added to a reply many at a time. Which of them are
 * added, and what the kernel counts by that, is for Python to know: the library keeps nothing of them.
 *
 * What is set aside for a reply belongs to the thread of pyfuse3, which adds it before it does anything else. */
#include "fastpath.h"
#include <sys/sysmacros.h>

enum { PREFERRED_IO_BYTES = 128 << 10, /* as in attributes.py */ };

/* Seconds since the epoch whose nanoseconds fit into 64 bits. */
static const int64_t max_seconds = INT64_MAX / 1000000000 - 1;

/* The entries that are added to the reply next. */
static struct {
    const char *names;
    const struct listed_file *files;
    const uint64_t *inodes;
    const double *seconds;
    uint64_t position;
    unsigned count, added;
} prepared;

static bool fits(struct statx_timestamp time)
{
    return time.tv_sec >= -max_seconds && time.tv_sec <= max_seconds;
}

static int64_t nanoseconds(struct statx_timestamp time)
{
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

struct listed_file listed_file(const struct statx *found)
{
    bool has_birth = found->stx_mask & STATX_BTIME;
    bool has_times = fits(found->stx_atime) && fits(found->stx_mtime) && fits(found->stx_ctime) &&
                     (!has_birth || fits(found->stx_btime));
    if (!has_times)
        return (struct listed_file){.error = EOVERFLOW};
    return (struct listed_file){
        .kind = found->stx_mode & S_IFMT,
        .device = makedev(found->stx_dev_major, found->stx_dev_minor),
        .number = found->stx_ino,
        .born_ns = has_birth ? nanoseconds(found->stx_btime) : 0,
        .ctime_ns = nanoseconds(found->stx_ctime),
        .size = found->stx_size,
        .mtime_ns = nanoseconds(found->stx_mtime),
        .atime_ns = nanoseconds(found->stx_atime),
        .special_device = makedev(found->stx_rdev_major, found->stx_rdev_minor),
        .blocks = found->stx_blocks,
        .mode = found->stx_mode,
        .links = found->stx_nlink,
        .uid = found->stx_uid,
        .gid = found->stx_gid,
    };
}

struct seen_file seen_file(const struct listed_file *file)
{
    return (struct seen_file){.device = file->device,
                              .number = file->number,
                              .size = file->size,
                              .born_ns = file->born_ns,
                              .mtime_ns = file->mtime_ns,
                              .ctime_ns = file->ctime_ns};
}

static struct timespec timespec(int64_t time_ns)
{
    int64_t part = time_ns % 1000000000;
    part += part < 0 ? 1000000000 : 0;
    return (struct timespec){.tv_sec = (time_ns - part) / 1000000000, .tv_nsec = part};
}

static struct fuse_entry_param entry(const struct listed_file *file, uint64_t inode, double seconds)
{
    return (struct fuse_entry_param){
        .ino = inode,
        .attr_timeout = seconds,
        .entry_timeout = seconds,
        .attr = {.st_ino = inode,
                 .st_mode = file->mode,
                 .st_nlink = file->links,
                 .st_uid = file->uid,
                 .st_gid = file->gid,
                 .st_rdev = file->special_device,
                 .st_size = (off_t)file->size,
                 .st_blksize = PREFERRED_IO_BYTES,
                 .st_blocks = (blkcnt_t)file->blocks,
                 .st_atim = timespec(file->atime_ns),
                 .st_mtim = timespec(file->mtime_ns),
                 .st_ctim = timespec(file->ctime_ns)},
    };
}

size_t add_prepared(fuse_req_t request, char *buffer, size_t room)
{
    size_t used = 0;
    for (; prepared.added < prepared.count; prepared.added++) {
        const struct listed_file *file = &prepared.files[prepared.added];
        struct fuse_entry_param param = entry(file, prepared.inodes[prepared.added], prepared.seconds[prepared.added]);
        size_t size = add_entry(request, buffer + used, room - used, prepared.names + file->name, &param,
                                (off_t)(prepared.position + prepared.added));
        if (size > room - used)
            return prepared.added ? used : size;
        used += size;
    }
    return used;
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Reads the attributes of names in an open directory: `count` of them, each with a zero at its end. May wait for the
 * file system, so Python's lock is not held meanwhile. */
EXPORTED void fast_path_read_listed(int directory, const char *names, struct listed_file *files, unsigned count)
{
    const char *name = names;
    for (unsigned index = 0; index < count; index++, name += strlen(name) + 1) {
        struct statx found;
        int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
        files[index] = statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, &found) == 0
                           ? listed_file(&found)
                           : (struct listed_file){.error = errno};
        files[index].name = (uint32_t)(name - names);
    }
}

/* Prepares the entries for which the next one stands that Python adds to a reply (SEVERAL_ENTRIES): these files with
 * these inode numbers, which the kernel may keep for so many seconds each. The first one is followed by `position`. */
EXPORTED void fast_path_prepare_entries(const char *names, const struct listed_file *files, const uint64_t *inodes,
                                        const double *seconds, unsigned count, uint64_t position)
{
    prepared.names = names;
    prepared.files = files;
    prepared.inodes = inodes;
    prepared.seconds = seconds;
    prepared.position = position;
    prepared.count = count;
    prepared.added = 0;
}

/* How many of the prepared entries the reply had room for. */
EXPORTED unsigned fast_path_added_entries(void)
{
    return prepared.added;
}

/* From now on, opens the first `count` of these files here, as `fast_path_remember` does, where they are plain files.
 * They are in a directory at that path below a root; an empty path is that of the root itself. */
EXPORTED void fast_path_remember_listed(const char *root, const char *directory, const char *names,
                                        const struct listed_file *files, const uint64_t *inodes, unsigned count)
{
    pthread_mutex_lock(&lock);
    struct place *place = hold_place(root, directory, strlen(directory));
    for (unsigned index = 0; place && index < count; index++) {
        const struct seen_file seen = seen_file(&files[index]);
        if (S_ISREG(files[index].mode))
            remember(inodes[index], place, names + files[index].name, &seen, false);
    }
    if (place)
        drop_place(place);
    pthread_mutex_unlock(&lock);
}
