/* Rate limits by token buckets in this process, daily quotas summed here and kept in the store.
 *
 * Both tables have a fixed size: a full bucket is as good as none and may be forgotten; a quota's sum is brought
 * to the store before its place is taken. */
#include "server/limits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 4096,
    PROBES = 8,
    QUOTAS = 1024,
    DAY_MS = 24 * 3600 * 1000,
    GUESSES = 16, /* wrong ones of an address at once */
    GUESS_S = 30, /* until it has one more */
    HOLDERS = 4096,
    HOLDER_PROBES = 64,
    FREE_FOR_EACH = 8, /* times what one holds must be free: the largest body fits a server at rest */
    UPLOADS_MAX = 512, /* under way at once: each holds a file */
    UPLOADS_OF_DEVICE = 16
};

struct bucket {
    struct pv_hash key;
    uint64_t at_ms;
    double tokens;
};

struct quota {
    struct pv_hash key;
    uint64_t day, sum, unsaved; /* sum: the day's, what is unsaved and what was announced included */
    uint64_t announced;         /* by uploads under way, and not here yet */
    bool used;
};

struct holder {
    struct pv_hash key;
    uint64_t bytes; /* 0: the place is free */
};

struct pv_limits {
    struct pv_limits_config config;
    pthread_mutex_t lock;
    struct holder holders[HOLDERS];
    uint64_t held_bytes; /* by all holders, at most PV_HELD_BYTES */
    struct bucket buckets[BUCKETS];
    struct quota quotas[QUOTAS];
    struct pv_hash uploads[UPLOADS_MAX]; /* by device; the first upload_count */
    size_t upload_count;
};

enum pv_err pv_limits_new(const struct pv_limits_config *config, struct pv_limits **ret_limits)
{
    struct pv_limits *limits = calloc(1, sizeof *limits);
    if (!limits) return PV_ERR_NOMEM;
    limits->config = *config;
    pthread_mutex_init(&limits->lock, NULL);
    *ret_limits = limits;
    return PV_OK;
}

void pv_limits_free(struct pv_limits *limits)
{
    if (!limits) return;
    pthread_mutex_destroy(&limits->lock);
    free(limits);
}

static size_t slot_of(const struct pv_hash *key, size_t slots)
{
    uint64_t low;
    memcpy(&low, key->b, sizeof low);
    return (size_t)(low % slots);
}

/* The key's bucket, or the fullest neighbour's place for it. */
static struct bucket *find_bucket(struct pv_limits *limits, const struct pv_hash *key, uint64_t now_ms, double burst)
{
    size_t first = slot_of(key, BUCKETS);
    struct bucket *oldest = &limits->buckets[first];
    for (size_t i = 0; i < PROBES; i++) {
        struct bucket *bucket = &limits->buckets[(first + i) % BUCKETS];
        if (pv_hash_equal(&bucket->key, key)) return bucket;
        if (bucket->at_ms < oldest->at_ms) oldest = bucket;
    }
    *oldest = (struct bucket){*key, now_ms, burst};
    return oldest;
}

/* `cost` 0 asks only whether there is a token. */
static bool take_token(struct pv_server *server, const struct pv_hash *key, double per_s, double burst, double cost)
{
    struct pv_limits *limits = server->limits;
    uint64_t now_ms = pv_server_now_ms(server);
    pthread_mutex_lock(&limits->lock);
    struct bucket *bucket = find_bucket(limits, key, now_ms, burst);
    if (now_ms > bucket->at_ms) bucket->tokens += (double)(now_ms - bucket->at_ms) * per_s / 1000;
    if (bucket->tokens > burst) bucket->tokens = burst;
    bucket->at_ms = now_ms;
    bool good = bucket->tokens >= 1;
    if (good) bucket->tokens -= cost;
    pthread_mutex_unlock(&limits->lock);
    return good;
}

static bool allow(struct pv_server *server, const struct pv_hash *key, uint64_t per_s, struct pv_web_response *response)
{
    if (take_token(server, key, (double)per_s, 2 * (double)per_s, 1)) return true;
    pv_problem_of(response, PV_ERR_RATE);
    response->retry_after_s = 1;
    return false;
}

bool pv_limits_address(struct pv_server *server, const struct pv_web_request *request, struct pv_web_response *response)
{
    struct pv_hash key;
    if (!server->limits || !server->limits->config.address_per_s) return true;
    pv_sha256(pv_bytes_of_string(request->address), &key);
    return allow(server, &key, server->limits->config.address_per_s, response);
}

static bool guess(struct pv_server *server, const struct pv_web_request *request, double cost)
{
    struct pv_sha256 sha;
    struct pv_hash key;
    if (!server->limits || !server->limits->config.address_per_s) return true;
    pv_sha256_init(&sha);
    pv_sha256_update(&sha, "guess", 5);
    pv_sha256_update(&sha, request->address, strlen(request->address));
    pv_sha256_final(&sha, &key);
    return take_token(server, &key, 1.0 / GUESS_S, GUESSES, cost);
}

bool pv_limits_may_guess(struct pv_server *server, const struct pv_web_request *request, struct pv_web_response *response)
{
    if (guess(server, request, 0)) return true;
    pv_problem(response, PV_ERR_RATE, "guesses", "too many wrong codes came from this address, try again later");
    response->retry_after_s = GUESS_S;
    return false;
}

void pv_limits_guessed(struct pv_server *server, const struct pv_web_request *request)
{
    (void)guess(server, request, 1);
}

bool pv_limits_device(struct pv_server *server, const struct pv_web_request *request, struct pv_web_response *response)
{
    if (!server->limits || !server->limits->config.device_per_s || !request->has_session) return true;
    return allow(server, &request->session.device_id, server->limits->config.device_per_s, response);
}

/* Its place, or a free one, or NULL. */
static struct holder *find_holder(struct pv_limits *limits, const struct pv_hash *key)
{
    struct holder *place = NULL;
    size_t first = slot_of(key, HOLDERS);
    for (size_t i = 0; i < HOLDER_PROBES; i++) {
        struct holder *holder = &limits->holders[(first + i) % HOLDERS];
        if (holder->bytes && pv_hash_equal(&holder->key, key)) return holder;
        if (!holder->bytes && !place) place = holder;
    }
    return place;
}

/* What this holder may have more: with it, eight times of all that it holds must still be free. So a few who never let
 * go leave the most to the others, and every further one less to itself. */
static uint64_t may_have(const struct pv_limits *limits, const struct holder *holder)
{
    uint64_t free_bytes = PV_HELD_BYTES - limits->held_bytes, wanted_free = FREE_FOR_EACH * holder->bytes;
    return wanted_free < free_bytes ? (free_bytes - wanted_free) / (FREE_FOR_EACH + 1) : 0;
}

static void take(struct pv_limits *limits, struct holder *holder, struct pv_web_request *request, uint64_t bytes)
{
    holder->key = request->holder;
    holder->bytes += bytes;
    limits->held_bytes += bytes;
    request->share_bytes += bytes;
}

static void give_back(struct pv_limits *limits, struct pv_web_request *request, uint64_t bytes)
{
    struct holder *holder = find_holder(limits, &request->holder);
    if (!holder || holder->bytes < bytes) return; /* cannot be: it was taken */
    holder->bytes -= bytes;
    limits->held_bytes -= bytes;
    request->share_bytes -= bytes;
}

/* A body's holder is its answer's, too, whoever asks by then. */
static void name_holder(struct pv_web_request *request)
{
    if (request->share_bytes) return;
    if (request->has_session && request->session.has_person) request->holder = request->session.person;
    else pv_sha256(pv_bytes_of_string(request->address), &request->holder);
}

static bool refuse_share(bool own, struct pv_web_response *response)
{
    pv_buf_release(&response->body);
    if (own) pv_problem(response, PV_ERR_RATE, "share", "too many large requests of yours are under way at once, try again later");
    else pv_problem(response, PV_ERR_RATE, "busy", "too many large requests are under way at once, try again later");
    response->retry_after_s = 2;
    return false;
}

uint64_t pv_limits_reserve(struct pv_server *server, struct pv_web_request *request, uint64_t most)
{
    struct pv_limits *limits = server->limits;
    if (!limits) return most;
    name_holder(request);
    pthread_mutex_lock(&limits->lock);
    struct holder *holder = find_holder(limits, &request->holder);
    uint64_t bytes = holder ? may_have(limits, holder) : 0;
    if (bytes > most) bytes = most;
    if (bytes <= PV_HELD_SMALL_BYTES) bytes = 0;
    if (bytes) take(limits, holder, request, bytes);
    pthread_mutex_unlock(&limits->lock);
    request->reserved_bytes += bytes;
    return bytes ? bytes : PV_HELD_SMALL_BYTES;
}

bool pv_limits_hold(struct pv_server *server, struct pv_web_request *request, uint64_t bytes, struct pv_web_response *response)
{
    struct pv_limits *limits = server->limits;
    uint64_t wanted = bytes > PV_HELD_SMALL_BYTES ? bytes : 0, reserved = request->reserved_bytes;
    if (!limits || wanted == reserved) return true;
    name_holder(request);
    request->reserved_bytes = 0;
    pthread_mutex_lock(&limits->lock);
    bool good = wanted <= reserved, own = false;
    if (good) {
        give_back(limits, request, reserved - wanted);
    } else {
        struct holder *holder = find_holder(limits, &request->holder);
        good = holder && wanted - reserved <= may_have(limits, holder);
        if (good) take(limits, holder, request, wanted - reserved);
        else own = holder && holder->bytes + wanted - reserved > PV_HELD_BYTES / (FREE_FOR_EACH + 1);
    }
    pthread_mutex_unlock(&limits->lock);
    return good || refuse_share(own, response);
}

void pv_limits_release(struct pv_server *server, struct pv_web_request *request)
{
    if (!server->limits || !request->share_bytes) return;
    pthread_mutex_lock(&server->limits->lock);
    give_back(server->limits, request, request->share_bytes);
    pthread_mutex_unlock(&server->limits->lock);
    request->reserved_bytes = 0;
}

bool pv_limits_pressed(struct pv_server *server)
{
    if (!server->limits) return false;
    pthread_mutex_lock(&server->limits->lock);
    bool pressed = server->limits->held_bytes > PV_HELD_BYTES / 2;
    pthread_mutex_unlock(&server->limits->lock);
    return pressed;
}

bool pv_limits_upload(struct pv_server *server, const struct pv_hash *device, struct pv_web_response *response)
{
    struct pv_limits *limits = server->limits;
    size_t same = 0;
    if (!limits) return true;
    pthread_mutex_lock(&limits->lock);
    for (size_t i = 0; i < limits->upload_count; i++) same += pv_hash_equal(&limits->uploads[i], device);
    bool good = limits->upload_count < UPLOADS_MAX && same < UPLOADS_OF_DEVICE;
    if (good) limits->uploads[limits->upload_count++] = *device;
    pthread_mutex_unlock(&limits->lock);
    if (good) return true;
    pv_problem(response, PV_ERR_RATE, "busy", "too many uploads are under way, try again later");
    response->retry_after_s = 2;
    return false;
}

void pv_limits_upload_end(struct pv_server *server, const struct pv_hash *device)
{
    struct pv_limits *limits = server->limits;
    if (!limits) return;
    pthread_mutex_lock(&limits->lock);
    size_t i = 0;
    while (i < limits->upload_count && !pv_hash_equal(&limits->uploads[i], device)) i++;
    if (i < limits->upload_count) limits->uploads[i] = limits->uploads[--limits->upload_count];
    pthread_mutex_unlock(&limits->lock);
}

static void save(struct pv_server *server, struct quota *quota)
{
    uint64_t sum;
    if (!quota->used || !quota->unsaved) return;
    enum pv_err err = server->meta->ops->count(server->meta, "bytes", &quota->key, quota->day, (int64_t)quota->unsaved,
                                               (quota->day + 2) * DAY_MS, &sum);
    if (err) return; /* tried again at the next flush */
    quota->sum = sum + quota->announced;
    quota->unsaved = 0;
}

static struct quota *find_quota(struct pv_server *server, const struct pv_hash *key, uint64_t day)
{
    struct pv_limits *limits = server->limits;
    size_t first = slot_of(key, QUOTAS);
    struct quota *free_one = NULL;
    for (size_t i = 0; i < PROBES; i++) {
        struct quota *quota = &limits->quotas[(first + i) % QUOTAS];
        if (quota->used && pv_hash_equal(&quota->key, key) && quota->day == day) return quota;
        if (!free_one && (!quota->used || quota->day != day)) free_one = quota;
    }
    for (size_t i = 0; i < PROBES && !free_one; i++) /* what is announced is known nowhere else */
        if (!limits->quotas[(first + i) % QUOTAS].announced) free_one = &limits->quotas[(first + i) % QUOTAS];
    if (!free_one) free_one = &limits->quotas[first];
    save(server, free_one);
    *free_one = (struct quota){.key = *key, .day = day, .used = true};
    if (server->meta->ops->count(server->meta, "bytes", key, day, 0, 0, &free_one->sum)) free_one->sum = 0;
    return free_one;
}

static const struct pv_hash *payer(const struct pv_meta_session *session)
{
    return session->has_person ? &session->person : &session->device_id;
}

static bool charge(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes, bool announced)
{
    struct pv_limits *limits = server->limits;
    if (!limits || !limits->config.person_bytes_per_day) return true;
    pthread_mutex_lock(&limits->lock);
    struct quota *quota = find_quota(server, payer(session), pv_server_now_ms(server) / DAY_MS);
    bool good = quota->sum + bytes <= limits->config.person_bytes_per_day;
    if (good) {
        quota->sum += bytes;
        if (announced) quota->announced += bytes;
        else quota->unsaved += bytes;
    }
    pthread_mutex_unlock(&limits->lock);
    return good;
}

static bool refuse_quota(const struct pv_server *server, struct pv_web_response *response)
{
    pv_problem(response, PV_ERR_QUOTA, NULL, "today's quota of %llu bytes is used up",
               (unsigned long long)server->limits->config.person_bytes_per_day);
    return false;
}

bool pv_limits_pay(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes)
{
    return charge(server, session, bytes, false);
}

bool pv_limits_bytes(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes,
                     struct pv_web_response *response)
{
    return charge(server, session, bytes, false) || refuse_quota(server, response);
}

bool pv_limits_announce(struct pv_server *server, const struct pv_meta_session *session, uint64_t bytes,
                        struct pv_web_response *response)
{
    return charge(server, session, bytes, true) || refuse_quota(server, response);
}

void pv_limits_arrived(struct pv_server *server, const struct pv_meta_session *session, uint64_t announced, uint64_t arrived)
{
    struct pv_limits *limits = server->limits;
    if (!limits || !limits->config.person_bytes_per_day) return;
    pthread_mutex_lock(&limits->lock);
    struct quota *quota = find_quota(server, payer(session), pv_server_now_ms(server) / DAY_MS);
    if (announced > quota->announced) announced = quota->announced; /* less where a day began meanwhile */
    quota->announced -= announced;
    quota->sum = quota->sum - announced + arrived;
    quota->unsaved += arrived;
    pthread_mutex_unlock(&limits->lock);
}

void pv_limits_flush(struct pv_server *server)
{
    struct pv_limits *limits = server->limits;
    if (!limits) return;
    for (size_t i = 0; i < QUOTAS; i++) {
        pthread_mutex_lock(&limits->lock);
        save(server, &limits->quotas[i]);
        pthread_mutex_unlock(&limits->lock);
    }
}
