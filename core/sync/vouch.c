/* Walk a stretch of log backwards, so that each author's newest signature is checked and vouches for what it links. */
#include "core/sync/vouch.h"

#include <stdlib.h>
#include <string.h>

/* Headers that vouch, by what they link to and by whom: a slot holds NULL or a header that the set borrows. Only an
 * author's own link vouches, or anyone could sign for another by linking to what that one never wrote. */
struct link_set {
    const struct pv_header **slots;
    size_t mask;
};

static const struct pv_header **find(const struct link_set *set, const struct pv_hash *leaf, const struct pv_hash *author)
{
    uint64_t at, by;
    memcpy(&at, leaf->b, sizeof at);
    memcpy(&by, author->b, sizeof by);
    for (size_t i = (size_t)(at ^ by) & set->mask;; i = (i + 1) & set->mask) {
        const struct pv_header *header = set->slots[i];
        if (!header || (pv_hash_equal(&header->prev, leaf) && pv_hash_equal(&header->author, author)))
            return &set->slots[i];
    }
}

enum pv_err pv_vouch(const struct pv_roster *roster, const struct pv_log_item *items, size_t count, bool *ret_holds)
{
    struct link_set vouched = {.mask = 15};
    while (vouched.mask < 2 * count) vouched.mask = 2 * vouched.mask + 1;
    vouched.slots = calloc(vouched.mask + 1, sizeof *vouched.slots);
    if (!vouched.slots) return PV_ERR_NOMEM;
    for (size_t i = count; i-- > 0;) {
        const struct pv_log_item *item = &items[i];
        const struct pv_header *header = &item->entry.header;
        ret_holds[i] = *find(&vouched, &item->leaf, &header->author) != NULL;
        if (!ret_holds[i]) {
            const struct pv_sign_pk *key = pv_roster_author_key(roster, &header->author, item->index);
            ret_holds[i] = key && pv_entry_verify(&item->entry, key) == PV_OK;
        }
        if (ret_holds[i]) *find(&vouched, &header->prev, &header->author) = header;
    }
    free(vouched.slots);
    return PV_OK;
}
