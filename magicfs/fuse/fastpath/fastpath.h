/* Requests of a mount that need no Python: what the parts of this library know of each other.
 *
 * Loaded before pyfuse3, so that pyfuse3 calls the functions of session.c that have names of libfuse; each calls the
 * one of libfuse in turn. Threads of threads.c read the requests of the kernel. Those to read or write an open file
 * (files.c), those about a file that is as Python has seen it (known_files.c, questions.c), and look-ups of plain files
 * (directories.c, lookups.c), are done at once (requests.c). All others are passed to pyfuse3 as they are, through a
 * queue (queue.c) whose descriptor stands in for that of the kernel. Entries of listings are read and added to a reply
 * many at a time (listings.c). Where Python has not called `fast_path_enable`, nothing is different from libfuse.
 * fast_path.py is what Python calls.
 *
 * `lock` guards everything; no system call that may block is made while it is held. What is written "locked" is called
 * with it held.
 */
#ifndef MAGICFS_FASTPATH_H
#define MAGICFS_FASTPATH_H
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <limits.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What follows, up to `struct noted`, is as in library_interface.py.
 *
 * The version of the interface is counted up with each change of a structure, of one of these bits, of a function that
 * Python calls, or of what the kernel is asked to leave to Python: Python does without a library of another version. */
#define INTERFACE 4
#define NOTED_BYTES (128 << 10)
#define KEEP_LISTING (UINT64_C(1) << 62)
#define USE_KEPT_LISTING (UINT64_C(1) << 61)
#define NAME_ALONE (UINT64_C(1) << 62)
#define SEVERAL_ENTRIES (UINT64_C(1) << 61)
#define OF_PAGES (UINT64_C(1) << 62)

/* Which file Python has seen, and with which content. */
struct seen_file {
    uint64_t device, number, size;
    int64_t born_ns, mtime_ns, ctime_ns;
};

/* What a directory has under a name. What it begins with, up to `atime_ns`, is as in the records of packed_nodes.py. */
struct __attribute__((packed)) listed_file {
    uint32_t kind; /* the type, of `mode` */
    uint64_t device, number;
    int64_t born_ns, ctime_ns;
    uint64_t size;
    int64_t mtime_ns;
    int64_t atime_ns;
    uint64_t special_device, blocks; /* of 512 bytes each */
    uint32_t mode, links, uid, gid;
    uint32_t name; /* where it begins, among the names that were asked for */
    int32_t error; /* why all else is 0; else 0 */
};

/* What the kernel was told of without Python. The name follows, without a zero. */
struct __attribute__((packed)) noted {
    uint64_t directory, number; /* inodes of the mount */
    struct listed_file file;
    uint32_t name_bytes;
};

#define SEED_BITS 27 /* the lower bits of inode numbers, as in packed_nodes.py */
#define OPENED_HERE (UINT64_C(1) << 60) /* in the handle numbers of files that Python has not opened */
#define OPENED_AS_FILE (UINT32_C(1) << 30) /* in the thread id of a request to open a directory: no id has that bit */

/* What Python calls, or pyfuse3 in place of libfuse. Nothing else may be found by others: the library is loaded so that
 * its names stand before those of libfuse. */
#define EXPORTED __attribute__((visibility("default")))

/* A file system, as long as a file of it is open or a request for it is in progress. */
struct device {
    struct device *next;
    dev_t number;
    unsigned users, busy;
};

/* An open file. */
struct file {
    struct file *next;
    struct device *device;
    uint64_t number; /* the file handle that the kernel uses */
    uint64_t inode;  /* of the mount; 0 for a file that Python has opened */
    int descriptor;
    unsigned busy;
    bool is_writable;
    bool clears_set_id; /* writes take set-user-ID bits away: the program is not the superuser, and we are */
    bool is_written;    /* since Python has asked last */
    bool is_removed;    /* nobody needs it any more: its descriptor is closed when nothing is in progress */
};

/* A file, or a directory, of which Python needs to know nothing while it is as Python has seen it. */
struct known {
    struct known *next;
    uint64_t inode; /* of the mount */
    struct seen_file seen;
    unsigned busy;
    bool has_pages; /* the kernel may have pages of it, and they are those of this content */
    bool is_removed;
    struct place *place; /* of its directory */
    char name[];
};

/* A directory in which names are looked up. */
struct directory {
    struct directory *next;
    uint64_t inode;          /* of the mount */
    uint64_t device, number; /* that of a root is whichever has these, so its birth is not known */
    int64_t born_ns;
    struct place *place;
    unsigned busy;
    bool is_lost; /* it was not there any more: Python has to say anew where it is */
    bool is_removed;
};

/* A thread that reads requests. */
struct worker {
    struct worker *next;
    pthread_t thread;
    uint64_t unique; /* the request in progress, 0 when there is none or it was answered already */
    struct timespec began;
    bool is_busy;      /* with a request, answered or not */
    bool is_abandoned; /* it hangs, and the mount has ended */
    char *buffer;
};

enum state { OFF, WANTED, MOUNTED, GREETED, RUNNING, ENDED };

#pragma GCC visibility push(hidden)

extern pthread_mutex_t lock;
extern enum state state;
extern struct fuse_session *session;
extern int device_fd;
extern size_t buffer_bytes; /* of the largest request, and so of the largest answer */

/* queue.c */
bool open_queue(void);
void close_queue(void);
int queue_descriptor(void);
void wake_python(void);
void let_python_sleep(void);
void pass_to_python(const char *buffer, size_t size);
void tell_python_to_forget(uint64_t inode, uint64_t lookups); /* locked */
ssize_t take_message(void **bytes);

/* files.c. Those that return a device or a file return NULL if there is none. */
struct device *hold_device(dev_t number);                                             /* locked */
void drop_device(struct device *device);                                              /* locked */
struct file *find_file(uint64_t number);                                              /* locked */
struct file *file_of(const char *buffer, size_t size); /* of a request to read, write or release; locked */
bool is_known_file(const char *buffer, size_t size);   /* of a request to flush */
uint64_t new_file_number(void);                        /* locked */
bool add_file(struct file *file, dev_t device);        /* false if that is not possible; locked */
bool remove_file(struct file *file);                   /* whether nothing is in progress: it is freed then; locked */
int leave_file(struct file *file);                     /* ends a use; a descriptor to be closed, or -1; locked */
void forget_files(void);                               /* locked */
ssize_t read_from_memory(const struct file *file, const struct fuse_read_in *in, char *buffer); /* or -EAGAIN */
ssize_t read_fully(const struct file *file, const struct fuse_read_in *in, char *buffer);
ssize_t write_to(const struct file *file, char *buffer); /* does a request, which its answer replaces */

/* places.c: of a directory at a path of so many bytes below a root, which is empty for the root itself. */
struct place *hold_place(const char *root, const char *below, size_t below_bytes); /* NULL without memory; locked */
void share_place(struct place *place);                                             /* holds it once more; locked */
void drop_place(struct place *unused);                                             /* locked */
bool is_root(const struct place *place);
/* Opens a name there, or the directory itself by an empty one: from memory, without links below the root; or -1. */
int open_at(const struct place *place, const char *name, int flags);

/* known_files.c */
struct known *known_of(const char *buffer, size_t size); /* of a request to open or for attributes; locked */
void leave_known(struct known *known);                /* ends a use; locked */
/* Whether a change of a file at this moment might leave its times as they are: its pages are not to be kept then. */
bool may_change_unseen(const struct known *known);
int open_known(const struct known *known, uint32_t request_flags); /* a descriptor; -1 if it is not as seen */
struct fuse_attr attributes_of(uint64_t inode, const struct statx *found);
bool read_attributes(const struct known *known, struct fuse_attr *attributes); /* false if it is not as seen */
/* A descriptor of a file, whatever its content is; -1 if it is to be left to Python. */
int open_same_file(const struct known *known, int flags, struct statx *found);
/* As `fast_path_remember`; locked. */
void remember(uint64_t inode, struct place *directory, const char *name, const struct seen_file *seen, bool has_pages);
void forget_known(void); /* locked */

/* questions.c */
bool is_question(const char *buffer, size_t size);         /* that is answered for a file that Python has seen */
bool is_for_capabilities(const char *buffer, size_t size); /* no file has any */
/* Answers a question, which the answer or an error replaces; false if that is left to Python. */
bool answer_question(const struct known *known, char *buffer, ssize_t *result);

/* numbers.c */
uint64_t number_of(const struct listed_file *file); /* the inode number of a plain file */

/* directories.c */
struct directory *use_directory(uint64_t inode, uint64_t *device); /* NULL if Python looks up there; locked */
void leave_directory(struct directory *directory);                 /* ends a use; locked */
void forget_directory(uint64_t inode);                             /* locked */
void forget_directories(void);                                     /* locked */
/* What a plain file is like; false if there is none, or it is not certain that there is. */
bool look_up(struct directory *directory, const char *name, struct listed_file *file, struct statx *found);

/* lookups.c. Locked. */
/* Notes that the kernel is told of a file; false if it is to be told by Python. */
bool note_lookup(uint64_t directory, uint64_t number, const struct listed_file *file, const char *name,
                 uint64_t changes_before);
uint64_t changes_of_names(void); /* asked for before a look-up */
void forget_lookups(void);

/* listings.c */
struct listed_file listed_file(const struct statx *found);
struct seen_file seen_file(const struct listed_file *file);
size_t add_prepared(fuse_req_t request, char *buffer, size_t room); /* as `fuse_add_direntry_plus`, for many */

/* session.c: that of libfuse */
size_t add_entry(fuse_req_t request, char *buffer, size_t room, const char *name, const struct fuse_entry_param *param,
                 off_t position);

/* requests.c */
bool answer(uint64_t unique, int error, const void *data, size_t size); /* false if nobody waits for it */
void handle_request(struct worker *self, size_t size);

/* threads.c */
bool begin_request(struct worker *self, uint64_t unique); /* locked */
uint64_t end_request(struct worker *self);                /* locked */
void leave_turn(const struct worker *self);
bool start_threads(void); /* locked */
void stop_threads(void);

#pragma GCC visibility pop
#endif
