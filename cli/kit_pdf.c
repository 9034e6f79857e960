/* The recovery kit as a PDF, drawn with cairo and pango. The code's text comes last, so that a text copied out of the
 * page reads as a kit's sheet does. */
#include "cli/kit_pdf.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <qrencode.h>
#include <stdio.h>
#include <string.h>

/* A4 in points; an American printer loses nothing of it. */
enum { WIDTH = 595, HEIGHT = 842, MARGIN = 64, TOP = 44, QR_SIDE = 176, QR_QUIET = 4, GROUPS_A_LINE = 4, QR_TEXT_BYTES = PV_LIMIT_URL_BYTES + 128 };

struct page {
    cairo_t *cr;
    double y;
    int width; /* of text */
};

static cairo_status_t to_buf(void *closure, const unsigned char *data, unsigned int length)
{
    struct pv_buf *pdf = closure;
    pv_buf_append(pdf, data, length);
    return pdf->err ? CAIRO_STATUS_WRITE_ERROR : CAIRO_STATUS_SUCCESS;
}

/* A paragraph in `font`, wrapped to the page; what follows comes below it. */
static void put_text(struct page *page, const char *font, const char *text, double gap)
{
    PangoLayout *layout = pango_cairo_create_layout(page->cr);
    PangoFontDescription *description = pango_font_description_from_string(font);
    PangoAttrList *attributes = pango_attr_list_new();
    int height;
    pango_attr_list_insert(attributes, pango_attr_insert_hyphens_new(FALSE)); /* none that an id or an address does not have */
    pango_layout_set_attributes(layout, attributes);
    pango_attr_list_unref(attributes);
    pango_layout_set_font_description(layout, description);
    pango_layout_set_width(layout, page->width * PANGO_SCALE);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_text(layout, text, -1);
    pango_layout_get_pixel_size(layout, NULL, &height);
    cairo_move_to(page->cr, MARGIN, page->y);
    pango_cairo_show_layout(page->cr, layout);
    page->y += height + gap;
    pango_font_description_free(description);
    g_object_unref(layout);
}

/* One line of the page, whatever it holds. */
static void put_fact(struct page *page, const char *label, struct pv_bytes value)
{
    char line[PV_LIMIT_URL_BYTES + 32];
    int n = snprintf(line, sizeof line, "%s%.*s", label, (int)value.n, (const char *)value.p);
    for (int i = 0; i < n && i < (int)sizeof line; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) line[i] = ' ';
    put_text(page, "Sans 8.5", line, 3);
}

static void put_facts(struct page *page, const struct pv_kit_page *kit)
{
    put_fact(page, "Name: ", kit->name);
    put_fact(page, "Person: ", kit->person);
    put_fact(page, "Server: ", kit->server);
    if (kit->kit.n) put_fact(page, "Kit: ", kit->kit);
    page->y += 12;
}

/* Dark modules as squares, a quiet zone of the usual width around. */
static enum pv_err put_qr(struct page *page, const struct pv_kit_page *kit)
{
    char text[QR_TEXT_BYTES];
    QRcode *qr;
    snprintf(text, sizeof text, "Server: %.*s\nCode: %s\n", (int)kit->server.n, (const char *)kit->server.p, kit->code);
    qr = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    pv_wipe(text, sizeof text);
    if (!qr) return PV_ERR_NOMEM;
    size_t side = (size_t)qr->width;
    double module = (double)QR_SIDE / (double)(side + 2 * QR_QUIET);
    for (size_t i = 0; i < side * side; i++) {
        size_t row = i / side, column = i % side;
        if (!(qr->data[i] & 1)) continue;
        cairo_rectangle(page->cr, WIDTH - MARGIN - QR_SIDE + module * (double)(column + QR_QUIET), page->y + module * (double)(row + QR_QUIET), module, module);
    }
    cairo_fill(page->cr);
    pv_wipe(qr->data, side * side);
    QRcode_free(qr);
    return PV_OK;
}

/* The square stands right of the facts, so that a long name or address still leaves room for the code. */
static enum pv_err put_facts_and_qr(struct page *page, const struct pv_kit_page *kit)
{
    double below = page->y + QR_SIDE + 8;
    enum pv_err err = put_qr(page, kit);
    page->width -= QR_SIDE + 12;
    put_facts(page, kit);
    page->width += QR_SIDE + 12;
    if (page->y < below) page->y = below;
    return err;
}

static void put_code(struct page *page, const char *code)
{
    char line[GROUPS_A_LINE * (PV_KIT_GROUP_CHARS + 2) + 1];
    for (size_t group = 0; group < PV_KIT_GROUPS; group += GROUPS_A_LINE) {
        size_t n = 0;
        for (size_t i = group; i < group + GROUPS_A_LINE && i < PV_KIT_GROUPS; i++)
            n += (size_t)snprintf(line + n, sizeof line - n, "%s%.*s", n ? "-" : "", PV_KIT_GROUP_CHARS, code + i * (PV_KIT_GROUP_CHARS + 1));
        put_text(page, "Monospace 15", line, 4);
    }
    pv_wipe(line, sizeof line);
}

static bool is_further(const struct pv_kit_page *kit)
{
    return kit->kit.n >= 7 && memcmp(kit->kit.p, "further", 7) == 0;
}

static enum pv_err draw(struct page *page, const struct pv_kit_page *kit)
{
    enum pv_err err;
    put_text(page, "Sans Bold 20", "Privity recovery kit", 12);
    put_text(page, "Sans 10",
             is_further(kit) ? "Whoever holds this page can act as the person named here and read every room of theirs. With it that "
                               "person comes back when all devices are lost. It stands below the first kit, and falls with the device that "
                               "added it."
                             : "Whoever holds this page can act as the person named here and read every room of theirs. With it that "
                               "person comes back when all devices are lost; it outranks every other device.", 8);
    put_text(page, "Sans 10",
             "Keep it where you keep a passport: in a safe, with a notary, with someone you trust. Not on a computer, not in a "
             "photograph, not beside the laptop. Delete the file once it is printed.", 8);
    put_text(page, "Sans 10",
             "To use it on a new device: install Privity (whoever runs the server can say from where), run\n"
             "      privity recover --name DEVICE --server URL --revoke-others\n"
             "with the server's URL from below, and type the code, or scan the square and give what it holds. The code has no letter "
             "I, L, O or U. The option --revoke-others takes out all other devices: without it, one that was lost would go on acting for "
             "this person. Then put the page back: it goes on working. To see that it does, any day, on a device in use:\n      privity recovery test", 8);
    put_text(page, "Sans 10",
             "If it is lost, add another (privity recovery add-kit). If it may have been found by someone, nothing takes its "
             "power away: make a new person, invite it to your rooms, and leave with the old one.", 14);
    err = put_facts_and_qr(page, kit);
    put_text(page, "Sans 10", "Code:", 4);
    put_code(page, kit->code);
    return err;
}

static bool has_fonts(void)
{
    PangoFontFamily **families = NULL;
    int count = 0;
    pango_font_map_list_families(pango_cairo_font_map_get_default(), &families, &count);
    g_free(families);
    return count > 0;
}

enum pv_err pv_kit_pdf_put(struct pv_buf *pdf, const struct pv_kit_page *kit)
{
    cairo_surface_t *surface;
    struct page page = {.y = TOP, .width = WIDTH - 2 * MARGIN};
    enum pv_err err;

    if (!has_fonts()) return PV_ERR_UNSUPPORTED;
    surface = cairo_pdf_surface_create_for_stream(to_buf, pdf, WIDTH, HEIGHT);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, "Privity recovery kit");
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "1970-01-01T00:00:00Z"); /* the same bytes each time */
    page.cr = cairo_create(surface);
    err = draw(&page, kit);
    cairo_show_page(page.cr);
    cairo_destroy(page.cr);
    cairo_surface_finish(surface);
    if (err == PV_OK && cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) err = PV_ERR_NOMEM;
    cairo_surface_destroy(surface);
    return err != PV_OK ? err : pdf->err;
}
