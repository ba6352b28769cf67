/* The login of a session: one at a time, for all calls that wait. Where there is a ledger, one at a
   time over all processes, which share what comes of it. For the omnitron_*.c files. */
#ifndef OMNIHOOK_COMMON_OMNITRON_LOGIN_H
#define OMNIHOOK_COMMON_OMNITRON_LOGIN_H

#include "common/omnitron_session.h"

/* Starts it and sets session->login; it ends by session_set_token or session_fail_waiting, perhaps
   at once. */
void login_start(struct session *session);
/* Cancels it; NULL is legal. */
void login_free(struct login *login);

#endif
