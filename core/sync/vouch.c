/* Walk a stretch of log backwards, so that each author's newest signature is checked and vouches for what it links. */
#include "core/sync/vouch.h"

#include <stdlib.h>
#include <string.h>

/* A set of leaves, open addressing; slots hold NULL or a leaf that the set borrows. */
struct leaf_set {
    const struct pv_hash **slots;
    size_t mask;
};

static const struct pv_hash **find(const struct leaf_set *set, const struct pv_hash *leaf)
{
    uint64_t at;
    memcpy(&at, leaf->b, sizeof at);
    for (size_t i = (size_t)at & set->mask;; i = (i + 1) & set->mask)
        if (!set->slots[i] || pv_hash_equal(set->slots[i], leaf)) return &set->slots[i];
}

enum pv_err pv_vouch(const struct pv_roster *roster, const struct pv_log_item *items, size_t count, bool *ret_holds)
{
    struct leaf_set vouched = {.mask = 15};
    while (vouched.mask < 2 * count) vouched.mask = 2 * vouched.mask + 1;
    vouched.slots = calloc(vouched.mask + 1, sizeof *vouched.slots);
    if (!vouched.slots) return PV_ERR_NOMEM;
    for (size_t i = count; i-- > 0;) {
        const struct pv_log_item *item = &items[i];
        ret_holds[i] = *find(&vouched, &item->leaf) != NULL;
        if (!ret_holds[i]) {
            const struct pv_sign_pk *key = pv_roster_author_key(roster, &item->entry.header.author, item->index);
            ret_holds[i] = key && pv_entry_verify(&item->entry, key) == PV_OK;
        }
        if (ret_holds[i]) *find(&vouched, &item->entry.header.prev) = &item->entry.header.prev;
    }
    free(vouched.slots);
    return PV_OK;
}
