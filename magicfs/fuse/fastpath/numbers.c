/* The inode numbers of plain files, as inodes.py derives them from what identifies a file: hashes (XXH3) of few bytes. */
#include "fastpath.h"

enum { KEY_SHIFT = 28, SHORTEST = 17, LONGEST = 64 };

static const unsigned char secret[LONGEST] = {
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
};

/* What inodes.py hashes. */
struct __attribute__((packed)) identity {
    uint32_t kind;
    uint64_t device, number;
    uint64_t seen_ns; /* 0: not by the index */
    int64_t born_ns;
};

_Static_assert(offsetof(struct identity, seen_ns) >= SHORTEST && sizeof(struct identity) <= LONGEST, "not hashed here");

static uint64_t word_at(const unsigned char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t mix(const unsigned char *bytes, const unsigned char *key)
{
    unsigned __int128 product =
        (unsigned __int128)(word_at(bytes) ^ word_at(key)) * (word_at(bytes + 8) ^ word_at(key + 8));
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const void *start, size_t size)
{
    const unsigned char *bytes = start;
    uint64_t hash = size * UINT64_C(0x9E3779B185EBCA87);
    if (size > 32)
        hash += mix(bytes + 16, secret + 32) + mix(bytes + size - 32, secret + 48);
    hash += mix(bytes, secret) + mix(bytes + size - 16, secret + 16);
    hash ^= hash >> 37;
    hash *= UINT64_C(0x165667919E3779F9);
    return hash ^ (hash >> 32);
}

uint64_t number_of(const struct listed_file *file)
{
    const struct identity identity = {S_IFREG, file->device, file->number, 0, file->born_ns};
    uint64_t key = hash_of(&identity, offsetof(struct identity, seen_ns)) >> KEY_SHIFT;
    uint64_t seed = hash_of(&identity, sizeof identity) & ((UINT64_C(1) << SEED_BITS) - 1);
    return (key ? key : 1) << SEED_BITS | seed;
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* The inode number of a plain file, as long as no other one has it. */
EXPORTED uint64_t fast_path_number(uint64_t device, uint64_t number, int64_t born_ns)
{
    const struct listed_file file = {.device = device, .number = number, .born_ns = born_ns};
    return number_of(&file);
}
