/* GET openapi.json: the description of the API for machines. Needs no key. */
#include "api/handlers.h"
#include "api/reply.h"

extern const unsigned char embedded_openapi_json[];
extern const size_t embedded_openapi_json_size;

void handle_openapi(const struct services *services, struct request *request)
{
    (void)services;
    reply_json_text(request, (const char *)embedded_openapi_json, embedded_openapi_json_size);
}
