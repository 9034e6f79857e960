/* Printing of worked examples: hex with a note for each part. */
#include <stdio.h>
#include <string.h>

#include "core/base/cbor.h"
#include "tests/vectors/example.h"

enum { LINE_BYTES = 32, NOTE_COLUMN = 76 };

void ex_section(const char *title)
{
    printf("\n## %s\n", title);
}

void ex_say(const char *text)
{
    printf("\n%s\n", text);
}

static void head(const char *kind, const char *name, const char *formula)
{
    printf("\n`%s`%s%s\n\n```%s %s\n", name, formula ? " = " : "", formula ? formula : "", kind, name);
}

static void hex(struct pv_bytes bytes)
{
    for (size_t i = 0; i < bytes.n; i++) printf("%02x", bytes.p[i]);
}

/* Bytes in lines of 32, each behind `indent` spaces. */
static void hex_lines(struct pv_bytes bytes, int indent)
{
    for (size_t i = 0; i < bytes.n; i += LINE_BYTES) {
        printf("%*s", indent, "");
        hex(pv_bytes(bytes.p + i, bytes.n - i < LINE_BYTES ? bytes.n - i : LINE_BYTES));
        putchar('\n');
    }
}

void ex_bytes(const char *name, const char *formula, struct pv_bytes bytes)
{
    head("hex", name, formula);
    hex_lines(bytes, 0);
    puts("```");
}

void ex_hash(const char *name, const char *formula, const struct pv_hash *hash)
{
    ex_bytes(name, formula, PV_BYTES_OF(*hash));
}

void ex_text(const char *name, const char *formula, struct pv_bytes text)
{
    head("text", name, formula);
    fwrite(text.p, 1, text.n, stdout);
    puts(text.n && text.p[text.n - 1] == '\n' ? "```" : "\n```");
}

void ex_number(const char *name, const char *formula, uint64_t value)
{
    head("number", name, formula);
    printf("%llu\n```\n", (unsigned long long)value);
}

/* ---- CBOR with the names of its parts */

struct field {
    const char *name;
    int name_len;
    bool repeated;
    const char *inner; /* after the bracket; NULL: none */
};

/* Take the next field of a list; false at its end. */
static bool next_field(const char **at, struct field *ret_field)
{
    const char *p = *at;
    while (*p == ' ') p++;
    if (*p == '\0' || *p == ']') return false;
    ret_field->repeated = *p == '*';
    p += ret_field->repeated;
    ret_field->name = p;
    while (*p && !strchr(" []", *p)) p++;
    ret_field->name_len = (int)(p - ret_field->name);
    ret_field->inner = NULL;
    if (*p == '[') {
        ret_field->inner = ++p;
        for (int depth = 1; depth; p++) depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
    }
    *at = p;
    return true;
}

static void note(int column, const struct field *field)
{
    printf("%*s# %.*s", column < NOTE_COLUMN ? NOTE_COLUMN - column : 2, "", field->name_len, field->name);
}

static void line(struct pv_bytes bytes, int indent, const struct field *field)
{
    printf("%*s", indent, "");
    hex(bytes);
    note(indent + 2 * (int)bytes.n, field);
}

static void print_item(struct pv_cbor *in, int indent, struct field field);

static void print_array(struct pv_cbor *in, int indent, struct field field)
{
    const uint8_t *start = in->p;
    size_t count = pv_cbor_get_array(in, UINT16_MAX);
    struct field child = {.name = ""};
    const char *list = field.inner ? field.inner : "";
    bool more = next_field(&list, &child);
    line(pv_bytes(start, (size_t)(in->p - start)), indent, &field);
    printf("%s[%zu]\n", field.name_len ? " " : "", count);
    for (size_t i = 0; i < count; i++) {
        print_item(in, indent + 2, more ? child : (struct field){.name = ""});
        if (!child.repeated) more = next_field(&list, &child);
    }
}

static void print_string(struct pv_cbor *in, int indent, const struct field *field, bool text)
{
    const uint8_t *start = in->p;
    struct pv_bytes value = text ? pv_cbor_get_text(in, SIZE_MAX) : pv_cbor_get_bytes(in, SIZE_MAX);
    if (value.n <= LINE_BYTES) {
        line(pv_bytes(start, (size_t)(in->p - start)), indent, field);
        if (text) printf(" \"%.*s\"", (int)value.n, (const char *)value.p);
        putchar('\n');
        return;
    }
    line(pv_bytes(start, (size_t)(value.p - start)), indent, field);
    printf("%s%zu bytes\n", field->name_len ? ", " : "", value.n);
    hex_lines(value, indent + 2);
}

static void print_item(struct pv_cbor *in, int indent, struct field field)
{
    const uint8_t *start = in->p;
    enum pv_cbor_major major;
    if (!pv_cbor_peek(in, &major)) ex_must(PV_ERR_TRUNCATED, "an example's item");
    if (major == PV_CBOR_ARRAY) {
        print_array(in, indent, field);
    } else if (major == PV_CBOR_BYTES || major == PV_CBOR_TEXT) {
        print_string(in, indent, &field, major == PV_CBOR_TEXT);
    } else {
        struct pv_bytes item = pv_cbor_get_item(in);
        struct pv_cbor again;
        pv_cbor_init(&again, item);
        line(pv_bytes(start, item.n), indent, &field);
        if (major == PV_CBOR_SIMPLE) puts(item.p[0] == 0xf6 ? ": null" : item.p[0] == 0xf5 ? ": true" : ": false");
        else printf(": %lld\n", (long long)pv_cbor_get_int(&again));
    }
}

void ex_cbor(const char *name, const char *formula, struct pv_bytes item, const char *fields)
{
    struct pv_cbor in;
    struct field field = {.name = name, .name_len = (int)strlen(name), .inner = *fields == '[' ? fields + 1 : NULL};
    const char *dot = strrchr(name, '.');
    if (dot) {
        field.name = dot + 1;
        field.name_len = (int)strlen(dot + 1);
    }
    head("hex", name, formula);
    pv_cbor_init(&in, item);
    print_item(&in, 0, field);
    ex_must(pv_cbor_finish(&in), name);
    puts("```");
}
