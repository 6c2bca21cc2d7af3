/* Directories in which plain files are looked up without Python, as long as each is where Python has seen it. */
#include "fastpath.h"

enum { DIRECTORY_BUCKETS = 1024, MAX_DIRECTORIES = 4096 /* that are watched, as in watches.py */ };

static struct directory *directories[DIRECTORY_BUCKETS];
static unsigned directory_count;

static struct directory **entry_of(uint64_t inode)
{
    struct directory **entry = &directories[inode % DIRECTORY_BUCKETS];
    while (*entry && (*entry)->inode != inode)
        entry = &(*entry)->next;
    return entry;
}

static void free_directory(struct directory *directory)
{
    drop_place(directory->place);
    free(directory);
}

static void remove_directory(struct directory **entry)
{
    struct directory *directory = *entry;
    *entry = directory->next;
    directory->is_removed = true;
    directory_count--;
    if (!directory->busy)
        free_directory(directory);
}

struct directory *use_directory(uint64_t inode, uint64_t *device)
{
    struct directory *directory = *entry_of(inode);
    if (!directory || directory->is_lost)
        return NULL;
    directory->busy++;
    *device = directory->device;
    return directory;
}

void leave_directory(struct directory *directory)
{
    if (--directory->busy == 0 && directory->is_removed)
        free_directory(directory);
}

void forget_directory(uint64_t inode)
{
    struct directory **entry = entry_of(inode);
    if (*entry)
        remove_directory(entry);
}

/* At the end of a mount. */
void forget_directories(void)
{
    for (unsigned bucket = 0; bucket < DIRECTORY_BUCKETS; bucket++)
        while (directories[bucket])
            remove_directory(&directories[bucket]);
}

/* A descriptor of a directory where it was seen; -1 if that is not certain at once. Without O_DIRECTORY, which some
 * kernels do not take for what is in their memory alone: what has the identity of a directory is one. */
static int open_directory(const struct directory *directory)
{
    struct statx found;
    struct listed_file file;
    int descriptor = open_at(directory->place, "", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return -1;
    int flags = AT_EMPTY_PATH | AT_STATX_DONT_SYNC;
    bool is_same = statx(descriptor, "", flags, STATX_BASIC_STATS | STATX_BTIME, &found) == 0;
    if (is_same) {
        file = listed_file(&found);
        is_same = file.device == directory->device && file.number == directory->number &&
                  (is_root(directory->place) || file.born_ns == directory->born_ns);
    }
    if (!is_same) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/* A plain file has one name, and lies where its directory does. A file system that is mounted on the name, which may
 * hang, is not asked: it is no plain file. */
bool look_up(struct directory *directory, const char *name, struct listed_file *file, struct statx *found)
{
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    int descriptor = open_directory(directory);
    if (descriptor < 0) {
        pthread_mutex_lock(&lock);
        directory->is_lost = true;
        pthread_mutex_unlock(&lock);
        return false;
    }
    bool is_found = statx(descriptor, name, flags, STATX_BASIC_STATS | STATX_BTIME, found) == 0;
    close(descriptor);
    if (!is_found)
        return false;
    *file = listed_file(found);
    return !file->error && S_ISREG(file->mode) && file->links == 1 && file->device == directory->device;
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Whether Python has to say where a directory is so that names can be looked up there. */
EXPORTED bool fast_path_lacks_directory(uint64_t inode)
{
    pthread_mutex_lock(&lock);
    const struct directory *directory = *entry_of(inode);
    bool lacks = !directory || directory->is_lost;
    pthread_mutex_unlock(&lock);
    return lacks;
}

/* From now on, looks plain files up in a directory of a local file system while it is at this path below a root. The
 * path of the root itself is empty. */
EXPORTED void fast_path_serve(uint64_t inode, const char *root, const char *path, uint64_t device, uint64_t number,
                              int64_t born_ns)
{
    struct directory *directory = calloc(1, sizeof *directory);
    if (!directory)
        return;
    pthread_mutex_lock(&lock);
    forget_directory(inode);
    bool has_room = state == RUNNING && directory_count < MAX_DIRECTORIES;
    struct place *place = has_room ? hold_place(root, path, strlen(path)) : NULL;
    if (place) {
        *directory = (struct directory){.next = directories[inode % DIRECTORY_BUCKETS],
                                        .inode = inode,
                                        .device = device,
                                        .number = number,
                                        .born_ns = born_ns,
                                        .place = place};
        directories[inode % DIRECTORY_BUCKETS] = directory;
        directory_count++;
    }
    pthread_mutex_unlock(&lock);
    if (!place)
        free(directory);
}
