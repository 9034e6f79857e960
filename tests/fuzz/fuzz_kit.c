/* Recovery codes and sheets: what is read is written as a code that reads the same. */
#include <stdlib.h>
#include <string.h>

#include "core/room/kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pv_kit_secret kit, again;
	unsigned group = 99;
	enum pv_err err = pv_kit_sheet_read(pv_bytes(data, size), &kit, &group);
	if (group > PV_KIT_GROUPS || (err == PV_OK && group != 0)) abort();
	if (size >= sizeof kit) {
		char code[PV_KIT_CODE_CHARS + 1];
		memcpy(&kit, data, sizeof kit);
		pv_kit_encode(&kit, code);
		if (pv_kit_decode(pv_bytes_of_string(code), &again, &group) || memcmp(&kit, &again, sizeof kit) != 0) abort();
	}
	return 0;
}
