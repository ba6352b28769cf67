/* The login of a session: one at a time, for all calls that wait. For the omnitron_*.c files. */
#ifndef OMNIHOOK_COMMON_OMNITRON_LOGIN_H
#define OMNIHOOK_COMMON_OMNITRON_LOGIN_H

#include "common/omnitron_session.h"

/* Starts it and sets session->login; it ends by session_set_token or session_fail_waiting. */
void login_start(struct session *session);
/* Cancels it; NULL is legal. */
void login_free(struct login *login);

#endif
