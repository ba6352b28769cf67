#include "tests/support/temp_dir.h"

#include "common/mem.h"
#include "common/strbuf.h"
#include "tests/support/fail.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_SIZE = 4096,
    FILE_MAX_BYTES = 256 * 1024 * 1024,
    /* sun_path has 108 bytes; what is left is for the socket's own name. */
    DIR_MAX_BYTES = 80,
};

struct temp_dir {
    char *path; /* owned */
};

struct temp_dir *temp_dir_new_in(const char *parent)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/omnihook-XXXXXX", parent);
    if (strlen(path) > DIR_MAX_BYTES) {
        fail_because("%s is too long for unix sockets inside: set a shorter TMPDIR", path);
    }
    if (mkdtemp(path) == NULL) {
        return NULL;
    }
    struct temp_dir *dir = mem_new(1, sizeof *dir);
    dir->path = mem_copy_text(path);
    return dir;
}

struct temp_dir *temp_dir_new(void)
{
    const char *parent = getenv("TMPDIR");
    parent = parent == NULL || parent[0] == '\0' ? "/tmp" : parent;
    struct temp_dir *dir = temp_dir_new_in(parent);
    if (dir == NULL) {
        fail_because("cannot make a folder in %s: %s", parent, strerror(errno));
    }
    return dir;
}

static void remove_tree(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        (void)unlink(path);
        return;
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char inside[PATH_SIZE];
        (void)snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        struct stat found;
        bool is_folder = lstat(inside, &found) == 0 && S_ISDIR(found.st_mode);
        if (is_folder) {
            remove_tree(inside);
        } else {
            (void)unlink(inside);
        }
    }
    (void)closedir(folder);
    (void)rmdir(path);
}

void temp_dir_free(struct temp_dir *dir)
{
    if (dir == NULL) {
        return;
    }
    if (getenv("TEST_KEEP_DIRS") != NULL) {
        print_message("kept: %s\n", dir->path);
    } else {
        remove_tree(dir->path);
    }
    mem_free(dir->path);
    mem_free(dir);
}

const char *temp_dir_path(const struct temp_dir *dir)
{
    return dir->path;
}

char *temp_dir_join(const struct temp_dir *dir, const char *name)
{
    struct strbuf path;
    strbuf_init(&path, PATH_SIZE);
    strbuf_addf(&path, "%s/%s", dir->path, name);
    return strbuf_take(&path);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) == EOF || fclose(file) == EOF) {
        fail_because("cannot write %s: %s", path, strerror(errno));
    }
}

void temp_dir_replace_file(const struct temp_dir *dir, const char *name, const char *text)
{
    char *path = temp_dir_join(dir, name);
    char beside[PATH_SIZE];
    (void)snprintf(beside, sizeof beside, "%s.new", path);
    write_text(beside, text);
    if (rename(beside, path) != 0) {
        fail_because("cannot rename %s to %s: %s", beside, path, strerror(errno));
    }
    mem_free(path);
}

void temp_dir_overwrite_file(const struct temp_dir *dir, const char *name, const char *text)
{
    char *path = temp_dir_join(dir, name);
    write_text(path, text);
    mem_free(path);
}

char *file_read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return NULL;
    }
    struct strbuf text;
    strbuf_init(&text, FILE_MAX_BYTES);
    char part[16384];
    size_t got;
    while ((got = fread(part, 1, sizeof part, file)) > 0) {
        strbuf_add(&text, part, got);
    }
    (void)fclose(file);
    return strbuf_take(&text);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
