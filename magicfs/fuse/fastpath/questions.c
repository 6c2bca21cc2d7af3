/* What programs ask of a file that Python has seen, whatever its content is by now: an extended attribute, the names of
 * all, and whether they have access. `ls -l` asks for two attributes of each file, `cp -a` for all names, and file
 * managers whether it can be read, written and executed. */
#include "fastpath.h"
#include <stdio.h>
#include <sys/xattr.h>

enum { OWN_PATH_BYTES = 32 /* of the path of a descriptor below /proc */ };

/* Extended attributes that are not those of the file itself, and that of a file without a label: as in nodes.py. */
static const char index_prefix[] = "user.magicfs.", file_capabilities[] = "security.capability",
                  file_label[] = "security.selinux";

/* The name of the extended attribute that a request asks for; NULL if it is no such request. */
static const char *name_of_attribute(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    size_t head = sizeof *header + sizeof(struct fuse_getxattr_in);
    bool is_one = header->opcode == FUSE_GETXATTR && size > head && memchr(buffer + head, 0, size - head);
    return is_one ? buffer + head : NULL;
}

/* Whether an extended attribute is not that of the file itself, or one that programs go without. */
static bool is_left_out(const char *name)
{
    return strncmp(name, index_prefix, sizeof index_prefix - 1) == 0 || strcmp(name, file_capabilities) == 0;
}

bool is_for_capabilities(const char *buffer, size_t size)
{
    const char *name = name_of_attribute(buffer, size);
    return name && strcmp(name, file_capabilities) == 0;
}

/* Those for attributes ask for no more than an answer holds. */
bool is_question(const char *buffer, size_t size)
{
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_getxattr_in *in = (const void *)(header + 1);
    const char *name = name_of_attribute(buffer, size);
    if (header->opcode == FUSE_ACCESS)
        return size >= sizeof *header + sizeof(struct fuse_access_in);
    return ((name && !is_left_out(name)) || (header->opcode == FUSE_LISTXATTR && size >= sizeof *header + sizeof *in)) &&
           in->size <= buffer_bytes;
}

/* Reads the names of all extended attributes that are shown. Returns how many bytes they have, or an error. */
static ssize_t read_attribute_names(const char *path, char *names, size_t room)
{
    char found[XATTR_LIST_MAX];
    ssize_t count = listxattr(path, found, sizeof found);
    if (count < 0)
        return errno == EOPNOTSUPP ? 0 : -errno;
    size_t used = 0, size;
    for (const char *name = found; name < found + count; name += size) {
        size = strlen(name) + 1;
        if (is_left_out(name))
            continue;
        if (room && used + size > room)
            return -ERANGE;
        if (room)
            memcpy(names + used, name, size);
        used += size;
    }
    return (ssize_t)used;
}

/* A program that learns by a missing label that there are none asks for no other one. */
static ssize_t read_attribute(const char *path, const char *name, char *value, size_t room)
{
    ssize_t count = getxattr(path, name, room ? value : NULL, room);
    if (count >= 0)
        return count;
    return errno == ENODATA && strcmp(name, file_label) == 0 ? -EOPNOTSUPP : -errno;
}

static ssize_t answer_about_attributes(const char *path, char *buffer)
{
    struct fuse_getxattr_in in; /* a copy: what is read replaces it */
    const bool is_for_names = ((const struct fuse_in_header *)(const void *)buffer)->opcode == FUSE_LISTXATTR;
    memcpy(&in, buffer + sizeof(struct fuse_in_header), sizeof in);
    ssize_t count = is_for_names ? read_attribute_names(path, buffer, in.size)
                                 : read_attribute(path, buffer + sizeof(struct fuse_in_header) + sizeof in, buffer,
                                                  in.size);
    if (count < 0 || in.size)
        return count;
    const struct fuse_getxattr_out out = {.size = (uint32_t)count};
    memcpy(buffer, &out, sizeof out);
    return sizeof out;
}

bool answer_question(const struct known *known, char *buffer, ssize_t *result)
{
    struct statx found;
    char path[OWN_PATH_BYTES];
    const struct fuse_in_header *header = (const void *)buffer;
    const struct fuse_access_in *access = (const void *)(header + 1);
    int descriptor = open_same_file(known, O_PATH | O_NOFOLLOW | O_CLOEXEC, &found);
    if (descriptor < 0)
        return false;
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    if (header->opcode == FUSE_ACCESS)
        *result = faccessat(AT_FDCWD, path, (int)access->mask, AT_EACCESS) == 0 ? 0 : -EACCES;
    else
        *result = answer_about_attributes(path, buffer);
    close(descriptor);
    return true;
}
