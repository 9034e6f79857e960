/* Bulk work done by libcrypto. */
#include "client/bulk.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/crypto/hash.h"

enum {
    INPUT_BYTES_MAX = 1 << 30, /* libcrypto counts in int */
    INLINE_BYTES = 16 * 1024   /* below this, waking a worker takes longer than the job */
};

enum pv_err pv_bulk_init(struct pv_bulk *ret_bulk)
{
    struct pv_bulk bulk = {EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_new()};
    bool good = bulk.sealer && bulk.opener && EVP_EncryptInit_ex(bulk.sealer, EVP_aes_256_gcm(), NULL, NULL, NULL) &&
                EVP_DecryptInit_ex(bulk.opener, EVP_aes_256_gcm(), NULL, NULL, NULL);
    if (!good) {
        pv_bulk_release(&bulk);
        return PV_ERR_NOMEM;
    }
    *ret_bulk = bulk;
    return PV_OK;
}

void pv_bulk_release(struct pv_bulk *bulk)
{
    EVP_CIPHER_CTX_free(bulk->sealer); /* wipes the key schedule */
    EVP_CIPHER_CTX_free(bulk->opener);
    *bulk = (struct pv_bulk){0};
}

enum pv_err pv_bulk_aes256gcm_seal(struct pv_bulk *bulk, const uint8_t key[static 32], const uint8_t nonce[static 12],
                                   struct pv_bytes ad, struct pv_bytes plain, uint8_t *ret_sealed)
{
    EVP_CIPHER_CTX *ctx = bulk->sealer;
    int n = 0, rest = 0;
    if (plain.n > INPUT_BYTES_MAX || ad.n > INPUT_BYTES_MAX) return PV_ERR_LIMIT;
    bool good = EVP_EncryptInit_ex(ctx, NULL, NULL, key, nonce);
    if (good && ad.n) good = EVP_EncryptUpdate(ctx, NULL, &n, ad.p, (int)ad.n);
    if (good && plain.n) good = EVP_EncryptUpdate(ctx, ret_sealed, &n, plain.p, (int)plain.n);
    good = good && EVP_EncryptFinal_ex(ctx, ret_sealed + plain.n, &rest) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PV_CHUNK_TAG_BYTES, ret_sealed + plain.n);
    return good ? PV_OK : PV_ERR_NOMEM;
}

enum pv_err pv_bulk_aes256gcm_open(struct pv_bulk *bulk, const uint8_t key[static 32], const uint8_t nonce[static 12],
                                   struct pv_bytes ad, struct pv_bytes sealed, uint8_t *ret_plain)
{
    EVP_CIPHER_CTX *ctx = bulk->opener;
    uint8_t tag[PV_CHUNK_TAG_BYTES], none[16];
    int n = 0, rest = 0;
    if (sealed.n < sizeof tag) return PV_ERR_TRUNCATED;
    if (sealed.n > INPUT_BYTES_MAX || ad.n > INPUT_BYTES_MAX) return PV_ERR_LIMIT;
    size_t plain_bytes = sealed.n - sizeof tag;
    for (size_t i = 0; i < sizeof tag; i++) tag[i] = sealed.p[plain_bytes + i];
    bool good = EVP_DecryptInit_ex(ctx, NULL, NULL, key, nonce) &&
                EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag);
    if (good && ad.n) good = EVP_DecryptUpdate(ctx, NULL, &n, ad.p, (int)ad.n);
    if (good && plain_bytes) good = EVP_DecryptUpdate(ctx, ret_plain, &n, sealed.p, (int)plain_bytes);
    if (!good) return PV_ERR_NOMEM;
    if (EVP_DecryptFinal_ex(ctx, none, &rest) > 0) return PV_OK;
    pv_wipe(ret_plain, plain_bytes);
    return PV_ERR_BAD_MAC;
}

void pv_bulk_run(struct pv_bulk *bulk, struct pv_bulk_job *job)
{
    static const uint8_t zero_nonce[12]; /* every key is used once */
    struct pv_bytes no_ad = {0};
    switch (job->kind) {
    case PV_BULK_HASH:
        pv_sha256(job->in, &job->sha256);
        job->err = PV_OK;
        break;
    case PV_BULK_SEAL:
        job->err = pv_bulk_aes256gcm_seal(bulk, job->key.b, zero_nonce, no_ad, job->in, job->out);
        break;
    case PV_BULK_OPEN:
        job->err = pv_bulk_aes256gcm_open(bulk, job->key.b, zero_nonce, no_ad, job->in, job->out);
        if (!job->err) pv_sha256(pv_bytes(job->out, job->in.n - PV_CHUNK_TAG_BYTES), &job->sha256);
        break;
    }
}

/* --- workers ------------------------------------------------------------------------------------------------ */

struct queue {
    struct pv_bulk_job *first, *last;
};

struct pv_bulk_pool {
    struct pv_bulk own; /* the caller's thread's */
    size_t thread_count;
    pthread_t threads[PV_BULK_THREADS_MAX];
    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t work, finished;
    struct queue todo, done;
    size_t on_their_way; /* submitted and not yet taken */
    bool stop;
    int fd;
};

static void push(struct queue *queue, struct pv_bulk_job *job)
{
    job->next = NULL;
    if (queue->last) queue->last->next = job;
    else queue->first = job;
    queue->last = job;
}

static struct pv_bulk_job *pop(struct queue *queue)
{
    struct pv_bulk_job *job = queue->first;
    if (!job) return NULL;
    queue->first = job->next;
    if (!queue->first) queue->last = NULL;
    job->next = NULL;
    return job;
}

static void finish(struct pv_bulk_pool *pool, struct pv_bulk_job *job)
{
    if (!pool->done.first) (void)eventfd_write(pool->fd, 1);
    push(&pool->done, job);
    pthread_cond_signal(&pool->finished);
}

static void *work(void *context)
{
    struct pv_bulk_pool *pool = context;
    struct pv_bulk bulk;
    enum pv_err err = pv_bulk_init(&bulk);
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct pv_bulk_job *job = NULL;
        while (!pool->stop && !(job = pop(&pool->todo))) pthread_cond_wait(&pool->work, &pool->lock);
        if (!job) break;
        pthread_mutex_unlock(&pool->lock);
        if (err) job->err = err;
        else pv_bulk_run(&bulk, job);
        pthread_mutex_lock(&pool->lock);
        finish(pool, job);
    }
    pthread_mutex_unlock(&pool->lock);
    if (!err) pv_bulk_release(&bulk);
    return NULL;
}

enum pv_err pv_bulk_pool_new(size_t threads, struct pv_bulk_pool **ret_pool)
{
    if (threads > PV_BULK_THREADS_MAX) return PV_ERR_LIMIT;
    struct pv_bulk_pool *pool = calloc(1, sizeof *pool);
    if (!pool) return PV_ERR_NOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum pv_err err = pool->fd < 0 ? PV_ERR_IO : PV_OK;
    if (!err) err = pv_bulk_init(&pool->own);
    for (size_t i = 0; i < threads && !err; i++) {
        if (pthread_create(&pool->threads[i], NULL, work, pool)) err = PV_ERR_NOMEM;
        else pool->thread_count++;
    }
    if (err) pv_bulk_pool_free(pool);
    else *ret_pool = pool;
    return err;
}

void pv_bulk_pool_free(struct pv_bulk_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
    if (pool->fd >= 0) close(pool->fd);
    pthread_cond_destroy(&pool->work);
    pthread_cond_destroy(&pool->finished);
    pthread_mutex_destroy(&pool->lock);
    pv_bulk_release(&pool->own);
    free(pool);
}

void pv_bulk_pool_submit(struct pv_bulk_pool *pool, struct pv_bulk_job *job)
{
    bool here = pool->thread_count == 0 || job->in.n < INLINE_BYTES;
    if (here) pv_bulk_run(&pool->own, job);
    pthread_mutex_lock(&pool->lock);
    pool->on_their_way++;
    if (here) {
        finish(pool, job);
    } else {
        push(&pool->todo, job);
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
}

static struct pv_bulk_job *take(struct pv_bulk_pool *pool, bool wait)
{
    pthread_mutex_lock(&pool->lock);
    while (wait && !pool->done.first && pool->on_their_way) pthread_cond_wait(&pool->finished, &pool->lock);
    struct pv_bulk_job *job = pop(&pool->done);
    if (job) pool->on_their_way--;
    eventfd_t count;
    if (job && !pool->done.first) (void)eventfd_read(pool->fd, &count);
    pthread_mutex_unlock(&pool->lock);
    return job;
}

struct pv_bulk_job *pv_bulk_pool_take(struct pv_bulk_pool *pool)
{
    return take(pool, false);
}

struct pv_bulk_job *pv_bulk_pool_wait(struct pv_bulk_pool *pool)
{
    return take(pool, true);
}

int pv_bulk_pool_fd(const struct pv_bulk_pool *pool)
{
    return pool->fd;
}
