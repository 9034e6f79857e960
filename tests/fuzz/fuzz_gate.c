/* Gates: whatever is read is written as the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "core/room/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pv_gate gate;
	struct pv_hash device;
	struct pv_sign_pk pk = {{0}};
	struct pv_bytes bytes = pv_bytes(data, size);
	if (pv_gate_verify(bytes, &pk) == PV_OK) abort(); /* a small-order key signs nothing */
	if (pv_gate_read_signed(bytes, &gate, &device) != PV_OK && pv_gate_read(bytes, &gate) != PV_OK) return 0;
	struct pv_buf buf;
	pv_buf_init(&buf, PV_LIMIT_GATE_BYTES);
	pv_gate_put(&buf, &gate);
	size_t at = data[0] == 0x83 ? 1 : 0;
	if (buf.err || buf.n > size - at || memcmp(buf.p, data + at, buf.n) != 0) abort();
	pv_buf_release(&buf);
	return 0;
}
