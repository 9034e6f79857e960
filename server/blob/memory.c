/* Blobs in memory, for tests and simulations. */
#include "server/blob/blob.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct item {
    struct pv_id16 locator;
    struct pv_id16 name; /* zero: none */
    struct pv_buf bytes;
    struct item *next;
};

struct memory {
    struct pv_blobs base;
    pthread_mutex_t lock;
    struct item *items;
    struct pv_buf heads;
    bool has_heads;
};

struct pv_blob_writer {
    struct memory *memory;
    struct item *item;
};

static struct memory *of(struct pv_blobs *blobs)
{
    return (struct memory *)blobs;
}

static struct item **place(struct memory *m, const struct pv_id16 *locator)
{
    struct item **at = &m->items;
    while (*at && !pv_id16_equal(&(*at)->locator, locator)) at = &(*at)->next;
    return at;
}

static void item_free(struct item *item)
{
    pv_buf_release(&item->bytes);
    free(item);
}

static void memory_close(struct pv_blobs *blobs)
{
    struct memory *m = of(blobs);
    while (m->items) {
        struct item *next = m->items->next;
        item_free(m->items);
        m->items = next;
    }
    pv_buf_release(&m->heads);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static enum pv_err memory_check(struct pv_blobs *blobs)
{
    (void)blobs;
    return PV_OK;
}

static enum pv_err memory_begin(struct pv_blobs *blobs, const struct pv_id16 *locator,
                                struct pv_blob_writer **ret_writer)
{
    struct pv_blob_writer *writer = calloc(1, sizeof *writer);
    struct item *item = calloc(1, sizeof *item);
    if (!writer || !item) {
        free(writer);
        free(item);
        return PV_ERR_NOMEM;
    }
    item->locator = *locator;
    pv_buf_init(&item->bytes, SIZE_MAX);
    *writer = (struct pv_blob_writer){of(blobs), item};
    *ret_writer = writer;
    return PV_OK;
}

static enum pv_err memory_write(struct pv_blob_writer *writer, const void *p, size_t n)
{
    pv_buf_append(&writer->item->bytes, p, n);
    return writer->item->bytes.err;
}

static void memory_abandon(struct pv_blob_writer *writer)
{
    if (!writer) return;
    if (writer->item) item_free(writer->item);
    free(writer);
}

static enum pv_err memory_commit_as(struct pv_blob_writer *writer, const struct pv_id16 *locator)
{
    writer->item->locator = *locator;
    struct memory *m = writer->memory;
    enum pv_err err = writer->item->bytes.err;
    pthread_mutex_lock(&m->lock);
    struct item **at = place(m, &writer->item->locator);
    if (!err && *at) err = PV_ERR_CONFLICT;
    if (!err) {
        *at = writer->item;
        writer->item = NULL;
    }
    pthread_mutex_unlock(&m->lock);
    memory_abandon(writer);
    return err;
}

static enum pv_err memory_commit(struct pv_blob_writer *writer)
{
    struct pv_id16 locator = writer->item->locator;
    return memory_commit_as(writer, &locator);
}

static enum pv_err memory_read(struct pv_blobs *blobs, const struct pv_id16 *locator, uint64_t offset, size_t n,
                               struct pv_buf *ret_bytes)
{
    struct memory *m = of(blobs);
    enum pv_err err = PV_OK;
    pthread_mutex_lock(&m->lock);
    struct item *item = *place(m, locator);
    if (!item) {
        err = PV_ERR_NOT_FOUND;
    } else if (offset > item->bytes.n || n > item->bytes.n - offset) {
        err = PV_ERR_TRUNCATED;
    } else if (n) {
        pv_buf_append(ret_bytes, item->bytes.p + offset, n);
        err = ret_bytes->err;
    }
    pthread_mutex_unlock(&m->lock);
    return err;
}

static enum pv_err memory_open(struct pv_blobs *blobs, const struct pv_id16 *locator, int *ret_fd)
{
    struct memory *m = of(blobs);
    (void)ret_fd;
    pthread_mutex_lock(&m->lock);
    bool here = *place(m, locator) != NULL;
    pthread_mutex_unlock(&m->lock);
    return here ? PV_ERR_UNSUPPORTED : PV_ERR_NOT_FOUND;
}

static enum pv_err memory_remove(struct pv_blobs *blobs, const struct pv_id16 *locator)
{
    struct memory *m = of(blobs);
    pthread_mutex_lock(&m->lock);
    struct item **at = place(m, locator);
    struct item *item = *at;
    if (item) *at = item->next;
    pthread_mutex_unlock(&m->lock);
    if (item) item_free(item);
    return PV_OK;
}

static enum pv_err memory_each(struct pv_blobs *blobs,
                               enum pv_err (*each)(void *context, const struct pv_id16 *locator, uint64_t written_ms),
                               void *context)
{
    struct memory *m = of(blobs);
    struct pv_buf locators; /* `each` may remove what it is told of */
    pv_buf_init(&locators, SIZE_MAX);
    pthread_mutex_lock(&m->lock);
    for (struct item *item = m->items; item; item = item->next) pv_buf_append(&locators, item->locator.b, sizeof item->locator.b);
    pthread_mutex_unlock(&m->lock);
    enum pv_err err = locators.err;
    for (size_t at = 0; at < locators.n && !err; at += sizeof(struct pv_id16)) {
        struct pv_id16 locator;
        memcpy(locator.b, locators.p + at, sizeof locator.b);
        err = each(context, &locator, 0);
    }
    pv_buf_release(&locators);
    return err;
}

static enum pv_err memory_name(struct pv_blobs *blobs, const struct pv_id16 *locator, const struct pv_id16 *name)
{
    struct memory *m = of(blobs);
    pthread_mutex_lock(&m->lock);
    struct item *item = *place(m, locator);
    bool taken = false;
    for (const struct item *other = m->items; other; other = other->next) taken |= pv_id16_equal(&other->name, name);
    if (item && !taken) item->name = *name;
    pthread_mutex_unlock(&m->lock);
    return item ? PV_OK : PV_ERR_NOT_FOUND;
}

static enum pv_err memory_find(struct pv_blobs *blobs, const struct pv_id16 *name, const struct pv_id16 *locator)
{
    struct memory *m = of(blobs);
    struct item *copy = calloc(1, sizeof *copy);
    enum pv_err err = copy ? PV_ERR_NOT_FOUND : PV_ERR_NOMEM;
    pthread_mutex_lock(&m->lock);
    for (const struct item *item = m->items; copy && item && err == PV_ERR_NOT_FOUND; item = item->next) {
        if (!pv_id16_equal(&item->name, name)) continue;
        copy->locator = *locator;
        pv_buf_init(&copy->bytes, SIZE_MAX);
        pv_buf_append(&copy->bytes, item->bytes.p, item->bytes.n);
        err = *place(m, locator) ? PV_ERR_CONFLICT : copy->bytes.err;
    }
    if (!err) {
        *place(m, locator) = copy;
        copy = NULL;
    }
    pthread_mutex_unlock(&m->lock);
    if (copy) item_free(copy);
    return err;
}

static enum pv_err memory_tidy(struct pv_blobs *blobs)
{
    (void)blobs; /* a name goes with its blob */
    return PV_OK;
}

static enum pv_err put_heads(struct memory *m, struct pv_bytes bytes, bool replaces)
{
    enum pv_err err = PV_OK;
    pthread_mutex_lock(&m->lock);
    if (!replaces && !m->has_heads) err = PV_ERR_NOT_FOUND;
    if (!err && replaces) pv_buf_clear(&m->heads);
    if (!err) {
        pv_buf_append(&m->heads, bytes.p, bytes.n);
        err = m->heads.err;
        m->has_heads = true;
    }
    pthread_mutex_unlock(&m->lock);
    return err;
}

static enum pv_err memory_heads_add(struct pv_blobs *blobs, struct pv_bytes bytes)
{
    return put_heads(of(blobs), bytes, false);
}

static enum pv_err memory_heads_replace(struct pv_blobs *blobs, struct pv_bytes bytes, bool keeps_old)
{
    (void)keeps_old;
    return put_heads(of(blobs), bytes, true);
}

static enum pv_err memory_heads_read(struct pv_blobs *blobs, struct pv_buf *ret_bytes)
{
    struct memory *m = of(blobs);
    enum pv_err err = PV_ERR_NOT_FOUND;
    pthread_mutex_lock(&m->lock);
    if (m->has_heads) {
        pv_buf_append(ret_bytes, m->heads.p, m->heads.n);
        err = ret_bytes->err;
    }
    pthread_mutex_unlock(&m->lock);
    return err;
}

static const struct pv_blob_ops memory_ops = {
    memory_close,   memory_check, memory_begin,  memory_write, memory_commit,    memory_commit_as,
    memory_abandon, memory_read,  memory_open,   memory_remove, memory_each,     memory_name,
    memory_find,    memory_tidy,  memory_heads_add, memory_heads_replace, memory_heads_read,
};

enum pv_err pv_blobs_memory_open(struct pv_blobs **ret_blobs)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m) return PV_ERR_NOMEM;
    m->base.ops = &memory_ops;
    pv_buf_init(&m->heads, SIZE_MAX);
    pthread_mutex_init(&m->lock, NULL);
    *ret_blobs = &m->base;
    return PV_OK;
}
