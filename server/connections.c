/* Open connections, in a table by address. */
#include "server/connections.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct pv_connection {
    struct pv_connection *next; /* in its bucket */
    struct pv_address group;
    struct pv_deadline deadline;
    int fd;
    bool cut;
};

struct pv_connections {
    pthread_mutex_t lock;
    size_t each_max;
    struct pv_connection *buckets[BUCKETS];
};

enum pv_err pv_connections_new(size_t each_max, struct pv_connections **ret_connections)
{
    struct pv_connections *connections = calloc(1, sizeof *connections);
    if (!connections) return PV_ERR_NOMEM;
    connections->each_max = each_max;
    pthread_mutex_init(&connections->lock, NULL);
    *ret_connections = connections;
    return PV_OK;
}

void pv_connections_free(struct pv_connections *connections)
{
    if (!connections) return;
    pthread_mutex_destroy(&connections->lock);
    free(connections);
}

static struct pv_connection **bucket_of(struct pv_connections *connections, const struct pv_address *group)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof group->b; i++) sum = sum * 31 + group->b[i];
    return &connections->buckets[sum % BUCKETS];
}

static bool is_same(const struct pv_address *a, const struct pv_address *b)
{
    return a->known == b->known && memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool pv_connections_admit(struct pv_connections *connections, const struct pv_address *address)
{
    struct pv_address group;
    size_t same = 0;
    if (!connections->each_max) return true;
    pv_address_group(address, &group);
    pthread_mutex_lock(&connections->lock);
    for (struct pv_connection *c = *bucket_of(connections, &group); c; c = c->next) same += is_same(&c->group, &group);
    pthread_mutex_unlock(&connections->lock);
    return same < connections->each_max;
}

struct pv_connection *pv_connections_add(struct pv_connections *connections, const struct pv_address *address, int fd,
                                         struct pv_deadline deadline)
{
    struct pv_connection *connection = malloc(sizeof *connection);
    if (!connection) return NULL;
    *connection = (struct pv_connection){.fd = fd, .deadline = deadline};
    pv_address_group(address, &connection->group);
    pthread_mutex_lock(&connections->lock);
    struct pv_connection **bucket = bucket_of(connections, &connection->group);
    connection->next = *bucket;
    *bucket = connection;
    pthread_mutex_unlock(&connections->lock);
    return connection;
}

void pv_connections_remove(struct pv_connections *connections, struct pv_connection *connection)
{
    if (!connection) return;
    pthread_mutex_lock(&connections->lock);
    struct pv_connection **at = bucket_of(connections, &connection->group);
    while (*at != connection) at = &(*at)->next;
    *at = connection->next;
    pthread_mutex_unlock(&connections->lock);
    free(connection);
}

void pv_connections_expect(struct pv_connections *connections, struct pv_connection *connection, struct pv_deadline deadline)
{
    if (!connection) return;
    pthread_mutex_lock(&connections->lock);
    connection->deadline = deadline;
    pthread_mutex_unlock(&connections->lock);
}

size_t pv_connections_sweep(struct pv_connections *connections, uint64_t now_ms, bool pressed)
{
    size_t cut = 0;
    pthread_mutex_lock(&connections->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct pv_connection *c = connections->buckets[i]; c; c = c->next) {
            if (c->cut || now_ms < (pressed ? c->deadline.pressed_ms : c->deadline.until_ms)) continue;
            c->cut = true;
            shutdown(c->fd, SHUT_RDWR); /* its owner sees the end, and closes it */
            cut++;
        }
    pthread_mutex_unlock(&connections->lock);
    return cut;
}
