/* The event streams of the dashboard (server-sent events): what is told to all who watch. */
#ifndef OMNIHOOK_API_DASHBOARD_STREAMS_H
#define OMNIHOOK_API_DASHBOARD_STREAMS_H

struct dashboard;
struct dashboard_request;
struct dashboard_streams;

enum {
    STREAMS_MAX = 32,
    STREAM_BUFFER_MAX_BYTES = 256 * 1024, /* that its caller has not taken: then it is closed */
};

/* dashboard is borrowed. */
struct dashboard_streams *dashboard_streams_new(struct dashboard *dashboard);

/* Answers request by a stream, or by 503. */
void dashboard_streams_add(struct dashboard_streams *streams, struct dashboard_request *request);

/* The dashboard knows something new about Redis. */
void dashboard_streams_on_redis_state(struct dashboard_streams *streams);

/* Ends all, and its connection to Redis; no more may be added. */
void dashboard_streams_stop(struct dashboard_streams *streams);
/* After the queue's client has been freed. */
void dashboard_streams_free(struct dashboard_streams *streams);

#endif
