#include "common/omnitron_pool.h"

#include "common/mem.h"
#include "common/strbuf.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

/* Accounts whose token or pause is remembered while they have nothing to do. */
enum { IDLE_MAX = 10000 };

struct omnitron_pool *omnitron_pool_new(struct loop *loop, struct http_client *http,
                                        const struct omnitron_pool_options *options)
{
    struct omnitron_pool *pool = mem_new(1, sizeof *pool);
    pool->loop = loop;
    pool->http = http;
    pool->options = *options;
    return pool;
}

/* ---- The table of sessions ---- */

static struct session **bucket_of(struct omnitron_pool *pool, const char *name)
{
    uint32_t hash = 2166136261U; /* FNV-1a; names come from our own settings */
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    }
    return &pool->buckets[hash % POOL_BUCKETS];
}

static void unlist(struct omnitron_pool *pool, struct session *session)
{
    struct session **at = bucket_of(pool, session->name);
    while (*at != session) {
        at = &(*at)->next;
    }
    *at = session->next;
    session->is_listed = false;
}

static void enter_idle(struct omnitron_pool *pool, struct session *session)
{
    session->newer = NULL;
    session->older = pool->newest_idle;
    if (session->older != NULL) {
        session->older->newer = session;
    } else {
        pool->oldest_idle = session;
    }
    pool->newest_idle = session;
    pool->idle_count++;
}

static void leave_idle(struct omnitron_pool *pool, struct session *session)
{
    if (session->older != NULL) {
        session->older->newer = session->newer;
    } else {
        pool->oldest_idle = session->newer;
    }
    if (session->newer != NULL) {
        session->newer->older = session->older;
    } else {
        pool->newest_idle = session->older;
    }
    pool->idle_count--;
}

static void drop_idle(struct omnitron_pool *pool, struct session *session)
{
    leave_idle(pool, session);
    unlist(pool, session);
    session_free(session);
}

/* What a session must have in common with an account to be shared: where it logs in, and as whom.
 */
static void make_identity(unsigned char identity[SESSION_IDENTITY_SIZE],
                          const struct omnitron_settings *omnitron)
{
    struct strbuf parts;
    strbuf_init(&parts, SIZE_MAX / 2);
    const char *const texts[] = {omnitron->url, omnitron->login_url, omnitron->token.value,
                                 omnitron->username.value, omnitron->password.value};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        /* With the 0 byte, so that no two lists of texts look the same. */
        const char *text = texts[i] == NULL ? "" : texts[i];
        strbuf_add(&parts, text, strlen(text) + 1);
    }
    int is_made = EVP_Digest(parts.bytes, parts.size, identity, NULL, EVP_sha256(), NULL);
    assert(is_made == 1);
    (void)is_made;
    secret_wipe(parts.bytes, parts.size);
    strbuf_clear(&parts);
}

struct session *omnitron_pool_acquire_session(struct omnitron_pool *pool, struct settings *settings,
                                              const struct account *account)
{
    unsigned char identity[SESSION_IDENTITY_SIZE];
    make_identity(identity, &account->omnitron);
    struct session **bucket = bucket_of(pool, account->name);
    struct session *session = *bucket;
    while (session != NULL && strcmp(session->name, account->name) != 0) {
        session = session->next;
    }
    bool is_idle = session != NULL && session->references == 0;
    bool is_same = session != NULL && memcmp(session->identity, identity, sizeof identity) == 0;
    if (is_same && is_idle) {
        leave_idle(pool, session);
    } else if (session != NULL && !is_same && is_idle) {
        drop_idle(pool, session);
    } else if (session != NULL && !is_same) {
        unlist(pool, session); /* its users go on with the old credentials */
    }
    if (!is_same) {
        session = session_new(pool, account);
        memcpy(session->identity, identity, sizeof identity);
        session->next = *bucket;
        session->is_listed = true;
        *bucket = session;
    }
    session_use(session, settings, account);
    return session;
}

void omnitron_pool_release_session(struct omnitron_pool *pool, struct session *session)
{
    if (!session_unuse(session)) {
        return;
    }
    if (!session->is_listed) {
        session_free(session);
        return;
    }
    enter_idle(pool, session);
    if (!session_is_worth_keeping(session)) {
        drop_idle(pool, session);
    } else if (pool->idle_count > IDLE_MAX) {
        drop_idle(pool, pool->oldest_idle);
    }
}

void omnitron_pool_free(struct omnitron_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    while (pool->oldest_idle != NULL) {
        drop_idle(pool, pool->oldest_idle);
    }
    for (size_t i = 0; i < POOL_BUCKETS; i++) {
        assert(pool->buckets[i] == NULL); /* a struct omnitron was not freed */
    }
    mem_free(pool);
}
