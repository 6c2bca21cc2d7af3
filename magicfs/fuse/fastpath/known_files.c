/* Files, and directories, that Python has seen. As long as what is at the place is the same file with the same content,
 * there is nothing to decide when a program opens it to read, or asks for its attributes; nor when it asks for an extended
 * attribute, or whether it has access, whatever the content is (questions.c). Whatever differs, or is not certain at once,
 * is left to Python, which says what it has found then. */
#include "fastpath.h"
#include <sys/sysmacros.h>

enum {
    KNOWN_BUCKETS = 8192,
    MAX_KNOWN = 65536,              /* some 200 bytes each */
    PREFERRED_IO_BYTES = 128 << 10, /* as in attributes.py */
};

/* As in real_files.py. */
static const int64_t tick_ns = 20000000, coarse_tick_ns = 2500000000, coarse_unit_ns = 10000000;

static struct known *known_files[KNOWN_BUCKETS];
static unsigned known_count;

static struct known **place_of(uint64_t inode)
{
    struct known **place = &known_files[inode % KNOWN_BUCKETS];
    while (*place && (*place)->inode != inode)
        place = &(*place)->next;
    return place;
}

static bool is_to_read(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_open_in *in = (const void *)(header + 1);
    return header->opcode == FUSE_OPEN && size >= sizeof *header + sizeof *in && !(in->flags & (O_ACCMODE | O_TRUNC));
}

struct known *known_of(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    bool is_done_here = header->opcode == FUSE_GETATTR || is_to_read(buffer, size) || is_question(buffer, size);
    return is_done_here ? *place_of(header->nodeid) : NULL;
}

static void free_known(struct known *known)
{
    drop_place(known->place);
    free(known);
}

void leave_known(struct known *known)
{
    if (--known->busy == 0 && known->is_removed)
        free_known(known);
}

static void remove_known(struct known **place)
{
    struct known *known = *place;
    *place = known->next;
    known->is_removed = true;
    known_count--;
    if (!known->busy)
        free_known(known);
}

/* Makes room where there are too many: the last one of a bucket is the first one that was added. */
static void remove_oldest(struct known **place)
{
    while (*place && (*place)->next)
        place = &(*place)->next;
    if (*place)
        remove_known(place);
}

static int64_t nanoseconds(struct statx_timestamp time)
{
    return (int64_t)((uint64_t)time.tv_sec * UINT64_C(1000000000) + time.tv_nsec);
}

/* What the file system says of a descriptor; false if it is another file. What was mounted over a directory, and may hang,
 * is not asked. */
static bool is_same_file(int descriptor, const struct seen_file *seen, struct statx *found)
{
    if (statx(descriptor, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_BTIME, found) != 0)
        return false;
    int64_t born_ns = found->stx_mask & STATX_BTIME ? nanoseconds(found->stx_btime) : 0;
    return (S_ISREG(found->stx_mode) || S_ISDIR(found->stx_mode)) &&
           makedev(found->stx_dev_major, found->stx_dev_minor) == seen->device && found->stx_ino == seen->number &&
           born_ns == seen->born_ns;
}

static bool has_content(const struct statx *found, const struct seen_file *seen)
{
    return found->stx_size == seen->size && nanoseconds(found->stx_mtime) == seen->mtime_ns &&
           nanoseconds(found->stx_ctime) == seen->ctime_ns;
}

bool may_change_unseen(const struct known *known)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const int64_t changed_ns = known->seen.ctime_ns;
    const int64_t age_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec - changed_ns;
    return age_ns < (changed_ns % coarse_unit_ns ? tick_ns : coarse_tick_ns);
}

int open_same_file(const struct known *known, int flags, struct statx *found)
{
    int descriptor = open_at(known->place, known->name, flags);
    if (descriptor >= 0 && !is_same_file(descriptor, &known->seen, found)) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

/* A descriptor of a file that is as it was seen; -1 if it is to be left to Python. */
static int open_as_seen(const struct known *known, int flags, struct statx *found)
{
    int descriptor = open_same_file(known, flags, found);
    if (descriptor >= 0 && !has_content(found, &known->seen)) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

int open_known(const struct known *known, uint32_t request_flags)
{
    struct statx found;
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    return open_as_seen(known, flags | ((int)request_flags & (O_APPEND | O_SYNC | O_DSYNC)), &found);
}

struct fuse_attr attributes_of(uint64_t inode, const struct statx *found)
{
    return (struct fuse_attr){
        .ino = inode,
        .size = found->stx_size,
        .blocks = found->stx_blocks,
        .atime = (uint64_t)found->stx_atime.tv_sec,
        .mtime = (uint64_t)found->stx_mtime.tv_sec,
        .ctime = (uint64_t)found->stx_ctime.tv_sec,
        .atimensec = found->stx_atime.tv_nsec,
        .mtimensec = found->stx_mtime.tv_nsec,
        .ctimensec = found->stx_ctime.tv_nsec,
        .mode = found->stx_mode,
        .nlink = found->stx_nlink,
        .uid = found->stx_uid,
        .gid = found->stx_gid,
        .blksize = PREFERRED_IO_BYTES,
    };
}

bool read_attributes(const struct known *known, struct fuse_attr *attributes)
{
    struct statx found;
    int descriptor = open_as_seen(known, O_PATH | O_NOFOLLOW | O_CLOEXEC, &found);
    if (descriptor < 0)
        return false;
    close(descriptor);
    *attributes = attributes_of(known->inode, &found);
    return true;
}

void remember(uint64_t inode, struct place *directory, const char *name, const struct seen_file *seen, bool has_pages)
{
    size_t name_bytes = strlen(name) + 1;
    struct known **place = place_of(inode);
    if (*place) {
        has_pages |= (*place)->has_pages && memcmp(&(*place)->seen, seen, sizeof *seen) == 0;
        remove_known(place);
    }
    if (known_count >= MAX_KNOWN)
        remove_oldest(&known_files[inode % KNOWN_BUCKETS]);
    bool has_room = state == RUNNING && known_count < MAX_KNOWN;
    struct known *known = has_room ? malloc(sizeof *known + name_bytes) : NULL;
    if (!known)
        return;
    *known = (struct known){.next = known_files[inode % KNOWN_BUCKETS],
                            .inode = inode,
                            .seen = *seen,
                            .place = directory,
                            .has_pages = has_pages};
    memcpy(known->name, name, name_bytes);
    share_place(directory);
    known_files[inode % KNOWN_BUCKETS] = known;
    known_count++;
}

/* At the end of a mount. */
void forget_known(void)
{
    for (unsigned bucket = 0; bucket < KNOWN_BUCKETS; bucket++)
        while (known_files[bucket])
            remove_known(&known_files[bucket]);
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* From now on, opens a file here and reads its attributes while it is as Python has seen it at this path below a root.
 * With `has_pages` the kernel may have pages of this content; otherwise it drops what it has with the first opening. */
EXPORTED void fast_path_remember(uint64_t inode, const char *root, const char *path, const struct seen_file *seen,
                                 bool has_pages)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    pthread_mutex_lock(&lock);
    struct place *place = hold_place(root, path, slash ? (size_t)(slash - path) : 0);
    if (place) {
        remember(inode, place, name, seen, has_pages);
        drop_place(place);
    }
    pthread_mutex_unlock(&lock);
}

/* Leaves what has a name in a directory, at that path below a root, to Python until it is seen again: a program that had
 * it open to write has closed it. Returns its inode number, or 0 if it is no plain file, or not certain at once. */
EXPORTED uint64_t fast_path_leave_written(const char *root, const char *path, const char *name)
{
    struct statx found;
    pthread_mutex_lock(&lock);
    struct place *place = hold_place(root, path, strlen(path));
    pthread_mutex_unlock(&lock);
    if (!place)
        return 0;
    int descriptor = open_at(place, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    bool is_plain = descriptor >= 0 && statx(descriptor, "", flags, STATX_BASIC_STATS | STATX_BTIME, &found) == 0 &&
                    S_ISREG(found.stx_mode);
    if (descriptor >= 0)
        close(descriptor);
    const struct listed_file file = is_plain ? listed_file(&found) : (struct listed_file){0};
    const uint64_t inode = file.kind ? number_of(&file) : 0;
    pthread_mutex_lock(&lock);
    drop_place(place);
    struct known **known = place_of(inode);
    if (*known)
        remove_known(known);
    pthread_mutex_unlock(&lock);
    return inode;
}

/* Leaves a file, or the names in a directory, to Python until it is seen again. */
EXPORTED void fast_path_forget(uint64_t inode)
{
    pthread_mutex_lock(&lock);
    struct known **place = place_of(inode);
    if (*place)
        remove_known(place);
    forget_directory(inode);
    pthread_mutex_unlock(&lock);
}
