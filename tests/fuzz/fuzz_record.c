/* A person record: what verifies also reads, as the same person, and each device is what its id says. */
#include <stdlib.h>
#include <string.h>

#include "core/room/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_person(const struct pv_person *person)
{
    if (person->device_count < 2 || person->device_count > 2 + PV_LIMIT_CERTIFICATES) abort();
    for (size_t i = 0; i < person->device_count; i++) {
        struct pv_hash id;
        pv_device_id(&person->devices[i].device, &id);
        if (!pv_hash_equal(&id, &person->devices[i].id)) abort();
        if (pv_person_device(person, &id) != &person->devices[i]) abort();
        if (person->devices[i].founding != (i < 2)) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_person read, verified;
    struct pv_bytes bytes = pv_bytes(data, size);
    enum pv_err err = pv_record_read(bytes, &read);
    enum pv_err full = pv_record_verify(bytes, &verified);
    if (err && !full) abort();
    if (!err) check_person(&read);
    if (!full && !pv_hash_equal(&read.id, &verified.id)) abort();
    return 0;
}
