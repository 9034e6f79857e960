/* The fold: each entry's verdict, in the order of FORMAT.md §7, and what the roster tells. */
#include "core/room/roster.h"

#include <string.h>

#include "core/room/roster_state.h"

const char *pv_reason_name(enum pv_reason reason)
{
    static const char *const names[] = {
#define NAME(code, name) name,
        PV_REASON_TABLE(NAME)
#undef NAME
    };
    return (size_t)reason < sizeof names / sizeof names[0] ? names[reason] : "unknown";
}

/* ---- verdicts */

/* The field rules of FORMAT.md §3, and the entry's place in this room. */
static bool fields_fit(const struct pv_roster *r, const struct pv_log_item *item)
{
    static const struct pv_hash zero;
    const struct pv_header *h = &item->entry.header;
    bool sealed = pv_kind_is_sealed(h->kind);
    if (item->index != r->size || h->seen_size > item->index || h->n == 0 || h->n > PV_LIMIT_N) return false;
    if (!sealed && !pv_hash_is_zero(&h->commit)) return false;
    if ((h->kind == PV_KIND_SIGN || h->kind == PV_KIND_SERVER) && h->epoch != 0) return false;
    if (r->size) return pv_hash_equal(&h->room, &r->room) && !pv_hash_is_zero(&r->room);
    return h->kind == PV_KIND_ROSTER && h->n == 1 && h->epoch == 0 && pv_hash_equal(&h->room, &zero);
}

static enum pv_verdict verdict_of_error(enum pv_err err)
{
    if (!err) return PV_ACCEPTED;
    return err == PV_ERR_UNSUPPORTED ? PV_UNSUPPORTED : PV_IMPOSSIBLE;
}

static enum pv_verdict read_body(struct pv_case *c)
{
    struct pv_hash hash;
    struct pv_bytes body = c->item->body;
    if (pv_kind_is_sealed(c->header->kind)) return PV_ACCEPTED;
    pv_body_hash(body, &hash);
    if (!pv_hash_equal(&hash, &c->header->body_hash)) return PV_IMPOSSIBLE;
    if (c->header->kind == PV_KIND_ROSTER) return verdict_of_error(pv_roster_body_read(body, &c->body.roster));
    if (c->header->kind == PV_KIND_SIGN) return verdict_of_error(pv_sign_body_read(body, &c->body.sign));
    return verdict_of_error(pv_server_body_read(body, &c->body.server));
}

/* Could this author have signed here? For the server's kind only the log key in force. */
static bool author_is_listed(const struct pv_roster *r, const struct pv_case *c, const struct pv_author *author)
{
    if (c->header->kind == PV_KIND_SERVER) return r->born && pv_hash_equal(&c->header->author, &r->log_key_id);
    if (author) return !author->is_log_key;
    for (size_t i = 0; i < c->listed_count; i++)
        if (pv_hash_equal(&c->listed[i].id, &c->header->author)) return !c->listed[i].is_log_key;
    return false;
}

static bool links(const struct pv_author *author, const struct pv_header *header)
{
    if (!author || !author->wrote) return pv_hash_is_zero(&header->prev);
    return header->n > author->head.n && pv_hash_equal(&header->prev, &author->head.leaf);
}

static enum pv_err ask_rule(const struct pv_roster *r, struct pv_case *c, enum pv_reason *ret_reason)
{
    const struct pv_rule *rule = pv_rule_of(c);
    size_t device_hint = c->author ? c->author->device_hint : 0, principal_hint = c->author ? c->author->principal_hint : 0;
    c->device = pv_table_find_at(&r->devices, &c->header->author, device_hint);
    c->me = c->device ? pv_table_find_at(&r->principals, &c->device->principal, principal_hint) : NULL;
    if (c->me) c->me_id = c->me->id;
    enum pv_reason reason = PV_REASON_NONE;
    if (rule->member && !c->me) reason = PV_REASON_NOT_MEMBER;
    else if (rule->client && r->kind != PV_ROOM_CLIENT) reason = PV_REASON_ROOM;
    else if (rule->owner && (!c->me || c->me->role != PV_ROLE_OWNER)) reason = PV_REASON_ROLE;
    enum pv_err err = reason || !rule->check ? PV_OK : rule->check(r, c, &reason);
    if (!err) *ret_reason = reason;
    return err;
}

/* The verdict on an item, changing nothing. */
static enum pv_err examine(const struct pv_roster *r, const struct pv_log_item *item, struct pv_case *c,
                           enum pv_verdict *ret_verdict, enum pv_reason *ret_reason)
{
    enum pv_reason reason = PV_REASON_NONE;
    c->item = item;
    c->header = &item->entry.header;
    c->listed_count = 0;
    c->has_person = false;
    c->author = NULL;
    c->device = NULL;
    c->me = NULL;
    c->sweep = (struct pv_sweep){.nodes = NULL};
    memset(&c->need, 0, sizeof c->need);
    *ret_reason = PV_REASON_NONE;
    *ret_verdict = PV_UNSUPPORTED;
    if (c->header->kind > PV_KIND_SERVER) return PV_OK;
    *ret_verdict = PV_IMPOSSIBLE;
    if (!fields_fit(r, item)) return PV_OK;
    *ret_verdict = read_body(c);
    if (*ret_verdict) return PV_OK;
    *ret_verdict = PV_IMPOSSIBLE;
    if (r->size == 0 && c->body.roster.type != PV_ROSTER_GENESIS) return PV_OK;
    pv_case_list(c);
    c->author = pv_state_author(r, &c->header->author);
    if (!author_is_listed(r, c, c->author)) return PV_OK;
    enum pv_err err = PV_OK;
    if (!links(c->author, c->header)) reason = PV_REASON_STALE_CHAIN;
    else if (!r->born && r->size) reason = PV_REASON_GENESIS; /* its genesis was rejected: nothing can follow */
    else err = ask_rule(r, c, &reason);
    if (err) return err;
    *ret_verdict = reason ? PV_REJECTED : PV_ACCEPTED;
    *ret_reason = reason;
    return PV_OK;
}

static void list_authors(struct pv_roster *r, const struct pv_case *c)
{
    for (size_t i = 0; i < c->listed_count; i++) {
        if (pv_state_author(r, &c->listed[i].id)) continue;
        struct pv_author *author = pv_map_add(&r->authors, &c->listed[i].id);
        author->pk = c->listed[i].pk;
        author->is_log_key = c->listed[i].is_log_key;
        author->listed_at = c->item->index;
    }
}

static void move_head(struct pv_author *author, const struct pv_case *c)
{
    author->wrote = true;
    author->head = (struct pv_head){.n = c->header->n, .leaf = c->item->leaf};
}

/* Sealed entries, which are nearly all, add nothing but the head: nothing to reserve. */
static void commit_sealed(struct pv_roster *r, const struct pv_case *c, enum pv_reason reason)
{
    struct pv_author *author = pv_map_at(&r->authors, pv_map_number(&r->authors, c->author));
    if (reason != PV_REASON_STALE_CHAIN) move_head(author, c);
    if (c->me) {
        author->device_hint = (uint32_t)pv_table_number(&r->devices, c->device);
        author->principal_hint = (uint32_t)pv_table_number(&r->principals, c->me);
    }
    r->size++;
}

static enum pv_err commit(struct pv_roster *r, const struct pv_case *c, enum pv_reason reason)
{
    struct pv_author *author;
    struct pv_buf bytes;
    enum pv_err err = pv_state_reserve(r, c);
    if (err) return err;
    if (r->size == 0) {
        pv_buf_init(&bytes, PV_LIMIT_ENTRY_BYTES);
        pv_cbor_put_array(&bytes, 2);
        pv_header_put(&bytes, c->header);
        pv_cbor_put_bytes(&bytes, c->item->entry.sig.b, sizeof c->item->entry.sig.b);
        err = bytes.err;
        if (!err) pv_entry_room_id(pv_buf_bytes(&bytes), &r->room);
        pv_buf_release(&bytes);
        if (err) return err;
    }
    list_authors(r, c);
    if (!reason) {
        const struct pv_rule *rule = pv_rule_of(c);
        if (rule->commit) rule->commit(r, c);
        if (!pv_kind_is_sealed(c->header->kind)) r->changed_at = c->item->index;
    }
    author = pv_state_author(r, &c->header->author);
    if (reason != PV_REASON_STALE_CHAIN && author) move_head(author, c);
    r->size++;
    return PV_OK;
}

enum pv_err pv_roster_apply(struct pv_roster *roster, const struct pv_log_item *item, enum pv_verdict *ret_verdict,
                            enum pv_reason *ret_reason)
{
    struct pv_case c;
    enum pv_verdict verdict;
    enum pv_reason reason;
    enum pv_err err = examine(roster, item, &c, &verdict, &reason);
    if (!err && (verdict == PV_ACCEPTED || verdict == PV_REJECTED)) {
        if (pv_kind_is_sealed(c.header->kind)) commit_sealed(roster, &c, reason);
        else err = commit(roster, &c, reason);
    }
    pv_sweep_release(&c.sweep);
    if (err) return err;
    *ret_verdict = verdict;
    *ret_reason = reason;
    return PV_OK;
}

enum pv_err pv_roster_judge(const struct pv_roster *roster, const struct pv_log_item *item,
                            enum pv_verdict *ret_verdict, enum pv_reason *ret_reason)
{
    struct pv_case c;
    enum pv_verdict verdict;
    enum pv_reason reason;
    enum pv_err err = examine(roster, item, &c, &verdict, &reason);
    pv_sweep_release(&c.sweep);
    if (err) return err;
    *ret_verdict = verdict;
    *ret_reason = reason;
    return PV_OK;
}
