/* Requests to the API as text, for raw_call.h. */
#ifndef OMNIHOOK_TESTS_SUPPORT_API_TEXT_H
#define OMNIHOOK_TESTS_SUPPORT_API_TEXT_H

#define PREFIX "/api/v1/oms/setup/webhooks/"
#define CALL(method, path) method " " PREFIX path " HTTP/1.1\r\nHost: oms.example\r\n"
#define KEY "Authorization: Token {key}\r\n"
#define CLOSE "Connection: close\r\n"
#define END "\r\n"

/* Bodies of answers. */
#define RESULT(text) "{\"result\": \"" text "\"}"

/* text with each {key} replaced; to be mem_freed. */
char *with_key(const char *text, const char *key);

#endif
