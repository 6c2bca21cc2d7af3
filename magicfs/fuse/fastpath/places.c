/* Places of directories below the roots: the files in a directory, and look-ups there, have one in common. */
#include "fastpath.h"
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

enum {
    PLACE_BUCKETS = 1024,
    ATTEMPTS = 4, /* each fails when something is mounted anywhere at that moment */
};

struct place {
    struct place *next;
    unsigned users;
    size_t root_bytes;
    char path[]; /* of the root, and of the directory below it */
};

static struct place *places[PLACE_BUCKETS];

static struct place **bucket_of(const char *path)
{
    uint64_t hash = 0;
    for (const char *each = path; *each; each++)
        hash = (hash ^ (unsigned char)*each) * UINT64_C(0x9E3779B185EBCA87);
    return &places[(hash >> 32) % PLACE_BUCKETS];
}

struct place *hold_place(const char *root, const char *below, size_t below_bytes)
{
    char path[PATH_MAX];
    size_t root_bytes = strlen(root);
    int bytes = snprintf(path, sizeof path, "%s%s%.*s", root, below_bytes ? "/" : "", (int)below_bytes, below);
    if (bytes < 0 || (size_t)bytes >= sizeof path || below_bytes >= sizeof path)
        return NULL;
    struct place **bucket = bucket_of(path), *place = *bucket;
    while (place && (place->root_bytes != root_bytes || strcmp(place->path, path) != 0))
        place = place->next;
    if (!place && (place = malloc(sizeof *place + (size_t)bytes + 1))) {
        *place = (struct place){.next = *bucket, .root_bytes = root_bytes};
        memcpy(place->path, path, (size_t)bytes + 1);
        *bucket = place;
    }
    if (place)
        place->users++;
    return place;
}

void share_place(struct place *place)
{
    place->users++;
}

void drop_place(struct place *unused)
{
    struct place **place = bucket_of(unused->path);
    if (--unused->users > 0)
        return;
    while (*place != unused)
        place = &(*place)->next;
    *place = unused->next;
    free(unused);
}

bool is_root(const struct place *place)
{
    return !place->path[place->root_bytes];
}

/* Opens what the kernel has in memory. */
static int open_cached(int directory, const char *path, int flags, __u64 resolve)
{
    struct open_how how = {.flags = (__u64)flags, .resolve = RESOLVE_CACHED | resolve};
    int descriptor = -1;
    for (int attempt = 0; descriptor < 0 && attempt < ATTEMPTS; attempt++) {
        descriptor = (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (descriptor < 0 && errno != EAGAIN)
            break;
    }
    return descriptor;
}

int open_at(const struct place *place, const char *name, int flags)
{
    char path[PATH_MAX];
    int bytes = snprintf(path, sizeof path, "%s%s%s", place->path, *name ? "/" : "", name);
    if (bytes < 0 || (size_t)bytes >= sizeof path)
        return -1;
    int descriptor = open_cached(AT_FDCWD, path, flags, RESOLVE_NO_SYMLINKS);
    if (descriptor >= 0 || errno != ELOOP)
        return descriptor;
    /* There may be links above the root, but not below it. */
    bool is_below = path[place->root_bytes];
    path[place->root_bytes] = 0;
    int root = open_cached(AT_FDCWD, path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (root < 0 || !is_below)
        return root;
    descriptor = open_cached(root, path + place->root_bytes + 1, flags,
                             RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    close(root);
    return descriptor;
}
