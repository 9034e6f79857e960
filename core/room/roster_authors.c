/* Who may have signed: the devices and log keys that clear bodies list, valid or not. */
#include "core/room/roster_state.h"

#include <string.h>

static void list(struct pv_case *c, const struct pv_sign_pk *pk, const struct pv_hash *id, bool is_log_key)
{
    c->listed[c->listed_count++] = (struct pv_listed){.id = *id, .pk = *pk, .is_log_key = is_log_key};
}

static void list_certs(struct pv_case *c, const struct pv_cert *certs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct pv_hash id;
        pv_device_id(&certs[i].device, &id);
        list(c, &certs[i].device.sign_pk, &id, false);
    }
}

static void list_log_key(struct pv_case *c, const struct pv_sign_pk *log_key)
{
    struct pv_hash id;
    pv_log_key_id(log_key, &id);
    list(c, log_key, &id, true);
}

/* A record that does not read lists nobody; the rules reject it. */
static void list_record(struct pv_case *c, struct pv_bytes record)
{
    c->has_person = pv_record_read(record, &c->person) == PV_OK;
    for (size_t i = 0; c->has_person && i < c->person.device_count; i++)
        list(c, &c->person.devices[i].device.sign_pk, &c->person.devices[i].id, false);
}

static void list_roster(struct pv_case *c, const struct pv_roster_body *body)
{
    if (body->type == PV_ROSTER_GENESIS) {
        list_log_key(c, &body->u.genesis.log_key);
        if (body->u.genesis.room_kind == PV_ROOM_PERSON) list_certs(c, body->u.genesis.founders, 2);
        else list_record(c, body->u.genesis.founder.record);
    } else if (body->type == PV_ROSTER_JOIN) {
        list_record(c, body->u.join.party.record);
    } else if (body->type == PV_ROSTER_DEVICE_ADD) {
        list_certs(c, body->u.device_add.certs, body->u.device_add.cert_count);
    } else if (body->type == PV_ROSTER_SERVER) {
        list_log_key(c, &body->u.server.log_key);
    }
}

void pv_case_list(struct pv_case *c)
{
    c->listed_count = 0;
    c->has_person = false;
    if (c->header->kind == PV_KIND_ROSTER) list_roster(c, &c->body.roster);
    else if (c->header->kind == PV_KIND_SIGN && c->body.sign.stranger) list_record(c, c->body.sign.record);
}

/* The case of an item as far as its listing goes; false: its body is none that lists. */
static bool read_listing(const struct pv_log_item *item, struct pv_case *ret_case)
{
    struct pv_case *c = ret_case;
    enum pv_err err = PV_ERR_MALFORMED;
    c->item = item;
    c->header = &item->entry.header;
    if (c->header->kind == PV_KIND_ROSTER) err = pv_roster_body_read(item->body, &c->body.roster);
    else if (c->header->kind == PV_KIND_SIGN) err = pv_sign_body_read(item->body, &c->body.sign);
    if (err) return false;
    pv_case_list(c);
    return true;
}

enum pv_err pv_roster_note(struct pv_roster *roster, const struct pv_log_item *item)
{
    struct pv_case c;
    if (!read_listing(item, &c)) return PV_OK;
    enum pv_err err = pv_map_reserve(&roster->noted, c.listed_count);
    if (err) return err;
    for (size_t i = 0; i < c.listed_count; i++) {
        struct pv_author *noted = pv_map_find(&roster->noted, &c.listed[i].id);
        if (!noted) {
            noted = pv_map_add(&roster->noted, &c.listed[i].id);
            noted->pk = c.listed[i].pk;
            noted->listed_at = item->index;
        }
        if (item->index < noted->listed_at) noted->listed_at = item->index;
    }
    return PV_OK;
}

const struct pv_sign_pk *pv_roster_author_key(const struct pv_roster *roster, const struct pv_hash *author,
                                              uint64_t index)
{
    const struct pv_author *known = pv_state_author(roster, author);
    if (!known || known->listed_at > index) known = pv_map_find(&roster->noted, author);
    return known && known->listed_at <= index ? &known->pk : NULL;
}

enum pv_err pv_roster_item_key(const struct pv_roster *roster, const struct pv_log_item *item,
                               struct pv_sign_pk *ret_pk)
{
    struct pv_case c;
    const struct pv_hash *author = &item->entry.header.author;
    const struct pv_author *known = pv_state_author(roster, author);
    if (known) {
        *ret_pk = known->pk;
        return PV_OK;
    }
    if (!read_listing(item, &c)) return PV_ERR_NOT_FOUND;
    for (size_t i = 0; i < c.listed_count; i++) {
        if (!pv_hash_equal(&c.listed[i].id, author)) continue;
        *ret_pk = c.listed[i].pk;
        return PV_OK;
    }
    return PV_ERR_NOT_FOUND;
}
