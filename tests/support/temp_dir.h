/* A private folder for one test: sockets, settings files, captured output. */
#ifndef OMNIHOOK_TESTS_SUPPORT_TEMP_DIR_H
#define OMNIHOOK_TESTS_SUPPORT_TEMP_DIR_H

#include <stdbool.h>

struct temp_dir;

/* Makes a folder that only this user may enter, under $TMPDIR or /tmp. The test fails when it
   cannot be made, or when its path is too long for a unix socket inside. */
struct temp_dir *temp_dir_new(void);

/* The same under a folder of the caller's choice; NULL when it cannot be made there. */
struct temp_dir *temp_dir_new_in(const char *parent);

/* Removes the folder with all that is in it; keeps it, and says where, when TEST_KEEP_DIRS is set
   in the environment. NULL is legal. */
void temp_dir_free(struct temp_dir *dir);

/* The folder's absolute path, without a last slash. */
const char *temp_dir_path(const struct temp_dir *dir);

/* The absolute path of name inside the folder, to be mem_freed; nothing is created. */
char *temp_dir_join(const struct temp_dir *dir, const char *name);

/* The file has the new text from one moment to the next: a reader sees the old or the new one,
   never a part (written beside it, then renamed). It becomes another inode. */
void temp_dir_replace_file(const struct temp_dir *dir, const char *name, const char *text);

/* The file is emptied and written where it is, as an editor may do: the inode stays, a reader may
   see a part. Creates it when it does not exist. */
void temp_dir_overwrite_file(const struct temp_dir *dir, const char *name, const char *text);

/* Whole files by path: text to be mem_freed, NULL when there is no such file. */
char *file_read_text(const char *path);
bool file_exists(const char *path);

#endif
