/* Settings from the text of a settings file. */
#ifndef OMNIHOOK_TESTS_SUPPORT_SETTINGS_TEXT_H
#define OMNIHOOK_TESTS_SUPPORT_SETTINGS_TEXT_H

#include "common/settings.h"

/* The test fails, with the first fault, when text is wrong; settings_unref ends what it gives. */
struct settings *settings_of_text(const char *text);

#endif
