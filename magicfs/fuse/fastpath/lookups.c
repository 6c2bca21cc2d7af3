/* What the kernel was told of without Python: each look-up that was answered here is noted, before the answer is sent.
 * Python counts what is noted before it handles any other request, so that it alone counts what the kernel knows, in an
 * order that the kernel may have seen. The library keeps nothing of a file but until then.
 *
 * Files that Python has as objects, or under other numbers, are claimed: they are looked up by Python. */
#include "fastpath.h"

enum {
    CLAIM_BUCKETS = 4096,
    FULL_BYTES = 32 << 10, /* Python is woken then: counting takes it a millisecond */
};

/* Files whose numbers begin with the same bits, those that only another birth tells apart. */
struct claim {
    struct claim *next;
    uint64_t key;
    unsigned count;
};

static struct claim *claims[CLAIM_BUCKETS];
static uint64_t assigned_key; /* of a file that Python is about to have */
static uint64_t changes;      /* how often names were removed and renamed in the mount */
static bool is_all_claimed;   /* there was no memory for a claim */
static char noted[NOTED_BYTES];
static size_t noted_bytes;

static struct claim **place_of(uint64_t key)
{
    struct claim **place = &claims[key % CLAIM_BUCKETS];
    while (*place && (*place)->key != key)
        place = &(*place)->next;
    return place;
}

static void remove_claim(struct claim **place)
{
    struct claim *claim = *place;
    *place = claim->next;
    free(claim);
}

uint64_t changes_of_names(void)
{
    return changes;
}

bool note_lookup(uint64_t directory, uint64_t number, const struct listed_file *file, const char *name,
                 uint64_t changes_before)
{
    const uint64_t key = number >> SEED_BITS;
    struct noted head = {directory, number, *file, (uint32_t)strlen(name)};
    size_t size = sizeof head + head.name_bytes;
    bool is_claimed = is_all_claimed || key == assigned_key || *place_of(key);
    if (state != RUNNING || changes != changes_before || is_claimed || noted_bytes + size > sizeof noted)
        return false;
    if (noted_bytes < FULL_BYTES && noted_bytes + size >= FULL_BYTES)
        tell_python_to_forget(0, 0); /* nothing: it counts before that */
    memcpy(noted + noted_bytes, &head, sizeof head);
    memcpy(noted + noted_bytes + sizeof head, name, head.name_bytes);
    noted_bytes += size;
    return true;
}

/* At the end of a mount. */
void forget_lookups(void)
{
    for (unsigned bucket = 0; bucket < CLAIM_BUCKETS; bucket++)
        while (claims[bucket])
            remove_claim(&claims[bucket]);
    assigned_key = 0;
    is_all_claimed = false;
    noted_bytes = 0;
}

/* What Python calls ---------------------------------------------------------------------------------------------- */

/* Moves what is noted into a buffer of NOTED_BYTES, and returns how much that is. */
EXPORTED size_t fast_path_take_noted(char *buffer)
{
    pthread_mutex_lock(&lock);
    size_t size = noted_bytes;
    memcpy(buffer, noted, size);
    noted_bytes = 0;
    pthread_mutex_unlock(&lock);
    return size;
}

/* Leaves look-ups to Python that have begun before a name was removed or renamed: they may have found it. */
EXPORTED void fast_path_names_have_changed(void)
{
    pthread_mutex_lock(&lock);
    changes++;
    pthread_mutex_unlock(&lock);
}

/* Leaves files to Python whose numbers begin like this one, until that was released as often. */
EXPORTED void fast_path_claim(uint64_t number)
{
    const uint64_t key = number >> SEED_BITS;
    pthread_mutex_lock(&lock);
    struct claim **place = place_of(key);
    if (!*place && (*place = calloc(1, sizeof **place)))
        (*place)->key = key;
    if (*place)
        (*place)->count++;
    else
        is_all_claimed = true;
    pthread_mutex_unlock(&lock);
}

EXPORTED void fast_path_release(uint64_t number)
{
    pthread_mutex_lock(&lock);
    struct claim **place = place_of(number >> SEED_BITS);
    if (*place && --(*place)->count == 0)
        remove_claim(place);
    pthread_mutex_unlock(&lock);
}

/* Leaves such files to Python until this is called again. */
EXPORTED void fast_path_assign(uint64_t number)
{
    pthread_mutex_lock(&lock);
    assigned_key = number >> SEED_BITS;
    pthread_mutex_unlock(&lock);
}
