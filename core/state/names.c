/* Names of people: of all the profiles of a person's devices, the newest. */
#include "core/state/names.h"

#include <stdlib.h>
#include <string.h>

#include "core/state/sql.h"

struct pv_name {
    struct pv_hash person;
    uint64_t index;
    size_t text_bytes;
    uint8_t text[PV_LIMIT_NAME_BYTES];
};

const struct pv_hash *pv_names_person(const struct pv_names *names, const struct pv_hash *device)
{
    const struct pv_hash *person = names->query->roster ? pv_roster_owner_of(names->query->roster, device) : NULL;
    return person ? person : device;
}

/* By person, then newest first. */
static int compare(const void *a, const void *b)
{
    const struct pv_name *x = a, *y = b;
    int order = memcmp(x->person.b, y->person.b, sizeof x->person.b);
    if (order) return order;
    return x->index > y->index ? -1 : x->index < y->index;
}

static void read_name(struct pv_sql *sql, const struct pv_names *names, struct pv_name *ret_name)
{
    struct pv_hash device = {0};
    struct pv_bytes text = pv_sql_bytes(sql, 2);
    pv_sql_fixed(sql, 0, device.b, sizeof device.b);
    ret_name->person = *pv_names_person(names, &device);
    ret_name->index = pv_sql_u64(sql, 1);
    if (text.n > sizeof ret_name->text) pv_sql_fail(sql, PV_ERR_CORRUPT);
    if (sql->err) return;
    ret_name->text_bytes = text.n;
    if (text.n) memcpy(ret_name->text, text.p, text.n);
}

enum pv_err pv_names_load(const struct pv_query *query, struct pv_names *ret_names)
{
    struct pv_names names = {.query = query};
    size_t cap = 0;
    struct pv_sql sql = pv_sql_begin(query->store, "SELECT a.id, p.idx, p.name FROM profile p"
                                                   " JOIN author a ON a.no = p.author");
    while (pv_sql_step(&sql)) {
        if (names.count == cap) {
            size_t more = cap ? 2 * cap : 8;
            struct pv_name *rows = realloc(names.rows, more * sizeof *rows);
            if (!rows) pv_sql_fail(&sql, PV_ERR_NOMEM);
            if (!rows) break;
            names.rows = rows;
            cap = more;
        }
        read_name(&sql, &names, &names.rows[names.count]);
        names.count++;
    }
    enum pv_err err = pv_sql_end(&sql);
    if (err) {
        free(names.rows);
        return err;
    }
    if (names.count) qsort(names.rows, names.count, sizeof *names.rows, compare);
    *ret_names = names;
    return PV_OK;
}

void pv_names_release(struct pv_names *names)
{
    free(names->rows);
    *names = (struct pv_names){0};
}

struct pv_bytes pv_names_find(const struct pv_names *names, const struct pv_hash *person)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(names->rows[middle].person.b, person->b, sizeof person->b) < 0) low = middle + 1;
        else high = middle;
    }
    if (low == names->count || !pv_hash_equal(&names->rows[low].person, person)) return pv_bytes(NULL, 0);
    return pv_bytes(names->rows[low].text, names->rows[low].text_bytes);
}

struct pv_writer pv_names_writer(const struct pv_names *names, const struct pv_hash *device)
{
    struct pv_writer writer = {.device = *device, .person = *pv_names_person(names, device)};
    writer.name = pv_names_find(names, &writer.person);
    return writer;
}

void pv_writer_json(struct pv_json *json, const struct pv_writer *writer)
{
    pv_json_hex(json, "author", PV_BYTES_OF(writer->person));
    if (writer->name.n) pv_json_text(json, "author_name", writer->name);
    else pv_json_null(json, "author_name");
    pv_json_hex(json, "device", PV_BYTES_OF(writer->device));
}
