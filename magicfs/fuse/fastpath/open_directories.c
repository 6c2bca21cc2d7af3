/* Open directories whose listing Python has replied with to its end. Each program asks once more, for what follows, and
 * then closes the directory: nothing is left to decide, and Python is told of the closing when it next has something to
 * do. */
#include "fastpath.h"

enum { OPEN_BUCKETS = 256 };

struct open_directory {
    struct open_directory *next;
    uint64_t number; /* the handle that the kernel uses */
    uint64_t end;    /* the position that nothing follows */
};

static struct open_directory *open_directories[OPEN_BUCKETS];

static struct open_directory **place_of(uint64_t number)
{
    struct open_directory **place = &open_directories[number % OPEN_BUCKETS];
    while (*place && (*place)->number != number)
        place = &(*place)->next;
    return place;
}

static void remove_open_directory(struct open_directory **place)
{
    struct open_directory *unused = *place;
    *place = unused->next;
    free(unused);
}

bool is_at_end(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_read_in *in = (const void *)(header + 1);
    bool is_listing = header->opcode == FUSE_READDIR || header->opcode == FUSE_READDIRPLUS;
    if (!is_listing || size < sizeof *header + sizeof *in)
        return false;
    pthread_mutex_lock(&lock);
    const struct open_directory *found = *place_of(in->fh);
    bool result = found && found->end == in->offset;
    pthread_mutex_unlock(&lock);
    return result;
}

bool close_directory(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_release_in *in = (const void *)(header + 1);
    if (header->opcode != FUSE_RELEASEDIR || size < sizeof *header + sizeof *in)
        return false;
    pthread_mutex_lock(&lock);
    struct open_directory **place = place_of(in->fh);
    bool is_noted = *place && note_closed(in->fh);
    if (*place)
        remove_open_directory(place);
    pthread_mutex_unlock(&lock);
    return is_noted;
}

/* At the end of a mount. */
void forget_open_directories(void)
{
    for (unsigned bucket = 0; bucket < OPEN_BUCKETS; bucket++)
        while (open_directories[bucket])
            remove_open_directory(&open_directories[bucket]);
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Nothing follows a position of an open directory, and Python has nothing to do but to forget it when it is closed. */
EXPORTED void fast_path_listing_ends(uint64_t number, uint64_t end)
{
    pthread_mutex_lock(&lock);
    struct open_directory **place = place_of(number);
    if (!*place && state == RUNNING && (*place = calloc(1, sizeof **place)))
        (*place)->number = number;
    if (*place)
        (*place)->end = end;
    pthread_mutex_unlock(&lock);
}
