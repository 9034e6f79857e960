/* Evidence: what reads is written again as the same bytes, and is judged without harm; what convicts names a key. */
#include <stdlib.h>

#include "core/room/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pv_evidence_file file;
    struct pv_finding finding;
    struct pv_buf made;
    if (pv_evidence_read(pv_bytes(data, size), &file)) return 0;
    pv_buf_init(&made, size);
    if (pv_evidence_put(&made, &file)) abort();
    if (!pv_bytes_equal(pv_buf_bytes(&made), pv_bytes(data, size))) abort();
    pv_buf_release(&made);
    if (pv_evidence_judge(&file, &finding)) return 0;
    if (finding.convicts_server && (!*finding.server_name || file.type == PV_EVIDENCE_SHOWN || finding.kind == PV_FINDING_OPEN)) abort();
    if (finding.is_signed && !finding.has_author) abort();
    if (finding.convicts_author && (!finding.is_signed || !finding.convicts_server)) abort();
    return 0;
}
