/* `privity-kit-pdf`: a recovery kit's sheet on standard input, the page to print on standard output. */
#include <stdio.h>

#include "cli/kit_pdf.h"
#include "client/system.h"

#ifdef __SANITIZE_ADDRESS__
/* fontconfig keeps what it found until the process ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}
#endif

static enum pv_err read_sheet(uint8_t *memory, size_t size, struct pv_bytes *ret_sheet)
{
    size_t n = 0, got;
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* no copy of it stays in a buffer */
    while (n < size && (got = fread(memory + n, 1, size - n, stdin)) > 0) n += got;
    if (ferror(stdin)) return PV_ERR_IO;
    if (n == size) return PV_ERR_LIMIT;
    *ret_sheet = pv_bytes(memory, n);
    return PV_OK;
}

static enum pv_err draw(struct pv_bytes sheet, struct pv_buf *pdf)
{
    char code[PV_KIT_CODE_CHARS + 1];
    struct pv_kit_page page = {.name = pv_kit_sheet_line(sheet, "Name:"), .person = pv_kit_sheet_line(sheet, "Person:"),
                               .server = pv_kit_sheet_line(sheet, "Server:"), .kit = pv_kit_sheet_line(sheet, "Kit:"), .code = code};
    struct pv_kit_secret kit;
    unsigned group;
    enum pv_err err = pv_kit_sheet_read(sheet, &kit, &group);

    if (err == PV_OK) {
        pv_kit_encode(&kit, code);
        err = pv_kit_pdf_put(pdf, &page);
    }
    pv_wipe(&kit, sizeof kit);
    pv_wipe(code, sizeof code);
    return err;
}

int main(void)
{
    static uint8_t memory[PV_KIT_SHEET_BYTES + 1];
    struct pv_bytes sheet;
    struct pv_buf pdf;
    enum pv_err err;

    pv_system_harden(memory, sizeof memory);
    pv_buf_init(&pdf, PV_KIT_PDF_BYTES);
    err = pv_crypto_init();
    if (err == PV_OK) err = read_sheet(memory, sizeof memory, &sheet);
    if (err == PV_OK) err = draw(sheet, &pdf);
    if (err == PV_OK && (fwrite(pdf.p, 1, pdf.n, stdout) != pdf.n || fflush(stdout) != 0)) err = PV_ERR_IO;
    pv_wipe(memory, sizeof memory);
    pv_buf_wipe(&pdf);
    if (err != PV_OK)
        fprintf(stderr, "privity-kit-pdf: %s\n", err == PV_ERR_UNSUPPORTED ? "no fonts are installed here to print with" : pv_err_text(err));
    return pv_err_exit_status(err);
}
