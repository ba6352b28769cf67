#include "tests/support/memory.h"

#include "common/mem.h"
#include "tests/support/fail.h"
#include "tests/support/temp_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t memory_peak_kib(pid_t pid)
{
    static const char name[] = "VmHWM:";
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)(pid == 0 ? getpid() : pid));
    char *status = file_read_text(path);
    const char *line = status == NULL ? NULL : strstr(status, name);
    if (line == NULL) {
        fail_because("%s has no %s", path, name);
    }
    size_t kib = strtoul(line + strlen(name), NULL, 10);
    mem_free(status);
    return kib;
}

bool memory_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return true;
#endif
#endif
    return false;
}
