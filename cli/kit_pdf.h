/* The recovery kit as a page to print: what it is, where to keep it, the code to type and the same as a QR code. */
#ifndef PV_CLI_KIT_PDF_H
#define PV_CLI_KIT_PDF_H

#include "core/room/kit.h"

enum { PV_KIT_PDF_BYTES = 1 << 20 };

/* What a sheet says, to be drawn. */
struct pv_kit_page {
    struct pv_bytes name, person, server, kit;
    const char *code;
};
/* Append a PDF of one page, the same bytes each time on a machine with the same fonts. Secret. What cairo, pango and
 * libqrencode copy while they draw is freed, but not wiped: they offer no way to.
 * Errors: NOMEM, UNSUPPORTED (no fonts here). */
PV_MUST_USE enum pv_err pv_kit_pdf_put(struct pv_buf *pdf, const struct pv_kit_page *kit);

#endif
