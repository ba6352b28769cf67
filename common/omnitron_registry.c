/* The event types that an Omnitron knows: for telling before a run what it would refuse. */
#include "common/mem.h"
#include "common/omnitron_call.h"

enum { EVENT_TYPES_MAX = 10000 };

struct registry_call {
    struct omnitron_call call;
    struct exchange exchange;
    omnitron_registry_fn *fn;
    void *arg;
    json_t *event_types; /* owned; NULL = there is no registry */
};

static void registry_free(struct omnitron_call *call)
{
    struct registry_call *registry = (struct registry_call *)call;
    exchange_clear(&registry->exchange);
    json_decref(registry->event_types);
    mem_free(registry);
}

static bool is_list_of_texts(const json_t *list)
{
    size_t index = 0;
    json_t *element = NULL;
    json_array_foreach(list, index, element)
    {
        if (!json_is_string(element)) {
            return false;
        }
    }
    return json_is_array(list) && json_array_size(list) <= EVENT_TYPES_MAX;
}

static enum exchange_verdict on_answer(void *arg, const struct http_response *response,
                                       struct omnitron_failure *failure)
{
    struct registry_call *registry = arg;
    if (response->status == 404) {
        return EXCHANGE_ACCEPTED;
    }
    if (response->status < 200 || response->status >= 300) {
        return exchange_refuse(&registry->exchange, response,
                               omnitron_kind_of_status(response->status), failure);
    }
    registry->event_types = omnitron_parse_body(response, NULL);
    if (is_list_of_texts(registry->event_types)) {
        return EXCHANGE_ACCEPTED;
    }
    json_decref(registry->event_types);
    registry->event_types = NULL;
    omnitron_failure_set(failure, OMNITRON_BROKEN, response->status,
                         "Omnitron's registry is not a list of event types");
    return EXCHANGE_REPEAT;
}

static void tell(struct registry_call *registry)
{
    size_t count = json_array_size(registry->event_types);
    const char **texts = mem_new(count, sizeof *texts);
    json_t *event_types = json_incref(registry->event_types);
    for (size_t i = 0; i < count; i++) {
        texts[i] = json_string_value(json_array_get(event_types, i));
    }
    omnitron_registry_fn *fn = registry->fn;
    void *arg = registry->arg;
    omnitron_call_end(&registry->call);
    fn(arg, event_types == NULL ? NULL : texts, count, NULL);
    json_decref(event_types);
    mem_free(texts);
}

static void on_done(void *arg, const struct omnitron_failure *failure)
{
    struct registry_call *registry = arg;
    if (failure == NULL) {
        tell(registry);
        return;
    }
    omnitron_registry_fn *fn = registry->fn;
    void *fn_arg = registry->arg;
    struct omnitron_failure why = *failure;
    omnitron_call_end(&registry->call);
    fn(fn_arg, NULL, 0, &why);
}

struct omnitron_call *omnitron_read_registry(struct omnitron *omnitron, omnitron_registry_fn *fn,
                                             void *arg)
{
    struct registry_call *registry = mem_new(1, sizeof *registry);
    omnitron_call_init(&registry->call, omnitron, registry_free);
    registry->fn = fn;
    registry->arg = arg;
    omnitron_call_init_exchange(&registry->call, &registry->exchange, on_answer, on_done);
    exchange_start(&registry->exchange, "GET", omnitron_call_url(&registry->call, "registry/"),
                   NULL);
    return &registry->call;
}
