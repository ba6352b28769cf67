#include "tests/support/settings_text.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/temp_dir.h"

struct settings *settings_of_text(const char *text)
{
    struct temp_dir *dir = temp_dir_new();
    temp_dir_replace_file(dir, "settings.json", text);
    struct service_config config = {.settings_path = temp_dir_join(dir, "settings.json")};
    char *environment[] = {NULL};
    struct faults faults = {0};
    struct settings *settings = settings_load(&config, environment, &faults);
    if (settings == NULL) {
        fail_because("settings: %s", faults.lines[0]);
    }
    faults_clear(&faults);
    mem_free(config.settings_path);
    temp_dir_free(dir);
    return settings;
}
