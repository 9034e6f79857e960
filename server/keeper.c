/* The holder of the log key: judges what it is asked for, makes it, signs it. */
#include "server/keeper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/room/body.h"

enum { SLOTS = 16384 }; /* rooms known at once; two of one slot take turns */

struct slot {
    bool used;
    struct pv_hash room;
    struct pv_tree_head base, last; /* where the last one signed began, and where it ended */
    uint64_t time_s;
};

struct pv_keeper {
    struct pv_sign_sk sk; /* secret */
    struct pv_sign_pk pk;
    struct slot *slots;
};

enum pv_err pv_keeper_new(const struct pv_sign_sk *log_sk, const struct pv_sign_pk *log_pk, struct pv_keeper **ret_keeper)
{
    struct pv_keeper *keeper = malloc(sizeof *keeper);
    struct slot *slots = calloc(SLOTS, sizeof *slots);
    if (!keeper || !slots) {
        free(keeper);
        free(slots);
        return PV_ERR_NOMEM;
    }
    *keeper = (struct pv_keeper){.pk = *log_pk, .slots = slots};
    mlock(keeper, sizeof *keeper); /* where that is let */
    keeper->sk = *log_sk;
    *ret_keeper = keeper;
    return PV_OK;
}

void pv_keeper_free(struct pv_keeper *keeper)
{
    if (!keeper) return;
    pv_wipe(&keeper->sk, sizeof keeper->sk);
    munlock(keeper, sizeof *keeper);
    free(keeper->slots);
    free(keeper);
}

static bool is_head(const struct pv_tree_head *a, const struct pv_tree_head *b)
{
    return a->size == b->size && pv_hash_equal(&a->root, &b->root);
}

/* A room's id is a hash: any bytes of it spread. */
static struct slot *slot_of(struct pv_keeper *keeper, const struct pv_hash *room)
{
    return &keeper->slots[(room->b[0] | (unsigned)room->b[1] << 8) % SLOTS];
}

static enum pv_err judge_note(const struct slot *slot, const struct pv_ask_note *ask)
{
    static const struct pv_tree_head empty;
    if (!memchr(ask->name, 0, sizeof ask->name)) return PV_ERR_MALFORMED;
    if (ask->to.size < ask->from.size || ask->to.size == 0) return PV_ERR_MALFORMED;
    if (ask->to.size == ask->from.size && !is_head(&ask->from, &ask->to)) return PV_ERR_DENIED;
    if (ask->from.size == 0 && !is_head(&ask->from, &empty)) return PV_ERR_MALFORMED;
    bool known = slot->used && pv_hash_equal(&slot->room, &ask->room);
    return !known || is_head(&ask->from, &slot->base) || is_head(&ask->from, &slot->last) ? PV_OK : PV_ERR_DENIED;
}

void pv_keeper_note(struct pv_keeper *keeper, const struct pv_ask_note *ask, struct pv_made_note *ret_made)
{
    struct slot *slot = slot_of(keeper, &ask->room);
    bool known = slot->used && pv_hash_equal(&slot->room, &ask->room);
    struct pv_checkpoint checkpoint = {.size = ask->to.size, .root = ask->to.root, .time_s = ask->time_s};
    struct pv_buf note;
    if (known && slot->time_s > checkpoint.time_s) checkpoint.time_s = slot->time_s;
    pv_buf_init_fixed(&note, ret_made->note, sizeof ret_made->note);
    ret_made->err = judge_note(slot, ask);
    if (!ret_made->err)
        ret_made->err = pv_checkpoint_make(ask->name, &ask->room, &checkpoint, &keeper->sk, &keeper->pk, &note);
    ret_made->n = ret_made->err ? 0 : note.n;
    ret_made->time_s = checkpoint.time_s;
    if (!ret_made->err) *slot = (struct slot){true, ask->room, ask->from, ask->to, checkpoint.time_s};
}

static enum pv_err judge_entry(const struct pv_keeper *keeper, const struct pv_ask_entry *ask)
{
    struct pv_server_body body;
    struct pv_hash author;
    if (ask->n > sizeof ask->body) return PV_ERR_MALFORMED;
    pv_log_key_id(&keeper->pk, &author);
    if (ask->header.kind != PV_KIND_SERVER || ask->header.n == 0 || !pv_hash_equal(&author, &ask->header.author))
        return PV_ERR_DENIED;
    return pv_server_body_read(pv_bytes(ask->body, ask->n), &body);
}

void pv_keeper_entry(struct pv_keeper *keeper, const struct pv_ask_entry *ask, struct pv_made_entry *ret_made)
{
    static const uint8_t no_refs[] = {0x80};
    struct pv_header header = ask->header;
    struct pv_buf entry;
    pv_buf_init_fixed(&entry, ret_made->entry, sizeof ret_made->entry);
    ret_made->err = judge_entry(keeper, ask);
    if (!ret_made->err) {
        pv_refs_hash(pv_bytes(no_refs, sizeof no_refs), &header.refs_hash);
        pv_body_hash(pv_bytes(ask->body, ask->n), &header.body_hash);
        ret_made->err = pv_entry_make(&header, &keeper->sk, &entry);
    }
    struct pv_entry whole; /* by the reader's rules, too */
    if (!ret_made->err) ret_made->err = pv_entry_read(pv_buf_bytes(&entry), &whole);
    ret_made->n = ret_made->err ? 0 : entry.n;
}
