/* What people type or scan as a safety number: it holds for the two whom it was made of, and for nobody else. */
#include <stdlib.h>
#include <string.h>

#include "core/room/safety.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pv_hash me = {{1}}, other = {{2}}, third = {{3}};
	enum pv_safety_given given;
	char text[PV_SAFETY_CODE_CHARS + 1];
	unsigned group = 99;
	enum pv_err err = pv_safety_check(&me, &other, pv_bytes(data, size), &given, &group);
	if (group > PV_SAFETY_GROUPS || (group && err != PV_ERR_BROKEN_CHAIN)) abort();
	if (err == PV_OK && pv_safety_check(&me, &third, pv_bytes(data, size), &given, &group) == PV_OK) abort();
	if (size < 2 * sizeof me) return 0;
	memcpy(&me, data, sizeof me);
	memcpy(&other, data + sizeof me, sizeof other);
	pv_safety_number(&other, &me, text);
	if (pv_safety_check(&me, &other, pv_bytes_of_string(text), &given, &group) || given != PV_SAFETY_GIVEN_NUMBER) abort();
	pv_safety_code(&other, &me, text);
	if (pv_safety_check(&me, &other, pv_bytes_of_string(text), &given, &group) || given != PV_SAFETY_GIVEN_CODE) abort();
	return 0;
}
