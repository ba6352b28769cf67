/* A file counts as unchanged while stat shows the same device, inode, size and times. The clock of
   those times ticks slowly, so two writes within one tick look the same: a file that was read so
   soon after a change is "racily clean", as git's index calls it, and is read again and compared by
   digest until its time lies back far enough. */
#include "common/file_watch.h"

#include "common/mem.h"
#include "common/now.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* File times step each 10 ms at the most (finer since Linux 6.13, but not on every file system). */
enum { RACY_MS = 100, READ_STEP = 65536 };

struct watched_file {
    char *path;
    size_t max_bytes;
    bool has_stat;    /* it was there */
    struct stat stat; /* of the version that was read */
    bool is_racy;
    bool is_read; /* false: it could not be read, for the reason why_not */
    struct error why_not;
    unsigned char digest[FILE_DIGEST_SIZE];
};

static bool fail_with_errno(struct error *err)
{
    return error_set(err, errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_SYSTEM,
                     "cannot be read: %s", strerror(errno));
}

/* Not realloc: it would leave a copy of a secret behind. */
static void grow(struct secret *content, size_t *capacity)
{
    size_t larger = *capacity * 2 + READ_STEP;
    char *bytes = mem_new(larger + 1, 1);
    if (content->size > 0) {
        memcpy(bytes, content->value, content->size);
    }
    size_t size = content->size;
    secret_clear(content);
    *content = (struct secret){.value = bytes, .size = size};
    *capacity = larger;
}

/* To the end of the file: the size that stat shows is 0 for files of the kernel's. */
static bool read_all(int fd, size_t max_bytes, struct secret *content, struct error *err)
{
    size_t capacity = 0;
    ssize_t got;
    do {
        if (content->size == capacity) {
            grow(content, &capacity);
        }
        got = read(fd, content->value + content->size, capacity - content->size);
        if (got < 0 && errno != EINTR) {
            return fail_with_errno(err);
        }
        content->size += got > 0 ? (size_t)got : 0;
        if (content->size > max_bytes) {
            return error_set(err, ERROR_FULL, "is larger than %zu bytes", max_bytes);
        }
    } while (got != 0);
    content->value[content->size] = '\0';
    return true;
}

/* Opens without waiting for whoever writes to a FIFO; anything but a regular file is refused. */
static int open_regular(struct watched_file *file)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    file->has_stat = fd >= 0 && fstat(fd, &file->stat) == 0;
    if (!file->has_stat) {
        fail_with_errno(&file->why_not);
    } else if (!S_ISREG(file->stat.st_mode)) {
        error_set(&file->why_not, ERROR_SYSTEM, "is not a regular file");
    } else {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

static bool is_recent(const struct stat *stat)
{
    /* The time of change, not of modification: that one anybody can set. */
    int64_t changed_ms =
        (int64_t)stat->st_ctim.tv_sec * 1000 + (int64_t)stat->st_ctim.tv_nsec / 1000000;
    return llabs(now_wall_ms() - changed_ms) < RACY_MS;
}

static void digest_of(const struct secret *content, unsigned char digest[FILE_DIGEST_SIZE])
{
    if (EVP_Digest(content->value, content->size, digest, NULL, EVP_sha256(), NULL) != 1) {
        abort(); /* a library without SHA-256 */
    }
}

static void load(struct watched_file *file, struct secret *content)
{
    secret_clear(content);
    file->why_not = (struct error){0};
    int fd = open_regular(file);
    file->is_racy = file->has_stat && is_recent(&file->stat);
    file->is_read = fd >= 0 && read_all(fd, file->max_bytes, content, &file->why_not);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (file->is_read) {
        digest_of(content, file->digest);
    } else {
        secret_clear(content);
    }
}

/* The file's place in the list; added when it is new. */
static struct watched_file *file_at(struct file_watch *watch, const char *path)
{
    if (watch->count == 0) {
        hash_index_init(&watch->paths, 0);
    }
    size_t at = hash_index_find(&watch->paths, path, strlen(path));
    if (at != HASH_INDEX_NONE) {
        return watch->files[at];
    }
    if (watch->count == watch->capacity) {
        watch->capacity = watch->capacity * 2 + 8;
        watch->files = mem_resize(watch->files, watch->capacity, sizeof(struct watched_file *));
    }
    struct watched_file *file = mem_new(1, sizeof *file);
    file->path = mem_copy_text(path);
    watch->files[watch->count] = file;
    (void)hash_index_add(&watch->paths, file->path, strlen(file->path), watch->count);
    watch->count++;
    return file;
}

bool file_watch_read(struct file_watch *watch, const char *path, size_t max_bytes,
                     struct secret *content, struct error *err)
{
    struct watched_file *file = file_at(watch, path);
    file->max_bytes = max_bytes;
    load(file, content);
    if (!file->is_read && err != NULL) {
        *err = file->why_not;
    }
    return file->is_read;
}

static bool same_time(const struct timespec *left, const struct timespec *right)
{
    return left->tv_sec == right->tv_sec && left->tv_nsec == right->tv_nsec;
}

static bool same_version(const struct stat *left, const struct stat *right)
{
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
           left->st_mode == right->st_mode && left->st_size == right->st_size &&
           same_time(&left->st_mtim, &right->st_mtim) && same_time(&left->st_ctim, &right->st_ctim);
}

static bool has_changed(struct watched_file *file)
{
    struct stat now;
    bool is_there = stat(file->path, &now) == 0;
    if (file->has_stat && !file->is_racy && is_there && same_version(&file->stat, &now)) {
        return false;
    }
    struct watched_file before = *file;
    struct secret content = {0};
    load(file, &content);
    secret_clear(&content);
    if (before.is_read && file->is_read) {
        return memcmp(before.digest, file->digest, sizeof file->digest) != 0;
    }
    return before.is_read != file->is_read || strcmp(before.why_not.text, file->why_not.text) != 0;
}

bool file_watch_changed(struct file_watch *watch, size_t first, size_t count)
{
    bool is_changed = false;
    for (size_t i = first; i < watch->count && i - first < count; i++) {
        is_changed = has_changed(watch->files[i]) || is_changed;
    }
    return is_changed;
}

void file_watch_clear(struct file_watch *watch)
{
    for (size_t i = 0; i < watch->count; i++) {
        mem_free(watch->files[i]->path);
        mem_free(watch->files[i]);
    }
    mem_free(watch->files);
    hash_index_clear(&watch->paths);
    *watch = (struct file_watch){0};
}
